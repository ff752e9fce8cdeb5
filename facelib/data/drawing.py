"""Draw faces from their causes: a lit globe for a head, features painted on it, many faces at once.

Coordinates: u to the right and v down over the picture, in [-1, 1]; x, y the same in the head's upright frame; X, Y on
the head itself, in units of its half-width and half-height (chin at Y = 1), turned by yaw and pitch, so that whatever
is painted in X, Y turns with the head. Every edge is a signed distance over the width of a pixel, which antialiases it
at any size. Colours are linear light; the square root at the end stands for the display's gamma.

All arrays are float32 of shape (faces, rows, columns). Most features touch a few rows only, so they are painted on
views of those rows (`_Rows`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pandas as pd

CHUNK_PIXELS = 64_000  # of all faces in a chunk: arrays that stay in the processor's cache
WORKERS = 2

HEAD_WIDTH, HEAD_HEIGHT = 0.56, 0.75
EYE_X, EYE_Y, BROW_Y, NOSE_Y, MOUTH_Y = 0.40, 0.0, -0.20, 0.38, 0.63

SKIN = [(0.0, "fbe0cd"), (0.2, "f3cdb0"), (0.45, "d8a176"), (0.65, "a86f49"), (0.85, "744a33"), (1.0, "4b3026")]
HAIR = ["2b2628", "6b4630", "d9b36c", "b4b2b2", "a5512b"]  # in the order of synthetic.HAIR_COLOURS
IRIS = [(0.0, "4a2c1a"), (0.35, "6b4423"), (0.55, "6f7a3a"), (0.8, "4d7fa8"), (1.0, "7d8c96")]
GLASSES = [(0.0, "1d1b1c"), (0.4, "4a2f22"), (0.7, "7a2432"), (1.0, "8d9096")]
HATS = [(0.0, "2e3f5c"), (0.3, "8c2f39"), (0.6, "3f6b4f"), (0.8, "c98f3c"), (1.0, "3a3a40")]
CLOTHES = [(0.0, "2f3e57"), (0.2, "e8e4da"), (0.4, "7c3b45"), (0.6, "4d6b62"), (0.8, "b9a16b"), (1.0, "35343a")]
BACKGROUND = [(0.0, "8fa9b8"), (0.2, "b8c4a8"), (0.4, "d9c3a5"), (0.6, "c9a59b"), (0.8, "9c97b5"), (1.0, "8fa9b8")]


def draw_faces(factors: pd.DataFrame, size: int = 80) -> np.ndarray:
    """Pictures of people, uint8 (n, size, size, 3), from their causes (`synthetic.COINS` and `synthetic.FREE`).

    Raises:
        ValueError: if size is below 16, or a cause is missing.
    """
    if size < 16:
        raise ValueError(f"size must be at least 16 pixels, got {size}.")
    chunk = max(1, CHUNK_PIXELS // size**2)
    columns = {name: factors[name].to_numpy(np.float32)[:, None, None] for name in factors}
    people = [
        SimpleNamespace(**{name: column[i : i + chunk] for name, column in columns.items()})
        for i in range(0, len(factors), chunk)
    ]
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            return np.concatenate(list(pool.map(lambda f: _draw(f, size), people)))
    except AttributeError as error:
        raise ValueError(f"factors lack {error.name!r}; take them from a synthetic FaceSet's .factors.") from error


def _draw(f, size: int) -> np.ndarray:
    g = _geometry(f, size)
    canvas = _background(f, g)
    hair = _hair_colour(f)
    _back_hair(canvas, f, g, hair)
    _neck_and_clothes(canvas, f, g)
    _ears(canvas, f, g)
    _head(canvas, f, g, hair)
    _front_hair(canvas, f, g, hair)
    _hat(canvas, f, g)
    _glasses(canvas, f, g)
    np.clip(canvas, 0, 1, out=canvas)
    return np.round(np.sqrt(canvas) * 255).astype(np.uint8).transpose(1, 2, 3, 0)


# --- the globe -------------------------------------------------------------------------------------------------------


def _geometry(f, size: int) -> SimpleNamespace:
    ticks = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    u, v = ticks[None, None, :], ticks[None, :, None]
    roll, yaw, pitch = (np.deg2rad(angle) for angle in (f.roll, f.yaw, f.pitch))
    # The body stays upright; the head tips around the chin.
    bx, by = (u - f.shift_x) / f.scale, (v - 0.02 - f.shift_y) / f.scale
    c, s = np.cos(roll), np.sin(roll)
    x, y = bx * c + (by - 0.5) * s, (by - 0.5) * c - bx * s + 0.5

    width = HEAD_WIDTH * (1 + 0.06 * f.face_width + 0.03 * (f.masculinity - 0.5))
    Y = y / HEAD_HEIGHT
    down = np.clip(Y, 0, 1.3)
    taper = 0.36 - 0.23 * f.masculinity - 0.04 * f.jaw
    side = x / (width * (1 - taper * down * down))
    # A square stretched over the circle below the eyes makes the jaw angular (Fong's squircle).
    corner = (0.06 + 0.50 * f.masculinity + 0.06 * f.jaw) * np.minimum(down, 1)
    r2 = side * side + Y * Y - corner * (side * Y) ** 2
    r = np.sqrt(np.maximum(r2, 1e-6))
    z = np.sqrt(np.clip(1 - r2, 0, 1))

    X = side * np.cos(yaw) - z * np.sin(yaw)
    depth = side * np.sin(yaw) + z * np.cos(yaw)
    Yt = Y * np.cos(pitch) - depth * np.sin(pitch) * 0.8
    light = _light(f)
    return SimpleNamespace(
        u=u, v=v, bx=bx, by=by, x=x, y=y, side=side, r=r, z=z, X=X, Y=Yt, Y0=Y, width=width, yaw=yaw,
        px=(2 / size) / f.scale, light=light,
    )  # fmt: skip


def _light(f) -> SimpleNamespace:
    azimuth, elevation = np.deg2rad(f.light_azimuth), np.deg2rad(f.light_elevation)
    warm = 0.07 * f.light_warmth + 0.02
    return SimpleNamespace(
        x=np.sin(azimuth) * np.cos(elevation),
        y=-np.sin(elevation),
        z=np.cos(azimuth) * np.cos(elevation),
        key=0.47 + 0.44 * f.light_contrast,
        fill=0.60 - 0.38 * f.light_contrast,
        colour=np.stack([1 + warm, np.ones_like(warm), 1 - warm]),
    )


def _lambert(light, nx, ny, nz):
    """Brightness of a surface with (unnormalised) normal nx, ny, nz; the wrap softens the terminator as skin does."""
    dot = (nx * light.x + ny * light.y + nz * light.z) / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-6)
    return light.fill + light.key * np.maximum(dot * 0.8 + 0.2, 0)


# --- painting --------------------------------------------------------------------------------------------------------


def _linear(code: str) -> np.ndarray:
    return (np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255) ** 2


def _palette(stops, value) -> np.ndarray:
    """Colour (3, n, 1, 1) between the stops."""
    at = [stop for stop, _ in stops]
    colours = np.stack([_linear(code) for _, code in stops])
    return np.stack([np.interp(value, at, colours[:, i]) for i in range(3)]).astype(np.float32)


def _paint(canvas, colour, alpha) -> None:
    """Lay a colour (3, n, 1 or rows, 1 or columns) over the canvas, as opaque as alpha (n, rows, columns) says."""
    for channel in range(3):
        canvas[channel] += (colour[channel] - canvas[channel]) * alpha


def _cover(distance, px):
    """1 inside, 0 outside, a ramp one pixel wide between."""
    return np.clip(0.5 - distance / px, 0, 1)


def _smooth(low, high, x):
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _blob(x, y, cx, cy, rx, ry):
    """A smooth hill of height 1 that ends at the ellipse."""
    t = np.maximum(1 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2, 0)
    return t * t


class _Rows:
    """The part of canvas and geometry where low < `field` < high in any face: features cost only their own rows."""

    def __init__(self, canvas, g, field, low, high):
        rows = np.flatnonzero(((field > low) & (field < high)).any(axis=(0, 2)))
        cut = slice(rows[0], rows[-1] + 1) if len(rows) else slice(0, 0)
        for name, value in vars(g).items():
            whole = isinstance(value, np.ndarray) and value.shape[1] == canvas.shape[2]
            setattr(self, name, value[:, cut] if whole else value)
        self.canvas = canvas[:, :, cut]


# --- what stands behind the face -------------------------------------------------------------------------------------


def _background(f, g) -> np.ndarray:
    base = _palette(BACKGROUND, f.background_hue) * (0.35 + 0.75 * f.background_light)
    glow = 1.05 - 0.28 * ((g.u - 0.5 * g.light.x) ** 2 + (g.v + 0.3) ** 2)
    return base * glow * g.light.colour


def _skin_colour(f) -> np.ndarray:
    # A photographer opens the lens for dark skin.
    exposure = 1 + 0.75 * f.skin_tone
    undertone = np.stack([1 + 0.05 * f.undertone, np.ones_like(f.undertone), 1 - 0.09 * f.undertone])
    return _palette(SKIN, f.skin_tone) * undertone * exposure


def _hair_colour(f) -> np.ndarray:
    table = np.stack([_linear(code) for code in HAIR])
    colour = np.moveaxis(table[f.hair_colour[:, 0, 0].astype(int)], 1, 0)[:, :, None, None]
    return colour * (1 + 0.25 * f.hair_shade)


def _back_hair(canvas, f, g, hair) -> None:
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
    alpha = _cover((r - 1) * g.width, g.px) * (1 - f.baldness) * (1 - f.hat * (g.Y0 < -0.5))
    strands = 0.40 + 0.07 * np.sin(31 * xx + 5 * g.Y0 + 9 * wobble) + 0.05 * np.sin(73 * xx - 3 * g.Y0)
    for channel in range(3):
        shaded = hair[channel] * g.light.colour[channel] * strands
        canvas[channel] += (shaded - canvas[channel]) * alpha


def _neck_and_clothes(canvas, f, g) -> None:
    w = _Rows(canvas, g, g.by, 0.25, 9)
    skin = _skin_colour(f) * g.light.colour
    neck = g.width * (0.46 + 0.28 * f.masculinity)
    flare = np.maximum(w.by - 0.72, 0) * 0.9
    shade = 0.30 + 0.45 * _smooth(0.66, 1.0, w.by) + 0.16 * g.light.x * w.bx / neck
    _paint(w.canvas, skin * shade, _cover(np.abs(w.bx) - neck - flare, g.px))
    # A shirt with a round neckline.
    shoulders = w.by - (0.80 + 0.42 * (w.bx * w.bx) / (0.75 + 0.2 * f.masculinity))
    neckline = 0.985 - np.sqrt((w.bx / (neck * 1.25)) ** 2 + ((w.by - 0.72) / 0.26) ** 2)
    cloth = _palette(CLOTHES, f.clothes_colour) * g.light.colour
    body = 0.55 + 0.25 * g.light.x * w.bx + 0.25 * (1 - np.minimum(w.bx * w.bx, 1))
    _paint(w.canvas, cloth * body, _cover(np.maximum(-shoulders, neckline * neck), g.px))


def _ears(canvas, f, g) -> None:
    w = _Rows(canvas, g, g.Y0, -0.25, 0.45)
    skin = _skin_colour(f) * g.light.colour * 0.62
    for sign in (-1, 1):
        # The ear of the side that turns away disappears behind the head.
        cx = sign * (1.0 - 0.10 * np.maximum(sign * np.sin(g.yaw), 0) * 3) - 0.12 * np.sin(g.yaw)
        q = np.sqrt(((w.x / g.width - cx) / 0.13) ** 2 + ((w.Y0 - 0.06) / 0.19) ** 2)
        lit = 0.75 + 0.3 * sign * g.light.x - 0.35 * _smooth(0.75, 0.3, q)
        _paint(w.canvas, skin * lit, _cover((q - 1) * 0.07, g.px))


# --- the face --------------------------------------------------------------------------------------------------------


def _head(canvas, f, g, hair) -> None:
    skin = _skin_colour(f)
    w = _Rows(canvas, g, g.Y0, -1.05, 1.08)
    albedo = np.broadcast_to(skin, (3, *np.broadcast_shapes(w.X.shape))).astype(np.float32).copy()
    nx, ny = _relief(f, w)
    _complexion(albedo, f, w, skin)
    _facial_hair(albedo, f, w, hair)
    _mouth(albedo, f, w, skin)
    _eyes(albedo, f, w, skin)
    _brows(albedo, f, w, hair)

    nz = np.maximum(w.z, 0.12)
    shade = _lambert(g.light, w.side + nx, w.Y0 * 0.75 + ny, nz)
    gloss = (
        np.maximum(shade - g.light.fill - 0.80 * g.light.key, 0)
        * (0.25 + 0.40 * f.skin_tone)
        * (1 - 0.8 * f.beard * (w.Y > 0.45))
    )
    inside = _cover((w.r - 1) * g.width * 0.95, g.px)
    edge = 1 - 0.35 * _smooth(0.55, 0.0, w.z)
    for channel, redness in enumerate((0.10, 0.0, -0.05)):
        # Light that has been inside skin comes out red, most where it is dim.
        tint = shade * edge + redness * np.clip(1 - shade, 0, 1)
        colour = (albedo[channel] * tint + gloss * 0.6) * g.light.colour[channel]
        w.canvas[channel] += (colour - w.canvas[channel]) * inside
    _eye_lights(w.canvas, f, w)


def _relief(f, g):
    """Slopes that nose, cheeks, sockets, lips and chin add to the globe's normal."""
    nx = np.zeros_like(g.X)
    ny = np.zeros_like(g.X)
    ax = np.abs(g.X)
    sign = np.sign(g.X)
    lean = np.tan(g.yaw)

    def hill(x, cx, cy, rx, ry, height, mirrored):
        dx, dy = (x - cx) / rx, (g.Y - cy) / ry
        t = np.maximum(1 - dx * dx - dy * dy, 0) * (4 * height)
        nx[...] += t * dx / rx * (sign if mirrored else 1)
        ny[...] += t * dy / ry

    tip = NOSE_Y - 0.05 + 0.04 * f.nose_length
    size = 0.8 + 0.45 * f.nose_size
    ramp = np.clip((g.Y + 0.1) / 0.45, 0, 1)
    nose = g.X - 0.22 * lean * ramp
    hill(nose, 0.0, 0.14, 0.17 * size, 0.42, 0.10, False)
    hill(nose, 0.0, tip, 0.20 * size, 0.16, 0.075 * size, False)
    hill(np.abs(nose), 0.17 * size, tip + 0.03, 0.10 * size, 0.09, 0.018, True)
    cheek = 0.04 + 0.10 * f.cheekbones + 0.03 * f.smile
    hill(ax, 0.56, 0.22 - 0.05 * f.cheekbones - 0.03 * f.smile, 0.36, 0.26, cheek, True)
    hill(ax, 0.52, 0.55, 0.30, 0.26, -0.07 * f.cheekbones - 0.02 * f.age, True)
    hill(ax, 0.40, BROW_Y - 0.02, 0.40, 0.14, 0.03 + 0.03 * f.masculinity, True)
    hill(ax, 0.36, EYE_Y - 0.03, 0.30, 0.17, -0.04, True)
    hill(g.X, 0.0, 0.93, 0.30, 0.17, 0.05 + 0.02 * f.masculinity, False)
    hill(g.X, 0.0, MOUTH_Y + 0.16, 0.30, 0.09, -0.03, False)
    return nx, ny


