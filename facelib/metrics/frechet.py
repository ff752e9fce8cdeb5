"""Fréchet distance between two Gaussians (Dowson & Landau 1982), exactly: |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½).

The last term is the sum of the singular values of F₁ F₂ᵀ for any F with FᵀF = Σ. Centred features over √(n - 1) are
such an F, so few images need no d×d matrix at all; for more images than features it is Σ's Cholesky factor. Nothing
here can turn complex, and what rounding makes negative is zero.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cholesky, eigh, eigvalsh, svdvals
from tqdm.auto import tqdm

from facelib.metrics.features import Features, check_features
from facelib.metrics.statistics import Statistics


def frechet_distance(real: np.ndarray | Features | Statistics, fake: np.ndarray | Features | Statistics) -> float:
    """Fréchet distance between Gaussians with the mean and covariance of each side; symmetric, 0 for equal ones.

    >>> rng = np.random.default_rng(0)
    >>> real = rng.normal(size=(50, 8))
    >>> round(frechet_distance(real, real + 2.0), 6)  # equal covariances: the distance of the means, 8 · 2²
    32.0

    Args:
        real, fake: features (n, d), any n ≥ 2 and d, or their statistics.

    Raises:
        ValueError: for another shape, fewer than two rows, values that are not finite, unequal d, or sides of different
            protocols.
    """
    check_pair(real, fake)
    return _between(_Side(real, "real"), _Side(fake, "fake"))


def standard_error(
    real: np.ndarray | Features | Statistics,
    fake: np.ndarray | Features | Statistics,
    resamples: int = 30,
    seed: int = 0,
    progress: bool = False,
) -> float:
    """How much the distance varies with the images that were drawn: its standard deviation over bootstrap samples.

    Sides that are given as features are drawn anew, statistics stay as they are.

    Raises:
        ValueError: for fewer than two resamples, and as `frechet_distance` does.
    """
    check_pair(real, fake)
    if resamples < 2:
        raise ValueError(f"resamples must be at least 2, got {resamples}.")
    rng = np.random.default_rng(seed)

    def drawn(side, name: str) -> _Side:
        if isinstance(side, Statistics):
            return _Side(side, name)
        return _Side(side, name, rng.multinomial(len(side), np.full(len(side), 1 / len(side))))

    turns = tqdm(range(resamples), desc="bootstrap", disable=not progress)
    return float(np.std([_between(drawn(real, "real"), drawn(fake, "fake")) for _ in turns], ddof=1))


def trace_of_root(a: np.ndarray, b: np.ndarray) -> float:
    """tr((a b)^½) of two covariances (d, d), symmetric and without negative eigenvalues.

    >>> trace_of_root(np.diag([4.0, 9.0]), np.diag([1.0, 16.0]))
    14.0

    Raises:
        ValueError: for matrices that are not square, symmetric, finite and of one size.
    """
    for name, matrix in {"a": a, "b": b}.items():
        if matrix.ndim != 2 or matrix.shape != a.shape or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"{name} must be a square matrix as large as a, got shapes {a.shape} and {b.shape}.")
        if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, atol=1e-8 * np.abs(matrix).max()):
            raise ValueError(f"{name} must be finite and symmetric, as a covariance is.")
    return _trace_of_root(_root(a), _root(b))


def check_pair(a, b, a_name: str = "real", b_name: str = "fake") -> None:
    """Raise a ValueError for features or statistics of two protocols. Bare arrays have none."""
    if not all(isinstance(side, (Features, Statistics)) for side in (a, b)):
        return
    if (a.extractor, a.resize) != (b.extractor, b.resize):
        raise ValueError(
            f"{a_name} and {b_name} must be made in one way, got {a.extractor} ({a.resize}) and {b.extractor} "
            f"({b.resize})."
        )


def _between(real: _Side, fake: _Side) -> float:
    if real.mean.shape != fake.mean.shape:
        raise ValueError(f"real and fake must have as many columns, got {len(real.mean)} and {len(fake.mean)}.")
    apart = ((real.mean - fake.mean) ** 2).sum()
    return max(0.0, float(apart + real.trace + fake.trace - 2 * _trace_of_root(real.root(), fake.root())))


class _Side:
    """Mean, trace of the covariance, and a root of it as cheap as n and d allow.

    `counts` (n,) say how often each row counts; one that does not is not looked at.
    """

    def __init__(self, given, name: str, counts: np.ndarray | None = None):
        if isinstance(given, Statistics):
            self._features, self._covariance = None, given.covariance
            self.mean, self.trace = given.mean, float(np.trace(self._covariance))
            return
        features = check_features(given, name)
        if counts is None:
            counts = np.ones(len(features))
        features, counts = features[counts > 0], counts[counts > 0]
        self.mean = counts @ features / counts.sum()
        self._features = (features - self.mean) * np.sqrt(counts / (counts.sum() - 1))[:, None]
        self.trace = float((self._features**2).sum())

    def root(self) -> tuple[np.ndarray, bool]:
        if self._features is not None and len(self._features) <= len(self.mean):
            return self._features, False
        return _root(self._covariance if self._features is None else self._features.T @ self._features)


def _root(covariance: np.ndarray) -> tuple[np.ndarray, bool]:
    """F (k, d) with FᵀF = covariance, and whether k = d for certain."""
    try:
        return cholesky(covariance, check_finite=False), True
    except LinAlgError:  # fewer images than features were behind it
        values, vectors = eigh(covariance)
        kept = values > max(values[-1], 0) * len(values) * np.finfo(float).eps
        return np.sqrt(values[kept])[:, None] * vectors[:, kept].T, False


def _trace_of_root(a: tuple[np.ndarray, bool], b: tuple[np.ndarray, bool]) -> float:
    (a, a_full), (b, b_full) = a, b
    product = a @ b.T
    if not product.size:
        return 0.0
    if a_full and b_full:
        # Eigenvalues cost less than half of what singular values do. Their rounding would show in roots of zeros only.
        return float(np.sqrt(np.clip(eigvalsh(product @ product.T, check_finite=False), 0, None)).sum())
    return float(svdvals(product, check_finite=False).sum())
