"""What conditional models need around their networks: labels checked, and cut into one column an input."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import keras
import numpy as np

from facelib.data.labels import Labels


def check_classes(classes: int | Sequence[int]) -> int | tuple[int, ...]:
    """How many classes, or how many for each input, as plain integers.

    Raises:
        ValueError: for fewer than two of any, or no input.
    """
    counts = np.atleast_1d(np.asarray(classes))
    if counts.ndim != 1 or not counts.size or counts.dtype.kind not in "iu" or counts.min() < 2:
        raise ValueError(
            f"classes must be a whole number of at least 2, or one for each input, got {classes!r}; "
            "a single class needs no labels: use DCGAN."
        )
    return int(counts[0]) if np.ndim(classes) == 0 else tuple(counts.tolist())


def one_input(classes: int | Sequence[int], model: str) -> int:
    """How many classes, where the discriminator answers a single question about them.

    Raises:
        ValueError: for fewer than two, or several inputs.
    """
    classes = check_classes(classes)
    if not isinstance(classes, int):
        raise ValueError(f"classes must be one whole number for {model}, got {classes}: combine them, see multi_class.")
    return classes


def inputs_of(classes: int | tuple[int, ...]) -> dict[str, keras.KerasTensor]:
    """A network's inputs for labels, by name: "label", or "label_0", "label_1", ..."""
    names = ["label"] if isinstance(classes, int) else [f"label_{i}" for i in range(len(classes))]
    return {name: keras.Input((), dtype="int32", name=name) for name in names}


def columns(labels) -> list:
    """Labels (n,) or (n, inputs) as a list of (n,), one an input."""
    return [labels] if len(labels.shape) == 1 else [labels[:, i] for i in range(labels.shape[1])]


def combinations(classes: int | tuple[int, ...]) -> np.ndarray:
    """Every class, or every combination of the inputs' classes, the last input's changing fastest.

    >>> combinations((2, 2)).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    return np.array(list(product(*map(range, classes))) if isinstance(classes, tuple) else range(classes))


def check_labels(labels, n: int, classes: int | tuple[int, ...], *, every: bool = False) -> np.ndarray:
    """Labels as int32 (n,), or (n, inputs), or a ValueError that says what came.

    Args:
        labels: whole numbers, one a picture, or one for all of them; or `Labels`.
        n: how many pictures.
        classes: how many, or how many for each input.
        every: each class (of each input) must occur, as in training.
    """
    counts = np.atleast_1d(classes)
    wanted = f"0 to {classes - 1}" if isinstance(classes, int) else f"{len(counts)} columns for {classes} classes"
    if labels is None:
        raise ValueError(f"labels are missing: this model is conditional, give one class ({wanted}) a picture.")
    labels = np.asarray(labels.values if isinstance(labels, Labels) else labels)
    inner = () if isinstance(classes, int) else counts.shape
    if labels.dtype.kind not in "iub":
        raise ValueError(f"labels must be whole numbers ({wanted}), got {labels.dtype}.")
    if labels.shape == inner:
        labels = np.broadcast_to(labels, (n, *inner))
    if labels.shape != (n, *inner):
        raise ValueError(f"labels must be one a picture, of shape {(n, *inner)} ({wanted}), got {labels.shape}.")
    for i, column in enumerate(labels.reshape(n, len(counts)).T):
        where = "" if isinstance(classes, int) else f" of input {i}"
        if column.min(initial=0) < 0:
            raise ValueError(
                f"labels{where} must not be negative, got {column.min()}: -1 marks a face without a class; "
                "leave such faces out, faces[labels.kept] with labels.values[labels.kept]."
            )
        if column.max(initial=0) >= counts[i]:
            raise ValueError(f"labels{where} must lie below its {counts[i]} classes, got {column.max()}.")
        empty = np.setdiff1d(np.arange(counts[i]), column).tolist() if every else []
        if empty:
            raise ValueError(
                f"labels: class {', '.join(map(str, empty))}{where} has no face among {n:,}, so that nothing would "
                f"teach what it looks like; take more faces, or a model of fewer classes than {classes}."
            )
    return labels.astype(np.int32)
