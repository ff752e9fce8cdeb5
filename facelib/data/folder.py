"""Any folder of photos as faces: subfolders or a table say what is known about each."""

from __future__ import annotations

import os
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from facelib.archives import first_line
from facelib.data.faceset import FaceSet
from facelib.data.store import cropped, found_mask

EXTENSIONS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".gif"}
# More subfolders are people or albums, and no attributes.
MOST_FOLDERS = 50
# What phones write and Pillow does not read.
UNREADABLE = {".heic", ".heif"}
TABLE = "attributes.csv"
VALUES = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "-1": False, "-1.0": False, "false": False}


def load_folder(
    root: str | os.PathLike,
    n: int | None = None,
    size: int = 80,
    *,
    seed: int = 0,
    framing: str = "face",
    align: bool = False,
    progress: bool = True,
) -> FaceSet:
    """Faces cropped from all photos under a folder; photos without a face are left out.

    `names` are the photos' paths below `root`, with "/". Attributes come from `attributes.csv` in `root` if it is
    there: a column `file` (path below `root`) and any others, of 0 and 1, -1 and 1, or false and true. Otherwise
    each folder in `root` is an attribute, which the photos below it have, as long as there are no more than 50.
    `info["folder"]` is that folder's name for any number, and empty for photos in `root` itself.

    Args:
        root: the folder; hidden files and folders in it do not count, and links to folders are not followed.
        n: how many *photos* to look at, drawn by `seed`; None: all.
        size: side of a face in pixels.
        seed: which photos, when `n` is given.
        framing, align: how faces are cut out, as in `crop_faces`.
        progress: show a progress bar while cropping.

    Raises:
        FileNotFoundError: if there is no such folder, or no photo in it.
        ValueError: if `n` is not positive, if `attributes.csv` and the photos do not fit together, or if no photo has
            a face.
    """
    root = Path(root)
    if n is not None and n < 1:
        raise ValueError(f"n must be at least 1, got {n}.")
    files = list_photos(root)
    attributes = _read_table(root / TABLE, files) if (root / TABLE).exists() else _from_folders(files)
    if n is not None:
        rows = np.sort(np.random.default_rng(seed).permutation(len(files))[:n])
        files, attributes = [files[i] for i in rows], attributes.iloc[rows]
    paths = [root / file for file in files]
    faces, report = cropped("folder", paths, size, progress=progress, framing=framing, align=align)
    found = found_mask(report, root)
    names = np.asarray(files, dtype=str)[found]
    info = pd.DataFrame({"folder": [_first_folder(name) for name in names]}, index=range(len(names)))
    return FaceSet(faces.images, names, attributes[found].reset_index(drop=True), info=info)


def list_photos(root: Path) -> list[str]:
    """Paths below the folder of all its photos, sorted.

    Raises:
        FileNotFoundError: if there is no such folder, or no photo in it.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise FileNotFoundError(f"root must be a folder of photos; {root} {what}.")
    files = []

    def unreadable_folder(error: OSError):
        raise PermissionError(f"{error.filename} cannot be read; allow it, or move it out of {root}.") from error

    for folder, inside, names in os.walk(root, onerror=unreadable_folder):
        # macOS leaves previews behind: "._x.jpg" beside the photos, "__MACOSX" in archives.
        inside[:] = [name for name in inside if not name.startswith(".") and name != "__MACOSX"]
        below = Path(folder).relative_to(root)
        files += [(below / name).as_posix() for name in names if not name.startswith(".")]
    photos = sorted(file for file in files if Path(file).suffix.lower() in EXTENSIONS)
    unreadable = sum(Path(file).suffix.lower() in UNREADABLE for file in files)
    hint = f"{unreadable:,} HEIC photos under {root} cannot be read; convert them to JPEG."
    if not photos:
        known = ", ".join(sorted(EXTENSIONS))
        raise FileNotFoundError(f"no photos under {root}: no file ends in {known}." + f" {hint}" * bool(unreadable))
    if unreadable:
        warnings.warn(hint, stacklevel=3)
    return photos


def _from_folders(files: list[str]) -> pd.DataFrame:
    first = np.array([_first_folder(file) for file in files])
    names = sorted(set(first.tolist()) - {""})
    if len(names) > MOST_FOLDERS:
        names = []
    return pd.DataFrame({name: first == name for name in names}, index=range(len(files)))


def _first_folder(file: str) -> str:
    return file.split("/")[0] if "/" in file else ""


def _read_table(path: Path, files: list[str]) -> pd.DataFrame:
    """The attributes of these files, in their order."""
    # As text, so that pandas guesses nothing.
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:
        raise ValueError(
            f"{path} is no table: {first_line(error)}. Save it with commas between the columns, as UTF-8."
        ) from None
    if "file" not in table:
        raise ValueError(f"{path} has no column 'file' with the photos' paths; its columns are {list(table.columns)}.")
    keys = [_key(file) for file in table.pop("file")]
    wanted = [_key(file) for file in files]
    for problem, names in (
        ("rows twice there", [key for key, twice in zip(keys, pd.Series(keys).duplicated(), strict=True) if twice]),
        ("rows without a photo", sorted(set(keys) - set(wanted))),
        ("photos without a row", sorted(set(wanted) - set(keys))),
    ):
        if names:
            raise ValueError(
                f"{path} and the photos do not fit together: {len(names):,} {problem}, e.g. {names[:3]}. "
                "The column 'file' needs each photo once, as a path below the folder."
            )
    for column in table:
        wrong = [value for value in table[column] if value.strip().lower() not in VALUES]
        if wrong:
            raise ValueError(
                f"{path}, column {column!r}: got {wrong[0]!r}, and {len(wrong):,} such values; "
                "an attribute must be 0 or 1, -1 or 1, false or true."
            )
        table[column] = [VALUES[value.strip().lower()] for value in table[column]]
    return table.set_axis(keys, axis=0).loc[wanted].reset_index(drop=True).astype(bool)


def _key(file: str) -> str:
    """One spelling of a path: Windows writes backslashes, macOS takes accents apart."""
    return unicodedata.normalize("NFC", file.strip().replace("\\", "/").removeprefix("./"))
