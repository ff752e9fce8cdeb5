"""Does a picture show a face at all? Asked of the detector that crops the photos."""

from __future__ import annotations

import numpy as np
from PIL import Image

from facelib.data.faceset import FaceSet
from facelib.data.find import the_detector
from facelib.metrics.intervals import Estimate, proportion

SIDE, BORDER = 128, 32  # pixels: MTCNN wants something around a face, and finds more in larger pictures
BATCH = 64


def face_rate(images: np.ndarray | FaceSet, confidence: float = 0.9) -> Estimate:
    """Share of images in which MTCNN finds a face: near 1 for faces, but also for one face drawn n times.

    Runs on TensorFlow only.

    Args:
        images: uint8 (n, size, size, 3), or a FaceSet.
        confidence: from which on a box counts as a face; MTCNN itself reports none below 0.8.

    Returns:
        the share with its 95 % interval.

    Raises:
        ValueError: for images of another type or shape, none at all, or a confidence out of range.
        RuntimeError: under another backend than TensorFlow.
    """
    if not 0 < confidence <= 1:
        raise ValueError(f"confidence must lie in (0, 1], got {confidence}.")
    found = face_confidence(images)
    if not len(found):
        raise ValueError("images is empty: of none there is no share.")
    return proportion(found >= confidence)


def face_confidence(images: np.ndarray | FaceSet) -> np.ndarray:
    """How sure MTCNN is of the surest face in each image: float (n,) in [0, 1], 0 where it finds none.

    Images are resized to 128 pixels and framed by their own mean colour first. Runs on TensorFlow only.

    Args:
        images: uint8 (n, size, size, 3), or a FaceSet.

    Raises:
        ValueError: for images of another type or shape.
        RuntimeError: under another backend than TensorFlow.
    """
    images = images.images if isinstance(images, FaceSet) else np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or images.shape[1] != images.shape[2]:
        raise ValueError(f"images must be uint8 (n, size, size, 3), got {images.dtype} of shape {images.shape}.")
    if not images.shape[1]:
        raise ValueError(f"images must have pixels, got shape {images.shape}.")
    detector = the_detector()
    batches = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
    found = [photo for batch in batches for photo in detector([_framed(image) for image in batch])]
    return np.array([max((face["confidence"] for face in photo), default=0.0) for photo in found])


def _framed(image: np.ndarray) -> np.ndarray:
    """A picture of 128 pixels in a frame of its mean colour."""
    side = SIDE + 2 * BORDER
    photo = np.empty((side, side, 3), np.uint8)
    photo[:] = image.mean(axis=(0, 1)).round().astype(np.uint8)
    photo[BORDER:-BORDER, BORDER:-BORDER] = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return photo
