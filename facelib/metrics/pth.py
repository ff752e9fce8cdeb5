"""Read the tensors of a PyTorch weight file without PyTorch, and run nothing that a pickle may hold.

A pickle is a program for a small machine. This one knows the few instructions of which `torch.save` makes a table of
tensors: it can build mappings, tuples and numbers, and calls nothing. The machine is Python's own, the slow one: the
fast one in C would make room for a billion memories when it is told to keep one under that number.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from facelib.archives import open_zip, read_entry, refusing

MAGIC = 0x1950A86A20F9469CFC6C  # first thing in files of before 2020
KINDS = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "BoolStorage": "?",
}
LARGEST = 2_000_000_000  # bytes of a file
INSTRUCTIONS = (
    *("PROTO FRAME STOP MARK POP POP_MARK MEMOIZE BINPUT LONG_BINPUT PUT BINGET LONG_BINGET GET".split()),
    *("NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 FLOAT BINFLOAT".split()),
    *("UNICODE BINUNICODE SHORT_BINUNICODE STRING BINSTRING SHORT_BINSTRING".split()),
    *("TUPLE EMPTY_TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST APPEND APPENDS".split()),
    *("EMPTY_DICT DICT SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE BUILD BINPERSID".split()),
)


class _Storage(NamedTuple):
    kind: np.dtype
    key: str


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, storages: dict[str, np.ndarray]) -> np.ndarray:
        values = storages[self.storage.key][self.offset :]
        if values.dtype != self.storage.kind:
            raise ValueError("a storage is of two kinds")
        last = sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        # With strides of 0, a number could be as many as you like.
        if min(self.shape, default=1) and (last >= len(values) or math.prod(self.shape) > len(values)):
            raise ValueError("a tensor reaches beyond its storage")
        steps = [values.itemsize * step for step in self.strides]
        # No copy: any number of tensors may share a storage.
        return np.lib.stride_tricks.as_strided(values, self.shape, steps, writeable=False)


class _Named(NamedTuple):
    """What a name in a pickle stands for here."""

    make: object


def _tensor(storage, offset, shape, strides, *_) -> _Tensor:
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or len(shape) > 32:
        raise pickle.UnpicklingError("a tensor has no storage, or too many axes")
    if not all(type(number) is int and 0 <= number < 2**40 for number in numbers):
        raise pickle.UnpicklingError("a tensor's shape is none")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


NAMES = {
    ("collections", "OrderedDict"): _Named(OrderedDict),
    ("torch._utils", "_rebuild_tensor_v2"): _Named(_tensor),
    **{("torch", name): np.dtype(kind) for name, kind in KINDS.items()},
}


class _Unpickler(pickle._Unpickler):
    dispatch = {getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]] for name in INSTRUCTIONS}

    def load(self):
        try:
            return super().load()
        except KeyError as error:  # of the table of instructions, or of what is remembered
            raise pickle.UnpicklingError(f"it needs {error}, which no weight file does") from None

    def find_class(self, module, name):
        if (module, name) not in NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} is none of the things that a weight file needs")
        return NAMES[module, name]

    def persistent_load(self, id):
        kind, key = id[1], id[2]
        if not isinstance(kind, np.dtype) or not isinstance(key, str):
            raise pickle.UnpicklingError("a storage has no kind or no name")
        return _Storage(kind, key)

    def _reduce(self):
        arguments, named = self.stack.pop(), self.stack.pop()
        if not isinstance(named, _Named) or not isinstance(arguments, tuple):
            raise pickle.UnpicklingError("it calls something")
        self.append(OrderedDict() if named.make is OrderedDict else named.make(*arguments))

    def _set_items(self, items):
        target = self.stack[-1]
        # Only texts: what nests may take for ever to compare.
        if not isinstance(target, dict) or len(items) % 2 or not all(isinstance(key, str) for key in items[::2]):
            raise pickle.UnpicklingError("a mapping has other keys than texts")
        target.update(zip(items[::2], items[1::2], strict=True))

    def _dict(self):
        items = self.pop_mark()
        self.append({})
        self._set_items(items)

    def _set_item(self):
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    dispatch[pickle.REDUCE[0]] = _reduce
    dispatch[pickle.BUILD[0]] = lambda self: self.stack.pop()  # of a table: the versions of its layers
    dispatch[pickle.DICT[0]] = _dict
    dispatch[pickle.SETITEM[0]] = _set_item
    dispatch[pickle.SETITEMS[0]] = lambda self: self._set_items(self.pop_mark())


def read_pth(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Name → array, in the file's order, from what `torch.save(model.state_dict(), path)` wrote, now or before 2020.

    The arrays are read-only, and no larger in memory than the file.

    Raises:
        ValueError: if the file holds anything but tensors of numbers, or is no such file.
        FileNotFoundError: if it is not there.
    """
    with refusing(path, "file of PyTorch weights"):
        if Path(path).stat().st_size > LARGEST:
            raise ValueError(f"it has more than {LARGEST / 1e9:.0f} GB")
        tensors, storages = (_read_zip if zipfile.is_zipfile(path) else _read_stream)(path)
        return {name: tensor.read(storages) for name, tensor in tensors.items()}


def _tensors(pickled: object) -> dict[str, _Tensor]:
    if not isinstance(pickled, dict):
        raise ValueError("it holds no table of tensors")
    return {name: tensor for name, tensor in pickled.items() if isinstance(tensor, _Tensor)}


def _read_zip(path: str | os.PathLike) -> tuple[dict, dict]:
    with open_zip(path) as archive:
        pickled = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if pickled is None:
            raise ValueError("data.pkl is missing")
        tensors = _tensors(_Unpickler(io.BytesIO(read_entry(archive, pickled))).load())
        folder = pickled.removesuffix("data.pkl") + "data/"
        wanted = {tensor.storage for tensor in tensors.values()}
        return tensors, {s.key: np.frombuffer(read_entry(archive, folder + s.key), s.kind) for s in wanted}


def _read_stream(path: str | os.PathLike) -> tuple[dict, dict]:
    file = io.BytesIO(Path(path).read_bytes())
    if _Unpickler(file).load() != MAGIC:
        raise ValueError("it does not begin as one")
    _Unpickler(file).load(), _Unpickler(file).load()  # version of the format, and of the machine
    tensors = _tensors(_Unpickler(file).load())
    kinds = {tensor.storage.key: tensor.storage.kind for tensor in tensors.values()}
    storages = {}
    for key in _Unpickler(file).load():
        length, kind = int.from_bytes(file.read(8), "little"), kinds[key]
        storages[key] = np.frombuffer(file.read(length * kind.itemsize), kind)
    return tensors, storages
