"""Cut faces out of photos: find them with MTCNN, many photos at a time, and cut each one out as a square."""

from __future__ import annotations

import math
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from facelib.checks import whole_number
from facelib.data.faceset import FaceSet
from facelib.data.find import LONGEST, batches, find_faces_once
from facelib.data.framing import check_framing, cut, square_of
from facelib.data.photos import Photo, PhotoError, read_photo
from facelib.data.seen import SeenFaces
from facelib.files import cache_dir, explaining

NO_FACE = "no face found"
WHICH = ("largest", "central")
SMALLEST = 20  # pixels; the least face that MTCNN looks for
# Crops of more bytes than these lie on the disk instead of in memory.
LARGE = 1_000_000_000

LANDMARK_COLUMNS = tuple(
    f"{point}_{axis}" for point in ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right") for axis in "xy"
)
MEASURES = ("confidence", "x", "y", "width", "height", *LANDMARK_COLUMNS)


def crop_faces(
    photos: Sequence[Photo],
    size: int = 80,
    *,
    framing: str = "face",
    margin: float | None = None,
    align: bool = False,
    which: str = "largest",
    min_confidence: float = 0.9,
    batch_size: int = 32,
    progress: bool = True,
) -> tuple[FaceSet, pd.DataFrame]:
    """Find one face in each photo and cut it out as a square.

    No photo stops the run: what cannot be read or has no face is a row of the report. What MTCNN finds in a file is
    kept in the cache, so an interrupted run goes on where it was, and another `size`, `framing` or `margin` is quick.
    Memory holds a few photos at a time, the report and the crops; these lie on the disk when they are more than a
    gigabyte. `facelib.show.refused` makes a sheet of what was refused.

    Args:
        photos: paths, or uint8 RGB arrays (height, width, 3).
        size: side of the crops in pixels.
        framing: "face" (only the face) or "background" (head, shoulders and what lies behind): the seed's two sets.
        margin: how much wider than the detector's box the square is (0.2: by 20 % of the box's longer side); None for
            0.2 with "face" and 1.0 with "background".
        align: turn each face until its eyes lie level.
        which: of several faces the "largest", or the most "central".
        min_confidence: a face below this is no face. MTCNN's false faces come at 0.85 to 0.87, and it names none
            below 0.8.
        batch_size: photos in the detector at a time, at most; large photos go alone.
        progress: show a progress bar.

    Returns:
        The faces that were found (`names` are the files' names; whole paths where two are alike) and a report with one
        row a photo, in the order given: `photo`, `found`, the `reason` it was refused, how many `faces` there were, and
        of the one that was taken `confidence`, the box `x`, `y`, `width`, `height` and five landmarks (`left_eye_x`,
        ..., the left as the viewer sees it), all in pixels of the upright photo.

    Raises:
        ValueError: for an empty list, or an argument out of range.
        RuntimeError: if Keras runs on another backend than TensorFlow and there are photos that it has not seen.
    """
    if isinstance(photos, (str, Path)) or (isinstance(photos, np.ndarray) and photos.ndim == 3):
        raise ValueError("photos must be a list; pass [photo] for a single one.")
    photos = list(photos)
    if not photos:
        raise ValueError("photos is empty; pass paths or arrays, e.g. sorted(Path('my_photos').glob('*.jpg')).")
    if size < 8:
        raise ValueError(f"size must be at least 8 pixels, got {size}.")
    size = whole_number(size, "size", 8)
    check_framing(framing)
    if margin is not None and not 0 <= margin <= 5:
        raise ValueError(f"margin must lie between 0 and 5, got {margin}; 0.2 adds a fifth of the box.")
    if which not in WHICH:
        raise ValueError(f"which must be one of {WHICH}, got {which!r}.")
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence must lie between 0 and 1, got {min_confidence}.")
    batch_size = whole_number(batch_size, "batch_size", 1)

    names = photo_names(photos)
    reasons, found = [""] * len(photos), np.zeros(len(photos), int)
    measures = np.full((len(photos), len(MEASURES)), np.nan)
    crops = _room(len(photos), size)
    with SeenFaces() as seen, tqdm(total=len(photos), desc="cropping", unit="photo", disable=not progress) as bar:
        for batch in batches(photos, batch_size):
            images, hashes = {}, {}
            for i in batch:
                try:
                    images[i], hashes[i] = read_photo(photos[i])
                except PhotoError as error:
                    reasons[i] = str(error)
            for i, faces in find_faces_once(images, hashes, seen).items():
                shape = images[i].shape
                sure = [face for face in faces if face["confidence"] >= min_confidence]
                found[i] = len(sure)
                if sure:
                    face = _choose(sure, shape, which)
                    points = [value for point in face["keypoints"].values() for value in point]
                    measures[i] = face["confidence"], *face["box"], *points
                    crops[i] = cut(images[i], square_of(face, shape, framing, margin, align), size)
                else:
                    measures[i, 0] = max((face["confidence"] for face in faces), default=np.nan)
                    reasons[i] = _why_none(measures[i, 0], shape, min_confidence)
            bar.update(len(batch))

    report = pd.DataFrame({"photo": names, "found": found > 0, "reason": reasons, "faces": found})
    report = pd.concat([report, pd.DataFrame(measures, columns=MEASURES)], axis=1)
    kept = np.flatnonzero(found)
    for to, i in enumerate(kept):  # in place: the crops may be as large as memory allows
        crops[to] = crops[i]
    none = pd.DataFrame(index=range(len(kept)))
    return FaceSet(crops[: len(kept)], np.asarray(names, dtype=str)[kept], attributes=none), report


