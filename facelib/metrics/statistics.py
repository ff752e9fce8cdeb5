"""Mean and covariance of features, gathered batch by batch, merged and kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import chain

import numpy as np

from facelib.archives import read_arrays, refusing
from facelib.files import replacing
from facelib.metrics.extractors import Extractor, get_extractor
from facelib.metrics.features import (
    Features,
    check_columns,
    check_features,
    check_protocols,
    features_of,
    shown,
)
from facelib.metrics.images import Images

ROWS = 2048  # at a time: a matrix product of few rows costs nearly as much as one of many


class Statistics:
    """What a Fréchet distance needs to know of a set of images, however many: n, mean and covariance.

    >>> statistics = Statistics()
    >>> for batch in np.split(np.arange(12.0).reshape(6, 2), 3):
    ...     statistics.update(batch)
    >>> statistics.n, statistics.mean.tolist(), statistics.covariance.tolist()
    (6, [5.0, 6.0], [[14.0, 14.0], [14.0, 14.0]])

    Args:
        extractor, resize: how the features were made; statistics of another protocol are refused.

    Attributes:
        n: how many rows were seen.
        mean: (d,) float64.
    """

    def __init__(self, extractor: str = "", resize: str = ""):
        self.extractor, self.resize = extractor, resize
        self.n, self.mean, self._scatter = 0, None, None

    @property
    def protocol(self) -> tuple[str, str]:
        return self.extractor, self.resize

    @property
    def covariance(self) -> np.ndarray:
        """(d, d) float64, unbiased: divided by n - 1.

        Raises:
            ValueError: for fewer than two rows.
        """
        if self.n < 2:
            raise ValueError(f"a covariance needs at least two images, got {self.n}.")
        return self._scatter / (self.n - 1)

    def update(self, features: np.ndarray) -> None:
        """Add rows (n, d).

        Raises:
            ValueError: for another shape or number of columns, values that are not finite, or `Features` of another
                protocol.
        """
        if isinstance(features, Features):
            check_protocols(self, features, "statistics", "features")
        features = check_features(features, "features", rows=1)
        if self.mean is not None and features.shape[1] != len(self.mean):
            raise ValueError(f"features must have {len(self.mean)} columns as before, got {features.shape[1]}.")
        mean = features.mean(axis=0)
        centred = features - mean
        self._add(len(features), mean, centred.T @ centred)

    def merge(self, other: Statistics) -> None:
        """Add what other statistics saw (Chan et al. 1979): order and batches do not matter.

        Raises:
            ValueError: for statistics of another protocol or number of columns.
        """
        check_protocols(self, other, "statistics", "other")
        if self.n and other.n:
            check_columns(len(self.mean), len(other.mean), "statistics", "other")
        if other.n:
            self._add(other.n, other.mean, other._scatter)

    def _add(self, n: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        if not self.n:
            self.n, self.mean, self._scatter = n, mean.copy(), scatter.copy()
            return
        total, apart = self.n + n, mean - self.mean
        self.mean = self.mean + apart * (n / total)
        self._scatter += scatter
        self._scatter += np.outer(apart, apart * (self.n * n / total))
        self.n = total

    def save(self, path: str | os.PathLike) -> None:
        """Write an .npz with mu, sigma (the names that other FID programs use), n, extractor and resize."""
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez_compressed(
                file, mu=self.mean, sigma=self.covariance, n=self.n, extractor=self.extractor, resize=self.resize
            )

    @classmethod
    def open(cls, path: str | os.PathLike) -> Statistics:
        """Read what `save` wrote.

        Raises:
            ValueError: for a file without one of its entries (a mean without n or extractor cannot be compared), or
                whose entries do not fit.
        """
        with refusing(path, ".npz file of Statistics.save"):
            entries = read_arrays(path)
        if missing := sorted({"mu", "sigma", "n", "extractor", "resize"} - set(entries)):
            raise ValueError(f"{path} has no {', '.join(missing)}: it was not written by Statistics.save.")
        if any(entries[name].dtype.kind not in "fiu" for name in ("mu", "sigma", "n")) or entries["n"].size != 1:
            raise ValueError(f"{path} must hold numbers, and one n: it was not written by Statistics.save.")
        # Whatever other programs wrote: in float32, sums over batches lose digits.
        mean, covariance = (entries[name].astype(np.float64) for name in ("mu", "sigma"))
        n = int(entries["n"].item())
        finite = np.isfinite(mean).all() and np.isfinite(covariance).all()
        if mean.ndim != 1 or covariance.shape != 2 * mean.shape or n < 2 or not finite:
            raise ValueError(
                f"{path} must hold a finite mean (d,), covariance (d, d) and n of at least 2, got shapes {mean.shape} "
                f"and {covariance.shape}, n = {n}."
            )
        statistics = cls(str(entries["extractor"]), str(entries["resize"]))
        statistics.n, statistics.mean, statistics._scatter = n, mean, covariance * (n - 1)
        return statistics

    @classmethod
    def of(cls, features: np.ndarray | Features) -> Statistics:
        """Of all rows at once."""
        statistics = cls(*features.protocol) if isinstance(features, Features) else cls()
        statistics.update(np.asarray(features))
        return statistics

    @classmethod
    def of_images(
        cls,
        images: Images,
        extractor: str | Callable | Extractor = "inception",
        *,
        batch_size: int = 64,
        progress: bool = True,
    ) -> Statistics:
        """Of any number of images in the memory of 2,048 rows of features. Arguments as for `extract`."""
        checked = shown(images, "images", batch_size, progress)
        first = next(checked)  # before a network is downloaded
        extractor, statistics, rows = get_extractor(extractor), cls(), []
        for batch in chain([first], checked):
            statistics.extractor, statistics.resize = extractor.name, extractor.resize(batch.shape[1:3])
            rows.append(features_of(batch, extractor))
            if sum(map(len, rows)) >= ROWS:
                statistics.update(np.concatenate(rows))
                rows = []
        if rows:
            statistics.update(np.concatenate(rows))
        return statistics
