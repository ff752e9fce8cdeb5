"""Portraits: photos of members of the US Congress from 1789 to today (voteview/member_photos), cropped to faces.

The photos come from a folder that is named, or by git from GitHub into the cache. What is known of them is
`portraits.csv` in this package, one row a photo:

- `name`, `born`, `state`, `party`, `chamber` and `congress` (the last one of each member; the first is of 1789, the
  119th of 2025) are from the photos' source; a president's photo stands twice, as member and as president.
- `male` and `smiling` are scores of a classifier in [0, 1], empty where it found no face. `male` agrees with the
  official record for 318 of 319 serving members, `smiling` with human labels for 80 % of 300 other photos.
- `saturation` is the mean of HSV's, 0 to 255: grey prints and colour photos.
- number of `faces`, and `confidence`, `turned` and `hatching` (see `facelib.data.rules`) of the one that is cropped,
  empty where there is none, are written by `experiments/crop_portraits.py`. Loading measures all of them again but
  `hatching`, which needs crops of its own size and is looked up by file name.

Labels of people are guesses from pictures: nobody here was asked. Counts matter: of 9,235 faces with scores 6,947 are
neutral men and 75 neutral women, so print them beside every average.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from facelib.archives import refusing
from facelib.data.faceset import FaceSet
from facelib.data.fetch import GitSource, fetch
from facelib.data.rules import ENGRAVING_ABOVE, PROFILE_ABOVE, turned
from facelib.data.store import cropped, found_mask, is_cropped
from facelib.files import data_dir

SOURCE = GitSource(
    name="portraits",
    url="https://github.com/voteview/member_photos",
    commit="687cf7a9212a445431ad7441d8bfd0b7bf297eff",
    paths=("images/bio_guide", "images/wiki"),
    size="155 MB",
)
TABLE = Path(__file__).parent / "portraits.csv"
LABELS = ("file", "name", "born", "congress", "male", "smiling", "saturation")
NUMBERS = ("born", "congress", "male", "smiling", "saturation")
SUBSETS = ("all", "train", "test")

# Photos below this saturation (0 to 255) are black and white or sepia prints.
GREY_BELOW = 12.0
# Congresses after this one (1979 on) have women enough to compare.
MODERN_AFTER = 95
# One person in so many is kept for tests.
TEST_ONE_IN = 20
# Attributes of photos of one person from the front: networks learn the lines of an engraver too well.
FRONTAL = {"Engraving": False, "Profile": False, "Several_Faces": False}
# People of all eras, faces that a reader may know; no model is trained on them.
TWELVE = (
    "009903.jpg",  # Daniel Webster, first elected 1813
    "005666.jpg",  # Abraham Lincoln, 1847
    "007825.jpg",  # Hiram Revels, 1870, first black senator
    "002689.jpg",  # Helen Gahagan Douglas, 1945
    "009487.jpg",  # Harry Truman, 1935
    "005180.jpg",  # John F. Kennedy, 1947
    "008666.jpg",  # Margaret Chase Smith, 1940
    "004812.jpg",  # Daniel Inouye, 1959
    "015431.jpg",  # John Lewis, 1987
    "015448.jpg",  # Nancy Pelosi, 1987
    "040502.jpg",  # Barack Obama, 2005
    "021949.jpg",  # Alexandria Ocasio-Cortez, 2019
)


def load_portraits(
    n: int | None = None,
    size: int = 80,
    *,
    seed: int = 0,
    subset: str = "all",
    root: str | os.PathLike | None = None,
    framing: str = "face",
    align: bool = False,
    progress: bool = True,
) -> FaceSet:
    """Faces cropped from the portraits, from the cache if they were cropped before.

    `attributes` are Male, Smiling (scores over 0.5), Colour, Modern (in Congress in 1979 or later), and three by
    measurable rules (`facelib.data.rules`) that make filters: Engraving, Profile and Several_Faces, as in
    `faces.where(Engraving=False, Profile=False, Several_Faces=False)`. `info` has the table's columns and the report's.
    Faces without scores are left out: where the classifier saw no face, a crop is mostly none.

    Args:
        n: how many *photos* to look at, drawn by `seed`; a few per cent yield no face. None: all of the subset.
        size: side of a face in pixels.
        seed: which photos, when `n` is given.
        subset: "train" and "test" share no person, whatever `n` and `seed` are; the twelve are in neither.
        root: folder with `photos/`, or with `images/` as in the source's repository; default
            `FACELIB_DATA/portraits`, and if there is none, what git fetches (155 MB, once).
        framing: "face" or "background", see `crop_faces`.
        align: turn faces until their eyes lie level.
        progress: show progress bars.

    Raises:
        FileNotFoundError: if the photos are not there and cannot be fetched.
        ValueError: if `n` is not positive, the subset unknown, `members.csv` lacks a column, or no photo has a face.
    """
    if subset not in SUBSETS:
        raise ValueError(f"subset must be one of {SUBSETS}, got {subset!r}.")
    folder = portraits_folder(root, progress=progress)
    everyone = _table(folder)
    members = everyone
    if subset != "all":
        twelve = everyone["person"][everyone["file"].isin(TWELVE)]
        test = everyone["person"].map(lambda person: zlib.crc32(person.encode()) % TEST_ONE_IN == 0)
        members = everyone[(test == (subset == "test")) & ~everyone["person"].isin(twelve)]
    if n is not None:
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}.")
        members = members.iloc[np.sort(np.random.default_rng(seed).permutation(len(members))[:n])]
    return _faces(folder, everyone, members.index, size, framing=framing, align=align, progress=progress)


def twelve_portraits(size: int = 80, *, root: str | os.PathLike | None = None) -> FaceSet:
    """The twelve portraits of the course, in the order of `TWELVE`.

    Raises:
        ValueError: if the folder lacks one of them.
    """
    folder = portraits_folder(root, progress=False)
    everyone = _table(folder)
    rows = everyone.reset_index().set_index("file")["index"].reindex(TWELVE)
    missing = [f for f, row in rows.items() if pd.isna(row) or not _photo(folder, everyone.loc[row]).exists()]
    if missing:
        raise ValueError(f"the portraits at {folder} lack {missing}, of the twelve faces; fetch the whole data set.")
    faces = _faces(folder, everyone, rows.astype(int), size, framing="face", align=False, progress=False)
    if len(faces) < len(TWELVE):
        there = set(faces.info["file"])
        raise ValueError(f"no face was found in {[f for f in TWELVE if f not in there]}, of the twelve faces.")
    return faces


def _faces(folder: Path, everyone: pd.DataFrame, rows, size: int, *, progress: bool, **options) -> FaceSet:
    """The faces of these rows of the table, in that order."""
    photos = [_photo(folder, member) for member in everyone.itertuples()]
    few = [photos[row] for row in rows]
    missing = [photo for photo in few if not photo.exists()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing):,} of {len(few):,} photos are missing, e.g. {missing[0]}. "
            "Unpack all of them there, or delete the folder so that git fetches it."
        )
    # A face is cropped (but for rounding) alike alone and among all: what was cropped once is used wherever it is.
    if len(few) > len(photos) // 2 or is_cropped("portraits", photos, size, **options):
        crops, report = cropped("portraits", photos, size, progress=progress, **options)
        place = (report["found"].cumsum() - 1).to_numpy()[rows]
        report = report.iloc[rows]
    else:
        crops, report = cropped("portraits", few, size, progress=progress, **options)
        place = (report["found"].cumsum() - 1).to_numpy()
    found = found_mask(report, folder) & everyone.loc[rows, ["male", "smiling"]].notna().all(axis=1).to_numpy()
    members, report = everyone.loc[rows][found].reset_index(drop=True), report[found].reset_index(drop=True)
    measured = pd.concat([report.drop(columns=["photo", "found", "reason"]), turned(report)], axis=1)
    info = pd.concat([members.drop(columns=measured.columns, errors="ignore"), measured], axis=1)
    attributes = pd.DataFrame(
        {
            "Male": info["male"] > 0.5,
            "Smiling": info["smiling"] > 0.5,
            "Colour": info["saturation"] >= GREY_BELOW,
            "Modern": info["congress"] > MODERN_AFTER,
            "Engraving": info["hatching"] > ENGRAVING_ABOVE,
            "Profile": info["turned"] > PROFILE_ABOVE,
            "Several_Faces": info["faces"] > 1,
        }
    )
    return FaceSet(crops.images[place[found]], members["person"].to_numpy(dtype=str), attributes, info=info)


def _photo(folder: Path, member) -> Path:
    photos = folder / "photos"
    return photos / member.file if photos.is_dir() else folder / "images" / member.source / member.file


def portraits_table() -> pd.DataFrame:
    """What is known of each photo, one row a file, sorted by file: needs no photos.

    >>> len(portraits_table())
    9756
    """
    return pd.read_csv(TABLE).sort_values("file", ignore_index=True)


def _table(folder: Path) -> pd.DataFrame:
    """The folder's own `members.csv` if it has labels, else the table of this package; with a person to each photo."""
    table, own = portraits_table(), folder / "members.csv"
    # The source's own members.csv has other columns, and is not it.
    with refusing(own, "table (remove it to use the one that comes with facelib)"):
        labelled = own.exists() and {"file", "male", "smiling"} <= set(pd.read_csv(own, nrows=0).columns)
    if labelled:
        known, needed = table[["file", "hatching"]], set(LABELS)
        if not (folder / "photos").is_dir():
            needed.add("source")  # the photo's folder below images/
        with refusing(own, "table (remove it to use the one that comes with facelib)"):
            table = pd.read_csv(own, dtype={"file": str, "name": str, "source": str})
            _check_numbers(table)
            if "source" in needed & set(table.columns):
                _check_sources(table["source"])
        if missing := sorted(needed - set(table.columns)):
            raise ValueError(f"{own} lacks the columns {missing}; remove it to use the table that comes with facelib.")
        table = table.drop(columns="hatching", errors="ignore").merge(known, on="file", how="left")
        table = table.sort_values("file", ignore_index=True)
    # A president's photo stands twice, as member and as president: one person, one name.
    born = table["born"].map(lambda year: "?" if pd.isna(year) else f"{year:.0f}")
    table["person"] = table["name"].astype(str) + " (" + born + ")"
    return table


