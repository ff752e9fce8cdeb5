"""What a picture says of a drawn person's causes: for translations whose right answer can be drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facelib.data.faceset import FaceSet
from facelib.data.synthetic import draw_faces
from facelib.metrics.images import check_images


def fit_factor(images: np.ndarray, faces: FaceSet, factor: str, values: Sequence[float]) -> tuple[np.ndarray, ...]:
    """Which value of one cause, everything else as it was, draws each face most like its picture.

    >>> from facelib.data import load_faces
    >>> faces = load_faces("synthetic", n=4, size=32)
    >>> smiling = draw_faces(faces.factors.assign(smile=0.9), 32)
    >>> fit_factor(smiling, faces, "smile", [0.0, 0.3, 0.6, 0.9])[0].tolist()
    [0.9, 0.9, 0.9, 0.9]

    Args:
        images: uint8 (n, size, size, 3), pictures of these people after something was done to them.
        faces: who they are: drawn faces with their `factors`, in the same order.
        factor: the cause, a column of `factors`.
        values: to try.

    Returns:
        (n,) the best value, and uint8 (n, size, size, 3) the faces drawn with it.

    Raises:
        ValueError: for images and faces that do not fit, faces without causes, or an unknown one.
    """
    check_images(images, "images")
    images = np.asarray(getattr(images, "images", images))
    if faces.factors is None or factor not in faces.factors:
        known = "none" if faces.factors is None else ", ".join(faces.factors)
        raise ValueError(f"faces must be drawn, with a cause {factor!r}; they have {known}.")
    if images.shape != faces.images.shape:
        raise ValueError(f"images must be one of each face, {faces.images.shape}, got {images.shape}.")
    if not len(values):
        raise ValueError("values must hold at least one to try.")
    least = np.full(len(images), np.inf)
    best, drawn = np.zeros(len(images)), np.zeros_like(images)
    for value in values:
        candidates = draw_faces(faces.factors.assign(**{factor: np.float32(value)}), faces.size)
        error = ((images.astype(np.float32) - candidates) ** 2).mean(axis=(1, 2, 3))
        better = error < least
        least[better], best[better], drawn[better] = error[better], value, candidates[better]
    return best, drawn
