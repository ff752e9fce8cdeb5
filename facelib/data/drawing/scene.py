"""What stands around the face: background, neck and clothes, ears, hair, hat, glasses."""

from __future__ import annotations

import numpy as np

from facelib.data.drawing.globe import EYE_X, EYE_Y, HEAD_HEIGHT, lambert
from facelib.data.drawing.paint import Rows, cover, linear, paint, palette, smooth
from facelib.data.drawing.skin import skin_colour

HAIR = ["2b2628", "6b4630", "d9b36c", "b4b2b2", "a5512b"]  # in the order of synthetic.HAIR_COLOURS
GLASSES = [(0.0, "1d1b1c"), (0.4, "4a2f22"), (0.7, "7a2432"), (1.0, "8d9096")]
HATS = [(0.0, "2e3f5c"), (0.3, "8c2f39"), (0.6, "3f6b4f"), (0.8, "c98f3c"), (1.0, "3a3a40")]
CLOTHES = [(0.0, "2f3e57"), (0.2, "e8e4da"), (0.4, "7c3b45"), (0.6, "4d6b62"), (0.8, "b9a16b"), (1.0, "35343a")]
BACKGROUND = [(0.0, "8fa9b8"), (0.2, "b8c4a8"), (0.4, "d9c3a5"), (0.6, "c9a59b"), (0.8, "9c97b5"), (1.0, "8fa9b8")]


def background(f, g) -> np.ndarray:
    base = palette(BACKGROUND, f.background_hue) * (0.35 + 0.75 * f.background_light)
    glow = 1.05 - 0.28 * ((g.u - 0.5 * g.light.x) ** 2 + (g.v + 0.3) ** 2)
    return base * glow * g.light.colour


def hair_colour(f) -> np.ndarray:
    table = np.stack([linear(code) for code in HAIR])
    colour = np.moveaxis(table[f.hair_colour[:, 0, 0].astype(int)], 1, 0)[:, :, None, None]
    return colour * (1 + 0.25 * f.hair_shade)


def back_hair(canvas, f, g, hair) -> None:
    long = f.hair_length
    top, bottom = -1.10 - 0.07 * f.hair_volume, 0.05 + 1.35 * long
    middle, half = (top + bottom) / 2, (bottom - top) / 2
    wobble = f.hair_waves * 0.03 * np.sin(13 * g.Y0 + 5 * f.hair_parting)
    xx = g.x / g.width / (1.03 + 0.10 * f.hair_volume + 0.14 * long) + wobble * (0.3 + long)
    yy = (g.Y0 - middle) / half
    # Round on top; squarer where long hair ends.
    x2, y2 = xx * xx, yy * yy
    square = np.sqrt(x2 * x2 + y2 * y2) * (yy > 0) + (x2 + y2) * (yy <= 0)
    r = np.sqrt((x2 + y2) + (square - x2 - y2) * long + 1e-6)
    alpha = cover((r - 1) * g.width, g.px) * (1 - f.baldness) * (1 - f.hat * (g.Y0 < -0.5))
    strands = 0.40 + 0.07 * np.sin(31 * xx + 5 * g.Y0 + 9 * wobble) + 0.05 * np.sin(73 * xx - 3 * g.Y0)
    for channel in range(3):
        shaded = hair[channel] * g.light.colour[channel] * strands
        canvas[channel] += (shaded - canvas[channel]) * alpha


