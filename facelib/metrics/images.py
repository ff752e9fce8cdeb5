"""Which images a metric takes, and the batches that it looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from facelib.checks import whole_number
from facelib.data.faceset import FaceSet

Images = np.ndarray | FaceSet | Iterable[np.ndarray]


def batches(images: Images, name: str, batch_size: int = 64) -> Iterator[np.ndarray]:
    """Checked batches of uint8 images (n, height, width, 3), all of one size.

    Args:
        images: uint8 array (n, height, width, 3), a FaceSet, or an iterable of such arrays, for images that do not fit
            into memory together. Images that are mapped from a file are read batch by batch.
        name: what a message calls them.
        batch_size: how many of an array at a time. Batches of an iterable are cut only where they are longer.

    Raises:
        ValueError: for no images, another type or shape, more than one size, or images that are all of one colour each
            or hold only zeros and ones, as floats cast to uint8 do.
    """
    whole_number(batch_size, "batch_size", 1)
    check_images(images, name)
    images = images.images if isinstance(images, FaceSet) else images
    side, flat, high = None, True, 0
    for whole in [images] if isinstance(images, np.ndarray) else images:
        _check_array(whole, name)
        side = whole.shape[1:3] if side is None else side
        if whole.shape[1:3] != side:
            raise ValueError(
                f"{name} must all have one size, got {_size(side)} and {_size(whole.shape[1:3])}: resize them to one."
            )
        for start in range(0, len(whole), batch_size):
            batch = np.asarray(whole[start : start + batch_size])
            flat, high = flat and bool((batch == batch[:, :1, :1]).all()), max(high, int(batch.max()))
            yield batch
    if side is None:
        raise ValueError(f"{name} must hold at least one image, got none.")
    if flat:
        raise ValueError(f"{name} must be pictures, but all pixels of each one are the same.")
    if high <= 1:
        raise ValueError(
            f"{name} must have values from 0 to 255, got only 0 and 1: images in [0, 1] need to be scaled by 255 first."
        )


def check_images(images: Images, name: str) -> None:
    """What can be said before any pixel is looked at.

    Raises:
        ValueError: for another type than `batches` takes, or an array of another type or shape.
    """
    images = images.images if isinstance(images, FaceSet) else images
    if isinstance(images, (str, bytes, dict)) or not isinstance(images, Iterable):
        raise ValueError(
            f"{name} must be uint8 images (n, height, width, 3), a FaceSet or batches, got {type(images).__name__}."
        )
    if isinstance(images, np.ndarray):
        _check_array(images, name)
        if not len(images):
            raise ValueError(f"{name} must hold at least one image, got none.")


def as_array(images: np.ndarray | FaceSet, name: str) -> np.ndarray:
    """Images of an array or a FaceSet, any number of them: uint8 (n, height, width, 3), or a ValueError."""
    images = images.images if isinstance(images, FaceSet) else images
    _check_array(images, name)
    return images


def how_many(images: Images) -> int | None:
    """Number of images, None where only counting would tell."""
    return len(images) if isinstance(images, (np.ndarray, FaceSet)) else None


def _check_array(images, name: str) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        what = f"{images.dtype} of shape {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise ValueError(
            f"{name} must be uint8 images (n, height, width, 3) with values from 0 to 255, got {what}. Floats in "
            "[-1, 1] become such by facelib.data.to_uint8."
        )
    if images.ndim != 4 or images.shape[3] != 3 or 0 in images.shape[1:3]:
        raise ValueError(
            f"{name} must have shape (n, height, width, 3), got {images.shape}. Single images are "
            "stacked by np.stack, once they have one size."
        )


def _size(side: tuple[int, int]) -> str:
    return "×".join(map(str, side))
