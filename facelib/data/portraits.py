"""Portraits: photos of members of the US Congress from 1789 to today (voteview/member_photos), cropped to faces.

The labels `male` and `smiling` are machine scores in [0, 1]: `male` agrees with the official record for 318 of 319
serving members, `smiling` with human labels for 80 % of 300 other photos. Smiling women and men are many; neutral
women are few (75 of 9,235), so print the counts beside every average.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from facelib.data.crop import crop_faces
from facelib.data.faceset import FaceSet
from facelib.files import cache_dir, data_dir

# Photos below this saturation (0 to 255) are black and white or sepia prints.
GREY_BELOW = 12.0
# Congresses after this one (1977 on) have women enough to compare.
MODERN_AFTER = 95
# One person in so many is kept for tests.
TEST_ONE_IN = 20
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
    progress: bool = True,
) -> FaceSet:
    """Faces cropped from the portraits, from the cache if they were cropped before.

    Args:
        n: how many *photos* to look at, drawn by `seed`; a few per cent yield no face. None: all of the subset.
        size: side of a face in pixels.
        seed: which photos, when `n` is given.
        subset: "train" and "test" share no person, whatever `n` and `seed` are; the twelve are in neither.
        root: folder with `members.csv` and `photos/`; default `FACELIB_DATA/portraits`.
        progress: show a progress bar while cropping.

    Raises:
        FileNotFoundError: if the photos are not there.
        ValueError: if `n` is not positive.
    """
    folder = _root(root)
    everyone = pd.read_csv(folder / "members.csv").sort_values("file", ignore_index=True)
    # A president's photo stands twice, as member and as president: one person, one name.
    born = everyone["born"].map(lambda year: "?" if pd.isna(year) else f"{year:.0f}")
    everyone["person"] = everyone["name"].astype(str) + " (" + born + ")"
    members = everyone
    if subset != "all":
        twelve = everyone["person"][everyone["file"].isin(TWELVE)]
        test = everyone["person"].map(lambda person: zlib.crc32(person.encode()) % TEST_ONE_IN == 0)
        members = everyone[(test == (subset == "test")) & ~everyone["person"].isin(twelve)]
    if n is not None:
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}.")
        members = members.iloc[np.sort(np.random.default_rng(seed).permutation(len(members))[:n])]
    if _cache(folder, everyone, size).exists():
        faces = _cropped(folder, everyone, size, progress)
        return faces[faces.info["file"].isin(members["file"]).to_numpy()]
    return _cropped(folder, members.reset_index(drop=True), size, progress)


def twelve_portraits(size: int = 80, *, root: str | os.PathLike | None = None) -> FaceSet:
    """The twelve portraits of the course, in the order of `TWELVE`.

    Raises:
        ValueError: if the folder lacks one of them.
    """
    folder = _root(root)
    everyone = pd.read_csv(folder / "members.csv")
    missing = sorted(set(TWELVE) - set(everyone["file"]))
    if missing:
        raise ValueError(f"the portraits at {folder} lack {missing}, of the twelve faces; fetch the whole data set.")
    faces = load_portraits(size=size, root=root)
    files = faces.info["file"].tolist()
    return faces[[files.index(file) for file in TWELVE]]


def _cache(folder: Path, members: pd.DataFrame, size: int) -> Path:
    # Other photos, other labels and another cropping (v3 names this file's) must never get these crops back.
    key = json.dumps(["v3", size, str(folder.resolve()), members.to_csv(index=False)])
    return cache_dir() / f"portraits-{size}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"


def _cropped(folder: Path, members: pd.DataFrame, size: int, progress: bool) -> FaceSet:
    """The faces of these photos, cropped now or earlier."""
    cache = _cache(folder, members, size)
    if not cache.exists():
        crops, report = crop_faces([folder / "photos" / file for file in members["file"]], size, progress=progress)
        found = members[report["found"].to_numpy()].reset_index(drop=True)
        attributes = pd.DataFrame(
            {
                "Male": found["male"] > 0.5,
                "Smiling": found["smiling"] > 0.5,
                "Colour": found["saturation"] >= GREY_BELOW,
                "Modern": found["congress"] > MODERN_AFTER,
            }
        )
        faces = FaceSet(crops.images, found["person"].to_numpy(dtype=str), attributes, info=found)
        # Where the labelling found no face there is no score; such crops are mostly no faces.
        faces[found[["male", "smiling"]].notna().all(axis=1).to_numpy()].save(cache)
    return FaceSet.open(cache)


def _root(root: str | os.PathLike | None) -> Path:
    if root is None and data_dir() is not None:
        root = data_dir() / "portraits"
    if root is None or not (Path(root) / "members.csv").exists():
        raise FileNotFoundError(
            f"no portraits at {root or 'FACELIB_DATA/portraits (FACELIB_DATA is not set)'}: "
            "the folder must hold members.csv and photos/. Set FACELIB_DATA to its parent, or pass root=."
        )
    return Path(root)
