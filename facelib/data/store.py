"""Crops kept on disk, under a key made of everything that they depend on."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from facelib.archives import refusing
from facelib.data.crop import crop_faces, photo_names
from facelib.data.faceset import FaceSet
from facelib.files import cache_dir, remove, replacing

# Part of every key: raise it when the same photos and options give other crops.
VERSION = 4


def cropped(
    name: str, photos: Sequence[str | os.PathLike], size: int, *, progress: bool = True, **options
) -> tuple[FaceSet, pd.DataFrame]:
    """What `crop_faces(photos, size, **options)` gives, cropped now or at an earlier call.

    A photo that was changed, moved, added or removed, or any other option, is another key. The images come from the
    disk as they are needed (memory-mapped), and two processes may ask for the same crops at once: the first to finish
    is the one that is kept.

    Args:
        name: of the data set; the cache's folder carries it, for people.
        photos: paths.
        size: side of the crops in pixels.
        progress: show a progress bar while cropping.
        **options: of `crop_faces`.

    Returns:
        Faces and report, as from `crop_faces`.
    """
    folder = _folder(name, photos, size, options)
    if folder.is_dir():
        try:
            return _kept(folder, photos)
        except (OSError, ValueError) as error:
            warnings.warn(f"the crops in the cache are damaged and are cut again: {error}", stacklevel=2)
            remove(folder)
    faces, report = crop_faces(photos, size, progress=progress, **options)
    try:
        with replacing(folder) as partial:
            faces.save(partial)
            # Names come from the paths again; those of some files are no text that could be written.
            report.drop(columns="photo").to_csv(partial / "report.csv", index=False)
    except OSError as error:
        # If the folder is there, another process was faster, and its crops are the same.
        if not folder.is_dir():
            warnings.warn(
                f"the crops are not kept and will be cut again next time: {error}. "
                "Make room, or set FACELIB_CACHE to a folder that can be written.",
                stacklevel=2,
            )
            return faces, report
    try:
        return _kept(folder, photos)
    except (OSError, ValueError):  # taken away again, by whoever found it damaged before
        return faces, report


def _kept(folder: Path, photos: Sequence[str | os.PathLike]) -> tuple[FaceSet, pd.DataFrame]:
    """Faces and report of an earlier call; a ValueError or an OSError if they are damaged."""
    faces = FaceSet.open(folder)
    with refusing(folder / "report.csv", "report"):
        # By converters, or an empty reason would come back as NaN.
        report = pd.read_csv(folder / "report.csv", converters={"reason": str})
        if len(report) != len(photos) or report["found"].sum() != len(faces):
            raise ValueError(f"it has {len(report):,} rows for {len(photos):,} photos and {len(faces):,} faces")
        report.insert(0, "photo", photo_names(photos))
    return faces, report


def is_cropped(name: str, photos: Sequence[str | os.PathLike], size: int, **options) -> bool:
    """Whether `cropped` has these crops already."""
    return _folder(name, photos, size, options).is_dir()


def _folder(name: str, photos: Sequence[str | os.PathLike], size: int, options: dict) -> Path:
    photos = [Path(photo).absolute() for photo in photos]
    states = [(str(photo), *_state(photo)) for photo in photos]
    # How many photos the detector takes at a time changes nothing.
    options = {key: value for key, value in options.items() if key != "batch_size"}
    described = json.dumps([VERSION, _detector(), int(size), options, states], sort_keys=True, default=float)
    key = hashlib.sha256(described.encode()).hexdigest()[:16]
    return cache_dir() / "crops" / f"{name}-{size}-{key}"


def _detector() -> str:
    """Whose boxes they are."""
    try:
        return version("mtcnn")
    except PackageNotFoundError:  # that nothing can be cropped here is for others to say
        return ""


def found_mask(report: pd.DataFrame, root: Path) -> np.ndarray:
    """Which photos of a report have a face.

    Raises:
        ValueError: if none has; it says why.
    """
    found = report["found"].to_numpy(dtype=bool)
    if not found.any():
        reasons = report["reason"].value_counts().head(3)
        why = "; ".join(f"{reason} ({count:,})" for reason, count in reasons.items())
        raise ValueError(f"no face in any of {len(report):,} photos at {root}: {why}.")
    return found


def _state(photo: Path) -> tuple[int, int]:
    try:
        status = photo.stat()
    except OSError:
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)
