"""Known harm, in doses: what a metric should notice. Real images made worse, or sets of them made poorer.

Functions of images give uint8 images of the same shape. `mode_dropping` and `duplicates` give rows of a set instead, so
that features need not be extracted again.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from facelib.checks import whole_number
from facelib.data.faceset import FaceSet
from facelib.metrics.images import check_images


def blur(images: np.ndarray | FaceSet, sigma: float) -> np.ndarray:
    """Gaussian blur with a standard deviation of `sigma` pixels.

    Args:
        images: uint8 (n, height, width, 3) or a FaceSet, as for all of these.

    Raises:
        ValueError: for images of another type or shape, or a negative sigma.
    """
    images = _pixels(images)
    _not_negative(sigma, "sigma")
    blurred = gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0), mode="nearest")
    return blurred.round().astype(np.uint8)


def noise(images: np.ndarray | FaceSet, sigma: float, seed: int = 0) -> np.ndarray:
    """Gaussian noise with a standard deviation of `sigma` grey levels, on each pixel and channel.

    Raises:
        ValueError: for images of another type or shape, or a negative sigma.
    """
    images = _pixels(images)
    _not_negative(sigma, "sigma")
    added = np.random.default_rng(seed).normal(0, sigma, images.shape)
    return (images + added).round().clip(0, 255).astype(np.uint8)


def jpeg(images: np.ndarray | FaceSet, quality: int) -> np.ndarray:
    """Written as JPEG and read again; `quality` as Pillow has it, from 95 (hardly visible) to 1.

    Raises:
        ValueError: for images of another type or shape, or another quality.
    """
    images = _pixels(images)
    if whole_number(quality, "quality", 1) > 95:
        raise ValueError(f"quality must be at most 95, got {quality}.")
    return np.stack([_through_jpeg(image, quality) for image in images])


def resize(images: np.ndarray | FaceSet, side: int, method: str = "nearest") -> np.ndarray:
    """Shrunk to `side` × `side` pixels, and enlarged again by bicubic interpolation.

    "antialiased" averages all pixels where it shrinks, and loses only what a small picture cannot hold. "nearest" keeps
    one pixel and drops its neighbours, as many programs do: edges get teeth (Parmar et al. 2022).

    Raises:
        ValueError: for images of another type or shape, an unknown method, or a side below 2 or above the images'.
    """
    images = _pixels(images)
    if method not in _RESAMPLING:
        raise ValueError(f"method must be one of {tuple(_RESAMPLING)}, got {method!r}.")
    height, width = images.shape[1:3]
    if whole_number(side, "side", 2) > min(height, width):
        raise ValueError(f"side must be at most that of the images, {min(height, width)}, got {side}.")

    def resized(image: np.ndarray) -> np.ndarray:
        small = Image.fromarray(image).resize((side, side), _RESAMPLING[method])
        return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))

    return np.stack([resized(image) for image in images])


def mode_dropping(has: np.ndarray, share: float, n: int, seed: int = 0) -> np.ndarray:
    """n different rows of a set, from which a share of those that have something was left out; in random order.

    >>> glasses = np.arange(100) < 30
    >>> rows = mode_dropping(glasses, share=1.0, n=70)
    >>> int(glasses[rows].sum()), len(set(rows.tolist()))
    (0, 70)

    Args:
        has: bool (m,), who belongs to the mode.
        share: of them that is dropped, from 0 to 1. The others take their places.
        n: how many rows.

    Raises:
        ValueError: for a share outside [0, 1], or fewer rows left than n.
    """
    has = np.asarray(has)
    if has.ndim != 1 or has.dtype != bool:
        raise ValueError(f"has must be bool (m,), got {has.dtype} of shape {has.shape}.")
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie between 0 and 1, got {share}.")
    rng = np.random.default_rng(seed)
    kept = np.concatenate([np.flatnonzero(~has), rng.permutation(np.flatnonzero(has))[round(share * has.sum()) :]])
    if len(kept) < whole_number(n, "n", 1):
        raise ValueError(f"n must be at most the {len(kept)} rows that are left, got {n}.")
    return rng.permutation(kept)[:n]


def duplicates(n: int, different: int, seed: int = 0) -> np.ndarray:
    """n rows of the first `different` ones of a set, each about equally often, in random order.

    >>> rows = duplicates(6, different=2)
    >>> sorted(rows.tolist())
    [0, 0, 0, 1, 1, 1]

    Raises:
        ValueError: for more different rows than n, or none.
    """
    if whole_number(different, "different", 1) > whole_number(n, "n", 1):
        raise ValueError(f"different must be at most n = {n}, got {different}.")
    return np.random.default_rng(seed).permutation(np.arange(n) % different)


@dataclass(frozen=True)
class Degradation:
    """A function of images, and its doses from hardly visible to ruinous.

    Attributes:
        function: (images, strength) → images.
        strengths: of images of 64 pixels; blur and resizes of others need other ones.
        unit: how a strength reads, such as "σ = {:g} px".
    """

    function: Callable[[np.ndarray, float], np.ndarray]
    strengths: tuple[float, ...]
    unit: str


DEGRADATIONS = {
    "blur": Degradation(blur, (0.4, 0.5, 0.7, 1.0, 1.5, 2.5), "σ = {:g} px"),
    "noise": Degradation(noise, (2, 5, 10, 20, 40, 80), "σ = {:g} grey levels"),
    "jpeg": Degradation(jpeg, (95, 85, 70, 50, 25, 8), "quality {:g}"),
    "resize": Degradation(
        lambda images, side: resize(images, side, "antialiased"), (60, 52, 44, 36, 28, 20), "by way of {0:g}×{0:g}"
    ),
    "wrong resize": Degradation(resize, (60, 52, 44, 36, 28, 20), "by way of {0:g}×{0:g}"),
}

_RESAMPLING = {"nearest": Image.Resampling.NEAREST, "antialiased": Image.Resampling.BICUBIC}


def _pixels(images: np.ndarray | FaceSet) -> np.ndarray:
    images = images.images if isinstance(images, FaceSet) else images
    check_images(np.asarray(images), "images")
    return np.asarray(images)


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _not_negative(value: float, name: str) -> None:
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a finite number of at least 0, got {value}.")
