"""Read any file that calls itself a photo: the pixels as a viewer would show them, or one reason why not."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

Photo = str | os.PathLike | np.ndarray


class PhotoError(ValueError):
    """A photo that cannot be read; the message is the reason."""


def read_photo(photo: Photo) -> tuple[np.ndarray, str | None]:
    """Pixels of a photo, and a hash that names it.

    Any file that Pillow opens is turned upright (EXIF) and into 8-bit RGB: of animations the first frame, transparent
    parts white, 16 bits scaled to 8, CMYK and grey converted.

    Args:
        photo: a path, or a uint8 array (height, width, 3).

    Returns:
        uint8 RGB (height, width, 3), and a hash of the file's bytes (None for an array).

    Raises:
        PhotoError: for what is no photo, broken, or so large that it may be a decompression bomb (more than
            `PIL.Image.MAX_IMAGE_PIXELS`, 89 million pixels unless it was set).
    """
    if isinstance(photo, np.ndarray):
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
            raise PhotoError(f"unreadable: an array must be uint8 (height, width, 3), got {photo.dtype} {photo.shape}")
        return photo, None
    with warnings.catch_warnings():
        # Pillow warns of odd EXIF, palettes and sizes; what matters becomes an error below.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            content = Path(photo).read_bytes()
            if not content:
                raise PhotoError("unreadable: the file is empty")
            with Image.open(io.BytesIO(content)) as image:
                pixels = np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
            return pixels, hashlib.blake2b(content, digest_size=16).hexdigest()
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            limit = f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
            raise PhotoError(f"refused: {limit}, it may be a decompression bomb") from None
        except PhotoError:
            raise
        except Image.UnidentifiedImageError:
            raise PhotoError(f"unreadable: {_kind(content)}") from None
        # Broken files make Pillow's decoders raise nearly anything, and none may stop the run.
        except Exception as error:
            raise PhotoError(f"unreadable: {_first_line(error)}") from None


def photo_size(photo: Photo) -> tuple[int, int]:
    """(height, width) from the header of a file, without decoding it; (0, 0) if there is none."""
    if isinstance(photo, np.ndarray):
        return photo.shape[:2] if photo.ndim >= 2 else (0, 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(photo) as image:
                return image.height, image.width
    except Exception:  # as above; the reason is found when the photo is read
        return 0, 0


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image, np.float64)
        # Pillow would clip 16 bits to the lowest 8. Floats and 32 bits have no agreed range: their own is taken.
        low, high = (0, 65535) if image.mode.startswith("I;16") else (values.min(), max(values.max(), values.min() + 1))
        if image.mode == "I" and low >= 0 and high <= 65535:
            low, high = 0, 65535
        return Image.fromarray(np.round((values - low) * (255 / (high - low))).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def _kind(content: bytes) -> str:
    start = content[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "the file is a web page, not a photo; a download went wrong"
    return "the file is no image that Pillow knows"


def _first_line(error: Exception) -> str:
    text = str(error.strerror if isinstance(error, OSError) and error.strerror else error).strip()
    return text.splitlines()[0] if text else type(error).__name__
