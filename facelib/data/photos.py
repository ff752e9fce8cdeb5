"""Read any file that calls itself a photo: the pixels as a viewer would show them, or one reason why not."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

Photo = str | os.PathLike | np.ndarray

# Pictures only: Pillow also opens formats that run programs (EPS) or hold documents.
FORMATS = "JPEG MPO PNG GIF WEBP BMP TIFF JPEG2000 PPM TGA ICO AVIF".split()
LARGEST = 500_000_000  # bytes of a file
SIXTEEN_TO_EIGHT = np.round(np.arange(65_536) / 257).astype(np.uint8)
ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)


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
    if not isinstance(photo, (str, os.PathLike)):
        raise PhotoError(f"unreadable: neither a path nor an array: {type(photo).__name__}")
    try:
        content = _content(Path(photo))
    except (OSError, ValueError) as error:
        raise error if isinstance(error, PhotoError) else PhotoError(f"unreadable: {_first_line(error)}") from None
    return decode_photo(content), hashlib.blake2b(content, digest_size=16).hexdigest()


def decode_photo(content: bytes) -> np.ndarray:
    """uint8 RGB (height, width, 3) of a photo's bytes; turns and errors as of `read_photo`."""
    with warnings.catch_warnings():
        # Pillow warns of odd EXIF, palettes and sizes; what matters becomes an error below.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content), formats=_formats()) as image:
                if image.mode == "I" and image.format in ("PNG", "PPM"):
                    image = image.convert("I;16")  # all that these can hold
                return np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            limit = f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
            raise PhotoError(f"refused: {limit}, it may be a decompression bomb") from None
        except Image.UnidentifiedImageError:
            raise PhotoError(f"unreadable: {_kind(content)}") from None
        # Broken files make Pillow's decoders raise nearly anything, and none may stop the run.
        except Exception as error:
            raise PhotoError(f"unreadable: {_first_line(error)}") from None


def photo_size(photo: Photo) -> tuple[int, int]:
    """(height, width) of the upright photo from a file's header, without decoding it; (0, 0) if there is none."""
    if isinstance(photo, np.ndarray):
        return photo.shape[:2] if photo.ndim >= 2 else (0, 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not Path(photo).is_file():
                return 0, 0
            with Image.open(photo, formats=_formats()) as image:
                size = image.height, image.width
                return size[::-1] if image.getexif().get(ORIENTATION) in SIDEWAYS else size
    except Exception:  # as above; the reason is found when the photo is read
        return 0, 0


def _content(path: Path) -> bytes:
    status = path.stat()
    # Reading a pipe or a device would never end.
    if not stat.S_ISREG(status.st_mode):
        raise PhotoError("unreadable: a folder, not a file" if path.is_dir() else "unreadable: not a regular file")
    if not status.st_size:
        raise PhotoError("unreadable: the file is empty")
    if status.st_size > LARGEST:
        raise PhotoError(f"refused: a file of {status.st_size / 1e6:,.0f} MB, more than {LARGEST / 1e6:.0f}")
    return path.read_bytes()


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        finite = values[np.isfinite(values)]
        if not finite.size:
            raise ValueError("no pixel is a finite number")
        low, high = finite.min(), finite.max()
        # Pillow would clip 16 bits to the lowest 8. Floats and 32 bits have no agreed range: their own is taken.
        if image.mode.startswith("I;16") and low >= 0:
            return Image.fromarray(SIXTEEN_TO_EIGHT[values]).convert("RGB")
        scale = 255 / (float(high) - float(low) or 1)
        levels = np.nan_to_num(np.round((values.astype(np.float32) - low) * scale))
        return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).convert("RGB")
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
