"""Find all faces in many photos: batches of like size, large photos reduced, what was seen before looked up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from facelib.checks import whole_number
from facelib.data.photos import Photo, photo_size
from facelib.data.seen import SeenFaces

# Photos are reduced to this longer side for the detector, and cut out of the whole photo.
LONGEST = 2048
# In the detector at a time: more is slower, the processor's cache overflows. In memory at a time. Sorted at a time.
DETECTED_PIXELS, LOADED_PIXELS, SORTED = 1_000_000, 50_000_000, 1024


def find_faces(images: Sequence[np.ndarray], *, batch_size: int = 32) -> list[list[dict]]:
    """All faces in each image, with five landmarks: the boxes that MTCNN finds one image at a time.

    Several times as fast for images of some 200 pixels, where overhead is most of the work; the gain shrinks for larger
    ones, whose convolutions are (1.7 times, measured between 300 and 1,100 pixels).
    Images with a longer side than 2,048 pixels are reduced to that first, so that faces under 20 pixels *there* are not
    seen.

    Args:
        images: uint8 RGB arrays (height, width, 3) of any sizes.
        batch_size: images in the detector at a time, at most.

    Returns:
        A list for each image, with a dict for each face: `box` (x, y, width, height) in pixels, `confidence` from 0.8
        to 1, and `keypoints`: (x, y) of left_eye, right_eye, nose, mouth_left and mouth_right, the left as the viewer
        sees it.

    Raises:
        ValueError: for anything but uint8 RGB, or a batch_size that is no whole number of at least 1.
        RuntimeError: if Keras runs on another backend than TensorFlow.
    """
    batch_size = whole_number(batch_size, "batch_size", 1)
    for i, image in enumerate(images):
        picture = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.size
        if not picture or image.shape[2] != 3:
            what = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
            raise ValueError(f"images[{i}] must be a uint8 array (height, width, 3), got {what}.")
    found: list = [[]] * len(images)
    for batch in batches(images, batch_size):
        for i, faces in zip(batch, _detect([images[i] for i in batch]), strict=True):
            found[i] = faces
    return found


def find_faces_once(images: dict[int, np.ndarray], hashes: dict[int, str | None], seen: SeenFaces) -> dict[int, list]:
    """All faces in each image, looked up where its hash was seen before."""
    known = seen.get(name for name in hashes.values() if name is not None)
    new = [i for i in images if hashes[i] not in known]
    found = dict(zip(new, _detect([images[i] for i in new]), strict=True)) if new else {}
    seen.add({hashes[i]: faces for i, faces in found.items() if hashes[i] is not None})
    return {i: found[i] if i in found else known[hashes[i]] for i in images}


def batches(photos: Sequence[Photo], batch_size: int) -> Iterator[list[int]]:
    """Photos of like size together, as many as the detector and memory take at a time."""
    for start in range(0, len(photos), SORTED):
        sizes = {i: photo_size(photos[i]) for i in range(start, min(start + SORTED, len(photos)))}
        batch, height, width, loaded = [], 0, 0, 0
        for i in sorted(sizes, key=sizes.get):
            scale = max(1.0, max(sizes[i]) / LONGEST)
            height, width = max(height, sizes[i][0] / scale), max(width, sizes[i][1] / scale)
            loaded += sizes[i][0] * sizes[i][1]
            full = height * width * (len(batch) + 1) > DETECTED_PIXELS or loaded > LOADED_PIXELS
            if batch and (full or len(batch) >= batch_size):
                yield batch
                batch, height, width = [], sizes[i][0] / scale, sizes[i][1] / scale
                loaded = sizes[i][0] * sizes[i][1]
            batch.append(i)
        yield batch


def _detect(images: list[np.ndarray]) -> list[list[dict]]:
    scales = [max(1.0, max(image.shape[:2]) / LONGEST) for image in images]
    reduced = [image if scale == 1 else _reduced(image, scale) for image, scale in zip(images, scales, strict=True)]
    detector = the_detector()
    try:
        found = detector(reduced)
    except Exception as error:
        # TensorFlow has an error of its own for it, which is not imported here.
        if len(images) == 1 or type(error).__name__ not in ("MemoryError", "ResourceExhaustedError"):
            raise
        found = [detector([image])[0] for image in reduced]
    for faces, scale in zip(found, scales, strict=True):
        for face in faces if scale > 1 else ():
            face["box"] = [round(value * scale) for value in face["box"]]
            face["keypoints"] = {name: [x * scale, y * scale] for name, (x, y) in face["keypoints"].items()}
    return found


@lru_cache(maxsize=1)
def the_detector():
    # Not at the top: TensorFlow takes seconds to load, and photos that were seen before do not need it.
    from facelib.data.detect import Detector

    return Detector()


def _reduced(image: np.ndarray, scale: float) -> np.ndarray:
    height, width = (max(1, round(length / scale)) for length in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))
