"""Images → features: what a network sees in them, with the name of the network and of the resize."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from tqdm.auto import tqdm

from facelib.metrics.extractors import Extractor, get_extractor
from facelib.metrics.images import Images, batches, how_many

LARGEST = 1e30  # of a feature: squares of greater ones leave float64 behind


@dataclass(frozen=True, eq=False)
class Features:
    """Rows of features, one an image, and how they were made.

    Attributes:
        values: float32 (n, d).
        extractor, resize: the protocol. Features of another one cannot be compared with these.
    """

    values: np.ndarray
    extractor: str
    resize: str

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __getitem__(self, rows) -> Features:
        return Features(self.values[rows], self.extractor, self.resize)

    @property
    def protocol(self) -> tuple[str, str]:
        return self.extractor, self.resize


def extract(
    images: Images,
    extractor: str | Callable | Extractor = "inception",
    *,
    batch_size: int = 64,
    progress: bool = True,
    name: str = "images",
) -> Features:
    """Features of all images.

    Args:
        images: uint8 (n, height, width, 3), a FaceSet, or an iterable of such arrays.
        extractor: "inception", "inception-2015" or "onet" (see `facelib.metrics.extractors`), or a function of uint8
            images (n, height, width, 3) that returns (n, d).
        batch_size: images in the network at a time; it does not change the result.
        progress: whether to show a bar.
        name: what messages call the images.

    Raises:
        ValueError: for images that are none (`facelib.metrics.images.batches`), an unknown extractor, or features of
            another shape or with values that are not finite.
        OSError: if the network's weights cannot be had.
    """
    checked = shown(images, name, batch_size, progress)
    first = next(checked)  # before a network is downloaded
    extractor = get_extractor(extractor)
    values, resize = [], ""
    for batch in chain([first], checked):
        resize = extractor.resize(batch.shape[1:3])
        values.append(features_of(batch, extractor))
    return Features(np.concatenate(values), extractor.name, resize)


def features_of(batch: np.ndarray, extractor: Extractor) -> np.ndarray:
    """float32 (n, d) of one batch, checked."""
    values = check_features(extractor(batch), f"features of {extractor.name}", rows=1)
    if len(values) != len(batch):
        raise ValueError(f"{extractor.name} must return one row an image, got {len(values)} for {len(batch)} images.")
    return values.astype(np.float32)


def check_features(features, name: str, rows: int = 2) -> np.ndarray:
    """float64 (n, d) with at least so many rows, or a ValueError that says what came."""
    features = np.asarray(features)
    if features.ndim != 2 or features.dtype.kind not in "fiu" or not features.shape[1]:
        raise ValueError(f"{name} must be numbers of shape (n, d), got {features.dtype} of shape {features.shape}.")
    if len(features) < rows:
        raise ValueError(f"{name} must have at least {rows} rows, one an image, got {len(features)}.")
    features = features.astype(np.float64)
    good = (np.abs(features) < LARGEST).all(axis=1)
    if not good.all():
        raise ValueError(
            f"{name} must be finite, but {(~good).sum()} of {len(features)} rows hold NaN, infinity or numbers past "
            f"{LARGEST:.0e}."
        )
    return features


def check_pair(a, b, a_name: str = "real", b_name: str = "fake", rows: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Two checked arrays of as many columns, and of one protocol if both have one (bare arrays have none)."""
    check_protocols(a, b, a_name, b_name)
    a, b = check_features(a, a_name, rows), check_features(b, b_name, rows)
    check_columns(a.shape[1], b.shape[1], a_name, b_name)
    return a, b


def check_protocols(a, b, a_name: str = "real", b_name: str = "fake") -> None:
    """Raise a ValueError for features or statistics of two protocols. Bare arrays have none."""
    protocols = [getattr(side, "protocol", None) for side in (a, b)]
    if None not in protocols and protocols[0] != protocols[1]:
        (one, its), (other, theirs) = protocols
        raise ValueError(f"{a_name} and {b_name} must be made in one way, got {one} ({its}) and {other} ({theirs}).")


def check_columns(a: int, b: int, a_name: str = "real", b_name: str = "fake") -> None:
    """Raise a ValueError for two numbers of columns."""
    if a != b:
        raise ValueError(f"{a_name} and {b_name} must have as many columns, got {a} and {b}.")


def shown(images: Images, name: str, batch_size: int, progress: bool) -> Iterator[np.ndarray]:
    """Checked batches, with a bar."""
    with tqdm(total=how_many(images), desc=f"features of {name}", unit="image", disable=not progress) as bar:
        for batch in batches(images, name, batch_size):
            yield batch
            bar.update(len(batch))
