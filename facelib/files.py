"""Where facelib keeps files, and how it writes them: whole or not at all."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

DAY = 86_400.0  # seconds


@contextmanager
def replacing(path: str | os.PathLike):
    """Give a temporary path beside `path`; move it into place only if the block succeeds.

    An interrupted run therefore never leaves half a file, or half a folder, under its final name. A folder is never
    moved over another one: that is an `OSError`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.stem)}.*.partial*"):
        # What a killed run left; younger ones may belong to a run that goes on.
        if time.time() - left.stat().st_mtime > DAY:
            _remove(left)
    # Random, for process numbers come again. The suffix stays last: numpy.savez appends ".npz" to names that lack it.
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def cache_dir() -> Path:
    """Folder for derived files that can be made again: `FACELIB_CACHE`, else the user's cache folder."""
    if folder := os.environ.get("FACELIB_CACHE"):
        return Path(folder).expanduser()
    if folder := os.environ.get("XDG_CACHE_HOME"):
        return Path(folder) / "facelib"
    return Path("~/.cache/facelib").expanduser()


def data_dir() -> Path | None:
    """Folder of data sets that the user already has: `FACELIB_DATA`, else `data/` in or `shared/` beside a checkout."""
    if folder := os.environ.get("FACELIB_DATA"):
        return Path(folder).expanduser()
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").exists():
        return next((path for path in (checkout / "data", checkout.parent / "shared") if path.is_dir()), None)
    return None