def _complexion(albedo, f, g, skin) -> None:
    ax = np.abs(g.X)
    flush = np.stack([skin[0] * 1.0, skin[1] * 0.55, skin[2] * 0.58])
    cheek_y = 0.30 - 0.04 * f.smile
    _paint(albedo, flush, _blob(ax, g.Y, 0.55, cheek_y, 0.34, 0.24) * (0.18 + 0.72 * f.blush))
    _paint(albedo, flush, _blob(g.X - 0.22 * np.tan(g.yaw), g.Y, 0, NOSE_Y - 0.03, 0.24, 0.16) * (0.15 + 0.2 * f.blush))
    dark = skin * np.array([0.50, 0.42, 0.42], np.float32)[:, None, None, None]
    # Shadows that the relief is too coarse for: nostrils, the corner of the nose, the socket.
    size = 0.8 + 0.45 * f.nose_size
    nose = np.abs(g.X - 0.20 * np.tan(g.yaw))
    base = NOSE_Y + 0.04 * f.nose_length + 0.035
    _paint(albedo, dark * 0.5, _blob(nose, g.Y, 0.085 * size, base, 0.075 * size, 0.04) * 0.85)
    _paint(albedo, dark, _blob(nose, g.Y, 0.0, base + 0.04, 0.22 * size, 0.09) * 0.45)
    wing = np.sqrt(((nose - 0.12 * size) / (0.105 * size)) ** 2 + ((g.Y - base + 0.045) / 0.085) ** 2)
    _paint(albedo, dark, _smooth(0.28, 0.0, np.abs(wing - 1)) * (nose > 0.15 * size) * 0.45)
    _paint(albedo, dark, _blob(ax, g.Y, 0.17, EYE_Y - 0.04, 0.13, 0.16) * 0.35)
    # Years: folds from nose to mouth, bags, crow's feet, lines on the forehead. A smile folds the young too.
    fold = 0.20 * size + 0.20 * np.clip((g.Y - 0.34) / 0.34, 0, 1.2) + 0.03 * f.smile
    band = _smooth(0.34, 0.46, g.Y) * _smooth(0.86, 0.66, g.Y)
    deep = 0.10 + 0.38 * np.clip(f.age * 1.6 - 0.5, 0, 1) + 0.22 * f.smile
    _paint(albedo, dark, _smooth(0.055, 0.0, np.abs(ax - fold)) * band * deep)
    old = np.clip(f.age * 2.4 - 1.3, 0, 1)
    bags = EYE_Y + 0.155 - 0.25 * (ax - EYE_X) ** 2
    _paint(albedo, dark, _smooth(0.035, 0.0, np.abs(g.Y - bags)) * _blob(ax, g.Y, EYE_X, 0.12, 0.26, 0.2) * old * 0.75)
    for level in (-0.40, -0.48, -0.56):
        wave = level + 0.03 * np.cos(4 * g.X) + 0.06 * g.X * g.X
        _paint(albedo, dark, _smooth(0.022, 0.0, np.abs(g.Y - wave)) * _smooth(0.62, 0.3, ax) * old * 0.42)
    for slope in (-0.35, 0.05, 0.45):
        ray = np.abs(g.Y - EYE_Y - 0.02 - slope * (ax - 0.60))
        _paint(albedo, dark, _smooth(0.02, 0.0, ray) * _blob(ax, g.Y, 0.72, 0.02, 0.12, 0.2) * old * 0.7)


