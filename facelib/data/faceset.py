"""`FaceSet`: images at rest (uint8) with what is known about each face."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from facelib.archives import read_arrays, refusing
from facelib.checks import whole_number
from facelib.data import jpegs
from facelib.files import replacing

TABLES = ("attributes", "factors", "info")


@dataclass(frozen=True)
class FaceSet:
    """Square RGB faces and their labels, row for row.

    Attributes:
        images: uint8 array (n, size, size, 3), RGB.
        names: one name a face that stays the same however the set is cut or shuffled.
        attributes: DataFrame of bool, CelebA's column names; without columns where nothing is known.
        factors: DataFrame of float, the causes behind a drawn face; None for photos.
        info: DataFrame of anything else that a data set knows (year, score, file); None if nothing.

    Raises:
        ValueError: if images are not uint8 (n, size, size, 3), an attribute is not bool, names or attributes are
            missing, or a table has another length.
    """

    images: np.ndarray
    names: np.ndarray
    attributes: pd.DataFrame
    factors: pd.DataFrame | None = None
    info: pd.DataFrame | None = None

    def __post_init__(self):
        images = self.images
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or images.shape[1] != images.shape[2]:
            raise ValueError(
                f"images must be uint8 of shape (n, size, size, 3), got {images.dtype} of shape {images.shape}. "
                "Crop photos to squares with facelib.data.crop_faces."
            )
        names = np.asarray(self.names)
        if names.ndim != 1 or names.dtype.kind != "U" and not all(isinstance(name, str) for name in names):
            raise ValueError(f"names must be a list of texts, one an image, got {self.names!r}.")
        object.__setattr__(self, "names", names)  # of a frozen class
        if not isinstance(self.attributes, pd.DataFrame):
            raise ValueError(
                "attributes must be a DataFrame of bool, one row an image (pd.DataFrame(index=range(n)) if nothing is "
                f"known), got {type(self.attributes).__name__}."
            )
        if others := [column for column, kind in self.attributes.dtypes.items() if kind != np.dtype(bool)]:
            raise ValueError(
                f"attributes must be bool, and {others} are not; turn CelebA's 1 and -1 into bool by `table == 1`."
            )
        for field in ("names", "attributes", "factors", "info"):
            table = getattr(self, field)
            if table is not None and len(table) != len(images):
                raise ValueError(f"{field} has {len(table)} rows for {len(images)} images; one row an image is needed.")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"FaceSet({len(self):,} faces, {self.size}×{self.size} px, {self.attributes.shape[1]} attributes)"

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        return self.images.shape[1]

    def __getitem__(self, rows) -> FaceSet:
        """Rows by slice, index array or boolean mask (a single integer gives a set of one).

        Raises:
            ValueError: for anything else.
            IndexError: for a row that is not there, or a mask of another length.
        """
        if not isinstance(rows, slice):
            given, rows = rows, np.asarray(rows)
            rows = rows if rows.size else rows.astype(int)
            if rows.dtype.kind not in ("iub" if rows.ndim else "iu") or rows.ndim > 1:
                raise ValueError(
                    f"rows must be a whole number, a slice, or a list of whole numbers or of bool, got {given!r}. "
                    "Attributes are columns of .attributes, and .where(Smiling=True) asks for their faces."
                )
            rows = np.atleast_1d(rows)
        rows = np.arange(len(self))[rows]

        def cut(table):
            return None if table is None else table.iloc[rows].reset_index(drop=True)

        return FaceSet(self.images[rows], self.names[rows], cut(self.attributes), cut(self.factors), cut(self.info))

    def scaled(self) -> np.ndarray:
        """Images as float32 in [-1, 1], what every network eats."""
        return to_float(self.images)

    def where(self, **wanted: bool) -> FaceSet:
        """The faces whose attributes are all as wanted.

        >>> from facelib.data import load_faces
        >>> faces = load_faces("synthetic", n=200, size=16)
        >>> bool(faces.where(Smiling=True, Male=False).attributes["Male"].any())
        False

        Raises:
            ValueError: for an attribute that the set does not have, or a value that is neither true nor false.
        """
        unknown = sorted(set(wanted) - set(self.attributes.columns))
        if unknown:
            raise ValueError(f"unknown attributes {unknown}; this set has {sorted(self.attributes.columns)}.")
        return self[matches(self.attributes, wanted)]

    def without(self, names: Iterable[str]) -> FaceSet:
        """All faces but those named: keeps test faces out of a training set.

        Raises:
            ValueError: for a single text instead of a list.
        """
        if isinstance(names, str):
            raise ValueError(f"names must be a list of names, got {names!r}; write [{names!r}].")
        return self[~np.isin(self.names, np.asarray(list(names), dtype=str))]

    def split(self, fraction: float = 0.9, seed: int = 0) -> tuple[FaceSet, FaceSet]:
        """Shuffle by `seed` and cut into two disjoint sets, the first with `fraction` of the faces.

        Raises:
            ValueError: unless 0 < fraction < 1 leaves faces for both, and seed is a whole number of at least 0.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must lie between 0 and 1, got {fraction}; 0.9 keeps 90 % in the first part.")
        order = np.random.default_rng(whole_number(seed, "seed", 0)).permutation(len(self))
        cut = round(fraction * len(self))
        if not 0 < cut < len(self):
            raise ValueError(
                f"fraction must leave faces in both parts, got {fraction}: {cut} of {len(self)} in the first. "
                "Take more faces."
            )
        return self[order[:cut]], self[order[cut:]]

    def save(self, path: str | os.PathLike) -> None:
        """Write everything, without pickles; nothing half-written is left behind.

        A path that ends in ".npz" becomes one compressed file; one that ends in ".zip" a far smaller archive of JPEGs,
        which lose a little; any other a folder, which is larger and opens at once: its images stay on the disk until
        they are asked for.

        What `open` gives back has numbers and truth values as they were. All else comes back as text, dates too, and
        missing texts or dates as "". Rows are numbered from 0.

        Raises:
            FileExistsError: if there is a folder of that name with something in it.
            OSError: if nothing can be written there.
        """
        path = Path(path)
        if path.is_dir() and any(path.iterdir()):
            raise FileExistsError(f"{path} is a folder with something in it: delete it, or take another name.")
        tables = {"names": np.asarray(self.names, dtype=str)}
        for field in TABLES:
            table = getattr(self, field)
            if table is not None:
                tables[f"{field}:columns"] = np.asarray(table.columns, dtype=str)
                for column in table:
                    values = table[column].to_numpy()
                    if values.dtype.kind not in "bifu":
                        # Columns of text arrive as objects, which numpy would pickle.
                        values = table[column].astype(object).where(table[column].notna(), "").to_numpy().astype(str)
                    tables[f"{field}.{column}"] = values
        with replacing(path) as partial:
            if path.suffix == ".npz":
                np.savez_compressed(partial, images=self.images, **tables)
            elif path.suffix == ".zip":
                jpegs.write(partial, self.images, tables)
            else:
                partial.mkdir()
                np.save(partial / "images.npy", self.images)
                np.savez_compressed(partial / "tables.npz", **tables)

    @classmethod
    def open(cls, path: str | os.PathLike) -> FaceSet:
        """Read what `save` wrote. The images of a folder are read-only and read from the disk as they are used.

        Raises:
            ValueError: if the file is damaged, is no set of faces, or would be far larger in memory than it is.
            FileNotFoundError: if it is not there.
        """
        path = Path(path)
        with refusing(path, "set of faces"):
            if path.suffix == ".zip":
                return cls._from_arrays(*jpegs.read(path))
            if path.is_dir():
                images = np.lib.format.open_memmap(path / "images.npy", mode="r")
                return cls._from_arrays(images, read_arrays(path / "tables.npz"))
            arrays = read_arrays(path)
            return cls._from_arrays(arrays.pop("images"), arrays)

    @classmethod
    def _from_arrays(cls, images: np.ndarray, arrays: Mapping[str, np.ndarray]) -> FaceSet:
        tables = {}
        for field in TABLES:
            if f"{field}:columns" in arrays:
                columns = arrays[f"{field}:columns"].tolist()
                index = range(len(arrays["names"]))
                tables[field] = pd.DataFrame({c: arrays[f"{field}.{c}"] for c in columns}, index=index)
        names = arrays["names"]
        if names.ndim != 1 or names.dtype.kind != "U" or "attributes" not in tables:
            raise ValueError("names must be texts, one an image, and attributes be there")
        return cls(images, names, **tables)


