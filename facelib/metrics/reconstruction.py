"""How close one picture is to another, and how sharp it is. All functions: uint8 images in, one value a face out.

Images are uint8 (n, height, width, 3) or a FaceSet; all else is a ValueError.
"""

from __future__ import annotations

import numpy as np
from skimage.metrics import structural_similarity

from facelib.checks import whole_number
from facelib.data.faceset import FaceSet
from facelib.metrics.images import as_array

WINDOW = 7  # pixels a side, of structural similarity
COMPARED = 256  # pictures at a time


def psnr(images: np.ndarray | FaceSet, others: np.ndarray | FaceSet) -> np.ndarray:
    """Peak signal-to-noise ratio in dB; infinite for equal images.

    >>> black, white = np.zeros((1, 8, 8, 3), np.uint8), np.full((1, 8, 8, 3), 255, np.uint8)
    >>> float(psnr(black, white)[0])
    0.0
    """
    images, others = _pair(images, others)
    # Some at a time: as numbers of 8 bytes, thousands of large pictures would not fit into memory.
    parts = [slice(begin, begin + COMPARED) for begin in range(0, max(1, len(images)), COMPARED)]
    errors = [((images[part].astype(np.float64) - others[part]) ** 2).mean(axis=(1, 2, 3)) for part in parts]
    error = np.concatenate(errors)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(255.0**2 / error)


def ssim(images: np.ndarray | FaceSet, others: np.ndarray | FaceSet) -> np.ndarray:
    """Structural similarity (Wang et al. 2004) in [-1, 1]; 1 for equal images, of 7 pixels a side or more."""
    images, others = _pair(images, others)
    if min(images.shape[1:3]) < WINDOW:
        raise ValueError(f"images must be at least {WINDOW} pixels high and wide, got shape {images.shape}.")
    return np.array([structural_similarity(a, b, channel_axis=2) for a, b in zip(images, others, strict=True)])


def sharpness(images: np.ndarray | FaceSet) -> np.ndarray:
    """Mean absolute step between neighbouring pixels of the luminance, in levels of 0 to 255: less is blurrier."""
    images = as_array(images, "images")
    if min(images.shape[1:3]) < 2:
        raise ValueError(f"images must be at least 2 pixels high and wide, got shape {images.shape}.")
    luminance = images.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    steps = [np.abs(np.diff(luminance, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    return (steps[0] + steps[1]) / 2


def grid_power(images: np.ndarray | FaceSet, others: np.ndarray | FaceSet | None = None, period: int = 2) -> float:
    """How much of a grid there is in the error: its power at the grid's frequencies, as a multiple of that beside them.

    Upsampling by two, n times over, leaves patterns of 2ⁿ pixels and less (Odena et al. 2016). The power is that of the
    error's Fourier transform under a Hann window, over all faces and channels; "beside" is two frequencies away,
    because the window blurs each over its neighbours.

    Args:
        images, others: uint8 (n, size, size, 3), the pictures and what they should have been; without others, of the
            pictures themselves.
        period: of the grid in pixels, at most a quarter of the pictures' side and a divisor of it; its frequencies
            include those of every period that divides it.

    Returns:
        more than 1 where there is a grid. An error without one gives about 1 (blurred faces 1.01 to 1.08), one of
        pixels that are repeated less. It is a share of the error: the same grid counts less beside a larger error.
        NaN for equal pictures.

    Raises:
        ValueError: for pictures of other types or shapes, or a period that does not fit.
    """
    images = as_array(images, "images")
    images, others = _pair(images, np.zeros_like(images) if others is None else others)
    size = images.shape[1]
    if images.shape[2] != size:
        raise ValueError(f"images must be square, got shape {images.shape}.")
    period = whole_number(period, "period", 0)
    if period < 2 or size % period or size // period < 4:
        raise ValueError(f"period must be at least 2 and divide {size} pixels into 4 parts or more, got {period}.")
    window = np.hanning(size + 1)[:-1]
    power = np.zeros((size, size))
    for begin in range(0, len(images), COMPARED):
        part = slice(begin, begin + COMPARED)
        error = (images[part].astype(np.float64) - others[part]) * window[:, None, None] * window[:, None]
        power += (np.abs(np.fft.fft2(error, axes=(1, 2))) ** 2).sum(axis=(0, 3))
    # By vertical frequency whatever the horizontal one, then the other way round.
    spectra = power.sum(axis=1), power.sum(axis=0)
    lines = size // period * np.arange(1, period // 2 + 1)
    on = sum(spectrum[lines].sum() for spectrum in spectra)
    beside = sum(spectrum[lines + k].sum() for spectrum in spectra for k in (-2, 2)) / 2
    return float(on / beside) if beside else float("nan")


def _pair(images: np.ndarray | FaceSet, others: np.ndarray | FaceSet) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays of one shape."""
    images, others = (np.asarray(x.images if isinstance(x, FaceSet) else x) for x in (images, others))
    if images.shape != others.shape or images.dtype != np.uint8 or others.dtype != np.uint8:
        raise ValueError(
            f"images and others must be uint8 of one shape, got {images.dtype} {images.shape} and "
            f"{others.dtype} {others.shape}."
        )
    return as_array(images, "images"), others
