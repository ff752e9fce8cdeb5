"""Faces as one small file: a zip of JPEGs with their labels, for carrying them to a machine without a network."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

QUALITY = 85  # of JPEG, without subsampled colours; 2 to 3 KB a face of 80×80 pixels


def write(path: Path, images: np.ndarray, tables: dict[str, np.ndarray]) -> None:
    """Write images, uint8 (n, size, size, 3), as JPEGs, and named arrays without pickles."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for i, image in enumerate(images):
            jpeg = io.BytesIO()
            Image.fromarray(image).save(jpeg, "JPEG", quality=QUALITY, subsampling=0)
            archive.writestr(f"{i:06d}.jpg", jpeg.getvalue())
        arrays = io.BytesIO()
        np.savez_compressed(arrays, **tables)
        archive.writestr("tables.npz", arrays.getvalue())


def read(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What `write` wrote; the images differ by what JPEG loses.

    Raises:
        ValueError: if the file is damaged or no such archive.
    """
    name = "its list of files"
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
            first = Image.open(io.BytesIO(archive.read(names[0])))
            images = np.empty((len(names), *first.size[::-1], 3), np.uint8)
            for i, name in enumerate(names):
                images[i] = np.asarray(Image.open(io.BytesIO(archive.read(name))))
            name = "tables.npz"
            with np.load(io.BytesIO(archive.read(name)), allow_pickle=False) as arrays:
                return images, dict(arrays)
    except (zipfile.BadZipFile, UnidentifiedImageError, IndexError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is no archive of faces, or damaged ({name}: {error}).") from None
