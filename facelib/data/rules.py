"""Rules that tell an engraving from a photo and a profile from a front view, measured on crops and landmarks.

The thresholds were set by looking at sorted sheets of the portraits; `experiments/crop_portraits.py` prints the counts.
By eye, of 72 random faces over `ENGRAVING_ABOVE` 69 are engravings, drawings or coarse prints, and of 96 from before
1927 below it about eight are engravings all the same; 72 of 72 over `PROFILE_ABOVE` are at least turned three quarters.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

# Side in pixels of the crops whose texture is measured: fine lines are fine at one scale only.
HATCHING_SIZE = 80
ENGRAVING_ABOVE = 0.45
PROFILE_ABOVE = 0.5


def hatching(images: np.ndarray) -> np.ndarray:
    """How much of a face is fine lines or dots: above 0.45 mostly engravings, drawings and coarse prints.

    An engraver draws even a smooth cheek with lines. So the texture finer than two pixels is divided by the shading
    around it, and the value that two thirds of the face exceed is taken. What has more than one hue is no engraving.

    Args:
        images: uint8 (n, 80, 80, 3), crops of framing "face".

    Returns:
        float32 (n,), 0 for colour photos.

    Raises:
        ValueError: for images of another size.
    """
    if images.shape[1:] != (HATCHING_SIZE, HATCHING_SIZE, 3):
        side = HATCHING_SIZE
        raise ValueError(f"images must have shape (n, {side}, {side}, 3), got {images.shape}; crop with size={side}.")
    return np.concatenate([_hatching(images[i : i + 256]) for i in range(0, len(images), 256)] or [np.zeros(0)])


def _hatching(images: np.ndarray) -> np.ndarray:
    rgb = images.astype(np.float32)
    grey = rgb @ np.float32([0.299, 0.587, 0.114])

    def blurred(values, sigma):
        return gaussian_filter(values, (0, sigma, sigma))

    smooth = blurred(grey, 1.0)
    fine = np.sqrt(blurred((grey - smooth) ** 2, 1.5))
    shading = np.sqrt(blurred((smooth - blurred(smooth, 3.0)) ** 2, 3.0))
    # Six levels of noise, so that flat skin has no texture of its own.
    face = (fine / (shading + 6))[:, 14:64, 14:64].reshape(len(images), -1)
    return np.where(_hues(rgb, grey) < 6, np.percentile(face, 35, axis=1), 0).astype(np.float32)


def _hues(rgb: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Levels of colour that are left once a single tint, of paper or ink, is taken out."""
    inner = slice(8, 72)
    light = grey[:, inner, inner].reshape(len(rgb), -1)
    light = light - light.mean(axis=1, keepdims=True)
    left = []
    for one, other in ((0, 1), (1, 2)):
        colour = (rgb[..., one] - rgb[..., other])[:, inner, inner].reshape(len(rgb), -1)
        colour = colour - colour.mean(axis=1, keepdims=True)
        slope = (colour * light).sum(axis=1) / np.maximum((light**2).sum(axis=1), 1e-6)
        left.append((colour - slope[:, None] * light).std(axis=1))
    return np.hypot(*left)


def turned(report: pd.DataFrame) -> pd.Series:
    """How far a head is turned: 0 from the front, above 0.5 a profile.

    The nose's distance from the middle of eyes and mouth, along the line of the eyes, in distances between the eyes.

    Args:
        report: with the landmarks' columns, as from `crop_faces`.

    Returns:
        Series of float, NaN where no face was found.
    """

    def point(name):
        return report[[f"{name}_x", f"{name}_y"]].to_numpy(float)

    across = point("right_eye") - point("left_eye")
    length = np.hypot(across[:, 0], across[:, 1])
    middle = (point("left_eye") + point("right_eye") + point("mouth_left") + point("mouth_right")) / 4
    along = ((point("nose") - middle) * across).sum(axis=1)
    return pd.Series(np.abs(along) / np.maximum(length, 1.0) ** 2, index=report.index, name="turned")
