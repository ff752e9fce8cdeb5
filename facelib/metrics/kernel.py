"""Kernel distance (maximum mean discrepancy; Gretton et al. 2012, as KID by Bińkowski et al. 2018), without bias."""

from __future__ import annotations

import numpy as np

from facelib.metrics.features import Features, check_features
from facelib.metrics.frechet import check_pair

ROWS = 1024  # of the kernel matrices at a time


def kernel_distance(real: np.ndarray | Features, fake: np.ndarray | Features) -> tuple[float, float]:
    """Squared maximum mean discrepancy under the kernel (x·y / d + 1)³, and its standard error.

    Its mean is the same for any number of images, 0 for two samples of one distribution; so it may be negative.

    Args:
        real, fake: features (n, d), n ≥ 2; memory grows with n · d, not with n².

    Raises:
        ValueError: as `frechet_distance`.
    """
    check_pair(real, fake)
    x, y = check_features(real, "real"), check_features(fake, "fake")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"real and fake must have as many columns, got {x.shape[1]} and {y.shape[1]}.")
    within_x, within_y = _mean_kernel(x, x, same=True), _mean_kernel(y, y, same=True)
    x_to_y, y_to_x = _mean_kernel(x, y), _mean_kernel(y, x)
    value = within_x.mean() + within_y.mean() - 2 * x_to_y.mean()
    # Each image's own share in it, twice because it stands in rows and in columns (Hájek's projection).
    variance = 4 * ((within_x - x_to_y).var(ddof=1) / len(x) + (within_y - y_to_x).var(ddof=1) / len(y))
    return float(value), float(np.sqrt(variance))


def _mean_kernel(a: np.ndarray, b: np.ndarray, same: bool = False) -> np.ndarray:
    """For each row of `a` the mean kernel with all rows of `b`, but not with itself where they are the same."""
    sums = np.concatenate([((a[i : i + ROWS] @ b.T / a.shape[1] + 1) ** 3).sum(axis=1) for i in range(0, len(a), ROWS)])
    if not same:
        return sums / len(b)
    return (sums - ((a**2).sum(axis=1) / a.shape[1] + 1) ** 3) / (len(b) - 1)