def neck_and_clothes(canvas, f, g) -> None:
    w = Rows(canvas, g, "by", 0.25, 9)
    skin = skin_colour(f) * g.light.colour
    neck = g.width * (0.46 + 0.28 * f.masculinity)
    flare = np.maximum(w.by - 0.72, 0) * 0.9
    shade = 0.30 + 0.45 * smooth(0.66, 1.0, w.by) + 0.16 * g.light.x * w.bx / neck
    paint(w.canvas, skin * shade, cover(np.abs(w.bx) - neck - flare, g.px))
    # A shirt with a round neckline.
    shoulders = w.by - (0.80 + 0.42 * (w.bx * w.bx) / (0.75 + 0.2 * f.masculinity))
    neckline = 0.985 - np.sqrt((w.bx / (neck * 1.25)) ** 2 + ((w.by - 0.72) / 0.26) ** 2)
    cloth = palette(CLOTHES, f.clothes_colour) * g.light.colour
    body = 0.55 + 0.25 * g.light.x * w.bx + 0.25 * (1 - np.minimum(w.bx * w.bx, 1))
    paint(w.canvas, cloth * body, cover(np.maximum(-shoulders, neckline * neck), g.px))


def ears(canvas, f, g) -> None:
    w = Rows(canvas, g, "Y0", -0.25, 0.45)
    skin = skin_colour(f) * g.light.colour * 0.62
    for sign in (-1, 1):
        # The ear of the side that turns away disappears behind the head.
        cx = sign * (1.0 - 0.10 * np.maximum(sign * np.sin(g.yaw), 0) * 3) - 0.12 * np.sin(g.yaw)
        q = np.sqrt(((w.x / g.width - cx) / 0.13) ** 2 + ((w.Y0 - 0.06) / 0.19) ** 2)
        lit = 0.75 + 0.3 * sign * g.light.x - 0.35 * smooth(0.75, 0.3, q)
        paint(w.canvas, skin * lit, cover((q - 1) * 0.07, g.px))


def front_hair(canvas, f, g, hair) -> None:
    if (f.baldness == 1).all():
        return
    w = Rows(canvas, g, "Y0", -1.4, 1.75)
    ax = np.abs(w.X)
    long = smooth(0.3, 0.6, f.hair_length)
    volume = 0.05 + 0.07 * f.hair_volume + 0.03 * f.hair_waves
    curls = f.hair_waves * 0.022 * np.sin(17 * np.arctan2(w.side, -w.Y0) + 3 * f.hair_parting)
    outer = np.sqrt((w.side / (1.05 + volume * 0.8)) ** 2 + ((w.Y0 + 0.02) / (1.06 + volume)) ** 2) - curls
    ragged = 0.025 * np.sin(31 * w.X + 4 * f.hair_parting) + 0.015 * np.sin(53 * w.X)
    recede = np.clip(f.age - 0.6, 0, 1) * f.masculinity * 0.22
    front = -0.62 - 0.05 * f.hairline - recede + 0.10 * f.hair_parting * w.X
    fringe = -0.30 + ragged + 0.08 * f.hair_parting * w.X
    front = front + (fringe - front) * np.minimum(f.bangs * 1.2, 1) * smooth(0.95, 0.7, ax)
    temple = smooth(0.60, 0.98, ax) * (0.62 + 0.35 * f.bangs)
    line = front + 0.22 * w.X * w.X * (1 - f.bangs) + temple
    inside = cover((w.Y - line) * HEAD_HEIGHT, 2.0 * g.px)
    # Beside the head there is no skin to stop at: short hair ends at the ear, long hair hangs.
    sides = cover((1 - w.r) * g.width, g.px) * smooth(0.30, 0.12, w.Y0)
    cap = cover((outer - 1) * g.width, g.px) * np.maximum(inside, sides) * smooth(0.36, 0.30, w.Y0 * (1 - long))
    across = np.abs(w.x) / g.width + 1.5 * curls
    locks = 0.90 - 0.06 * np.sin(3 * w.Y0 + f.hair_parting) + 0.5 * curls
    reach = 1.06 + 0.10 * f.hair_volume + 0.12 * np.clip(w.Y0, 0, 1)
    hang = cover(np.maximum(locks - across, across - reach) * g.width, g.px) * (w.Y0 > -0.15)
    hang = hang * long * smooth(1.60, 1.45, w.Y0 - 0.35 * (f.hair_length - 0.7))
    alpha = np.maximum(cap * (w.Y0 < 0.36), hang) * (1 - f.baldness) * (1 - f.hat * (w.Y < -0.56))

    nz = np.sqrt(np.clip(1 - outer * outer, 0.05, 1))
    flow = 23 * w.X + 4 * f.hair_parting + (1 + 2.5 * f.hair_waves) * np.sin(3.1 * w.Y + 2 * w.X)
    strands = 0.45 * np.sin(flow) + 0.35 * np.sin(2.3 * flow + 4 * w.Y) + 0.2 * np.sin(5.3 * flow - 7 * w.Y)
    shade = lambert(g.light, w.side * 0.9, w.Y0 * 0.9, nz) * (0.80 + 0.13 * strands)
    band = np.maximum(1 - ((w.Y + 0.84 + 0.05 * strands) / 0.16) ** 2, 0) * np.maximum(1 - w.X * w.X, 0)
    shine = (0.10 + 0.05 * strands) * band * g.light.key
    for channel in range(3):
        colour = (hair[channel] * (shade + 0.3 * band) + shine * 0.25) * g.light.colour[channel]
        w.canvas[channel] += (colour - w.canvas[channel]) * alpha


