"""What the detector found, kept by the photo's content: an interrupted run goes on, another size needs no detector."""

from __future__ import annotations

import json
import math
import sqlite3
import warnings
from collections.abc import Iterable
from importlib.metadata import version

from facelib.files import cache_dir

# Part of the file's name: raise it when the detector finds other faces in the same photo.
VERSION = 1
POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
BUSY = 60.0  # seconds to wait for another process that writes


class SeenFaces:
    """A small database in the cache that any number of processes may share.

    What is written is there for the next run, even if this one is killed. Without a usable cache (a full or read-only
    disk) the detector just works more.
    """

    def __init__(self):
        # Another detector may see other faces.
        self.path = cache_dir() / f"faces-v{VERSION}-mtcnn-{version('mtcnn')}.sqlite"
        self._database, self._writable = None, True
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self.path, timeout=BUSY)
            self._database.execute("CREATE TABLE IF NOT EXISTS faces (photo TEXT PRIMARY KEY, found TEXT NOT NULL)")
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
            self._close()

    def __enter__(self) -> SeenFaces:
        return self

    def __exit__(self, *_) -> None:
        self._close()

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def get(self, photos: Iterable[str]) -> dict[str, list[dict]]:
        """The faces of those photos (hashes) that were looked at before."""
        found = {}
        if self._database is not None:
            try:
                for photo in photos:
                    row = self._database.execute("SELECT found FROM faces WHERE photo = ?", (photo,)).fetchone()
                    if row is not None:
                        found[photo] = _checked(json.loads(row[0]))
            except (sqlite3.Error, ValueError, RecursionError) as error:
                self._warn(error)
                self._close()
        return found

    def add(self, found: dict[str, list[dict]]) -> None:
        """Keep the faces of these photos."""
        if self._database is not None and self._writable and found:
            rows = [(photo, json.dumps(faces)) for photo, faces in found.items()]
            try:
                with self._database:
                    self._database.executemany("INSERT OR REPLACE INTO faces VALUES (?, ?)", rows)
            except sqlite3.Error as error:
                # What is known can still be read.
                self._writable = False
                self._warn(error)

    def _warn(self, error: Exception) -> None:
        warnings.warn(
            f"faces are not kept, an interrupted run will start over: {self.path}: {error}. "
            "Delete that file, or set FACELIB_CACHE to a folder that can be written.",
            stacklevel=3,
        )


def _checked(faces: list[dict]) -> list[dict]:
    """Raise a ValueError unless these are faces as `find_faces` gives them."""
    try:
        for face in faces:
            points = [number for name in POINTS for number in (*face["keypoints"][name],)]
            if (
                not math.isfinite(sum([face["confidence"], *face["box"], *points]))
                or len(face["box"]) + len(points) != 14
            ):
                raise ValueError
    except (TypeError, KeyError, ValueError, OverflowError):
        raise ValueError("a row holds no faces") from None
    return faces
