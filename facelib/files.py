"""Where facelib keeps files, and how it writes them: whole or not at all."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path

DAY = 86_400.0  # seconds
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)


@contextmanager
def replacing(path: str | os.PathLike):
    """Give a temporary path beside `path`; move it into place only if the block succeeds.

    An interrupted run therefore never leaves half a file, or half a folder, under its final name. A folder is never
    moved over another one: that is an `OSError`. Errors of the disk name `path`, and a note says what to do.
    """
    path = Path(path)
    # Random, for process numbers come again. The suffix stays last: numpy.savez appends ".npz" to names that lack it.
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")
    with explaining(path, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        # What a killed run left, also of a file that was to be part of another; younger ones may belong to a run that
        # goes on, or be gone by now.
        pattern = f".{glob.escape(path.stem)}.*.partial*"
        for left in [*path.parent.glob(pattern), *path.parent.glob(f".{pattern}")]:
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > DAY:
                    remove(left)
        try:
            yield partial
            os.replace(partial, path)
        finally:
            with suppress(OSError):  # which would hide what went wrong before
                remove(partial)


@contextmanager
def explaining(path: str | os.PathLike, *instead_of: Path):
    """Let errors of writing name the file (a full disk names none, and nobody knows temporary names) and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            # numpy's, which keep the reason to themselves.
            if "requested and" in str(error) or "problem writing element" in str(error):
                _note(error, f"{path} could not be written: is the disk full?")
            raise
        if error.filename is None or Path(os.fsdecode(error.filename)) in instead_of:
            error.filename = os.fspath(path)
            del error.filename2
        if error.errno in FULL:
            _note(error, "Make room there, or write to another disk; what was there before is as it was.")
        elif error.errno in CLOSED:
            _note(error, "Name a folder that can be written.")
        raise


def _note(error: OSError, text: str) -> None:
    if text not in getattr(error, "__notes__", []):
        error.add_note(text)


def with_notes(error: BaseException) -> str:
    """An error and what was added to it, in one line."""
    notes = getattr(error, "__notes__", [])
    text = str(error) if not notes or str(error).endswith(".") else f"{error}."
    return " ".join([text, *notes]).replace("\n", " ")


def visible(folder: str | os.PathLike, pattern: str) -> list[Path]:
    """Files of a folder, sorted, without those that are being written or that a killed run left."""
    return sorted(path for path in Path(folder).glob(pattern) if not path.name.startswith("."))


def remove(path: Path) -> None:
    """Delete a file, or a folder with all in it, if it is there."""
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
