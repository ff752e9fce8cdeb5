"""CelebA (Liu et al. 2015): 202,599 photos of celebrities, 178×218 pixels, each with 40 attributes.

The licence allows non-commercial research only. The photos lie on the user's machine and never come with facelib;
crops of them may not be passed on either. The official parts (train, validation, test) are by identity: no person is
in two of them.

Two layouts are read. Kaggle's: `img_align_celeba/img_align_celeba/*.jpg`, `list_attr_celeba.csv`,
`list_eval_partition.csv`. The original release: `Img/img_align_celeba/*.jpg`, `Anno/list_attr_celeba.txt`,
`Eval/list_eval_partition.txt`, or all three without their folders.
"""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from facelib.archives import first_line
from facelib.data.faceset import FaceSet
from facelib.data.store import cropped, found_mask
from facelib.files import data_dir

SUBSETS = {"all": (0, 1, 2), "train": (0,), "validation": (1,), "test": (2,)}
KAGGLE = "jessicali9530/celeba-dataset"
# The longer one first: Kaggle's outer folder holds nothing but the inner one.
PHOTOS = ("img_align_celeba/img_align_celeba", "Img/img_align_celeba", "img_align_celeba")
AGAIN = (
    f"Download it again; Google Drive often sends a web page ('quota exceeded') instead, Kaggle's {KAGGLE} does not."
)


def load_celeba(
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
    """Faces cropped from CelebA, from the cache if they were cropped before.

    MTCNN looks at every photo, so pass `n` for a first try. The `names` are those of the photos ("000001.jpg").

    Args:
        n: how many *photos* to look at, drawn by `seed` from the subset; some yield no face. None: all.
        size: side of a face in pixels.
        seed: which photos, when `n` is given.
        subset: "train", "validation", "test" (the official parts, which share no person) or "all".
        root: the folder of the data set; default `FACELIB_DATA/celeba`, else a download by `kagglehub` if that is
            installed.
        framing, align: how faces are cut out, as in `crop_faces`.
        progress: show a progress bar while cropping.

    Raises:
        FileNotFoundError: if the photos or a table are not there, or the download fails.
        ValueError: if a table is damaged or does not fit the photos, `n` is not positive, or no photo has a face.
    """
    if subset not in SUBSETS:
        raise ValueError(f"subset must be one of {tuple(SUBSETS)}, got {subset!r}.")
    if n is not None and n < 1:
        raise ValueError(f"n must be at least 1, got {n}.")
    folder = _root(root)
    photos, attributes = _read(folder)
    if subset != "all":
        attributes = attributes[_parts(folder, attributes.index).isin(SUBSETS[subset])]
        if attributes.empty:
            raise ValueError(f"no photo at {folder} is in subset {subset!r}.")
    if n is not None:
        attributes = attributes.iloc[np.sort(np.random.default_rng(seed).permutation(len(attributes))[:n])]
    paths = [photos / name for name in attributes.index]
    faces, report = cropped("celeba", paths, size, progress=progress, framing=framing, align=align)
    attributes = attributes[found_mask(report, folder)]
    return FaceSet(faces.images, attributes.index.to_numpy(dtype=str), attributes.reset_index(drop=True))


def _root(root: str | os.PathLike | None) -> Path:
    """Where the data set is."""
    ways = (
        f"(1) Download {KAGGLE} from Kaggle, unpack it, and pass its folder as root=. (2) Unpack it to `celeba` in the "
        "folder that FACELIB_DATA names. (3) `pip install kagglehub`, and it is downloaded on first use."
    )
    if root is not None:
        if not Path(root).is_dir():
            raise FileNotFoundError(f"root must be the folder of CelebA, and {root} is no folder. {ways}")
        return Path(root)
    here = data_dir() and data_dir() / "celeba"
    if here and here.is_dir():
        return here
    try:
        import kagglehub
    except ImportError:
        raise FileNotFoundError(
            f"no CelebA at {here or 'FACELIB_DATA/celeba (FACELIB_DATA is not set)'}. {ways}"
        ) from None
    try:
        return Path(kagglehub.dataset_download(KAGGLE))
    except Exception as error:  # kagglehub's errors have nothing in common
        raise FileNotFoundError(f"kagglehub could not download CelebA: {error}. {ways}") from error


def _read(folder: Path) -> tuple[Path, pd.DataFrame]:
    """The folder of the photos, and their attributes (bool, one row a photo, the photos' names as index)."""
    table, path = _table(folder, "list_attr_celeba", "Anno")
    # A column with one broken value comes as text.
    wrong = ~table.apply(pd.to_numeric, errors="coerce").isin((-1, 1))
    if wrong.to_numpy().any():
        column = wrong.any().idxmax()
        value = table[column][wrong[column]].iloc[0]
        raise ValueError(f"{path} is damaged: {column} must be 1 or -1, got {value}. {AGAIN}")

    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()].tolist()
        raise ValueError(f"{path} is damaged: {len(twice):,} photos have two rows, e.g. {twice[:3]}. {AGAIN}")
    photos = next((folder / place for place in PHOTOS if _names(folder / place)), None)
    if photos is None:
        raise FileNotFoundError(f"no photos at {folder}: looked for {', '.join(PHOTOS)}. {_unpack(folder)}")
    names = _names(photos)
    missing = sorted(set(table.index) - names)
    if missing:
        raise FileNotFoundError(
            f"{photos} lacks {len(missing):,} of the {len(table):,} photos in {path}, e.g. {missing[:3]}. "
            + _unpack(folder)
        )
    extra = sorted(names - set(table.index))
    if extra:
        raise ValueError(f"{path} has no row for {len(extra):,} photos, e.g. {extra[:3]}: it is cut short. {AGAIN}")
    return photos, table == 1


