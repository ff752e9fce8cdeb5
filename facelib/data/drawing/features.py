"""Mouth, eyes, brows and facial hair, painted on the head's albedo before light falls on it."""

from __future__ import annotations

import numpy as np

from facelib.data.drawing.globe import BROW_Y, EYE_X, EYE_Y, HEAD_HEIGHT, MOUTH_Y, NOSE_Y
from facelib.data.drawing.paint import Rows, cover, linear, paint, palette, smooth

IRIS = [(0.0, "4a2c1a"), (0.35, "6b4423"), (0.55, "6f7a3a"), (0.8, "4d7fa8"), (1.0, "7d8c96")]


def facial_hair(albedo, f, g, hair) -> None:
    w = Rows(albedo, g, "Y", -0.05, 1.4)
    ax = np.abs(w.X)
    grain = 1 + 0.09 * np.sin(71 * w.X + 9 * w.Y) + 0.07 * np.sin(113 * w.X - 31 * w.Y)
    colour = hair * 0.62 * grain
    # Beard: jaw and cheeks below a line from the ear to the mouth, open around the lips.
    line = 0.46 - 0.42 * smooth(0.35, 0.95, ax) - 0.03 * np.cos(9 * ax)
    lips = np.sqrt((w.X / 0.36) ** 2 + ((w.Y - MOUTH_Y - 0.01) / 0.155) ** 2)
    jaw = smooth(-0.03, 0.09, w.Y - line) * smooth(0.92, 1.1, lips) * smooth(0.49, 0.60, w.Y + 0.55 * ax)
    paint(w.canvas, colour, jaw * f.beard * 0.94)
    # Men who shave have a shadow there.
    paint(w.canvas, w.canvas * 0.55, jaw * (1 - f.beard) * np.clip(f.masculinity * 0.5 - 0.2, 0, 1))
    top = NOSE_Y + 0.105 + 0.16 * ax * ax
    thick = 0.105 * np.clip(1 - (ax / (0.40 + 0.05 * f.mouth_width)) ** 2, 0, 1) ** 0.5
    centre = top + 0.045 + 0.16 * ax * ax
    paint(
        w.canvas,
        colour,
        cover((np.abs(w.Y - centre) - thick * 0.62) * HEAD_HEIGHT, 1.6 * g.px) * f.mustache * smooth(0, 0.05, thick),
    )


def mouth(albedo, f, g, skin) -> None:
    w = Rows(albedo, g, "Y", 0.35, 1.0)
    smile, open_ = f.smile, f.mouth_open
    half = 0.31 + 0.03 * f.mouth_width + 0.15 * smile - 0.03 * open_ * (1 - smile)
    t = 1 - (w.X / half) ** 2
    inside = np.sqrt(np.clip(t, 0, 1))
    # Corners rise with the smile.
    y0 = MOUTH_Y + 0.035 * smile - (0.16 * smile - 0.012) * (1 - np.clip(t, 0, 1))
    gap = inside * (0.12 * open_ + 0.105 * smooth(0.4, 0.9, smile))
    upper = 0.035 + 0.050 * f.lip_fullness
    lower = 0.050 + 0.075 * f.lip_fullness
    bow = 1 - 0.30 * np.clip(1 - (w.X / 0.07) ** 2, 0, 1)
    lip_top = y0 - gap * 0.35 - upper * inside * bow * (1 - 0.25 * smile)
    lip_bottom = y0 + gap * 0.65 + lower * inside * (1 - 0.2 * smile)

    edge = np.where(t > 0, np.maximum(lip_top - w.Y, w.Y - lip_bottom), 1) * HEAD_HEIGHT
    natural = skin * np.array([0.68, 0.38, 0.40], np.float32)[:, None, None, None] + 0.01
    painted = linear("a8233c")[:, None, None, None] * np.ones_like(skin)
    lip = natural + (painted - natural) * (0.75 * f.lipstick)
    lit = 1.12 - 0.5 * smooth(0.02, -0.06, w.Y - y0)  # the upper lip looks down and is darker
    paint(w.canvas, lip * lit, cover(edge, g.px) * (0.85 + 0.15 * f.lipstick))
    # Mouth cavity with the upper teeth, or the line between closed lips.
    hole = np.where(t > 0, np.maximum(y0 - gap * 0.35 - w.Y, w.Y - y0 - gap * 0.65), 1) * HEAD_HEIGHT
    cavity = cover(hole, g.px) * (gap > 0.004)
    paint(
        w.canvas,
        np.full_like(skin, 0.03) + skin * np.array([0.12, 0.02, 0.02], np.float32)[:, None, None, None],
        cavity,
    )
    teeth_bottom = y0 - gap * 0.35 + np.minimum(gap * (0.30 + 0.62 * smile), 0.115)
    teeth = cover((w.Y - teeth_bottom) * HEAD_HEIGHT, g.px) * smooth(1.0, 0.82, np.abs(w.X) / half)
    paint(w.canvas, np.full_like(skin, 0.78), cavity * teeth * 0.95)
    line = np.where(t > 0.02, np.abs(w.Y - y0), 1) * HEAD_HEIGHT
    closed = 1 - np.clip(gap / 0.03, 0, 1)
    paint(w.canvas, lip * 0.22, cover(line - 0.008, 1.2 * g.px) * closed * 0.85)


