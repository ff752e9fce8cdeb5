"""The head as a lit globe: where a pixel lies on it, and how bright it is there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

HEAD_WIDTH, HEAD_HEIGHT = 0.56, 0.75
# Where the features lie on it, in X and Y.
EYE_X, EYE_Y, BROW_Y, NOSE_Y, MOUTH_Y = 0.40, 0.0, -0.20, 0.38, 0.63


def geometry(f, size: int) -> SimpleNamespace:
    """Coordinates of every pixel, for faces with causes `f`.

    u, v: of the picture; bx, by: of the upright body; x, y: of the tipped head. side, Y0: across and down the head's
    outline, which r (1 at the edge) and z (depth) belong to. X, Y: on the turned head. width: half-width of the head;
    px: of a pixel. light: see `lighting`. by_min, by_max, Y0_min and so on: the least and the most in a row.
    """
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
    light = lighting(f)
    fields = {"by": by, "Y0": Y, "Y": Yt}
    spans = {
        f"{name}_{how}": getattr(fields[name], how)(axis=2, keepdims=True) for name in fields for how in ("min", "max")
    }
    return SimpleNamespace(
        u=u, v=v, bx=bx, by=by, x=x, y=y, side=side, r=r, z=z, X=X, Y=Yt, Y0=Y, width=width, yaw=yaw,
        px=(2 / size) / f.scale, light=light, **spans,
    )  # fmt: skip


def lighting(f) -> SimpleNamespace:
    """Direction to the light (x, y, z), the strength of key and fill light, the light's colour (3, n, 1, 1)."""
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


def lambert(light, nx, ny, nz):
    """Brightness of a surface with (unnormalised) normal nx, ny, nz; the wrap softens the terminator as skin does."""
    dot = (nx * light.x + ny * light.y + nz * light.z) / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-6)
    return light.fill + light.key * np.maximum(dot * 0.8 + 0.2, 0)
