"""Does a picture show a face at all? Asked of the detector that crops the photos."""

from __future__ import annotations

import numpy as np
from PIL import Image

from facelib.data.find import the_detector
from facelib.metrics.intervals import Estimate, proportion

SIDE, BORDER = 96, 24  # pixels: MTCNN looks for faces of at least 20, with something around them


def face_rate(images: np.ndarray, confidence: float = 0.9) -> Estimate:
    """Share of images in which MTCNN finds a face: 1.0 for photos of faces, but also for a single face drawn n times.

    Images are enlarged to 96 pixels and framed by their own mean colour first. Runs on TensorFlow only.

    Args:
        images: uint8 (n, size, size, 3).
        confidence: from which on a box counts as a face.

    Returns:
        the share with its 95 % interval.

    Raises:
        RuntimeError: under another backend than TensorFlow.
    """
    side = SIDE + 2 * BORDER
    photos = np.empty((len(images), side, side, 3), np.uint8)
    photos[:] = images.mean(axis=(1, 2)).round().astype(np.uint8)[:, None, None]
    for photo, image in zip(photos, images, strict=True):
        resized = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        photo[BORDER:-BORDER, BORDER:-BORDER] = resized
    detector = the_detector()
    batches = [detector(list(photos[start : start + 64])) for start in range(0, len(photos), 64)]
    return proportion([any(face["confidence"] >= confidence for face in photo) for batch in batches for photo in batch])
