"""Results of a long search, kept batch by batch: when it is interrupted, the same call goes on from there."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import numpy as np

from facelib.archives import read_arrays, refusing
from facelib.files import replacing

SAVE_EVERY = 60.0  # seconds: the whole file is written each time


class Unfinished:
    """Arrays that grow along an axis each, in a file or, without a path, in memory only.

    Args:
        path: of an .npz file.
        asked: what identifies the search, arrays and texts: a file of another search is refused.
        axes: name of an array → the axis along which it grows; the axes' lengths are equal.

    Raises:
        ValueError: for a path without the suffix, or a file of another search.
    """

    def __init__(self, path: str | os.PathLike | None, asked: list, axes: dict[str, int]):
        self.path, self.axes, self.parts = None if path is None else Path(path), axes, []
        self.saved = time.monotonic()
        if self.path is None:
            return
        if self.path.suffix != ".npz":
            raise ValueError(f"file must end in .npz, got {self.path.name}.")
        digest = hashlib.sha256()
        for part in asked:
            digest.update(repr(part).encode() if not isinstance(part, np.ndarray) else np.ascontiguousarray(part))
        self.asked = digest.hexdigest()
        if self.path.exists():
            with refusing(self.path, "file of an unfinished search"):
                arrays = read_arrays(self.path)
            if "asked" not in arrays or str(arrays["asked"]) != self.asked:
                raise ValueError(
                    f"file {self.path} is of another search: other images, settings or model. Take another name, "
                    "or delete it."
                )
            with refusing(self.path, "file of an unfinished search"):
                lengths = {arrays[name].shape[axis] for name, axis in axes.items() if name in arrays}
                if next(iter(axes)) not in arrays or len(lengths) > 1:
                    raise ValueError("its arrays lack, or are not equally long")
            self.parts.append({name: arrays.get(name) for name in axes})

    @property
    def done(self) -> int:
        name, axis = next(iter(self.axes.items()))
        return sum(part[name].shape[axis] for part in self.parts)

    def add(self, part: dict[str, np.ndarray | None]) -> None:
        """The next batch; what has no values at all is None in every batch."""
        self.parts.append(part)
        if time.monotonic() - self.saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write all batches so far, where there is a file."""
        if self.path is not None and self.parts:
            with replacing(self.path) as partial:
                np.savez(partial, asked=self.asked, **{k: v for k, v in self.joined().items() if v is not None})
        self.saved = time.monotonic()

    def joined(self) -> dict[str, np.ndarray | None]:
        """All batches as one."""
        if len(self.parts) > 1:
            first = self.parts[0]
            whole = {
                name: None if first[name] is None else np.concatenate([part[name] for part in self.parts], axis=axis)
                for name, axis in self.axes.items()
            }
            self.parts = [whole]
        return self.parts[0]
