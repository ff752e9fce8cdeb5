"""How good is a direction? What it changes, what else it changes, and what a random one would have changed.

The faces are moved along it step by step, and a classifier that had no part in finding it looks at them before and
after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from facelib.latent.directions import Direction
from facelib.metrics import Estimate, Statistics, bootstrap, extract, frechet_distance, likeness, wilson

RANDOM = "random"
RESAMPLES = 20  # of the Fréchet distance, each of which costs a decomposition: enough for a standard error


@dataclass(frozen=True, eq=False)
class Scorecard:
    """What steps along directions do to faces.

    Attributes:
        rows: a DataFrame with one row for each direction and step, `RANDOM` first, and the columns

            - `direction` and `step`, in units of z. Of `RANDOM` there are no `success` and `random`;
            - `success`: share of faces whose answer to the direction's attribute changed. Each moves to the side where
              it was not: those that had the attribute, against the direction;
            - `random`: the same share after as long a step in a random direction, another one for each face;
            - `leakage`: the largest share of faces whose answer to any one other attribute changed, and `leaks_to`,
              which it is;
            - `kept`: how alike their face features are before and after: the cosine between the two, each feature
              counted from its mean over the unmoved faces, in its standard deviations. 1 if nothing changed, about 0
              between strangers. The features are those of a detector (MTCNN's O-Net), which was never
              taught who is who: not identity;
            - `frechet`: by how much the edited faces are farther from real ones than the faces that they were made of,
              in Fréchet face distance; missing without real faces;
            - `length`: mean change of ‖z‖;

            each of these but the names with `_low` and `_high`, the ends of its 95 % interval: Wilson's for shares, of
            which a bootstrap has no width at 0 and 1, and by the bootstrap over faces for the others.
        flips: DataFrame of the shares of faces whose answer changed: (direction, step) → a column an attribute.
        n: faces.
    """

    rows: pd.DataFrame
    flips: pd.DataFrame
    n: int

    def matrix(self, step: float) -> pd.DataFrame:
        """Direction moved along × attribute changed, after a step.

        Raises:
            ValueError: for a step that was not measured.
        """
        steps = self.flips.index.unique("step").tolist()
        if step not in steps:
            raise ValueError(f"step must be one of those measured, {steps}, got {step}.")
        return self.flips.xs(step, level="step")

    def best(self, direction: str, most_leakage: float = 0.1) -> pd.Series:
        """The row of the step with most success among those that leak at most so much; of all, if none does.

        Raises:
            ValueError: for a direction that was not measured.
        """
        rows = self.rows.dropna(subset="success")
        names = rows["direction"].unique().tolist()
        if direction not in names:
            raise ValueError(f"direction must be one of those measured, {names}, got {direction!r}.")
        rows = rows[rows["direction"] == direction]
        tidy = rows[rows["leakage"] <= most_leakage]
        rows = tidy if len(tidy) else rows
        return rows.loc[rows["success"].idxmax()]


def scorecard(
    model,
    z: np.ndarray,
    directions: Mapping[str, Direction | np.ndarray],
    classifier,
    steps: Sequence[float],
    *,
    attribute: str | None = None,
    real: np.ndarray | None = None,
    features="onet",
    seed: int = 0,
    progress: bool = False,
) -> Scorecard:
    """Move faces along directions and see what changes.

    Args:
        model: with `latent_dim` and `decode(z)`; of a conditional one, `Given(model, labels)` with a label a row of z.
        z: the faces that are moved, (n, latent_dim).
        directions: attribute → the direction that is to change it, of length 1; or any names, and `attribute` is what
            all of them are to change.
        classifier: with `attributes` and `probabilities(images)`. A fair one has had no part in finding the directions:
            another architecture, trained on other faces.
        steps: how far to move, all positive.
        attribute: where directions are not named by theirs.
        real: uint8 images that the edited faces should be like, for `frechet`.
        features: what compares faces, as in `facelib.metrics.extract`.
        seed: of the random directions, another one for each face, and of the bootstrap.
        progress: whether to show a bar.

    Raises:
        ValueError: for shapes that do not fit, an attribute that the classifier does not know, or steps that are not
            positive.
    """
    z, steps = np.asarray(z, np.float32), [float(step) for step in steps]
    names = list(classifier.attributes)
    vectors = {name: np.asarray(getattr(d, "vector", d), np.float32) for name, d in directions.items()}
    targets = {name: attribute or name for name in vectors}
    _check(z, vectors, targets, names, steps, model.latent_dim)
    rng = np.random.default_rng(seed)
    random = rng.standard_normal(z.shape, dtype=np.float32)
    random /= np.linalg.norm(random, axis=1, keepdims=True)

    before = model.decode(z)
    had = classifier.probabilities(before) > 0.5
    compare = _Faces(before, real, features, seed)
    rows, flips = [], {}
    turns = [(name, step) for name in (RANDOM, *vectors) for step in steps]
    for name, step in tqdm(turns, desc="scorecard", disable=not progress):
        if name == RANDOM:
            moved = z + step * random
        else:
            away = np.where(had[:, names.index(targets[name])], -1, 1).astype(np.float32)
            moved = z + step * away[:, None] * vectors[name]
        after = model.decode(moved)
        changed = (classifier.probabilities(after) > 0.5) != had
        shares = pd.Series(changed.mean(axis=0), names)
        flips[name, step] = shares
        row = {"direction": name, "step": step}
        others = shares
        if name != RANDOM:
            others = shares.drop(targets[name])
            row |= _ends("success", wilson(shares[targets[name]], len(z)))
            row |= _ends("random", wilson(flips[RANDOM, step][targets[name]], len(z)))
        nowhere = Estimate(0.0, 0.0, 0.0, len(z))  # where the classifier knows one attribute only
        row |= _ends("leakage", wilson(others.max(), len(z)) if len(others) else nowhere)
        row["leaks_to"] = others.idxmax() if len(others) else ""
        row |= compare(after)
        row |= _ends("length", bootstrap(np.linalg.norm(moved, axis=1) - np.linalg.norm(z, axis=1), seed=seed))
        rows.append(row)
    return Scorecard(pd.DataFrame(rows), pd.DataFrame(flips).T.rename_axis(["direction", "step"]), len(z))


class _Faces:
    """What edited faces are compared with: the faces that they were made of, and real ones."""

    def __init__(self, before: np.ndarray, real: np.ndarray | None, features, seed: int):
        self.features, self.seed = features, seed
        self.before = self._of(before)
        self.real = None if real is None else Statistics.of(self._of(real))
        rng = np.random.default_rng(seed)
        self.draws = rng.integers(len(before), size=(RESAMPLES, len(before)))
        if real is not None:
            self.distance = frechet_distance(self.real, self.before)
            self.distances = [frechet_distance(self.real, self.before[rows]) for rows in self.draws]

    def __call__(self, after: np.ndarray) -> dict[str, float]:
        after = self._of(after)
        result = _ends("kept", bootstrap(likeness(self.before, after), seed=self.seed))
        if self.real is not None:
            change = frechet_distance(self.real, after) - self.distance
            changes = [
                frechet_distance(self.real, after[rows]) - distance
                for rows, distance in zip(self.draws, self.distances, strict=True)
            ]
            half = 1.96 * np.std(changes, ddof=1)
            result |= _ends("frechet", Estimate(change, change - half, change + half, len(after)))
        return result

    def _of(self, images: np.ndarray) -> np.ndarray:
        return extract(images, self.features, progress=False).values


def _ends(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _check(z, vectors, targets, names, steps, latent_dim: int) -> None:
    if z.ndim != 2 or z.shape[1] != latent_dim or len(z) < 2:
        raise ValueError(f"z must have shape (n, {latent_dim}) with n of at least 2, got {z.shape}.")
    if not vectors or RANDOM in vectors:
        raise ValueError(f"directions must be at least one, none of them called {RANDOM!r}, got {sorted(vectors)}.")
    unknown = sorted(set(targets.values()) - set(names))
    if unknown:
        raise ValueError(f"directions must be of attributes that the classifier knows, {names}; got {unknown}.")
    for name, vector in vectors.items():
        if vector.shape != (latent_dim,) or not abs(np.linalg.norm(vector) - 1) <= 1e-3:
            raise ValueError(
                f"directions[{name!r}] must have {latent_dim} values and length 1, got shape {vector.shape} and length "
                f"{np.linalg.norm(vector):.3f}."
            )
    if not steps or not all(0 < step < np.inf for step in steps):
        raise ValueError(f"steps must be positive, at least one, got {steps}.")