def _facial_hair(albedo, f, g, hair) -> None:
    w = _Rows(albedo, g, g.Y, 0.10, 1.4)
    ax = np.abs(w.X)
    grain = 1 + 0.09 * np.sin(71 * w.X + 9 * w.Y) + 0.07 * np.sin(113 * w.X - 31 * w.Y)
    colour = hair * 0.62 * grain
    # Beard: jaw and cheeks below a line from the ear to the mouth, open around the lips.
    line = 0.46 - 0.42 * _smooth(0.35, 0.95, ax) - 0.03 * np.cos(9 * ax)
    lips = np.sqrt((w.X / 0.36) ** 2 + ((w.Y - MOUTH_Y - 0.01) / 0.155) ** 2)
    jaw = _smooth(-0.03, 0.09, w.Y - line) * _smooth(0.92, 1.1, lips) * _smooth(0.49, 0.60, w.Y + 0.55 * ax)
    _paint(w.canvas, colour, jaw * f.beard * 0.94)
    # Men who shave have a shadow there.
    _paint(w.canvas, w.canvas * 0.55, jaw * (1 - f.beard) * np.clip(f.masculinity * 0.5 - 0.2, 0, 1))
    top = NOSE_Y + 0.105 + 0.16 * ax * ax
    thick = 0.105 * np.clip(1 - (ax / (0.40 + 0.05 * f.mouth_width)) ** 2, 0, 1) ** 0.5
    centre = top + 0.045 + 0.16 * ax * ax
    _paint(
        w.canvas,
        colour,
        _cover((np.abs(w.Y - centre) - thick * 0.62) * HEAD_HEIGHT, 1.6 * g.px) * f.mustache * _smooth(0, 0.05, thick),
    )


