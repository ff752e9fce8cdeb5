"""Two kinds of pictures to translate between: halves of a data set, with nobody in both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facelib.data.faceset import FaceSet
from facelib.data.portraits import FRONTAL

# What the two are called, a before b.
DOMAINS = {"smiling": ("neutral", "smiling"), "colour": ("grey", "colour")}
GREY_UNTIL, COLOUR_FROM = 81, 107  # Congresses: to 1951, and from 2001
GREY_BELOW, COLOUR_ABOVE = 3.0, 20.0  # colourfulness of a crop; sepia and faded prints lie in between
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def domains(faces: FaceSet, kind: str, dataset: str = "synthetic") -> tuple[FaceSet, FaceSet]:
    """Split faces into the two sets that a CycleGAN learns from.

    >>> from facelib.data import load_faces
    >>> neutral, smiling = domains(load_faces("synthetic", n=100, size=16), "smiling")
    >>> bool(neutral.attributes["Smiling"].any()), bool(smiling.attributes["Smiling"].all())
    (False, True)

    Args:
        faces: from `load_faces(dataset)`.
        kind: "smiling" (neutral, smiling) or "colour" (grey, colour). Of the portraits, grey are black-and-white
            photos of those who left Congress by 1951, colour those of members since 2001, by `colourfulness`; of any
            others, the first half of the faces is made grey.
        dataset: "portraits" or another.

    Raises:
        ValueError: for an unknown kind, or if either set is empty.
    """
    if kind not in DOMAINS:
        raise ValueError(f"kind must be one of {tuple(DOMAINS)}, got {kind!r}.")
    if dataset == "portraits":
        faces = faces.where(**FRONTAL)
    if kind == "smiling":
        a, b = faces.where(Smiling=False), faces.where(Smiling=True)
    elif dataset == "portraits":
        if faces.info is None or "congress" not in faces.info:
            raise ValueError("faces must be portraits, whose info says in which Congress they sat; these have none.")
        congress, colour = faces.info["congress"].to_numpy(), colourfulness(faces.images)
        a = faces[(congress <= GREY_UNTIL) & (colour < GREY_BELOW)]
        b = faces[(congress >= COLOUR_FROM) & (colour > COLOUR_ABOVE)]
    else:
        half = len(faces) // 2
        a, b = grey(faces[:half]), faces[half:]
    if not len(a) or not len(b):
        raise ValueError(f"the faces must have both {' and '.join(DOMAINS[kind])}, got {len(a)} and {len(b)}.")
    return a, b


def colourfulness(images: np.ndarray) -> np.ndarray:
    """How far a picture's largest and smallest channel lie apart, mean over pixels in levels of 0 to 255: (n,).

    >>> colourfulness(np.array([[[[50, 50, 50]]], [[[200, 100, 0]]]], np.uint8)).tolist()
    [0.0, 200.0]
    """
    return (images.max(axis=3) - images.min(axis=3)).mean(axis=(1, 2))


def grey(faces: FaceSet | np.ndarray) -> FaceSet | np.ndarray:
    """The same faces, or uint8 images (n, height, width, 3), in black and white, still with three channels.

    >>> grey(np.array([[[[100, 200, 0]]]], np.uint8)).tolist()
    [[[[147, 147, 147]]]]
    """
    images = faces.images if isinstance(faces, FaceSet) else faces
    luma = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), 1000):  # as floats, all of a large set would be eight times its size
        luma[start : start + 1000] = np.round(images[start : start + 1000] @ LUMA)[..., None]
    return replace(faces, images=luma) if isinstance(faces, FaceSet) else luma
