"""Faces as data: drawn, cropped from photos, or loaded, always as a `FaceSet`."""

from __future__ import annotations

import os

from facelib.data.crop import crop_faces
from facelib.data.faceset import FaceSet, to_float, to_uint8
from facelib.data.portraits import load_portraits, twelve_portraits
from facelib.data.synthetic import draw_faces, load_synthetic

__all__ = ["FaceSet", "crop_faces", "draw_faces", "load_faces", "to_float", "to_uint8", "twelve_faces"]

DATASETS = ("synthetic", "portraits")
SUBSETS = ("all", "train", "test")

# Added to the seed of synthetic test faces: other people than any that are trained on.
TEST_SEEDS = 1_000_000

# A seed that nothing trains on: three smiling and three neutral women and men each, all hair colours, old and young.
TWELVE_SEED = 10727


def load_faces(
    dataset: str = "synthetic",
    n: int | None = None,
    size: int = 80,
    seed: int = 0,
    *,
    subset: str = "all",
    root: str | os.PathLike | None = None,
    progress: bool = True,
) -> FaceSet:
    """Faces of a data set, as uint8 RGB images of `size` × `size` pixels.

    Args:
        dataset: "synthetic" (drawn, attributes exact, needs nothing) or "portraits" (photos of members of the US
            Congress, cropped by MTCNN on first use).
        n: how many; default 2,000 synthetic faces, or all portraits.
        size: side in pixels.
        seed: which synthetic faces are drawn, or which portraits are taken when `n` is given.
        subset: "train" is what the shipped weights were trained on, "test" has none of those people; the twelve faces
            are in neither.
        root: where the photos are, for data sets of photos.
        progress: show progress bars.

    Raises:
        ValueError: for an unknown data set or subset.
        FileNotFoundError: where the photos are not to be found.
    """
    if subset not in SUBSETS:
        raise ValueError(f"subset must be one of {SUBSETS}, got {subset!r}.")
    if dataset == "synthetic":
        return load_synthetic(2000 if n is None else n, size, seed=seed + TEST_SEEDS * (subset == "test"))
    if dataset == "portraits":
        return load_portraits(n, size, seed=seed, subset=subset, root=root, progress=progress)
    raise ValueError(f"dataset must be one of {DATASETS}, got {dataset!r}.")


def twelve_faces(dataset: str = "synthetic", size: int = 80, root: str | os.PathLike | None = None) -> FaceSet:
    """The twelve faces that every chapter shows, so that models are compared on the same work."""
    if dataset == "synthetic":
        return load_synthetic(12, size, seed=TWELVE_SEED)
    if dataset == "portraits":
        return twelve_portraits(size, root=root)
    raise ValueError(f"dataset must be one of {DATASETS}, got {dataset!r}.")