def _mouth(albedo, f, g, skin) -> None:
    w = _Rows(albedo, g, g.Y, 0.35, 1.0)
    smile, open_ = f.smile, f.mouth_open
    half = 0.31 + 0.03 * f.mouth_width + 0.15 * smile - 0.03 * open_ * (1 - smile)
    t = 1 - (w.X / half) ** 2
    inside = np.sqrt(np.clip(t, 0, 1))
    # Corners rise with the smile.
    y0 = MOUTH_Y + 0.035 * smile - (0.16 * smile - 0.012) * (1 - np.clip(t, 0, 1))
    gap = inside * (0.12 * open_ + 0.105 * _smooth(0.4, 0.9, smile))
    upper = 0.035 + 0.050 * f.lip_fullness
    lower = 0.050 + 0.075 * f.lip_fullness
    bow = 1 - 0.30 * np.clip(1 - (w.X / 0.07) ** 2, 0, 1)
    lip_top = y0 - gap * 0.35 - upper * inside * bow * (1 - 0.25 * smile)
    lip_bottom = y0 + gap * 0.65 + lower * inside * (1 - 0.2 * smile)

    edge = np.where(t > 0, np.maximum(lip_top - w.Y, w.Y - lip_bottom), 1) * HEAD_HEIGHT
    natural = skin * np.array([0.68, 0.38, 0.40], np.float32)[:, None, None, None] + 0.01
    painted = _linear("a8233c")[:, None, None, None] * np.ones_like(skin)
    lip = natural + (painted - natural) * (0.75 * f.lipstick)
    lit = 1.12 - 0.5 * _smooth(0.02, -0.06, w.Y - y0)  # the upper lip looks down and is darker
    _paint(w.canvas, lip * lit, _cover(edge, g.px) * (0.85 + 0.15 * f.lipstick))
    # Mouth cavity with the upper teeth, or the line between closed lips.
    hole = np.where(t > 0, np.maximum(y0 - gap * 0.35 - w.Y, w.Y - y0 - gap * 0.65), 1) * HEAD_HEIGHT
    cavity = _cover(hole, g.px) * (gap > 0.004)
    _paint(
        w.canvas,
        np.full_like(skin, 0.03) + skin * np.array([0.12, 0.02, 0.02], np.float32)[:, None, None, None],
        cavity,
    )
    teeth_bottom = y0 - gap * 0.35 + np.minimum(gap * (0.30 + 0.62 * smile), 0.115)
    teeth = _cover((w.Y - teeth_bottom) * HEAD_HEIGHT, g.px) * _smooth(1.0, 0.82, np.abs(w.X) / half)
    _paint(w.canvas, np.full_like(skin, 0.78), cavity * teeth * 0.95)
    line = np.where(t > 0.02, np.abs(w.Y - y0), 1) * HEAD_HEIGHT
    closed = 1 - np.clip(gap / 0.03, 0, 1)
    _paint(w.canvas, lip * 0.22, _cover(line - 0.008, 1.2 * g.px) * closed * 0.85)


