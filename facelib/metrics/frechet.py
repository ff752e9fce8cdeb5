"""Fréchet distance between two Gaussians (Dowson & Landau 1982), exactly: |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½).

The last term is the sum of the singular values of F₁ F₂ᵀ for any F with FᵀF = Σ. Centred features over √(n - 1) are
such an F, so few images need no d×d matrix at all; for more images than features it is Σ's Cholesky factor. Nothing
here can turn complex, and what rounding makes negative is zero.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.linalg import LinAlgError, cholesky, eigh, eigvalsh, svdvals
from tqdm.auto import tqdm

from facelib.checks import whole_number
from facelib.metrics.features import Features, check_columns, check_features, check_protocols
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
    check_protocols(real, fake)
    return _between(_Gaussian(real, "real"), _Gaussian(fake, "fake"))


def standard_error(
    real: np.ndarray | Features | Statistics,
    fake: np.ndarray | Features | Statistics,
    resamples: int = 30,
    seed: int = 0,
    progress: bool = False,
) -> float:
    """How much the distance varies with the images that were drawn: its standard deviation over bootstrap samples.

    Sides that are given as features are drawn anew, statistics stay as they are. Samples with repetitions have fewer
    different images, so the error comes out too large where there are not many times as many images as features: about
    a third at n = 20 d, up to twice at n < d.

    Raises:
        ValueError: for fewer than two resamples, and as `frechet_distance` does.
    """
    check_protocols(real, fake)
    whole_number(resamples, "resamples", 2)
    rng = np.random.default_rng(seed)
    sides = [
        _Gaussian(side, name) if isinstance(side, Statistics) else check_features(side, name)
        for name, side in {"real": real, "fake": fake}.items()
    ]

    def drawn(side: _Gaussian | np.ndarray) -> _Gaussian:
        if isinstance(side, _Gaussian):
            return side
        return _Gaussian(side, counts=rng.multinomial(len(side), np.full(len(side), 1 / len(side))))

    turns = tqdm(range(resamples), desc="bootstrap", disable=not progress)
    return float(np.std([_between(*map(drawn, sides)) for _ in turns], ddof=1))


def trace_of_root(a: np.ndarray, b: np.ndarray) -> float:
    """tr((a b)^½) of two covariances (d, d), symmetric and without negative eigenvalues.

    >>> trace_of_root(np.diag([4.0, 9.0]), np.diag([1.0, 16.0]))
    14.0

    Raises:
        ValueError: for matrices that are not square, symmetric, finite and of one size, or that have an eigenvalue
            below zero by more than rounding.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    for name, matrix in {"a": a, "b": b}.items():
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
            raise ValueError(f"{name} must be a square matrix, got shape {matrix.shape}.")
        if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, atol=1e-8 * np.abs(matrix).max()):
            raise ValueError(f"{name} must be finite and symmetric, as a covariance is.")
    check_columns(len(a), len(b), "a", "b")
    return _nuclear_norm(*_root(a, "a"), *_root(b, "b"))


def _between(real: _Gaussian, fake: _Gaussian) -> float:
    check_columns(len(real.mean), len(fake.mean))
    apart = ((real.mean - fake.mean) ** 2).sum()
    overlap = _nuclear_norm(*real.factor(fake.rank), *fake.factor(real.rank))
    return max(0.0, float(apart + real.trace + fake.trace - 2 * overlap))


class _Gaussian:
    """Mean, trace of the covariance, and a factor of it as cheap as n and d allow.

    `counts` (n,) say how often each row counts; one that does not is not looked at.
    """

    def __init__(self, given: np.ndarray | Features | Statistics, name: str = "", counts: np.ndarray | None = None):
        if isinstance(given, Statistics):
            if given.n < 2:
                raise ValueError(f"{name} must have seen at least two images, got {given.n}.")
            self._rows, self.covariance, self.name = None, given.covariance, name
            self.mean, self.trace, self.rank = given.mean, float(np.trace(self.covariance)), len(given.mean)
            return
        features = check_features(given, name) if counts is None else given
        counts = np.ones(len(features)) if counts is None else counts
        features, counts = features[counts > 0], counts[counts > 0]
        self.mean = counts @ features / counts.sum()
        self._rows = (features - self.mean) * np.sqrt(counts / (counts.sum() - 1))[:, None]
        self.trace, self.rank = float((self._rows**2).sum()), min(self._rows.shape)

    def factor(self, others: int) -> tuple[np.ndarray, bool]:
        """F with FᵀF = covariance, and whether it is of full rank for certain; `others` is the rank of the other's."""
        if self._rows is not None:
            n, d = self._rows.shape
            # Multiplications of the way over the rows against those of the way over the covariance.
            if n <= d or n * others * (d + 4 * others) < d * d * (n + d / 3 + others):
                return self._rows, False
        return self._root

    @cached_property
    def _root(self) -> tuple[np.ndarray, bool]:
        if self._rows is not None:
            return _root(self._rows.T @ self._rows, "covariance")
        # Other programs keep theirs in float32.
        return _root(self.covariance, f"the covariance of {self.name}", np.finfo(np.float32).eps)


def _root(covariance: np.ndarray, name: str, eps: float = 1e4 * np.finfo(float).eps) -> tuple[np.ndarray, bool]:
    try:
        return cholesky(covariance, check_finite=False), True
    except LinAlgError:  # fewer images than features were behind it
        values, vectors = eigh(covariance)
        largest = np.abs(values).max() * len(values)
        if values[0] < -eps * largest:
            raise ValueError(
                f"{name} must have no negative eigenvalue, as a covariance, got {values[0]:.2g}."
            ) from None
        kept = values > np.finfo(float).eps * largest
        return np.sqrt(values[kept])[:, None] * vectors[:, kept].T, False


def _nuclear_norm(a: np.ndarray, a_full: bool, b: np.ndarray, b_full: bool) -> float:
    """Sum of the singular values of a bᵀ."""
    product = a @ b.T
    if not product.size:
        return 0.0
    if a_full and b_full:
        # Eigenvalues cost less than half of what singular values do. Their rounding would show in roots of zeros only.
        return float(np.sqrt(np.clip(eigvalsh(product @ product.T, check_finite=False), 0, None)).sum())
    return float(svdvals(product, check_finite=False).sum())
