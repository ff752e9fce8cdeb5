"""Images → the side that a network was trained on."""

from __future__ import annotations

import numpy as np
from keras import ops


def antialiased(images: np.ndarray, side: int) -> np.ndarray:
    """uint8 (n, height, width, 3) → float32 (n, side, side, 3) in [0, 255], bicubic, averaging where it shrinks.

    Without averaging a smaller picture keeps some pixels and drops the others, and distances follow the dropped ones
    (Parmar et al. 2022).
    """
    if images.shape[1:3] == (side, side):
        return images.astype(np.float32)
    resized = ops.image.resize(images.astype(np.float32), (side, side), interpolation="bicubic", antialias=True)
    return np.clip(ops.convert_to_numpy(resized), 0, 255)  # bicubic overshoots at edges


def bilinear_2015(images: np.ndarray, side: int) -> np.ndarray:
    """uint8 (n, height, width, 3) → float32 (n, side, side, 3): TensorFlow 1's bilinear resize, as in published FIDs.

    It takes pixel i · size / side of the original, without the half pixel that later versions add, and averages nothing
    where it shrinks.
    """
    rows, columns = (_between(size, side) for size in images.shape[1:3])
    return np.einsum("rh,nhwc,sw->nrsc", rows, images.astype(np.float32), columns, optimize=True)


METHODS = {"bicubic antialiased": antialiased, "bilinear of 2015": bilinear_2015}


def _between(size: int, side: int) -> np.ndarray:
    """(side, size): how much of each pixel goes into each new one."""
    position = np.arange(side) * (size / side)
    lower = position.astype(int)
    upper, share = np.minimum(lower + 1, size - 1), (position - lower).astype(np.float32)
    weights = np.zeros((side, size), np.float32)
    np.add.at(weights, (np.arange(side), lower), 1 - share)
    np.add.at(weights, (np.arange(side), upper), share)
    return weights