def _check_numbers(table: pd.DataFrame) -> None:
    """Raise a ValueError if a label or a year is no number, or a file is named twice or outside its folder."""
    for column in set(NUMBERS) & set(table.columns):
        pd.to_numeric(table[column])
    files = table["file"]
    if files.isna().any() or files.duplicated().any() or files.str.contains(r"[/\\\0]").any():
        raise ValueError("the column 'file' must name each photo once")


def _check_sources(sources: pd.Series) -> None:
    """Raise a ValueError if one is missing, or no single folder."""
    if sources.isna().any() or sources.str.contains(r"[/\\\0]").any() or sources.isin([".", ".."]).any():
        raise ValueError("the column 'source' must name each photo's folder below images/")


def portrait_photos(root: str | os.PathLike | None = None, *, progress: bool = True) -> list[Path]:
    """The photos, in the order of `portraits_table`; arguments and errors as of `portraits_folder`."""
    folder = portraits_folder(root, progress=progress)
    return [_photo(folder, member) for member in portraits_table().itertuples()]


def portraits_folder(root: str | os.PathLike | None = None, *, progress: bool = True) -> Path:
    """The folder that holds the photos; fetched if there is none.

    Raises:
        FileNotFoundError: if `root` holds no photos, or they cannot be fetched.
    """
    if root is None and data_dir() is not None and (data_dir() / "portraits").is_dir():
        root = data_dir() / "portraits"
    if root is None:
        try:
            return fetch(SOURCE, progress=progress)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"no portraits: FACELIB_DATA names no folder that holds portraits/, and {error} "
                "Set FACELIB_DATA to the parent of portraits/, or pass root=."
            ) from None
    root = Path(root)
    if not (root / "photos").is_dir() and not (root / "images").is_dir():
        raise FileNotFoundError(
            f"no portraits at {root}: the folder must hold photos/ (or images/bio_guide and images/wiki). "
            "Set FACELIB_DATA to its parent, or pass root=."
        )
    return root
