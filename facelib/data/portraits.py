"""Portraits: photos of members of the US Congress from 1789 to today (voteview/member_photos), cropped to faces.

The labels `male` and `smiling` are machine scores in [0, 1]: `male` agrees with the official record for 318 of 319
serving members, `smiling` with human labels for 80 % of 300 other photos. Smiling women and men are many; neutral
women are few (75 of 9,235), so print the counts beside every average.
"""

from __future__ import annotations

import hashlib
import json
import os
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


def load_portraits(
    n: int | None = None, size: int = 80, *, seed: int = 0, root: str | os.PathLike | None = None, progress: bool = True
) -> FaceSet:
    """Faces cropped from the portraits, from the cache if they were cropped before.

    Args:
        n: how many *photos* to look at, drawn by `seed`; a few per cent yield no face. None: all 9,756.
        size: side of a face in pixels.
        seed: which photos, when `n` is given.
        root: folder with `members.csv` and `photos/`; default `FACELIB_DATA/portraits`.
        progress: show a progress bar while cropping.

    Raises:
        FileNotFoundError: if the photos are not there.
        ValueError: if `n` is not positive.
    """
    folder = _root(root)
    members = pd.read_csv(folder / "members.csv").sort_values("file", ignore_index=True)
    if n is not None:
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}.")
        chosen = np.random.default_rng(seed).permutation(len(members))[:n]
        members = members.iloc[np.sort(chosen)].reset_index(drop=True)

    # v2 names this file's cropping; a change of it must change the key, or old crops come back.
    key = json.dumps(["v2", size, members["file"].tolist()])
    cached = cache_dir() / f"portraits-{size}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    if not cached.exists():
        crops, report = crop_faces([folder / "photos" / file for file in members["file"]], size, progress=progress)
        found = members[report["found"].to_numpy()].reset_index(drop=True)
        # A president's photo stands twice, as member and as president: one person, one name.
        people = (found["name"] + " (" + found["born"].astype("Int64").astype(str) + ")").to_numpy(dtype=str)
        attributes = pd.DataFrame(
            {
                "Male": found["male"] > 0.5,
                "Smiling": found["smiling"] > 0.5,
                "Colour": found["saturation"] >= GREY_BELOW,
                "Modern": found["congress"] > MODERN_AFTER,
            }
        )
        faces = FaceSet(crops.images, people, attributes, info=found)
        # Where the labelling found no face there is no score; such crops are mostly no faces.
        faces[found[["male", "smiling"]].notna().all(axis=1).to_numpy()].save(cached)
    return FaceSet.open(cached)


def _root(root: str | os.PathLike | None) -> Path:
    if root is None and data_dir() is not None:
        root = data_dir() / "portraits"
    if root is None or not (Path(root) / "members.csv").exists():
        raise FileNotFoundError(
            f"no portraits at {root or 'FACELIB_DATA/portraits (FACELIB_DATA is not set)'}: "
            "the folder must hold members.csv and photos/. Set FACELIB_DATA to its parent, or pass root=."
        )
    return Path(root)
