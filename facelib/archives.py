"""Read archives that anyone may have made: nothing in them is run, and no size is believed before it is checked.

`numpy.load` is safe from pickles, but it allocates whatever an array's header or a zip's directory announces.
"""

from __future__ import annotations

import io
import math
import os
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

# An archive may hold so many bytes, or so many times its own size, whichever is more: pictures of faces shrink to a
# tenth, zip bombs to a thousandth.
LARGE, RATIO = 256_000_000, 100
CHUNK = 1 << 20  # bytes read at a time
HEADER = 10_100  # bytes; numpy refuses longer ones of arrays
LAST = 0x10FFFF  # of Unicode's characters
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@contextmanager
def refusing(path: str | os.PathLike, what: str) -> Iterator[None]:
    """Turn whatever a damaged or crafted file makes its reader raise into one line, "PATH is no WHAT, or damaged: ...".

    Raises:
        ValueError: for anything but what the system says of a file (not there, not to be read).
    """
    try:
        yield
    # Broken files make zipfile, numpy, pandas and Pillow raise nearly anything.
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise ValueError(f"{path} is no {what}, or damaged: {first_line(error)}.") from None


def first_line(error: Exception) -> str:
    """What an error says, in one line without a full stop.

    >>> first_line(KeyError("images"))
    "'images' is missing"
    """
    text = (str(error).strip().splitlines() or [""])[0].rstrip(".")[:300] or type(error).__name__
    return f"{text} is missing" if isinstance(error, KeyError) and "'" in text[:1] else text


def open_zip(file: str | os.PathLike | BinaryIO, size: int | None = None) -> zipfile.ZipFile:
    """A zip archive whose entries are no larger, together, than what such a file may hold.

    Args:
        file: path, or an open file.
        size: bytes to judge by: of the file on the disk, if this one was packed in it.

    Raises:
        ValueError: if it may be a zip bomb, or is compressed otherwise than archives of arrays are.
        zipfile.BadZipFile: if it is none.
    """
    archive = zipfile.ZipFile(file)
    try:
        own, entries = archive.fp.seek(0, io.SEEK_END), archive.infolist()
        check_size(sum(entry.file_size for entry in entries), own if size is None else size)
        if unusual := [entry.filename for entry in entries if entry.compress_type not in METHODS]:
            raise ValueError(f"{unusual[0]!r} is compressed in an unusual way")
    except BaseException:
        archive.close()
        raise
    return archive


def check_size(announced: int, size: int) -> None:
    """Raise a ValueError for a file of so many bytes that announces far too many."""
    if announced > max(LARGE, RATIO * size):
        raise ValueError(f"{size:,} bytes announce {announced:,}, it may be a bomb")


def read_entry(archive: zipfile.ZipFile, entry: str | zipfile.ZipInfo, most: int | None = None) -> bytearray:
    """An entry of a zip, or at most its first bytes.

    What it announces is all that is unpacked: `ZipFile.read` unpacks whatever is there, and cuts it off afterwards.

    Raises:
        KeyError, zipfile.BadZipFile, EOFError, and others for damaged files: read within `refusing`.
    """
    with archive.open(entry) as stream:
        size = archive.getinfo(entry).file_size if isinstance(entry, str) else entry.file_size
        return _all_of(stream, size if most is None else min(size, most))


def array_shapes(file: str | os.PathLike | BinaryIO) -> dict[str, tuple[int, ...]]:
    """Name → shape of the arrays in an .npz, by their headers alone; errors as of `read_arrays`."""
    return {name: shape for name, shape, _ in _entries(file, only=())}


def read_arrays(
    file: str | os.PathLike | BinaryIO, only: Sequence[str] | None = None, size: int | None = None
) -> dict[str, np.ndarray]:
    """Name → array of an .npz, or of some of its arrays: numbers, truth values and texts, no Python objects.

    `size` is as of `open_zip`.

    Raises:
        ValueError, zipfile.BadZipFile, and others for damaged files: read within `refusing`.
    """
    return {name: values for name, _, values in _entries(file, only, size) if values is not None}


def _entries(
    file, only: Sequence[str] | None, size: int | None = None
) -> Iterator[tuple[str, tuple[int, ...], np.ndarray | None]]:
    with open_zip(file, size) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            # Not from the entry itself, of which numpy would ask for as much as a header calls its length.
            start = io.BytesIO(read_entry(archive, entry, HEADER))
            header = HEADERS.get(np.lib.format.read_magic(start))
            if header is None:
                raise ValueError(f"{name!r} has an unknown kind of header")
            shape, by_columns, kind = header(start)
            if kind.kind not in "biufSU":
                raise ValueError(f"{name!r} holds {kind}, not numbers or texts; Python objects are not read")
            there, wanted = entry.file_size - start.tell(), math.prod(shape) * kind.itemsize
            # Of texts of no length there could be any number.
            if there != wanted or math.prod(shape) > there:
                raise ValueError(f"{name!r} announces {shape} of {kind}, and has {there:,} bytes")
            values = None
            if only is None or name in only:
                with archive.open(entry) as stream:
                    _all_of(stream, start.tell())
                    values = np.frombuffer(_all_of(stream, there), kind)
                if kind.kind == "U" and values.view(np.dtype("u4").newbyteorder(kind.byteorder)).max(initial=0) > LAST:
                    raise ValueError(f"{name!r} holds what is no text")
                values = values.reshape(shape, order="F" if by_columns else "C")
            yield name, shape, values


def _all_of(stream: BinaryIO, size: int) -> bytearray:
    """So many bytes. Where they end, zipfile compares their checksum."""
    content, done = bytearray(size), 0
    while done < size:
        came = stream.readinto(memoryview(content)[done : done + CHUNK])
        if not came:
            raise EOFError("it ends too early")
        done += came
    return content


def read_jpeg(content: bytes | bytearray) -> np.ndarray:
    """A JPEG as uint8 RGB (height, width, 3); other formats, some of which run programs, are not tried.

    Raises:
        OSError, SyntaxError, and others for damaged files, Image.DecompressionBombWarning for large ones: read within
            `refusing`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            return np.asarray(image.convert("RGB"))


def read_jpegs(path: str | os.PathLike, what: str) -> dict[str, np.ndarray]:
    """Name without its suffix → picture, uint8 (height, width, 3), of a zip of JPEGs.

    Raises:
        ValueError: if the file is damaged, or is none.
        FileNotFoundError: if it is not there.
    """
    with refusing(path, what), open_zip(path) as archive:
        pictures, pixels = {}, 0
        for entry in archive.infolist():
            pictures[entry.filename.removesuffix(".jpg")] = picture = read_jpeg(read_entry(archive, entry))
            pixels += picture.size
            check_size(pixels, Path(path).stat().st_size)
        return pictures
