"""Kernel distance (maximum mean discrepancy; Gretton et al. 2012, as KID by Bińkowski et al. 2018), without bias."""

from __future__ import annotations

import numpy as np

from facelib.metrics.features import Features, check_pair

ROWS = 1024  # of the kernel matrices at a time


def kernel_distance(real: np.ndarray | Features, fake: np.ndarray | Features) -> tuple[float, float]:
    """Squared maximum mean discrepancy under the kernel (x·y / d + 1)³, and its standard error.

    Its mean is the same for any number of images, 0 for two samples of one distribution; so it may be negative.

    Args:
        real, fake: features (n, d), n ≥ 2; memory grows with n · d, not with n².

    Raises:
        ValueError: as `frechet_distance`.
    """
    x, y = check_pair(real, fake)
    within_x, within_y = (_sums(side, side)[0] - _kernel(side, side) for side in (x, y))  # without themselves
    within_x, within_y = within_x / (len(x) - 1), within_y / (len(y) - 1)
    x_to_y, y_to_x = _sums(x, y)
    x_to_y, y_to_x = x_to_y / len(y), y_to_x / len(x)
    value = within_x.mean() + within_y.mean() - 2 * x_to_y.mean()
    # Each image's own share in it, twice because it stands in rows and in columns (Hájek's projection).
    variance = 4 * ((within_x - x_to_y).var(ddof=1) / len(x) + (within_y - y_to_x).var(ddof=1) / len(y))
    return float(value), float(np.sqrt(variance))


def _sums(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the kernel of all pairs: for each row of `a`, and for each of `b`."""
    of_a, of_b = np.empty(len(a)), np.zeros(len(b))
    for start in range(0, len(a), ROWS):
        kernel = (a[start : start + ROWS] @ b.T / a.shape[1] + 1) ** 3
        of_a[start : start + ROWS] = kernel.sum(axis=1)
        of_b += kernel.sum(axis=0)
    return of_a, of_b


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row by row (n,)."""
    return ((a * b).sum(axis=1) / a.shape[1] + 1) ** 3
