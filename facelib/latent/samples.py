"""Latent vectors whose faces' attributes are known, where no encoder is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from facelib.latent.directions import check_finite


@dataclass(frozen=True, eq=False)
class Given:
    """A conditional model with its labels settled: `decode(z)` is all that is left to ask.

    Args:
        model: with `latent_dim` and `decode(z, labels)`.
        labels: one for all faces, or one a row of the z that will be decoded.
    """

    model: object
    labels: object

    def __getattr__(self, name: str):
        if name in ("model", "labels"):
            raise AttributeError(name)
        return getattr(self.model, name)

    def decode(self, z: np.ndarray) -> np.ndarray:
        return self.model.decode(z, self.labels)


def read_samples(model, classifier, n: int = 2000, seed: int = 0) -> tuple[np.ndarray, pd.DataFrame]:
    """Draw z, decode them, and have a classifier say what their faces show.

    Args:
        model: with `latent_dim` and `decode(z)`; of a conditional one, `Given(model, labels)`. z are those of
            `latent(n, seed)` where it has that, else N(0, I).
        classifier: with `attributes` and `probabilities(images)`, such as `weights.load("finder-synthetic-64")`.
        n: how many.
        seed: of z; the first of a larger n are the same, but for an InfoGAN's codes.

    Returns:
        z, float32 (n, latent_dim), and a table (n, attributes) of probabilities.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}.")
    if hasattr(model, "latent"):
        z = model.latent(n, seed)
    else:
        z = np.random.default_rng(seed).standard_normal((n, model.latent_dim), dtype=np.float32)
    return z, pd.DataFrame(classifier.probabilities(model.decode(z)), columns=list(classifier.attributes))


def tails(probability: np.ndarray, share: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the faces that have an attribute most and least surely, and which of them have it.

    >>> rows, has = tails(np.array([0.1, 0.9, 0.5, 0.8, 0.2]), share=0.4)
    >>> sorted(zip(rows.tolist(), has.tolist()))
    [(0, False), (1, True), (3, True), (4, False)]

    Args:
        probability: (n,), as in a column of `read_samples`.
        share: of the faces, at each end; no more than have the attribute, or some at the upper end do not.

    Returns:
        rows, int (2k,), and bool (2k,).

    Raises:
        ValueError: for a share that is not in (0, 0.5], or leaves no face, and for a probability that is no number.
    """
    probability = np.asarray(probability)
    check_finite(probability, "probability")
    if not 0 < share <= 0.5:
        raise ValueError(f"share must lie in (0, 0.5], got {share}.")
    k = round(share * len(probability))
    k = min(k, len(probability) // 2)
    if not k:
        raise ValueError(f"share = {share} of {len(probability)} faces is none.")
    order = np.argsort(probability, kind="stable")
    return np.concatenate([order[:k], order[-k:]]), np.repeat([False, True], k)
