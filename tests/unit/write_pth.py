"""Write weight files as PyTorch does, without PyTorch: `torch.save(state_dict)`, now and before 2020.

The names that such a pickle holds are looked up when it is written; these stand in for PyTorch's.
"""

import pickle
import sys
import types
import zipfile
from unittest import mock

FloatStorage = type("FloatStorage", (), {"__module__": "torch"})


def _rebuild_tensor_v2():
    """Only its name is written."""


_rebuild_tensor_v2.__module__ = "torch._utils"


class Storage:
    def __init__(self, key, array):
        self.key, self.array = key, array


class Tensor:
    def __init__(self, key, array):
        self.storage = Storage(key, array)

    def __reduce__(self):
        array = self.storage.array
        strides = tuple(step // array.itemsize for step in array.strides)
        return _rebuild_tensor_v2, (self.storage, 0, array.shape, strides, False, {})


class Pickler(pickle.Pickler):
    tail = ()

    def persistent_id(self, thing):
        if isinstance(thing, Storage):
            return ("storage", FloatStorage, thing.key, "cpu", thing.array.size, *self.tail)


class OldPickler(Pickler):
    tail = (None,)


def write_pth(path, arrays, old):
    """float32 arrays by name; `old` as before PyTorch 1.6."""
    tensors = {name: Tensor(str(i), array) for i, (name, array) in enumerate(arrays.items())}
    utils = types.SimpleNamespace(_rebuild_tensor_v2=_rebuild_tensor_v2)
    torch = types.SimpleNamespace(FloatStorage=FloatStorage, _utils=utils)
    with mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        (_write_stream if old else _write_zip)(path, tensors)


def _write_stream(path, tensors):
    with open(path, "wb") as file:
        for header in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(header, file, protocol=2)
        OldPickler(file, protocol=2).dump(tensors)
        pickle.dump([tensor.storage.key for tensor in tensors.values()], file, protocol=2)
        for tensor in tensors.values():
            array = tensor.storage.array
            file.write(array.size.to_bytes(8, "little") + array.ravel("K").tobytes())


def _write_zip(path, tensors):
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("archive/data.pkl", "w") as file:
            Pickler(file, protocol=2).dump(tensors)
        for tensor in tensors.values():
            archive.writestr(f"archive/data/{tensor.storage.key}", tensor.storage.array.ravel("K").tobytes())
