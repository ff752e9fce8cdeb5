"""Read the tensors of a PyTorch weight file without PyTorch, and run nothing that a pickle may hold."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from typing import BinaryIO, NamedTuple

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C  # first thing in files of before 2020
KINDS = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "BoolStorage": "?",
}


class _Storage(NamedTuple):
    kind: np.dtype
    key: str


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, storages: dict[str, np.ndarray]) -> np.ndarray:
        values, size = storages[self.storage.key][self.offset :], self.storage.kind.itemsize
        last = sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if min(self.shape, default=1) and (last >= len(values) or min(self.strides, default=0) < 0):
            raise ValueError("a tensor reaches beyond its storage.")
        return np.lib.stride_tricks.as_strided(values, self.shape, [size * step for step in self.strides]).copy()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(storage, offset, tuple(shape), tuple(strides))
        if module == "torch" and name in KINDS:
            return np.dtype(KINDS[name])
        raise pickle.UnpicklingError(f"{module}.{name} is none of the things that a weight file needs")

    def persistent_load(self, id):
        return _Storage(id[1], str(id[2]))


def read_pth(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Name → array, in the file's order, from what `torch.save(model.state_dict(), path)` wrote, now or before 2020.

    Raises:
        ValueError: if the file holds anything but tensors of numbers, or is no such file.
    """
    try:
        if zipfile.is_zipfile(path):
            tensors, storages = _read_zip(path)
        else:
            with open(path, "rb") as file:
                tensors, storages = _read_stream(file)
        return {name: tensor.read(storages) for name, tensor in tensors.items() if isinstance(tensor, _Tensor)}
    except (pickle.UnpicklingError, AttributeError, EOFError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no file of PyTorch weights: {error}.") from None


def _read_zip(path: str | os.PathLike) -> tuple[dict, dict]:
    with zipfile.ZipFile(path) as archive:
        pickled = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if pickled is None:
            raise ValueError("data.pkl is missing")
        with archive.open(pickled) as file:
            tensors = _Unpickler(file).load()
        folder = pickled.removesuffix("data.pkl") + "data/"
        wanted = {t.storage for t in tensors.values() if isinstance(t, _Tensor)}
        return tensors, {s.key: np.frombuffer(archive.read(folder + s.key), s.kind) for s in wanted}


def _read_stream(file: BinaryIO) -> tuple[dict, dict]:
    if _Unpickler(file).load() != MAGIC:
        raise ValueError("it does not begin as one")
    _Unpickler(file).load(), _Unpickler(file).load()  # version of the format, and of the machine
    tensors = _Unpickler(file).load()
    kinds = {t.storage.key: t.storage.kind for t in tensors.values() if isinstance(t, _Tensor)}
    storages = {}
    for key in _Unpickler(file).load():
        length = int.from_bytes(file.read(8), "little")
        kind = kinds[key]
        storages[key] = np.frombuffer(file.read(length * kind.itemsize), kind)
    return tensors, storages
