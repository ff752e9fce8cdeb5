"""Faces as one small file: a zip of JPEGs with their labels, for carrying them to a machine without a network."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from facelib.archives import check_size, open_zip, read_arrays, read_entry, read_jpeg, refusing

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
    with refusing(path, "archive of faces"), open_zip(path) as archive:
        there, size = [name for name in archive.namelist() if name.endswith(".jpg")], Path(path).stat().st_size
        if not there:
            raise ValueError("there is no picture in it")
        # By number, not by text, in which the millionth would stand before the second.
        names = [f"{i:06d}.jpg" for i in range(len(there))]
        if set(names) != set(there):
            raise ValueError(f"its {len(names):,} pictures are not numbered from {names[0]} to {names[-1]}")
        first = read_jpeg(read_entry(archive, names[0]))
        check_size(len(names) * first.nbytes, size)
        images = np.empty((len(names), *first.shape), np.uint8)
        for i, name in enumerate(names):
            image = read_jpeg(read_entry(archive, name))
            if image.shape != first.shape:
                raise ValueError(f"{name} has shape {image.shape}, the first {first.shape}")
            images[i] = image
        return images, read_arrays(io.BytesIO(read_entry(archive, "tables.npz")), size=size)