def _eye_frame(f, g):
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


def _eyes(albedo, f, g, skin) -> None:
    w = _Rows(albedo, g, g.Y, -0.30, 0.25)
    ex, ey, half, t, upper, lower, opening = _eye_frame(f, w)
    eye = _cover(np.where(t > 0, np.maximum(upper - ey, ey - lower), 1), g.px)
    _paint(w.canvas, np.full_like(skin, 0.80), eye)
    # Gaze and yaw move both irises the same way, so the mirrored frame needs its sign back.
    sign = np.sign(w.X)
    ix = ex - sign * (0.026 * f.gaze_x)
    iy = ey + 0.012 - 0.010 * f.gaze_y
    distance = np.sqrt(ix * ix + iy * iy)
    iris = _palette(IRIS, f.iris_colour)
    ring = 0.55 + 0.6 * _smooth(0.050, 0.018, distance)
    _paint(w.canvas, iris * ring, _cover(distance - 0.050, g.px) * eye)
    _paint(w.canvas, np.full_like(skin, 0.004), _cover(distance - 0.022, g.px) * eye)
    # Shadow of the upper lid, the lash line (thicker without a Y chromosome), the crease, the lower lid.
    _paint(w.canvas, np.full_like(skin, 0.01), _smooth(0.030, 0.0, ey - upper) * eye * 0.45)
    lash = 0.007 + 0.013 * (1 - f.masculinity)
    wing = 1 + 0.16 * (1 - f.masculinity)
    tw = np.clip(1 - (ex / (half * wing)) ** 2, 0, 1)
    lid = -0.062 * opening * tw**0.75 - 0.10 * ex
    _paint(w.canvas, np.full_like(skin, 0.012), _cover(np.where(tw > 0, np.abs(ey - lid) - lash, 1), g.px) * 0.92)
    dark = skin * np.array([0.45, 0.36, 0.36], np.float32)[:, None, None, None]
    lid_shadow = _smooth(0.075, 0.0, lid - ey) * (tw > 0) * (ey < lid)
    _paint(w.canvas, dark, lid_shadow * 0.45 * (1 - f.masculinity))
    crease = np.abs(ey - lid + 0.034) - 0.004
    _paint(w.canvas, dark, _cover(np.where(tw > 0.05, crease, 1), 1.5 * g.px) * (0.45 + 0.25 * f.age))
    _paint(w.canvas, dark, _cover(np.where(t > 0, np.abs(ey - lower) - 0.004, 1), 1.3 * g.px) * 0.55)


