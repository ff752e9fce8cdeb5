"""Where facelib keeps files, and how it writes them: whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike):
    """Give a temporary path beside `path`; move it into place only if the block succeeds.

    An interrupted run therefore never leaves half a file, or half a folder, under its final name. A folder is never
    moved over another one: that is an `OSError`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: numpy.savez appends ".npz" to names that lack it.
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)


def cache_dir() -> Path:
    """Folder for derived files that can be made again: `FACELIB_CACHE`, else the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "facelib"
    return Path(os.environ.get("FACELIB_CACHE", default))


def data_dir() -> Path | None:
    """Folder of data sets that the user already has: `FACELIB_DATA`, else `data/` in or `shared/` beside a checkout."""
    if folder := os.environ.get("FACELIB_DATA"):
        return Path(folder)
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").exists():
        return next((path for path in (checkout / "data", checkout.parent / "shared") if path.is_dir()), None)
    return None