def eye_frame(f, g):
    """Coordinates around the nearest eye's centre, in units of the picture, and the eye's shape."""
    ax = np.abs(g.X)
    ex = (ax - EYE_X - 0.02 * f.eye_spacing) * g.width
    ey = (g.Y - EYE_Y) * HEAD_HEIGHT
    half = 0.118 * (1 + 0.06 * f.eye_size - 0.10 * f.masculinity)
    opening = (
        (1.06 - 0.16 * f.masculinity) * (1 - 0.52 * f.eye_narrowness) * (1 - 0.18 * f.smile) * (1 + 0.08 * f.eye_size)
    )
    t = np.clip(1 - (ex / half) ** 2, 0, 1)
    tilt = 0.10 * ex
    upper = -0.062 * opening * (t**0.75) - tilt
    lower = 0.036 * opening * t - tilt
    return ex, ey, half, t, upper, lower, opening


def eyes(albedo, f, g, skin) -> None:
    w = Rows(albedo, g, "Y", -0.30, 0.25)
    ex, ey, half, t, upper, lower, opening = eye_frame(f, w)
    eye = cover(np.where(t > 0, np.maximum(upper - ey, ey - lower), 1), g.px)
    paint(w.canvas, np.full_like(skin, 0.80), eye)
    # Gaze and yaw move both irises the same way, so the mirrored frame needs its sign back.
    sign = np.sign(w.X)
    ix = ex - sign * (0.026 * f.gaze_x)
    iy = ey + 0.012 - 0.010 * f.gaze_y
    distance = np.sqrt(ix * ix + iy * iy)
    iris = palette(IRIS, f.iris_colour)
    ring = 0.55 + 0.6 * smooth(0.050, 0.018, distance)
    paint(w.canvas, iris * ring, cover(distance - 0.050, g.px) * eye)
    paint(w.canvas, np.full_like(skin, 0.004), cover(distance - 0.022, g.px) * eye)
    # Shadow of the upper lid, the lash line (thicker in women), the crease, the lower lid.
    paint(w.canvas, np.full_like(skin, 0.01), smooth(0.030, 0.0, ey - upper) * eye * 0.45)
    lash = 0.007 + 0.013 * (1 - f.masculinity)
    wing = 1 + 0.16 * (1 - f.masculinity)
    tw = np.clip(1 - (ex / (half * wing)) ** 2, 0, 1)
    lid = -0.062 * opening * tw**0.75 - 0.10 * ex
    paint(w.canvas, np.full_like(skin, 0.012), cover(np.where(tw > 0, np.abs(ey - lid) - lash, 1), g.px) * 0.92)
    dark = skin * np.array([0.45, 0.36, 0.36], np.float32)[:, None, None, None]
    lid_shadow = smooth(0.075, 0.0, lid - ey) * (tw > 0) * (ey < lid)
    paint(w.canvas, dark, lid_shadow * 0.45 * (1 - f.masculinity))
    crease = np.abs(ey - lid + 0.034) - 0.004
    paint(w.canvas, dark, cover(np.where(tw > 0.05, crease, 1), 1.5 * g.px) * (0.45 + 0.25 * f.age))
    paint(w.canvas, dark, cover(np.where(t > 0, np.abs(ey - lower) - 0.004, 1), 1.3 * g.px) * 0.55)


def eye_lights(canvas, f, g) -> None:
    """The window's reflection, laid over the shading: without it eyes look dead."""
    w = Rows(canvas, g, "Y", -0.15, 0.10)
    ex, ey, half, t, upper, lower, _ = eye_frame(f, w)
    sign = np.sign(w.X)
    hx = ex - sign * (0.026 * f.gaze_x + 0.018 * np.sign(g.light.x))
    hy = ey + 0.030 - 0.010 * f.gaze_y
    spot = cover(np.sqrt(hx * hx + hy * hy) - 0.011, g.px) * cover(upper - ey, g.px)
    paint(w.canvas, np.ones_like(f.age)[None].repeat(3, 0), spot * 0.9)


def brows(albedo, f, g, hair) -> None:
    w = Rows(albedo, g, "Y", -0.50, 0.05)
    ax = np.abs(w.X)
    along = (ax - 0.17) / 0.47
    y = BROW_Y - 0.03 * f.brow_height - 0.02 * (1 - f.masculinity)
    arch = (
        y
        - (0.03 + 0.08 * (1 - f.masculinity)) * np.sin(np.clip(along, 0, 1) * 2.4)
        + 0.03 * f.brow_tilt * (along - 0.5)
    )
    thick = (0.015 + 0.036 * f.brow_thickness + 0.022 * f.masculinity) * np.clip(1.15 - 0.75 * along, 0, 1.1)
    ends = smooth(-0.04, 0.08, along) * smooth(1.04, 0.92, along)
    hairs = 0.85 + 0.15 * np.sin(70 * ax + 40 * w.Y)
    colour = np.minimum(hair * 0.42 + 0.002, 0.16)
    paint(w.canvas, colour, cover((np.abs(w.Y - arch) - thick) * HEAD_HEIGHT, 1.5 * g.px) * ends * hairs * 0.92)
