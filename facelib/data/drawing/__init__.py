"""Draw faces from their causes: a lit globe for a head, features painted on it, many faces at once.

Coordinates: u to the right and v down over the picture, in [-1, 1]; x, y the same in the head's upright frame; X, Y on
the head itself, in units of its half-width and half-height (chin at Y = 1), turned by yaw and pitch, so that whatever
is painted in X, Y turns with the head. Every edge is a signed distance over the width of a pixel, which antialiases it
at any size. Colours are linear light; the square root at the end stands for the display's gamma.

All arrays are float32 of shape (faces, rows, columns). Most features touch a few rows only, so they are painted on
views of those rows (`paint.Rows`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pandas as pd

from facelib.data.drawing.features import brows, eye_lights, eyes, facial_hair, mouth
from facelib.data.drawing.globe import geometry, lambert
from facelib.data.drawing.paint import Rows, cover, smooth
from facelib.data.drawing.scene import (
    back_hair,
    background,
    ears,
    front_hair,
    glasses,
    hair_colour,
    hat,
    neck_and_clothes,
)
from facelib.data.drawing.skin import complexion, relief, skin_colour

CHUNK_PIXELS = 64_000  # of all faces in a chunk: arrays that stay in the processor's cache
WORKERS = 2


def draw_faces(factors: pd.DataFrame, size: int = 80) -> np.ndarray:
    """Pictures of people, uint8 (n, size, size, 3), from their causes (`synthetic.COINS` and `synthetic.FREE`).

    Raises:
        ValueError: if size is below 16, or a cause is missing.
    """
    if size < 16:
        raise ValueError(f"size must be at least 16 pixels, got {size}.")
    if not len(factors):
        raise ValueError("factors has no rows; there is nobody to draw.")
    chunk = max(1, CHUNK_PIXELS // size**2)
    columns = {name: factors[name].to_numpy(np.float32)[:, None, None] for name in factors}
    people = [
        SimpleNamespace(**{name: column[i : i + chunk] for name, column in columns.items()})
        for i in range(0, len(factors), chunk)
    ]
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            return np.concatenate(list(pool.map(lambda f: draw(f, size), people)))
    except AttributeError as error:
        if not isinstance(error.obj, SimpleNamespace) or error.name in factors:
            raise
        raise ValueError(f"factors lack {error.name!r}; take them from a synthetic FaceSet's .factors.") from error


def draw(f, size: int) -> np.ndarray:
    g = geometry(f, size)
    canvas = background(f, g)
    hair = hair_colour(f)
    back_hair(canvas, f, g, hair)
    neck_and_clothes(canvas, f, g)
    ears(canvas, f, g)
    head(canvas, f, g, hair)
    front_hair(canvas, f, g, hair)
    hat(canvas, f, g)
    glasses(canvas, f, g)
    np.clip(canvas, 0, 1, out=canvas)
    return np.round(np.sqrt(canvas) * 255).astype(np.uint8).transpose(1, 2, 3, 0)


def head(canvas, f, g, hair) -> None:
    """Paint the face flat, then light it."""
    skin = skin_colour(f)
    w = Rows(canvas, g, "Y0", -1.05, 1.2)
    albedo = np.broadcast_to(skin, (3, *np.broadcast_shapes(w.X.shape))).astype(np.float32).copy()
    nx, ny = relief(f, w)
    complexion(albedo, f, w, skin)
    facial_hair(albedo, f, w, hair)
    mouth(albedo, f, w, skin)
    eyes(albedo, f, w, skin)
    brows(albedo, f, w, hair)

    nz = np.maximum(w.z, 0.12)
    shade = lambert(g.light, w.side + nx, w.Y0 * 0.75 + ny, nz)
    oil = (0.25 + 0.40 * f.skin_tone) * (1 - 0.8 * f.beard * (w.Y > 0.45))
    gloss = np.maximum(shade - g.light.fill - 0.80 * g.light.key, 0) * oil
    # The outline of an angular jaw closes again far beside the chin.
    inside = cover((w.r - 1) * g.width * 0.95, g.px) * (np.abs(w.side) < 1.5)
    edge = 1 - 0.35 * smooth(0.55, 0.0, w.z)
    for channel, redness in enumerate((0.10, 0.0, -0.05)):
        # Light that has been inside skin comes out red, most where it is dim.
        tint = shade * edge + redness * np.clip(1 - shade, 0, 1)
        colour = (albedo[channel] * tint + gloss * 0.6) * g.light.colour[channel]
        w.canvas[channel] += (colour - w.canvas[channel]) * inside
    eye_lights(w.canvas, f, w)
