"""Cut faces out of photos: find them with MTCNN, many photos at a time, and cut each one out as a square."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from facelib.data.faceset import FaceSet
from facelib.data.find import batches, find_faces_once
from facelib.data.framing import MARGINS, cut, square_of
from facelib.data.photos import Photo, PhotoError, read_photo
from facelib.data.seen import SeenFaces
from facelib.files import cache_dir

NO_FACE = "no face found"
WHICH = ("largest", "central")
SMALLEST = 20  # pixels; the least face that MTCNN looks for
# Crops of more bytes than these lie on the disk instead of in memory.
LARGE = 1_000_000_000

LANDMARK_COLUMNS = tuple(
    f"{point}_{axis}" for point in ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right") for axis in "xy"
)
COLUMNS = ("found", "reason", "faces", "confidence", "x", "y", "width", "height", *LANDMARK_COLUMNS)


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
    Memory holds a few photos at a time, and the crops; these lie on the disk when they are more than a gigabyte.

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
        The faces that were found (`names` are the files' names) and a report with one row a photo, in the order
        given: `photo`, `found`, the `reason` it was refused, how many `faces` there were, and of the one that was
        taken `confidence`, the box `x`, `y`, `width`, `height` and five landmarks (`left_eye_x`, ..., the left as the
        viewer sees it), all in pixels of the upright photo.

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
    if framing not in MARGINS:
        raise ValueError(f"framing must be one of {tuple(MARGINS)}, got {framing!r}.")
    if margin is not None and not margin >= 0:
        raise ValueError(f"margin must not be negative, got {margin}; 0.2 adds a fifth of the box.")
    if which not in WHICH:
        raise ValueError(f"which must be one of {WHICH}, got {which!r}.")
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence must lie between 0 and 1, got {min_confidence}.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")

    rows: list[dict] = [{} for _ in photos]
    crops = _room(len(photos), size)
    with SeenFaces() as seen, tqdm(total=len(photos), desc="cropping", unit="photo", disable=not progress) as bar:
        for batch in batches(photos, batch_size):
            images, hashes = {}, {}
            for i in batch:
                try:
                    images[i], hashes[i] = read_photo(photos[i])
                except PhotoError as error:
                    rows[i] = {"reason": str(error)}
            for i, faces in find_faces_once(images, hashes, seen).items():
                rows[i], face = _choose(faces, images[i].shape, which, min_confidence)
                if face:
                    crops[i] = cut(images[i], square_of(face, images[i].shape, framing, margin, align), size)
            bar.update(len(batch))

    report = pd.DataFrame(rows, columns=COLUMNS)
    report["found"] = report["found"].eq(True)
    report["faces"] = report["faces"].fillna(0).astype(int)
    report.insert(0, "photo", [_name(photo, i) for i, photo in enumerate(photos)])
    kept = np.flatnonzero(report["found"])
    for to, i in enumerate(kept):  # in place: the crops may be as large as memory allows
        crops[to] = crops[i]
    none = pd.DataFrame(index=range(len(kept)))
    return FaceSet(crops[: len(kept)], report["photo"].to_numpy(dtype=str)[kept], attributes=none), report


def _choose(faces: list[dict], shape: tuple, which: str, min_confidence: float) -> tuple[dict, dict | None]:
    """The report's row for a photo with these faces, and the one to cut out."""
    sure = [face for face in faces if face["confidence"] >= min_confidence]
    if not sure:
        if min(shape[:2]) < SMALLEST:
            return {"reason": f"too small: {shape[1]}×{shape[0]} pixels, a face needs {SMALLEST}"}, None
        if faces:
            best = max(face["confidence"] for face in faces)
            return {"reason": f"not sure: confidence {best:.2f} is below {min_confidence}", "confidence": best}, None
        return {"reason": NO_FACE}, None

    def area(face):
        return face["box"][2] * face["box"][3]

    def off_centre(face):
        x, y, width, height = face["box"]
        return np.hypot(x + width / 2 - shape[1] / 2, y + height / 2 - shape[0] / 2)

    face = max(sure, key=area) if which == "largest" else min(sure, key=off_centre)
    points = [value for name in face["keypoints"] for value in face["keypoints"][name]]
    row = {"found": True, "reason": "", "faces": len(sure), "confidence": face["confidence"]}
    row |= dict(zip(("x", "y", "width", "height"), face["box"], strict=True))
    return row | dict(zip(LANDMARK_COLUMNS, points, strict=True)), face


def _room(n: int, size: int) -> np.ndarray:
    if n * size * size * 3 <= LARGE:
        return np.empty((n, size, size, 3), np.uint8)
    cache_dir().mkdir(parents=True, exist_ok=True)
    # The file goes away with the array.
    with tempfile.TemporaryFile(dir=cache_dir()) as file:
        return np.memmap(file, np.uint8, "w+", shape=(n, size, size, 3))


def _name(photo: Photo, i: int) -> str:
    return f"array-{i:06d}" if isinstance(photo, np.ndarray) else Path(photo).name
