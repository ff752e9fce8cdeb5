"""Integers for conditional models, made from attributes by three schemes.

- **Combined**: one integer a face. Each class is a combination of attributes, and no face fits two of them. The first
  conditional GAN of this course tells four apart: 0 women with neither high cheekbones nor big lips, 1 men, 2 women
  with high cheekbones, 3 women with big lips only.
- **Independent**: one integer an attribute, one input of the model an attribute. Its original says: "we have assigned
  a unique integer to the features and then used these features to train the model independently". Read here as: every
  attribute has a column of its own with 0 (absent) or 1 (present), a valid index for an `Embedding(2, ...)` of its
  own. For one table that all inputs share, add `2 * np.arange(k)`, which makes every code unique.
- **Multi-class**: several attributes conditioned on together. Its original says: "modelling is done using combined 3
  categories embedding at a time". Read here as: one integer over the 2**k combinations of k attributes, so that one
  embedding holds each combination as a whole.

The original kept only faces marked Attractive, in all three: `only=SEED_FILTER`. CelebA has that column; drawn faces
and portraits do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd

from facelib.data.faceset import FaceSet, matches

SEED_CLASSES = {
    "woman": {"Male": False, "High_Cheekbones": False, "Big_Lips": False},
    "man": {"Male": True},
    "woman, high cheekbones": {"Male": False, "High_Cheekbones": True},
    "woman, big lips": {"Male": False, "High_Cheekbones": False, "Big_Lips": True},
}
SEED_FILTER = {"Attractive": True}
# 1,024 combinations; most of them would have no face long before.
MOST_COLUMNS = 10


@dataclass(frozen=True, eq=False)
class Labels:
    """Integers for a model, row for row with the faces. -1 marks a face without a class: train on `kept` ones only.

    Attributes:
        values: int32, (n,), or (n, inputs) from `independent`.
        names: of the classes, or of the attributes from `independent`.
    """

    values: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def classes(self) -> int | tuple[int, ...]:
        """How many classes, or how many for each input."""
        return len(self.names) if self.values.ndim == 1 else (2,) * len(self.names)

    @property
    def kept(self) -> np.ndarray:
        """Boolean mask (n,) of the faces that have a class."""
        return self.values >= 0 if self.values.ndim == 1 else (self.values >= 0).all(axis=1)

    def counts(self) -> pd.DataFrame:
        """One row a class: `class`, `name`, `faces` and their `share` of all; of each `input` where there are several.

        Faces without a class are a row of their own, -1, if there are any.
        """
        if self.values.ndim == 1:
            return _counted(self.values, self.names)
        tables = [
            _counted(column, (f"not {name}", name)) for column, name in zip(self.values.T, self.names, strict=True)
        ]
        return pd.concat(tables, keys=self.names, names=["input"]).reset_index(level=0).reset_index(drop=True)

    @property
    def imbalance(self) -> float:
        """Faces of the largest class over faces of the smallest that has any; of the worst input."""
        table = self.counts()
        table = table[(table["class"] >= 0) & (table["faces"] > 0)]
        faces = table.groupby("input" if "input" in table else lambda row: 0)["faces"]
        return float((faces.max() / faces.min()).max())


def combined(
    attributes: FaceSet | pd.DataFrame,
    classes: Mapping[str, Mapping[str, bool]] | None = None,
    *,
    only: Mapping[str, bool] | None = None,
) -> Labels:
    """One integer a face, from combinations of attributes that exclude each other.

    >>> table = pd.DataFrame({"Male": [False, True, False], "Smiling": [True, True, False]})
    >>> labels = combined(table, {"man": {"Male": True}, "smiling woman": {"Male": False, "Smiling": True}})
    >>> labels.values.tolist(), labels.kept.tolist()
    ([1, 0, -1], [True, True, False])

    Used as `labels = combined(faces); cgan.fit(faces[labels.kept], labels.values[labels.kept])`.

    Args:
        attributes: a face set, or a table of bool with one row a face.
        classes: name of each class → the attribute values that make it; default `SEED_CLASSES`. A face that fits no
            class gets -1.
        only: attribute values of the faces to label, e.g. `SEED_FILTER`; all others get -1.

    Raises:
        ValueError: if a column is missing or not bool, if a face fits two classes, or if a class has no face.
    """
    classes = SEED_CLASSES if classes is None else classes
    if not classes:
        raise ValueError("classes is empty; give each class a name and its attributes: {'man': {'Male': True}}.")
    table = _table(attributes, [column for wanted in (*classes.values(), only or {}) for column in wanted])
    fits = {name: matches(table, wanted) & matches(table, only or {}) for name, wanted in classes.items()}
    for one, other in combinations(fits, 2):
        if both := int((fits[one] & fits[other]).sum()):
            raise ValueError(
                f"classes {one!r} and {other!r} overlap: {both:,} of {len(table):,} faces match both. "
                "Add an attribute to one of them that tells them apart."
            )
    empty = [name for name, mask in fits.items() if not mask.any()]
    if empty:
        raise ValueError(f"no face among {len(table):,} is in {empty}; take more faces or leave the class out.")
    values = np.full(len(table), -1, np.int32)
    for i, mask in enumerate(fits.values()):
        values[mask] = i
    return Labels(values, tuple(classes))


def independent(
    attributes: FaceSet | pd.DataFrame, columns: Sequence[str], *, only: Mapping[str, bool] | None = None
) -> Labels:
    """One integer an attribute: `values` (n, len(columns)) of 0 (absent) and 1 (present), a column for each input.

    >>> table = pd.DataFrame({"Male": [False, True], "Smiling": [True, False]})
    >>> independent(table, ["Smiling", "Male"]).values.tolist()
    [[1, 0], [0, 1]]

    Args:
        attributes: a face set, or a table of bool with one row a face.
        columns: the attributes, in the order of the model's inputs.
        only: attribute values of the faces to label, e.g. `SEED_FILTER`; all others get -1 in every column.

    Raises:
        ValueError: if a column is missing, twice there or not bool, if no face is labelled, or if all that are have
            the same value.
    """
    table, mask = _chosen(attributes, columns, only)
    for column in columns:
        if table[column][mask].nunique() < 2:
            raise ValueError(
                f"{column} has the same value in all {int(mask.sum()):,} faces, so a model learns nothing from it; "
                "take more faces or leave it out."
            )
    return Labels(np.where(mask[:, None], table[list(columns)], -1).astype(np.int32), tuple(columns))


def multi_class(
    attributes: FaceSet | pd.DataFrame,
    columns: Sequence[str],
    *,
    only: Mapping[str, bool] | None = None,
    allow_empty: bool = True,
) -> Labels:
    """One integer over all combinations of some attributes, the first of which is the highest binary digit.

    >>> table = pd.DataFrame({"Male": [False, True, True], "Smiling": [True, False, True]})
    >>> labels = multi_class(table, ["Male", "Smiling"])
    >>> labels.values.tolist(), labels.names[1]
    ([1, 2, 3], 'not Male, Smiling')

    Args:
        attributes: a face set, or a table of bool with one row a face.
        columns: the attributes, ten at most.
        only: attribute values of the faces to label, e.g. `SEED_FILTER`; all others get -1.
        allow_empty: combinations without a face keep their integer (`counts` shows them). A model is never trained on
            them, so what it draws for them means nothing; False makes them an error.

    Raises:
        ValueError: if a column is missing, twice there or not bool, if there are too many, if no face is labelled, or
            if a combination has no face and `allow_empty` is False.
    """
    table, mask = _chosen(attributes, columns, only)
    if len(columns) > MOST_COLUMNS:
        raise ValueError(f"columns must be at most {MOST_COLUMNS}, got {len(columns)}: {2 ** len(columns):,} classes.")
    digits = 2 ** np.arange(len(columns))[::-1]
    values = np.where(mask, table[list(columns)].to_numpy() @ digits, -1).astype(np.int32)
    signs = product((False, True), repeat=len(columns))
    names = tuple(", ".join(c if has else f"not {c}" for c, has in zip(columns, sign, strict=True)) for sign in signs)
    empty = [name for i, name in enumerate(names) if not (values == i).any()]
    if empty and not allow_empty:
        raise ValueError(
            f"{len(empty)} of {len(names)} combinations have no face: {empty}. "
            "Take fewer columns or more faces, or pass allow_empty=True."
        )
    return Labels(values, names)


def binned(values: Sequence[float], edges: Sequence[float], names: Sequence[str] | None = None) -> Labels:
    """One integer a face, from a number such as a year: class i holds edges[i] ≤ value < edges[i + 1].

    >>> binned([1850, 1950, 1999, 2020], [1800, 1900, 2000]).values.tolist()
    [0, 1, 1, -1]

    Args:
        values: (n,), one a face; what lies outside of the edges, or is NaN, gets -1.
        edges: rising, one more than there are classes.
        names: of the classes; by default such as "1800 to 1900".

    Raises:
        ValueError: for edges that do not rise, names that are not one a class, or a class without a face.
    """
    edges, values = np.asarray(edges, float), np.asarray(values, float)
    if edges.ndim != 1 or len(edges) < 3 or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges must be at least three rising numbers, for two classes, got {edges.tolist()}.")
    if names is None:
        names = [f"{low:g} to {high:g}" for low, high in zip(edges, edges[1:], strict=False)]
    names = tuple(map(str, names))
    if len(names) != len(edges) - 1:
        raise ValueError(f"names must be {len(edges) - 1}, one a class, got {len(names)}.")
    classes = np.searchsorted(edges, values, side="right") - 1
    inside = (values >= edges[0]) & (values < edges[-1])
    labels = Labels(np.where(inside, classes, -1).astype(np.int32), names)
    if empty := [name for i, name in enumerate(names) if not (labels.values == i).any()]:
        raise ValueError(f"no face among {len(values):,} is in {empty}; take more faces or other edges.")
    return labels


def _table(attributes: FaceSet | pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The attributes, after a look at the columns that are needed."""
    table = attributes.attributes if isinstance(attributes, FaceSet) else attributes
    missing = sorted(set(columns) - set(table.columns))
    if missing:
        raise ValueError(f"no attributes {missing}; this table has {sorted(table.columns)}.")
    for column in columns:
        if table[column].dtype != bool:
            raise ValueError(
                f"{column} must be bool, got {table[column].dtype}; turn CelebA's 1 and -1 into bool by `table == 1`."
            )
    return table


def _chosen(attributes, columns: Sequence[str], only: Mapping[str, bool] | None) -> tuple[pd.DataFrame, np.ndarray]:
    """The attributes, and which faces to label."""
    if isinstance(columns, str) or not len(columns):
        raise ValueError(f"columns must be a list of attributes such as ['Male', 'Smiling'], got {columns!r}.")
    if len(set(columns)) < len(columns):
        raise ValueError(f"columns must differ, got {list(columns)}.")
    table = _table(attributes, [*columns, *(only or {})])
    mask = matches(table, only or {})
    if not mask.any():
        raise ValueError(f"no face among {len(table):,} is left to label; only={dict(only or {})}. Take more faces.")
    return table, mask


def _counted(values: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    classes = list(range(len(names)))
    if (values < 0).any():
        classes, names = [*classes, -1], [*names, "no class"]
    faces = [int((values == i).sum()) for i in classes]
    share = np.array(faces) / max(1, len(values))
    return pd.DataFrame({"class": classes, "name": list(names), "faces": faces, "share": share})
