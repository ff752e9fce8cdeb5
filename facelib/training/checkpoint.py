"""Runs that survive: everything that decides the next step, saved after every epoch."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

from facelib.files import replacing


class Checkpoint(keras.callbacks.Callback):
    """Save weights, optimizer and random state after every epoch; `restore` makes a run go on as if never stopped.

    Keras' own `BackupAndRestore` leaves out the seed generators, so that a resumed run would repeat its noise.

    Args:
        path: an `.npz` file.
        settings: what the run was started with; a run with other settings is not resumed.
    """

    def __init__(self, path: str | os.PathLike, settings: dict):
        super().__init__()
        self.path, self.settings = Path(path), settings
        self.seconds = 0.0

    def on_train_begin(self, logs=None):
        self._began = time.monotonic() - self.seconds

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.monotonic() - self._began
        about = {"epoch": epoch + 1, "seconds": self.seconds, "settings": self.settings}
        arrays = {f"{i:04d}": ops.convert_to_numpy(v) for i, v in enumerate(_state(self.model))}
        with replacing(self.path) as partial:
            np.savez(partial, about=json.dumps(about), **arrays)

    def restore(self, model: keras.Model) -> int:
        """Load the saved state into a compiled model; returns how many epochs are behind it (0 without a file).

        Raises:
            ValueError: if the file was made with other settings, with the difference.
        """
        if not self.path.exists():
            return 0
        with np.load(self.path, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            saved, wanted = about["settings"], json.loads(json.dumps(self.settings))
            changed = [
                f"{k}: was {saved.get(k)!r}, now {wanted.get(k)!r}"
                for k in sorted(saved | wanted)
                if saved.get(k) != wanted.get(k)
            ]
            if changed:
                raise ValueError(
                    f"{self.path} was made with other settings ({'; '.join(changed)}). "
                    "Run with those, or without --resume to start again."
                )
            for i, variable in enumerate(_state(model)):
                variable.assign(arrays[f"{i:04d}"])
        self.seconds = about["seconds"]
        return about["epoch"]


def _state(model: keras.Model) -> list:
    """Weights, seed generators and optimizer; `model.variables` has all but the last."""
    return [*model.variables, *model.optimizer.variables]
