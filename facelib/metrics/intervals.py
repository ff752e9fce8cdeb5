"""A mean and how far to trust it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm


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
    successes = np.asarray(successes, bool)
    if successes.ndim != 1 or not len(successes):
        raise ValueError(f"successes must be at least one value in one dimension, got shape {successes.shape}.")
    return wilson(float(successes.mean()), len(successes), level)


def wilson(share: float, n: float, level: float = 0.95) -> Estimate:
    """Wilson's interval of a share of `n`, which need not be whole where the share is a weighted one."""
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
        ValueError: for fewer than two values, or a level outside (0, 1).
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values must be at least two numbers in one dimension, got shape {values.shape}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual.")
    draws = np.random.default_rng(seed).integers(len(values), size=(resamples, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(values.mean()), float(low), float(high), len(values))
