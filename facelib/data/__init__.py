"""Faces as data: drawn, cropped from photos, or loaded, always as a `FaceSet`."""

from __future__ import annotations

import os

from facelib.checks import whole_number
from facelib.data.celeba import load_celeba
from facelib.data.crop import crop_faces
from facelib.data.faceset import FaceSet, to_float, to_uint8
from facelib.data.find import find_faces
from facelib.data.folder import load_folder
from facelib.data.framing import check_framing
from facelib.data.pictures import load_pictures
from facelib.data.portraits import load_portraits, twelve_portraits
from facelib.data.synthetic import draw_faces, load_synthetic
from facelib.data.toy import CLASSES, load_toy

__all__ = ["FaceSet", "crop_faces", "draw_faces", "find_faces", "load_faces", "to_float", "to_uint8", "twelve_faces"]

DRAWN, PHOTOS, TOYS = ("synthetic",), ("portraits", "celeba", "folder"), tuple(CLASSES)
FOLDERS = ("folder", "pictures")  # the user's own
DATASETS = (*DRAWN, *PHOTOS, "pictures", *TOYS)
SUBSETS = ("all", "train", "test")
LEAST = {"synthetic": 16, "pictures": 1}  # pixels a side; 8 of all others

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
    framing: str = "face",
    align: bool = False,
    progress: bool = True,
) -> FaceSet:
    """Faces of a data set, as uint8 RGB images of `size` × `size` pixels.

    Photos are cropped by MTCNN on first use, and their crops are kept in the cache (`FACELIB_CACHE`). Photos without a
    face are left out; to see which and why, give the same files to `crop_faces`, which is quick then, and its report to
    `facelib.show.refused`.

    Args:
        dataset: "synthetic" (drawn, attributes exact, needs nothing), "portraits" (members of the US Congress, fetched
            by git if they are not at hand), "celeba" (on the user's machine, or through kagglehub), "folder" (any
            photos, with `root=`), "pictures" (the same of anything, whole: no faces are looked for), or for quick looks
            "digits" (with scikit-learn), "mnist", "fashion_mnist" and "cifar10", which are no faces.
        n: how many (of photos: how many to look at); default 2,000 synthetic faces, and all of the others.
        size: side in pixels.
        seed: which synthetic faces are drawn, or which photos are taken when `n` is given.
        subset: "train" and "test" share no person; the shipped weights were trained on "train", and the twelve faces
            are in neither. CelebA has "validation" too, "folder" and "pictures" only "all".
        root: where the photos are; default `FACELIB_DATA/portraits` and `FACELIB_DATA/celeba`.
        framing: "face", or "background" for head, shoulders and what lies behind (not for toys).
        align: turn faces until their eyes lie level (photos only).
        progress: show progress bars.

    Raises:
        ValueError: for an unknown data set or subset, an option that the data set has not, or an n, size or seed that
            is no whole number, too small, or of synthetic faces in another subset; before anything is fetched.
        FileNotFoundError: where the photos are not to be found; the message says what to do.
        ConnectionError: where a download of Keras' data sets fails.
    """
    if dataset not in DATASETS:
        raise ValueError(f"dataset must be one of {DATASETS}, got {dataset!r}.")
    subsets = {"celeba": (*SUBSETS, "validation")} | dict.fromkeys(FOLDERS, ("all",))
    subsets = subsets.get(dataset, SUBSETS)
    if subset not in subsets:
        raise ValueError(f"subset must be one of {subsets} for {dataset}, got {subset!r}.")
    if dataset not in PHOTOS and align or root is not None and dataset not in (*PHOTOS, "pictures"):
        raise ValueError(f"align and root are for photos ({', '.join(PHOTOS)}), root for pictures; not for {dataset}.")
    if dataset in (*TOYS, "pictures") and framing != "face":
        raise ValueError(f"framing is for faces; {dataset} has none.")
    # Before anything is fetched.
    least = LEAST.get(dataset, 8)
    if isinstance(n, int) and n < 1:
        raise ValueError(f"n must be at least 1, got {n}.")
    if isinstance(size, int) and size < least:
        raise ValueError(f"size must be at least {least} pixels, got {size}.")
    n = n if n is None else whole_number(n, "n", 1)
    size, seed = whole_number(size, "size", least), whole_number(seed, "seed", 0)
    check_framing(framing)
    if dataset == "synthetic":
        if seed >= TEST_SEEDS or seed == TWELVE_SEED and subset == "train":
            raise ValueError(
                f"seed must be less than {TEST_SEEDS:,}, and not {TWELVE_SEED} for training, got {seed}: those people "
                "are in the test set, or the twelve."
            )
        seed = seed + TEST_SEEDS * (subset == "test")
        return load_synthetic(2000 if n is None else n, size, seed=seed, framing=framing)
    if dataset in TOYS:
        return load_toy(dataset, n, size, seed=seed, subset=subset)
    how = {"seed": seed, "framing": framing, "align": align, "progress": progress}
    if dataset in FOLDERS and root is None:
        raise ValueError(f"root is missing; name the folder: load_faces({dataset!r}, root='my_photos').")
    if dataset == "pictures":
        return load_pictures(root, n, size, seed=seed, progress=progress)
    if dataset == "folder":
        return load_folder(root, n, size, **how)
    load = load_portraits if dataset == "portraits" else load_celeba
    return load(n, size, subset=subset, root=root, **how)


def twelve_faces(dataset: str = "synthetic", size: int = 80, root: str | os.PathLike | None = None) -> FaceSet:
    """The twelve faces that every chapter shows, so that models are compared on the same work.

    Args:
        dataset: "synthetic" or "portraits".
        size: side in pixels.
        root: where the portraits are, as of `load_faces`.

    Raises:
        ValueError: for another data set, or root with drawn faces.
        FileNotFoundError: where the portraits are not to be found.
    """
    if dataset == "synthetic":
        if root is not None:
            raise ValueError("root is for portraits; synthetic faces are drawn.")
        return load_synthetic(12, size, seed=TWELVE_SEED)
    if dataset == "portraits":
        return twelve_portraits(size, root=root)
    raise ValueError(f"the twelve faces are of synthetic or portraits, got dataset={dataset!r}.")
