"""How close one picture is to another, and how sharp it is. All functions: uint8 images in, one value a face out."""

from __future__ import annotations

import numpy as np
from skimage.metrics import structural_similarity


def psnr(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB; infinite for equal images.

    >>> black, white = np.zeros((1, 8, 8, 3), np.uint8), np.full((1, 8, 8, 3), 255, np.uint8)
    >>> float(psnr(black, white)[0])
    0.0
    """
    _check_pair(images, others)
    error = ((images.astype(np.float64) - others) ** 2).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(255.0**2 / error)


def ssim(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Structural similarity (Wang et al. 2004) in [-1, 1]; 1 for equal images."""
    _check_pair(images, others)
    return np.array([structural_similarity(a, b, channel_axis=2) for a, b in zip(images, others, strict=True)])


def sharpness(images: np.ndarray) -> np.ndarray:
    """Mean absolute step between neighbouring pixels of the luminance, in levels of 0 to 255: less is blurrier."""
    luminance = images.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    steps = [np.abs(np.diff(luminance, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    return (steps[0] + steps[1]) / 2


def _check_pair(images: np.ndarray, others: np.ndarray) -> None:
    if images.shape != others.shape or images.dtype != np.uint8 or others.dtype != np.uint8:
        raise ValueError(
            f"images and others must be uint8 of one shape, got {images.dtype} {images.shape} and "
            f"{others.dtype} {others.shape}."
        )