def _eye_lights(canvas, f, g) -> None:
    """The window's reflection, laid over the shading: without it eyes look dead."""
    w = _Rows(canvas, g, g.Y, -0.15, 0.10)
    ex, ey, half, t, upper, lower, _ = _eye_frame(f, w)
    sign = np.sign(w.X)
    hx = ex - sign * (0.026 * f.gaze_x + 0.018 * np.sign(g.light.x))
    hy = ey + 0.030 - 0.010 * f.gaze_y
    spot = _cover(np.sqrt(hx * hx + hy * hy) - 0.011, g.px) * _cover(upper - ey, g.px)
    _paint(w.canvas, np.ones_like(f.age)[None].repeat(3, 0), spot * 0.9)


def _brows(albedo, f, g, hair) -> None:
    w = _Rows(albedo, g, g.Y, -0.50, 0.05)
    ax = np.abs(w.X)
    along = (ax - 0.17) / 0.47
    y = BROW_Y - 0.03 * f.brow_height - 0.02 * (1 - f.masculinity)
    arch = (
        y
        - (0.03 + 0.08 * (1 - f.masculinity)) * np.sin(np.clip(along, 0, 1) * 2.4)
        + 0.03 * f.brow_tilt * (along - 0.5)
    )
    thick = (0.015 + 0.036 * f.brow_thickness + 0.022 * f.masculinity) * np.clip(1.15 - 0.75 * along, 0, 1.1)
    ends = _smooth(-0.04, 0.08, along) * _smooth(1.04, 0.92, along)
    hairs = 0.85 + 0.15 * np.sin(70 * ax + 40 * w.Y)
    colour = np.minimum(hair * 0.42 + 0.002, 0.16)
    _paint(w.canvas, colour, _cover((np.abs(w.Y - arch) - thick) * HEAD_HEIGHT, 1.5 * g.px) * ends * hairs * 0.92)


