"""Which real images generated ones fall beside, and which real ones none falls beside; and whether any is a copy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import pairwise_distances_chunked

from facelib.checks import whole_number
from facelib.metrics.features import Features, check_features, check_pair
from facelib.metrics.intervals import Estimate, bootstrap
from facelib.metrics.score import protocol

SHARES = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True, eq=False)
class Coverage:
    """Quality and variety apart; each is about 1 for two large samples of one distribution. Two of them have no order.

    Attributes:
        precision: share of generated images that lie in the ball of some real one (Kynkäänniemi et al. 2019).
        recall: share of real images that lie in the ball of some generated one.
        density: how many real balls a generated image lies in, over k (Naeem et al. 2020); may pass 1.
        coverage: share of real images whose ball holds a generated one; of few beside many it stays below 1
            (`expected_coverage`).
        n_real, n_fake, k, extractor, resize: the protocol. All four shares change with n and k.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    n_real: int
    n_fake: int
    k: int
    extractor: str = ""
    resize: str = ""

    def __str__(self) -> str:
        shares = ", ".join(f"{name} {getattr(self, name):.2f}" for name in SHARES)
        return f"{shares} (k = {self.k}, {protocol(self.n_real, self.n_fake, self.extractor, self.resize)})"


def precision_recall(real: np.ndarray | Features, fake: np.ndarray | Features, k: int = 5) -> Coverage:
    """Precision, recall, density and coverage. The ball of an image reaches to its k-th nearest neighbour of its kind.

    One odd real image has a large ball that takes in bad images; density counts balls instead.

    Args:
        real, fake: features (n, d); n > k.

    Raises:
        ValueError: for features that `frechet_distance` refuses, or k < 1, or no more than k images.
    """
    made = next((side.protocol for side in (real, fake) if isinstance(side, Features)), ("", ""))
    real, fake = check_pair(real, fake)
    if whole_number(k, "k", 1) >= min(len(real), len(fake)):
        raise ValueError(f"k must be below the number of images, {min(len(real), len(fake))}, got {k}.")
    real_radius, fake_radius = _kth(real, k), _kth(fake, k)
    precise, covered, balls, recalled = [], np.zeros(len(real), bool), 0, np.zeros(len(real), bool)
    start = 0
    for distances in pairwise_distances_chunked(fake, real):  # (rows of fake, n_real)
        rows = slice(start, start + len(distances))
        inside = distances <= real_radius
        precise.append(inside.any(axis=1))
        balls += inside.sum()
        covered |= inside.any(axis=0)
        recalled |= (distances <= fake_radius[rows, None]).any(axis=0)
        start += len(distances)
    precision, density = float(np.concatenate(precise).mean()), float(balls / (k * len(fake)))
    recall, coverage = float(recalled.mean()), float(covered.mean())
    return Coverage(precision, recall, density, coverage, len(real), len(fake), k, *made)


def expected_coverage(n_real: int, n_fake: int, k: int = 5) -> float:
    """Coverage by images of the very same distribution (Naeem et al. 2020): what a perfect generator would get.

    A real image is missed if its k nearest are real ones, among n_real - 1 others and n_fake generated ones.

    >>> [round(expected_coverage(1000, n), 2) for n in (1000, 250, 50)]
    [0.97, 0.67, 0.22]

    Raises:
        ValueError: for a number below 1, or no more than k real images.
    """
    for value, name in ((n_fake, "n_fake"), (k, "k")):
        whole_number(value, name, 1)
    whole_number(n_real, "n_real", k + 1)
    others = np.arange(n_real - k, n_real)
    return float(1 - np.prod(others / (others + n_fake)))


def nearest(features: np.ndarray | Features, training: np.ndarray | Features) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each row to its nearest training row, and which one that is: two arrays (n,).

    Raises:
        ValueError: for features that `frechet_distance` refuses.
    """
    features, training = check_pair(features, training, "features", "training", rows=1)
    chunks = [(d.min(axis=1), d.argmin(axis=1)) for d in pairwise_distances_chunked(features, training)]
    return np.concatenate([chunk[0] for chunk in chunks]), np.concatenate([chunk[1] for chunk in chunks])


def memorization(
    fake: np.ndarray | Features, training: np.ndarray | Features, held_out: np.ndarray | Features, seed: int = 0
) -> Estimate:
    """How near generated images come to the training images, as a multiple of how near new real images come.

    1 where generated images are as far from the training set as real images that it does not hold, 0 for copies; bad
    images are far from everything and pass 1.

    Args:
        fake, training, held_out: features (n, d) by one extractor.

    Returns:
        the ratio of mean distances to the nearest training image, with a bootstrap interval over generated images.

    Raises:
        ValueError: for features that `frechet_distance` refuses, or held-out images that all are in the training set.
    """
    check_features(fake, "fake")  # two at least, for an interval
    for features, name in ((fake, "fake"), (held_out, "held_out")):
        check_pair(features, training, name, "training", rows=1)
    usual = nearest(held_out, training)[0].mean()
    if usual <= 1e-6 * np.sqrt(np.var(training, axis=0, dtype=np.float64).sum()):
        raise ValueError("held_out must be images that are not in training, but all of them are.")
    return bootstrap(nearest(fake, training)[0] / usual, seed=seed)


def _kth(features: np.ndarray, k: int) -> np.ndarray:
    """(n,) distance to the k-th nearest other row."""
    chunks = [np.partition(d, k, axis=1)[:, k] for d in pairwise_distances_chunked(features)]
    return np.concatenate(chunks)  # the 0-th is the row itself
