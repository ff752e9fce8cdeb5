"""What the course's conditional models are asked for: each data set's labels, by each of the three schemes."""

from __future__ import annotations

import numpy as np

from facelib.data.faceset import FaceSet
from facelib.data.labels import SEED_FILTER, Labels, binned, combined, independent, multi_class

SCHEMES = ("combined", "independent", "multi-class")
# The columns of the schemes that take attributes one by one.
COLUMNS = {
    "synthetic": ("Male", "High_Cheekbones", "Big_Lips"),
    "celeba": ("Male", "High_Cheekbones", "Big_Lips"),
    "portraits": ("Smiling", "Modern"),
}
# First Congress of each era.
ERAS = {"1789–1900": 1, "1901–1932": 57, "1933–1978": 73, "since 1979": 96}


def condition(faces: FaceSet, dataset: str, scheme: str = "combined") -> Labels:
    """Labels of faces of a data set: the seed's classes, of portraits their eras.

    >>> from facelib.data import load_faces
    >>> condition(load_faces("synthetic", 100, 16), "synthetic").names
    ('woman', 'man', 'woman, high cheekbones', 'woman, big lips')

    Args:
        faces: from `load_faces(dataset)`.
        dataset: "synthetic", "celeba" or "portraits".
        scheme: "combined", "independent" or "multi-class", see `facelib.data.labels`.

    Raises:
        ValueError: for another data set or scheme, or faces that lack what the labels are made of, or a class.
    """
    if dataset not in COLUMNS:
        raise ValueError(f"dataset must be one of {tuple(COLUMNS)} to have classes, got {dataset!r}.")
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {SCHEMES}, got {scheme!r}.")
    only = SEED_FILTER if dataset == "celeba" else None
    if scheme == "independent":
        return independent(faces, COLUMNS[dataset], only=only)
    if scheme == "multi-class":
        return multi_class(faces, COLUMNS[dataset], only=only, allow_empty=False)
    return eras(faces) if dataset == "portraits" else combined(faces, only=only)


def eras(faces: FaceSet) -> Labels:
    """The era in which each member's portrait was taken, by the Congress that they sat in last.

    Raises:
        ValueError: for faces that are no portraits, or an era without a face.
    """
    if faces.info is None or "congress" not in faces.info:
        raise ValueError("faces must be portraits, whose info says in which Congress they sat; these have none.")
    return binned(faces.info["congress"], [*ERAS.values(), np.inf], tuple(ERAS))