# --- what lies over it -----------------------------------------------------------------------------------------------


def _front_hair(canvas, f, g, hair) -> None:
    if (f.baldness == 1).all():
        return
    w = _Rows(canvas, g, g.Y0, -1.4, 1.5)
    ax = np.abs(w.X)
    long = _smooth(0.3, 0.6, f.hair_length)
    volume = 0.05 + 0.07 * f.hair_volume + 0.03 * f.hair_waves
    curls = f.hair_waves * 0.022 * np.sin(17 * np.arctan2(w.side, -w.Y0) + 3 * f.hair_parting)
    outer = np.sqrt((w.side / (1.05 + volume * 0.8)) ** 2 + ((w.Y0 + 0.02) / (1.06 + volume)) ** 2) - curls
    ragged = 0.025 * np.sin(31 * w.X + 4 * f.hair_parting) + 0.015 * np.sin(53 * w.X)
    recede = np.clip(f.age - 0.6, 0, 1) * f.masculinity * 0.22
    front = -0.62 - 0.05 * f.hairline - recede + 0.10 * f.hair_parting * w.X
    fringe = -0.30 + ragged + 0.08 * f.hair_parting * w.X
    front = front + (fringe - front) * np.minimum(f.bangs * 1.2, 1) * _smooth(0.95, 0.7, ax)
    temple = _smooth(0.60, 0.98, ax) * (0.62 + 0.35 * f.bangs)
    line = front + 0.22 * w.X * w.X * (1 - f.bangs) + temple
    inside = _cover((w.Y - line) * HEAD_HEIGHT, 2.0 * g.px)
    # Beside the head there is no skin to stop at: short hair ends at the ear, long hair hangs.
    sides = _cover((1 - w.r) * g.width, g.px) * _smooth(0.30, 0.12, w.Y0)
    cap = _cover((outer - 1) * g.width, g.px) * np.maximum(inside, sides) * _smooth(0.36, 0.30, w.Y0 * (1 - long))
    across = np.abs(w.x) / g.width + 1.5 * curls
    locks = 0.90 - 0.06 * np.sin(3 * w.Y0 + f.hair_parting) + 0.5 * curls
    reach = 1.06 + 0.10 * f.hair_volume + 0.12 * np.clip(w.Y0, 0, 1)
    hang = _cover(np.maximum(locks - across, across - reach) * g.width, g.px) * (w.Y0 > -0.15)
    hang = hang * long * _smooth(1.60, 1.45, w.Y0 - 0.35 * (f.hair_length - 0.7))
    alpha = np.maximum(cap * (w.Y0 < 0.36), hang) * (1 - f.baldness) * (1 - f.hat * (w.Y < -0.56))

    nz = np.sqrt(np.clip(1 - outer * outer, 0.05, 1))
    flow = 23 * w.X + 4 * f.hair_parting + (1 + 2.5 * f.hair_waves) * np.sin(3.1 * w.Y + 2 * w.X)
    strands = 0.45 * np.sin(flow) + 0.35 * np.sin(2.3 * flow + 4 * w.Y) + 0.2 * np.sin(5.3 * flow - 7 * w.Y)
    shade = _lambert(g.light, w.side * 0.9, w.Y0 * 0.9, nz) * (0.80 + 0.13 * strands)
    band = np.maximum(1 - ((w.Y + 0.84 + 0.05 * strands) / 0.16) ** 2, 0) * np.maximum(1 - w.X * w.X, 0)
    shine = (0.10 + 0.05 * strands) * band * g.light.key
    for channel in range(3):
        colour = (hair[channel] * (shade + 0.3 * band) + shine * 0.25) * g.light.colour[channel]
        w.canvas[channel] += (colour - w.canvas[channel]) * alpha


