"""Skin: its colour, the relief that light falls on, cheeks, folds and wrinkles."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from facelib.data.drawing.globe import BROW_Y, EYE_X, EYE_Y, MOUTH_Y, NOSE_Y
from facelib.data.drawing.paint import Rows, blob, paint, palette, smooth

SKIN = [(0.0, "fbe0cd"), (0.2, "f3cdb0"), (0.45, "d8a176"), (0.65, "a86f49"), (0.85, "744a33"), (1.0, "4b3026")]


def skin_colour(f) -> np.ndarray:
    # A photographer opens the lens for dark skin.
    exposure = 1 + 0.75 * f.skin_tone
    undertone = np.stack([1 + 0.05 * f.undertone, np.ones_like(f.undertone), 1 - 0.09 * f.undertone])
    return palette(SKIN, f.skin_tone) * undertone * exposure


def relief(f, g):
    """Slopes that nose, cheeks, sockets, lips and chin add to the globe's normal."""
    slopes = np.zeros((2, *g.X.shape), np.float32)
    across = SimpleNamespace(**vars(g), ax=np.abs(g.X), sign=np.sign(g.X))
    ramp = np.clip((g.Y + 0.1) / 0.45, 0, 1)
    across.nose = g.X - 0.22 * np.tan(g.yaw) * ramp
    across.wings = np.abs(across.nose)

    def hill(x, cx, cy, rx, ry, height, mirrored):
        w = Rows(slopes, across, "Y", cy - ry, cy + ry)
        dx, dy = (getattr(w, x) - cx) / rx, (w.Y - cy) / ry
        t = np.maximum(1 - dx * dx - dy * dy, 0) * (4 * height)
        w.canvas[0] += t * dx / rx * (w.sign if mirrored else 1)
        w.canvas[1] += t * dy / ry

    tip = NOSE_Y - 0.05 + 0.04 * f.nose_length
    size = 0.8 + 0.45 * f.nose_size
    hill("nose", 0.0, 0.14, 0.17 * size, 0.42, 0.10, False)
    hill("nose", 0.0, tip, 0.20 * size, 0.16, 0.075 * size, False)
    hill("wings", 0.17 * size, tip + 0.03, 0.10 * size, 0.09, 0.018, True)
    cheek = 0.04 + 0.10 * f.cheekbones + 0.03 * f.smile
    hill("ax", 0.56, 0.22 - 0.05 * f.cheekbones - 0.03 * f.smile, 0.36, 0.26, cheek, True)
    hill("ax", 0.52, 0.55, 0.30, 0.26, -0.07 * f.cheekbones - 0.02 * f.age, True)
    hill("ax", 0.40, BROW_Y - 0.02, 0.40, 0.14, 0.03 + 0.03 * f.masculinity, True)
    hill("ax", 0.36, EYE_Y - 0.03, 0.30, 0.17, -0.04, True)
    hill("X", 0.0, 0.93, 0.30, 0.17, 0.05 + 0.02 * f.masculinity, False)
    hill("X", 0.0, MOUTH_Y + 0.16, 0.30, 0.09, -0.03, False)
    return slopes


def complexion(albedo, f, g, skin) -> None:
    def rows(low, high):
        w = Rows(albedo, g, "Y", low, high)
        w.ax = np.abs(w.X)
        return w

    flush = np.stack([skin[0] * 1.0, skin[1] * 0.55, skin[2] * 0.58])
    cheek_y = 0.30 - 0.04 * f.smile
    w = rows(cheek_y - 0.24, cheek_y + 0.24)
    paint(w.canvas, flush, blob(w.ax, w.Y, 0.55, cheek_y, 0.34, 0.24) * (0.18 + 0.72 * f.blush))
    w = rows(NOSE_Y - 0.19, NOSE_Y + 0.13)
    tip = blob(w.X - 0.22 * np.tan(g.yaw), w.Y, 0, NOSE_Y - 0.03, 0.24, 0.16)
    paint(w.canvas, flush, tip * (0.15 + 0.2 * f.blush))
    dark = skin * np.array([0.50, 0.42, 0.42], np.float32)[:, None, None, None]
    # Shadows that the relief is too coarse for: nostrils, the corner of the nose, the socket.
    size = 0.8 + 0.45 * f.nose_size
    base = NOSE_Y + 0.04 * f.nose_length + 0.035
    w = rows(base - 0.16, base + 0.14)
    nose = np.abs(w.X - 0.20 * np.tan(g.yaw))
    paint(w.canvas, dark * 0.5, blob(nose, w.Y, 0.085 * size, base, 0.075 * size, 0.04) * 0.85)
    paint(w.canvas, dark, blob(nose, w.Y, 0.0, base + 0.04, 0.22 * size, 0.09) * 0.45)
    wing = np.sqrt(((nose - 0.12 * size) / (0.105 * size)) ** 2 + ((w.Y - base + 0.045) / 0.085) ** 2)
    paint(w.canvas, dark, smooth(0.28, 0.0, np.abs(wing - 1)) * (nose > 0.15 * size) * 0.45)
    w = rows(EYE_Y - 0.20, EYE_Y + 0.12)
    paint(w.canvas, dark, blob(w.ax, w.Y, 0.17, EYE_Y - 0.04, 0.13, 0.16) * 0.35)
    # Years: folds from nose to mouth, bags, crow's feet, lines on the forehead. A smile folds the young too.
    w = rows(0.34, 0.86)
    fold = 0.20 * size + 0.20 * np.clip((w.Y - 0.34) / 0.34, 0, 1.2) + 0.03 * f.smile
    band = smooth(0.34, 0.46, w.Y) * smooth(0.86, 0.66, w.Y)
    deep = 0.10 + 0.38 * np.clip(f.age * 1.6 - 0.5, 0, 1) + 0.22 * f.smile
    paint(w.canvas, dark, smooth(0.055, 0.0, np.abs(w.ax - fold)) * band * deep)
    old = np.clip(f.age * 2.4 - 1.3, 0, 1)
    w = rows(-0.08, 0.32)
    bags = EYE_Y + 0.155 - 0.25 * (w.ax - EYE_X) ** 2
    around = blob(w.ax, w.Y, EYE_X, 0.12, 0.26, 0.2)
    paint(w.canvas, dark, smooth(0.035, 0.0, np.abs(w.Y - bags)) * around * old * 0.75)
    w = rows(-0.62, -0.32)
    for level in (-0.40, -0.48, -0.56):
        wave = level + 0.03 * np.cos(4 * w.X) + 0.06 * w.X * w.X
        paint(w.canvas, dark, smooth(0.022, 0.0, np.abs(w.Y - wave)) * smooth(0.62, 0.3, w.ax) * old * 0.42)
    w = rows(-0.18, 0.22)
    for slope in (-0.35, 0.05, 0.45):
        ray = np.abs(w.Y - EYE_Y - 0.02 - slope * (w.ax - 0.60))
        paint(w.canvas, dark, smooth(0.02, 0.0, ray) * blob(w.ax, w.Y, 0.72, 0.02, 0.12, 0.2) * old * 0.7)
