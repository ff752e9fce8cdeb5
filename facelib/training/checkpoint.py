"""Runs that survive: everything that decides the next step, saved after an epoch."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from keras import ops

from facelib.archives import array_shapes, read_arrays, refusing
from facelib.files import replacing, with_notes


class Checkpoint(keras.callbacks.Callback):
    """Save a run after every epoch; `restore` makes another go on as if it had never stopped.

    Saved are all weights, the optimizers, averages, seed generators and the losses so far. (Keras' `BackupAndRestore`
    leaves out seed generators, so that a resumed run would repeat its noise, and any second optimizer.) A file that
    cannot be written, because the disk is full, say, is a warning: the one before stays, and training goes on.

    Args:
        path: an `.npz` file.
        settings: what the run was started with; a run with other settings is not resumed.
        every: epochs between two checkpoints.
        also: callbacks with a state of their own (`get_state`, `set_state`), such as `CollapseGuard` and `BestEpoch`;
            they come before the checkpoint in the list of callbacks.

    Attributes:
        epoch: epochs behind the file; 0 before the first of a run is written.
        history: the losses of these epochs, as in Keras' `History`.
        seconds: how long they took.

    Raises:
        ValueError: for a path without the suffix, settings that JSON cannot hold, or every under 1.
    """

    afresh = "run without resuming"  # what else one can do about a file that does not fit

    def __init__(self, path: str | os.PathLike, settings: dict, *, every: int = 1, also: Sequence = ()):
        super().__init__()
        if every < 1:
            raise ValueError(f"every must be at least 1 epoch, got {every}.")
        self.path, self.settings, self.every, self.also = Path(path), settings, every, tuple(also)
        if self.path.suffix != ".npz":
            raise ValueError(f"path must end in .npz, got {self.path.name!r}.")
        for key, value in settings.items():
            try:
                json.dumps({key: value})
            except (TypeError, ValueError):
                raise ValueError(
                    f"settings must be plain values that JSON can hold, got a {type(value).__name__} for {key!r}."
                ) from None
        self.epoch, self.seconds, self.history = 0, 0.0, {}

    def on_train_begin(self, logs=None):
        self._began = time.monotonic() - self.seconds

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:  # what there is came from another run
            self._began += self.seconds
            self.epoch, self.seconds, self.history = 0, 0.0, {}
        self._steps, self._at_once = 0, self.model.steps_per_execution

    def on_train_batch_end(self, batch, logs=None):
        # Counted, for of several steps in one execution `batch` is the last, and in older Keras the first. The model is
        # not asked: on JAX, Keras would fetch all of its state after every step.
        self._steps += self._at_once

    def on_epoch_end(self, epoch, logs=None):
        if self._steps < self.params["steps"]:
            return  # something stopped it in between
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        last = epoch + 1 == self.params["epochs"] or self.model.stop_training
        if (epoch + 1) % self.every and not last:
            return
        try:
            self._save(epoch + 1)
        except OSError as error:
            warnings.warn(
                f"no checkpoint after epoch {epoch + 1}: {with_notes(error)} {self.advice()} Training goes on; "
                "the next checkpoint will be tried when it is due.",
                stacklevel=2,
            )

    def _save(self, epoch: int) -> None:
        seconds = time.monotonic() - self._began
        about = {"epoch": epoch, "seconds": seconds, "settings": self.settings, "history": self.history}
        about["also"] = self._names()
        arrays = {f"{i:04d}": ops.convert_to_numpy(variable) for i, variable in enumerate(state_of(self.model))}
        if not all(np.isfinite(value).all() for value in arrays.values()):
            warnings.warn(f"no checkpoint after epoch {epoch}: a weight is no number. {self.advice()}", stacklevel=3)
            return
        for i, callback in enumerate(self.also):
            arrays |= {f"also.{i}.{key}": value for key, value in callback.get_state().items()}
        with replacing(self.path) as partial:
            np.savez(partial, about=json.dumps(about), **arrays)
        self.epoch, self.seconds = epoch, seconds

    def restore(self, model: keras.Model) -> int:
        """Load the saved state into a compiled model; returns how many epochs are behind it (0 without a file).

        Raises:
            ValueError: if the file was made with other settings or callbacks, with the difference, or is no checkpoint,
                or the model is not compiled.
        """
        if not self.path.exists():
            return 0
        if getattr(model, "optimizer", None) is None:
            raise ValueError("the model is not compiled: call compile() before restore().")
        variables = state_of(model)
        with refusing(self.path, f"checkpoint (delete it, or {self.afresh})"):
            shapes = array_shapes(self.path)
            about = json.loads(str(read_arrays(self.path, only=["about"])["about"]))
            _check_about(about)
        self._check_settings(about["settings"])
        self._check_also(about, shapes)
        keys = sorted(key for key in shapes if key.isdigit())
        if [tuple(v.shape) for v in variables] != [shapes[key] for key in keys]:
            raise ValueError(f"{self.path} does not fit this model and its optimizers.")
        with refusing(self.path, f"checkpoint (delete it, or {self.afresh})"):
            arrays = read_arrays(self.path)
            for variable, key in zip(variables, keys, strict=True):
                variable.assign(arrays[key])
            for i, callback in enumerate(self.also):
                own = f"also.{i}."
                callback.set_state({k.removeprefix(own): v for k, v in arrays.items() if k.startswith(own)})
        self.epoch, self.seconds, self.history = about["epoch"], about["seconds"], about["history"]
        return self.epoch

    def _check_settings(self, saved: dict) -> None:
        wanted = json.loads(json.dumps(self.settings))
        changed = [
            f"{key}: was {saved.get(key)!r}, now {wanted.get(key)!r}"
            for key in sorted(saved | wanted)
            if saved.get(key) != wanted.get(key)
        ]
        if changed:
            raise ValueError(
                f"{self.path} was made with other settings ({'; '.join(changed)}). "
                f"Run with those; to start again, delete it or {self.afresh}."
            )

    def _check_also(self, about: dict, names: Iterable[str]) -> None:
        also, saved = self._names(), about.get("also")
        if saved is None:  # an older file, which tells no more than how many
            count = len({name.split(".")[1] for name in names if name.startswith("also.")})
            saved = also if count == len(also) else f"{count} of them"
        if saved != also:
            raise ValueError(
                f"{self.path} was made with other callbacks in `also` (was {saved}, now {also}). "
                f"Give those; to start again, delete it or {self.afresh}."
            )

    def _names(self) -> list[str]:
        return [type(callback).__name__ for callback in self.also]

    def advice(self) -> str:
        """A sentence on what there is to go back to."""
        if not self.epoch:
            return "There is no checkpoint yet."
        return f"The state after epoch {self.epoch} is in {self.path}; a resumed run goes on from there."


def _check_about(about: dict) -> None:
    """Raise a ValueError unless this is what `_save` says of a run."""
    kinds = {"epoch": int, "seconds": (int, float), "settings": dict, "history": dict}
    if not isinstance(about, dict) or any(not isinstance(about.get(key), kind) for key, kind in kinds.items()):
        raise ValueError("what it says of the run is incomplete")
    if about["epoch"] < 1 or not all(
        isinstance(values, list) and all(isinstance(value, (int, float)) for value in values)
        for values in about["history"].values()
    ):
        raise ValueError("what it says of the run is no number of epochs and lists of losses")


@contextmanager
def saying_what_is_left(callbacks: Iterable[keras.callbacks.Callback]):
    """Add to Ctrl-C, NaN and failing disks which checkpoint there is to go back to."""
    try:
        yield
    except (KeyboardInterrupt, FloatingPointError, OSError) as stop:
        for callback in callbacks:
            if isinstance(callback, Checkpoint):
                stop.add_note(callback.advice())
        raise


def state_of(model: keras.Model) -> list[keras.Variable]:
    """Every variable that decides the next step: weights, statistics, seed generators, optimizers, averages."""
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
