"""Which square of a photo becomes the picture of a face."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

# framing: how much wider than the detector's box the square is (0.2: by 20 % of the box's longer side).
MARGINS = {"face": 0.2, "background": 1.0}
# Of faces seen from the front, the longer side of MTCNN's box is so many times the distance from the eyes to the mouth,
# and its centre lies so far down that way (medians of the portraits, see experiments/crop_portraits.py).
BOX_FROM_EYES, CENTRE_FROM_EYES = 2.7, 0.31


def check_framing(framing: str) -> None:
    """Raises ValueError for an unknown framing."""
    if framing not in MARGINS:
        raise ValueError(f"framing must be one of {tuple(MARGINS)}, got {framing!r}.")


@dataclass(frozen=True)
class Square:
    """A square in a photo: centre and side in pixels, and the angle in radians by which it is turned clockwise."""

    x: float
    y: float
    side: float
    angle: float = 0.0


def square_of(face: dict, shape: tuple[int, ...], framing: str, margin: float | None, align: bool) -> Square:
    """The square to cut out for a face.

    Args:
        face: `box` and `keypoints` as from `facelib.data.detect.Detector`.
        shape: of the photo, (height, width, ...).
        framing: "face" is centred on the face, whatever lies beyond the photo's edge; "background" moves and shrinks
            until it lies within the photo, as far as the face allows.
        margin: None for the framing's own in `MARGINS`.
        align: turn the square until the eyes lie level, and measure it by eyes and mouth instead of the box.
    """
    x, y, width, height = face["box"]
    margin = MARGINS[framing] if margin is None else margin
    longer = max(width, height)
    if align:
        points = {name: np.asarray(point, float) for name, point in face["keypoints"].items()}
        eyes = (points["left_eye"] + points["right_eye"]) / 2
        across = points["right_eye"] - points["left_eye"]
        down = (points["mouth_left"] + points["mouth_right"]) / 2 - eyes
        centre = eyes + CENTRE_FROM_EYES * down
        square = Square(*centre, BOX_FROM_EYES * math.hypot(*down) * (1 + margin), math.atan2(across[1], across[0]))
    else:
        square = Square(x + width / 2, y + height / 2, longer * (1 + margin))
    if framing == "face":
        return square
    # A turned square needs more room than its side.
    room = abs(math.cos(square.angle)) + abs(math.sin(square.angle))
    side = max(min(longer, square.side), min(square.side, min(shape[:2]) / room))
    half = side * room / 2
    centre = (_within(square.x, half, shape[1]), _within(square.y, half, shape[0]))
    return Square(*centre, side, square.angle)


def cut(image: np.ndarray, square: Square, size: int) -> np.ndarray:
    """A square of the photo as uint8 (size, size, 3); beyond the photo its edge pixels are repeated."""
    side = max(1, round(square.side))
    if not square.angle:
        left, top = round(square.x - square.side / 2), round(square.y - square.side / 2)
        return _resized(_region(image, left, top, side, side), size)
    # Turned at full resolution, then made small: the other way round would show steps along every line.
    reach = math.ceil(side * 0.75) + 1
    left, top = math.floor(square.x) - reach, math.floor(square.y) - reach
    region = Image.fromarray(_region(image, left, top, 2 * reach + 1, 2 * reach + 1))
    cos, sin = math.cos(square.angle), math.sin(square.angle)
    x, y = square.x - left, square.y - top
    back = (cos, -sin, x - side / 2 * (cos - sin), sin, cos, y - side / 2 * (sin + cos))
    turned = region.transform((side, side), Image.Transform.AFFINE, back, Image.Resampling.BICUBIC)
    return _resized(np.asarray(turned), size)


def _within(centre: float, half: float, length: float) -> float:
    return float(np.clip(centre, half, length - half)) if 2 * half <= length else centre


def _region(image: np.ndarray, left: int, top: int, width: int, height: int) -> np.ndarray:
    rows = np.clip(np.arange(top, top + height), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, left + width), 0, image.shape[1] - 1)
    return image[np.ix_(rows, columns)]


def _resized(square: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(square).resize((size, size), Image.Resampling.LANCZOS))