def _hat(canvas, f, g) -> None:
    if not f.hat.any():
        return
    w = _Rows(canvas, g, g.Y0, -1.5, -0.2)
    cloth = _palette(HATS, f.hat_colour) * g.light.colour
    dome = np.sqrt((w.side / 1.13) ** 2 + ((w.Y0 + 0.02) / 1.22) ** 2)
    rim = -0.52 + 0.10 * w.X * w.X
    shade = _lambert(g.light, w.side * 0.9, w.Y0 * 0.8, np.sqrt(np.clip(1 - dome * dome, 0.04, 1)))
    ribs = 0.88 + 0.12 * np.sin(38 * w.X)
    alpha = _cover(np.maximum((dome - 1) * g.width, (w.Y - rim) * HEAD_HEIGHT), g.px) * f.hat
    _paint(w.canvas, cloth * (shade * ribs), alpha)
    cuff = np.maximum((np.abs(w.Y - rim + 0.11) - 0.11) * HEAD_HEIGHT, (np.abs(w.side) - 1.13) * g.width)
    cuff = np.maximum(cuff, (dome - 1.05) * g.width)
    _paint(w.canvas, cloth * (shade * 1.25 * ribs), _cover(cuff, g.px) * f.hat)


def _glasses(canvas, f, g) -> None:
    if not f.glasses.any():
        return
    w = _Rows(canvas, g, g.Y, -0.35, 0.40)
    # They stand in front of the head, so turning moves them further than the eyes.
    X = w.X - 0.10 * np.tan(g.yaw)
    ax = np.abs(X)
    lx, ly = (ax - EYE_X) * g.width, (w.Y - EYE_Y - 0.03) * HEAD_HEIGHT
    round_ = np.sqrt(lx * lx + ly * ly * 1.15) - 0.165
    square = np.maximum(np.abs(lx) - 0.175, np.abs(ly) - 0.125)
    lens = round_ + (square - round_) * _smooth(0.35, 0.65, f.glasses_shape)
    frame = np.abs(lens) - 0.013
    bridge = np.maximum(np.abs(ly + 0.035) - 0.011, np.abs(X) * g.width - EYE_X * g.width + 0.16)
    temple = np.maximum(np.abs(ly + 0.03) - 0.012, 0.17 - lx)
    colour = _palette(GLASSES, f.glasses_colour)
    shown = f.glasses * (w.r < 1.02)
    glass = _cover(lens, g.px) * shown
    _paint(
        w.canvas, np.full_like(colour, 0.75), glass * (0.02 + 0.10 * _smooth(0.05, 0.0, np.abs(lx + 1.2 * ly + 0.04)))
    )
    _paint(w.canvas, colour, _cover(np.minimum(np.minimum(frame, bridge), temple), g.px) * shown)