def hat(canvas, f, g) -> None:
    if not f.hat.any():
        return
    w = Rows(canvas, g, "Y0", -1.5, -0.2)
    cloth = palette(HATS, f.hat_colour) * g.light.colour
    dome = np.sqrt((w.side / 1.13) ** 2 + ((w.Y0 + 0.02) / 1.22) ** 2)
    rim = -0.52 + 0.10 * w.X * w.X
    shade = lambert(g.light, w.side * 0.9, w.Y0 * 0.8, np.sqrt(np.clip(1 - dome * dome, 0.04, 1)))
    ribs = 0.88 + 0.12 * np.sin(38 * w.X)
    alpha = cover(np.maximum((dome - 1) * g.width, (w.Y - rim) * HEAD_HEIGHT), g.px) * f.hat
    paint(w.canvas, cloth * (shade * ribs), alpha)
    cuff = np.maximum((np.abs(w.Y - rim + 0.11) - 0.11) * HEAD_HEIGHT, (np.abs(w.side) - 1.13) * g.width)
    cuff = np.maximum(cuff, (dome - 1.05) * g.width)
    paint(w.canvas, cloth * (shade * 1.25 * ribs), cover(cuff, g.px) * f.hat)


def glasses(canvas, f, g) -> None:
    if not f.glasses.any():
        return
    w = Rows(canvas, g, "Y", -0.35, 0.40)
    # They stand in front of the head, so turning moves them further than the eyes.
    X = w.X - 0.10 * np.tan(g.yaw)
    ax = np.abs(X)
    lx, ly = (ax - EYE_X) * g.width, (w.Y - EYE_Y - 0.03) * HEAD_HEIGHT
    round_ = np.sqrt(lx * lx + ly * ly * 1.15) - 0.165
    square = np.maximum(np.abs(lx) - 0.175, np.abs(ly) - 0.125)
    lens = round_ + (square - round_) * smooth(0.35, 0.65, f.glasses_shape)
    frame = np.abs(lens) - 0.013
    bridge = np.maximum(np.abs(ly + 0.035) - 0.011, np.abs(X) * g.width - EYE_X * g.width + 0.16)
    temple = np.maximum(np.abs(ly + 0.03) - 0.012, 0.17 - lx)
    colour = palette(GLASSES, f.glasses_colour)
    shown = f.glasses * (w.r < 1.02)
    glass = cover(lens, g.px) * shown
    paint(w.canvas, np.full_like(colour, 0.75), glass * (0.02 + 0.10 * smooth(0.05, 0.0, np.abs(lx + 1.2 * ly + 0.04))))
    paint(w.canvas, colour, cover(np.minimum(np.minimum(frame, bridge), temple), g.px) * shown)
