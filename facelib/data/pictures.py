"""Whole pictures of any kind from a folder, without looking for faces."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from facelib.data.faceset import FaceSet
from facelib.data.folder import list_photos
from facelib.data.photos import PhotoError, read_photo


def load_pictures(
    root: str | os.PathLike, n: int | None = None, size: int = 80, *, seed: int = 0, progress: bool = True
) -> FaceSet:
    """The largest square in the middle of every picture under a folder, resized; what cannot be read is left out.

    `names` are the files' paths below `root`; there are no attributes.

    Args:
        root: the folder, as of `load_folder`.
        n: how many files to look at, drawn by `seed`; None: all.
        size: side in pixels.
        seed: which files, when `n` is given.
        progress: show a progress bar.

    Raises:
        FileNotFoundError: if there is no such folder, or no picture in it.
        ValueError: if n or size is not positive, or no picture can be read.
    """
    root = Path(root)
    for name, value in (("n", n), ("size", size)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    files = list_photos(root)
    if n is not None:
        files = [files[i] for i in np.sort(np.random.default_rng(seed).permutation(len(files))[:n])]

    images, refused = {}, {}
    for file in tqdm(files, desc=root.name, disable=not progress):  # not in threads: reading quiets warnings
        try:
            images[file] = middle(read_photo(root / file)[0], size)
        except PhotoError as error:
            refused[file] = str(error)
    if not images:
        raise ValueError(f"root must hold pictures that can be read; of {root}: {next(iter(refused.items()))}.")
    if refused:
        first, why = next(iter(refused.items()))
        warnings.warn(f"{len(refused):,} of {len(files):,} pictures are left out, such as {first}: {why}", stacklevel=2)
    return FaceSet(np.stack(list(images.values())), np.array(list(images)), pd.DataFrame(index=range(len(images))))


def middle(picture: np.ndarray, size: int) -> np.ndarray:
    """uint8 (height, width, 3) → its largest square in the middle as (size, size, 3).

    >>> middle(np.zeros((30, 50, 3), np.uint8), 16).shape
    (16, 16, 3)
    """
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(picture).crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))