def _choose(faces: list[dict], shape: tuple, which: str) -> dict:
    def area(face):
        return face["box"][2] * face["box"][3]

    def off_centre(face):
        x, y, width, height = face["box"]
        return np.hypot(x + width / 2 - shape[1] / 2, y + height / 2 - shape[0] / 2)

    return max(faces, key=area) if which == "largest" else min(faces, key=off_centre)


def _why_none(best: float, shape: tuple, min_confidence: float) -> str:
    if not np.isnan(best):
        # Rounded down, or 0.8999 would read as 0.9.
        return f"not sure: confidence {math.floor(best * 1000) / 1000:.3f} is below {min_confidence}"
    if min(shape[:2]) < SMALLEST:
        return f"too small: {shape[1]}×{shape[0]} pixels, a face needs {SMALLEST}"
    scale = max(shape[:2]) / LONGEST
    return NO_FACE if scale <= 1 else f"{NO_FACE} of {round(SMALLEST * scale)} pixels or more"


def photo_names(photos: Sequence[Photo]) -> list[str]:
    """What the report calls each photo: the file's name, and its whole path where two would be alike."""
    paths = [isinstance(photo, (str, os.PathLike)) for photo in photos]
    names = [Path(p).name if path else f"array-{i:06d}" for i, (p, path) in enumerate(zip(photos, paths, strict=True))]
    twice = {name for name, count in Counter(names).items() if count > 1}
    return [str(p) if path and name in twice else name for p, path, name in zip(photos, paths, names, strict=True)]


def _room(n: int, size: int) -> np.ndarray:
    shape = (n, size, size, 3)
    if math.prod(shape) <= LARGE:
        return np.empty(shape, np.uint8)
    try:
        cache_dir().mkdir(parents=True, exist_ok=True)
        return _on_disk(shape, cache_dir())
    except OSError:
        folder = tempfile.gettempdir()
        with explaining(folder):
            return _on_disk(shape, folder)


def _on_disk(shape: tuple[int, ...], folder: str | os.PathLike) -> np.ndarray:
    # The file goes away with the array.
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):
            # Or a disk that fills up later would end the process, without a word, at a pixel.
            os.posix_fallocate(file.fileno(), 0, math.prod(shape))
        return np.memmap(file, np.uint8, "w+", shape=shape)
