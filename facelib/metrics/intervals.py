"""A mean and how far to trust it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

DRAWN = 2_000_000  # values at a time


class Estimate(NamedTuple):
    """A value with its interval.

    >>> print(Estimate(1.234, 1.1, 1.4, n=10))
    1.23 [1.10, 1.40]
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"

    def __float__(self) -> float:
        return self.value


def proportion(successes: np.ndarray, level: float = 0.95) -> Estimate:
    """Share of successes (n,) of bool with Wilson's score interval (1927), which is honest near 0 and 1 too.

    >>> all_of_ten = proportion([True] * 10)
    >>> all_of_ten.value, round(all_of_ten.low, 2)
    (1.0, 0.72)

    Raises:
        ValueError: for no values, or a level outside (0, 1).
    """
    successes = np.asarray(successes)
    if successes.ndim != 1 or not len(successes):
        raise ValueError(f"successes must be at least one value in one dimension, got shape {successes.shape}.")
    if not np.isin(successes, (0, 1)).all():
        raise ValueError("successes must all be true or false.")
    return wilson(float(successes.mean()), len(successes), level)


def wilson(share: float, n: float, level: float = 0.95) -> Estimate:
    """Wilson's interval of a share of `n`, which need not be whole where the share is a weighted one.

    Raises:
        ValueError: for a share outside [0, 1], an n that is not positive, or a level outside (0, 1).
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie between 0 and 1, got {share}.")
    if not 0 < n < np.inf:
        raise ValueError(f"n must be more than 0, got {n}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual.")
    z = float(norm.ppf((1 + level) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Rounding must not put the share itself outside.
    return Estimate(share, min(share, float(centre - half)), max(share, float(centre + half)), n)


def bootstrap(values: np.ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Estimate:
    """Mean of `values` (n,) with its percentile bootstrap interval (Efron 1979).

    Raises:
        ValueError: for fewer than two values, values that are not finite, no resamples, or a level outside (0, 1).
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values must be at least two numbers in one dimension, got shape {values.shape}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual.")
    if not np.isfinite(values).all():
        raise ValueError(f"values must be finite, but {(~np.isfinite(values)).sum()} of {len(values)} are not.")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}.")
    rng, rows, means = np.random.default_rng(seed), max(1, DRAWN // len(values)), []
    for start in range(0, resamples, rows):
        draws = rng.integers(len(values), size=(min(rows, resamples - start), len(values)))
        means.append(values[draws].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(values.mean()), float(low), float(high), len(values))
