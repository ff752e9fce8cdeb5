"""Colours and brushes. Colours are linear light; the square root of `draw_faces` stands for the display's gamma."""

from __future__ import annotations

import numpy as np


def linear(code: str) -> np.ndarray:
    return (np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255) ** 2


def palette(stops, value) -> np.ndarray:
    """Colour (3, n, 1, 1) between the stops."""
    at = [stop for stop, _ in stops]
    colours = np.stack([linear(code) for _, code in stops])
    return np.stack([np.interp(value, at, colours[:, i]) for i in range(3)]).astype(np.float32)


def paint(canvas, colour, alpha) -> None:
    """Lay a colour (3, n, 1 or rows, 1 or columns) over the canvas, as opaque as alpha (n, rows, columns) says."""
    for channel in range(3):
        canvas[channel] += (colour[channel] - canvas[channel]) * alpha


def cover(distance, px):
    """1 inside, 0 outside, a ramp one pixel wide between."""
    return np.clip(0.5 - distance / px, 0, 1)


def smooth(low, high, x):
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blob(x, y, cx, cy, rx, ry):
    """A smooth hill of height 1 that ends at the ellipse."""
    t = np.maximum(1 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2, 0)
    return t * t


class Rows:
    """The part of canvas and geometry where low < g.`field` < high in any face: features cost only their own rows.

    field is "by", "Y0" or "Y"; low and high are numbers, or each face's own, (faces, 1, 1).
    """

    def __init__(self, canvas, g, field, low, high):
        least, most = getattr(g, f"{field}_min"), getattr(g, f"{field}_max")
        rows = np.flatnonzero(((most > low) & (least < high)).any(axis=(0, 2)))
        cut = slice(rows[0], rows[-1] + 1) if len(rows) else slice(0, 0)
        for name, value in vars(g).items():
            whole = isinstance(value, np.ndarray) and value.shape[1] == canvas.shape[2]
            setattr(self, name, value[:, cut] if whole else value)
        self.canvas = canvas[:, :, cut]
