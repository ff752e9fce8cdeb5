"""Directions of a latent space along which one attribute changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Direction:
    """A unit vector, and the plane across it that tells faces with the attribute from those without.

    Attributes:
        vector: float32 (latent_dim,), of length 1.
        intercept: z has the attribute where z @ vector > intercept.
        accuracy: balanced accuracy of that rule on faces that did not find it; 0.5 is chance.
        spread: distance between the two classes' means along the vector.
        seed: of the split into faces that find and faces that judge.
    """

    vector: np.ndarray
    intercept: float
    accuracy: float
    spread: float
    seed: int


def mean_direction(z: np.ndarray, has: np.ndarray, *, held_out: float = 0.3, seed: int = 0) -> Direction:
    """From the mean of the faces without an attribute to the mean of those with it (Larsen et al. 2016).

    Args:
        z: latent vectors (n, latent_dim).
        has: bool (n,), whether a face has the attribute.
        held_out: share of the faces that judge the direction and do not find it.
        seed: of that split.

    Raises:
        ValueError: if lengths differ, or a class has fewer than four faces.
    """
    z, has = np.asarray(z, np.float64), np.asarray(has, bool)
    if z.ndim != 2 or has.shape != (len(z),):
        raise ValueError(f"z must be (n, latent_dim) and has (n,), got {z.shape} and {has.shape}.")
    if not 0 < held_out < 1:
        raise ValueError(f"held_out must lie between 0 and 1, got {held_out}.")
    if min(has.sum(), (~has).sum()) < 4:
        raise ValueError(f"both classes need at least 4 faces, got {has.sum()} with and {(~has).sum()} without.")
    judges = np.zeros(len(z), bool)
    generator = np.random.default_rng(seed)
    for members in (np.flatnonzero(has), np.flatnonzero(~has)):
        count = min(max(1, round(held_out * len(members))), len(members) - 1)
        judges[generator.permutation(members)[:count]] = True
    with_, without = z[has & ~judges].mean(axis=0), z[~has & ~judges].mean(axis=0)
    spread = np.linalg.norm(with_ - without)
    if spread == 0:
        raise ValueError("the faces with and without the attribute have the same mean z: there is no direction.")
    vector = (with_ - without) / spread
    intercept = (with_ + without) @ vector / 2
    says = z @ vector > intercept
    accuracy = (says[judges & has].mean() + (~says[judges & ~has]).mean()) / 2
    return Direction(vector.astype(np.float32), float(intercept), float(accuracy), float(spread), seed)
