"""The training of a chapter, kept in a folder, so that it goes on after a disconnect."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import keras

from facelib.colab import folder_to_keep_in
from facelib.training.checkpoint import Checkpoint
from facelib.training.players import in_words


class KeptRun(Checkpoint):
    """A checkpoint whose name and settings are the chapter's. Without a folder it keeps nothing and restores nothing.

    `fit` of a resumed run returns the history of all epochs, those before the disconnect too. How the model was built
    and compiled is a part of the settings, so a run is not gone on with by a cell that was changed.

    Args:
        folder: the chapter's parameter `checkpoints`: "" for none; it may be on Google Drive (see `facelib.colab`).
        name: of the run, such as "03_dcgan".
        sizes: as from `profiles.settings`; a run of another profile has another file.
        also: as of `Checkpoint`.
        more: what else decides the run, in the file's name as well: data set and seed.

    Attributes:
        frames: a folder for the sheets of a `SampleGrid`, or None.
    """

    afresh = "name another folder in `checkpoints`"

    def __init__(self, folder: str | os.PathLike, name: str, sizes: SimpleNamespace, *, also: Sequence = (), **more):
        words = [name, sizes.profile, *map(str, more.values())]
        stem = "-".join(re.sub(r"[^\w.]+", "-", word) for word in words)
        self.kept = bool(folder)
        place = folder_to_keep_in(folder) if folder else Path()
        # Some twenty in all: Drive keeps what is replaced in its bin, where it counts.
        every = max(1, sizes.epochs // 20)
        self.chosen = vars(sizes) | more
        super().__init__(place / f"{stem}.npz", self.chosen, every=every, also=also)
        self.frames = place / f"{stem}.frames" if folder else None
        self._described = None

    def restore(self, model: keras.Model) -> int:
        self._describe(model)
        done = super().restore(model) if self.kept else 0
        if done:
            print(f"{done} of {self.settings['epochs']} epochs were done before ({self.path})")
        return done

    def _describe(self, model: keras.Model) -> None:
        # Once a model, as it was compiled: in between a callback may have changed the learning rate.
        if getattr(model, "optimizer", None) is not None and model is not self._described:
            self._described = model
            how = getattr(model, "settings", None) or {"optimizer": in_words(model.optimizer)}
            self.settings = self.chosen | model.get_config() | how

    def on_train_begin(self, logs=None):
        self._describe(self.model)
        super().on_train_begin(logs)
        # Keras fills it from here on; the lists are copies, for both are added to.
        self.model.history.history |= {name: list(values) for name, values in self.history.items()}

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        if epoch == 0:
            self.model.history.history.clear()

    def on_epoch_end(self, epoch, logs=None):
        if self.kept:
            super().on_epoch_end(epoch, logs)

    def advice(self) -> str:
        return super().advice() if self.kept else "Nothing was kept: name a folder in `checkpoints`, and a run goes on."