def matches(table: pd.DataFrame, wanted: Mapping[str, bool]) -> np.ndarray:
    """Mask (n,) of the rows whose columns are all as wanted.

    Raises:
        ValueError: for a value that is neither true nor false, such as CelebA's -1.
    """
    mask = np.ones(len(table), bool)
    for column, value in wanted.items():
        if value not in (True, False):
            raise ValueError(f"{column} must be True or False, got {value!r}.")
        mask &= table[column].to_numpy() == bool(value)
    return mask


def to_float(images: np.ndarray) -> np.ndarray:
    """uint8 [0, 255] → float32 [-1, 1].

    Raises:
        ValueError: for another type: what is float may be scaled already.
    """
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 from 0 to 255, got {images.dtype}.")
    return images.astype(np.float32) / 127.5 - 1.0


def to_uint8(images: np.ndarray) -> np.ndarray:
    """float [-1, 1] → uint8 [0, 255], rounded and clipped.

    >>> to_uint8(np.array([-1.0, 0.0, 2.0])).tolist()
    [0, 128, 255]

    Raises:
        ValueError: for whole numbers, such as images that are uint8 already.
    """
    if (kind := np.asarray(images).dtype).kind in "iub":
        raise ValueError(f"images must be floats from -1 to 1, got {kind}.")
    return np.clip(np.round((np.asarray(images, np.float32) + 1.0) * 127.5), 0, 255).astype(np.uint8)
