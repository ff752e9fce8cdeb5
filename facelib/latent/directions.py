"""Directions of a latent space along which one attribute changes.

What they are found from: encoded faces and their labels, where a model can encode; else samples that a classifier has
looked at (`facelib.latent.read_samples`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Direction:
    """A unit vector, and the plane across it that tells faces with the attribute from those without.

    Attributes:
        vector: float32 (latent_dim,), of length 1.
        intercept: z has the attribute where z @ vector > intercept.
        accuracy: balanced accuracy of that rule on faces that did not find it; 0.5 is chance.
        spread: distance between the two classes' means along the vector.
        seed: of the split into faces that find and faces that judge.
        held_out: share of the faces that judged.
    """

    vector: np.ndarray
    intercept: float
    accuracy: float
    spread: float
    seed: int
    held_out: float


def mean_direction(z: np.ndarray, has: np.ndarray, *, held_out: float = 0.3, seed: int = 0) -> Direction:
    """From the mean of the faces without an attribute to the mean of those with it (Larsen et al. 2016).

    Args:
        z: latent vectors (n, latent_dim).
        has: bool (n,), whether a face has the attribute.
        held_out: share of the faces that judge the direction and do not find it.
        seed: of that split.

    Raises:
        ValueError: if lengths differ, a value of z is no number or all z are alike, `has` is not true or false, a class
            has fewer than four faces, or both have the same mean.
    """
    z, has, finds = _split(z, has, held_out, seed)
    vector = z[finds & has].mean(axis=0) - z[finds & ~has].mean(axis=0)
    if not vector.any():
        raise ValueError("the faces with and without the attribute have the same mean z: there is no direction.")
    return _judged(vector, z, has, finds, held_out, seed)


def svm_direction(
    z: np.ndarray, has: np.ndarray, *, penalty: float = 1e-3, held_out: float = 0.3, seed: int = 0
) -> Direction:
    """The normal of the plane by which a linear support vector machine tells the two (InterFaceGAN, Shen et al. 2020).

    Args:
        z, has, held_out, seed: as of `mean_direction`. For samples of a GAN the original takes the two ends of the
            classifier's scores only: see `facelib.latent.tails`.
        penalty: of a face on the wrong side, scikit-learn's C: the larger, the more a few faces near the plane decide.

    Raises:
        ValueError: as `mean_direction` does, and for a penalty that is not positive.
    """
    from sklearn.svm import LinearSVC  # takes seconds, which paths and sums need not wait for

    z, has, finds = _split(z, has, held_out, seed)
    if penalty <= 0:
        raise ValueError(f"penalty must be positive, got {penalty}.")
    machine = LinearSVC(C=penalty, class_weight="balanced", dual=False, random_state=seed)
    machine.fit(z[finds], has[finds])
    vector, length = machine.coef_[0], np.linalg.norm(machine.coef_)
    if length == 0:
        raise ValueError("no plane tells the faces with the attribute from those without: there is no direction.")
    return _judged(vector, z, has, finds, held_out, seed, intercept=-float(machine.intercept_[0]) / length)


def as_direction(
    vector: np.ndarray, z: np.ndarray, has: np.ndarray, *, held_out: float = 0.3, seed: int = 0
) -> Direction:
    """Any vector as the direction of an attribute: is it one? The sign is the one that adds the attribute.

    Args:
        vector: (latent_dim,), such as one of `sefa_directions`.
        z, has, held_out, seed: as of `mean_direction`.

    Raises:
        ValueError: as `mean_direction` does, and for a vector of another length, or of zeros.
    """
    z, has, finds = _split(z, has, held_out, seed)
    vector = np.asarray(vector, np.float64)
    if vector.shape != z.shape[1:] or not np.isfinite(vector).all() or not vector.any():
        raise ValueError(f"vector must be {z.shape[1]} finite numbers, not all zero, got shape {vector.shape}.")
    along = z[finds] @ vector
    sign = -1 if along[has[finds]].mean() < along[~has[finds]].mean() else 1
    return _judged(sign * vector, z, has, finds, held_out, seed)


def conditioned(
    direction: Direction,
    others: Sequence[Direction | np.ndarray],
    z: np.ndarray,
    has: np.ndarray,
) -> Direction:
    """What is left of a direction at right angles to all others: along it their rules do not change their answer.

    One least-squares step takes out the others together, however they lean on each other; taking them out one after
    the other would put back some of the first.

    Args:
        direction: of the attribute that is to change.
        others: of those that are to stay, directions or vectors (latent_dim,).
        z, has: the faces that found the direction. They are split as they were for it; the intercept of the new one
            lies half-way between the classes, whatever it was before.

    Raises:
        ValueError: as `mean_direction` does, for others of another length, and if nothing is left.
    """
    z, has, finds = _split(z, has, direction.held_out, direction.seed)
    vectors = [np.asarray(getattr(other, "vector", other), np.float64) for other in others]
    if any(vector.shape != direction.vector.shape for vector in (z[0], *vectors)):
        raise ValueError(f"z and others must have the direction's {len(direction.vector)} values.")
    vector = direction.vector.astype(np.float64)
    if vectors:
        basis = np.stack(vectors, axis=1)
        vector = vector - basis @ np.linalg.lstsq(basis, vector, rcond=None)[0]
    if np.linalg.norm(vector) < 1e-4:
        raise ValueError(f"nothing is left of the direction at right angles to the {len(vectors)} others.")
    return _judged(vector, z, has, finds, direction.held_out, direction.seed)


def random_direction(latent_dim: int, seed: int = 0) -> np.ndarray:
    """A unit vector, all directions equally likely: what every other has to be better than. float32 (latent_dim,)."""
    vector = np.random.default_rng(seed).standard_normal(latent_dim)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def check_finite(values, name: str) -> np.ndarray:
    """The values as float64, or a ValueError if one of them is NaN or infinite."""
    values = np.asarray(values, np.float64)
    if wrong := np.count_nonzero(~np.isfinite(values)):
        raise ValueError(f"{name} must be finite, got {wrong:,} of {values.size:,} values that are NaN or infinite.")
    return values


def check_varies(z: np.ndarray) -> None:
    """Raise a ValueError for z (n, latent_dim) that are all alike."""
    if not np.ptp(z, axis=0).any():
        raise ValueError(f"z must differ from each other, got {len(z)} that are all alike: there is no direction.")


def _split(z, has, held_out: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z as float64, has as bool, and which faces find a direction; the others judge it."""
    z, has = check_finite(z, "z"), np.asarray(has)
    if not np.isin(has, (0, 1)).all():
        raise ValueError("has must be true or false for each face; of probabilities, pass probability > 0.5.")
    has = has.astype(bool)
    if z.ndim != 2 or has.shape != (len(z),):
        raise ValueError(f"z must be (n, latent_dim) and has (n,), got {z.shape} and {has.shape}.")
    if not 0 < held_out < 1:
        raise ValueError(f"held_out must lie between 0 and 1, got {held_out}.")
    if min(has.sum(), (~has).sum()) < 4:
        raise ValueError(f"both classes need at least 4 faces, got {has.sum()} with and {(~has).sum()} without.")
    check_varies(z)
    finds = np.ones(len(z), bool)
    generator = np.random.default_rng(seed)
    for members in (np.flatnonzero(has), np.flatnonzero(~has)):
        count = min(max(1, round(held_out * len(members))), len(members) - 1)
        finds[generator.permutation(members)[:count]] = False
    return z, has, finds


def _judged(vector, z, has, finds, held_out: float, seed: int, intercept: float | None = None) -> Direction:
    """A vector as a Direction: half-way between the classes by those that find, judged by the others."""
    vector = vector / np.linalg.norm(vector)
    along = z @ vector
    with_, without = along[finds & has].mean(), along[finds & ~has].mean()
    intercept = (with_ + without) / 2 if intercept is None else intercept
    says = along > intercept
    accuracy = (says[~finds & has].mean() + (~says[~finds & ~has]).mean()) / 2
    spread = float(with_ - without)
    return Direction(vector.astype(np.float32), float(intercept), float(accuracy), spread, seed, held_out)