def _parts(folder: Path, names: pd.Index) -> pd.Series:
    """The official part (0, 1, 2) of each photo."""
    table, path = _table(folder, "list_eval_partition", "Eval")
    if table.empty or table.shape[1] != 1 or table.index.has_duplicates:
        raise ValueError(f"{path} is damaged: it must name each photo once, with its part. {AGAIN}")
    # A column with one broken value comes as text.
    parts = pd.to_numeric(table.iloc[:, 0], errors="coerce").reindex(names)
    if not parts.isin((0, 1, 2)).all():
        bad = parts[~parts.isin((0, 1, 2))]
        raise ValueError(
            f"{path} has no part 0, 1 or 2 for {len(bad):,} photos, e.g. {bad.index[:3].tolist()}. {AGAIN}"
        )
    return parts


def _table(folder: Path, stem: str, within: str) -> tuple[pd.DataFrame, Path]:
    """A table of either layout, the photos' names as index, and where it was."""
    places = [f"{stem}.csv", f"{stem}.txt", f"{within}/{stem}.txt"]
    path = next((folder / place for place in places if (folder / place).exists()), None)
    if path is None:
        raise FileNotFoundError(f"no table at {folder}: looked for {', '.join(places)}. {_unpack(folder)}")
    _refuse_web_page(path)
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path, index_col=0), path
        if within == "Eval":
            return pd.read_csv(path, sep=r"\s+", header=None, index_col=0), path
        with path.open() as lines:
            count, columns = int(next(lines)), next(lines).split()
        table = pd.read_csv(path, sep=r"\s+", skiprows=2, header=None, names=["image_id", *columns], index_col=0)
    except (ValueError, StopIteration) as error:
        raise ValueError(f"{path} is damaged: {first_line(error)}. {AGAIN}") from None
    if len(table) != count:
        raise ValueError(f"{path} is cut short: it announces {count:,} rows and has {len(table):,}. {AGAIN}")
    return table, path


def _names(folder: Path) -> set[str]:
    # Whatever else lies there (previews, copies) is not CelebA's.
    return {name for name in os.listdir(folder) if re.fullmatch(r"\d{6}\.jpg", name)} if folder.is_dir() else set()


def _unpack(folder: Path) -> str:
    """What to do about something that is missing."""
    archives = sorted([*folder.glob("*.zip"), *folder.glob("Img/*.zip")])
    for archive in archives:
        _refuse_web_page(archive)
        if not zipfile.is_zipfile(archive):
            raise ValueError(f"{archive} is no whole zip file: it is cut short. {AGAIN}")
    if archives:
        return f"Unpack all of {archives[0]} there."
    return f"Download {KAGGLE} from Kaggle and unpack all of it there."


def _refuse_web_page(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        raise ValueError(f"{path} is a web page under that name. {AGAIN}")
