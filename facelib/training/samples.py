"""What a model draws as it learns: sheets of the same z after every epoch, and the epoch that drew best."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection
from pathlib import Path

import keras
import numpy as np
from keras import ops
from PIL import Image

from facelib.files import replacing


class SampleGrid(keras.callbacks.Callback):
    """Draw the same z before training and after every few epochs: the frames of a time-lapse.

    Args:
        rows, columns: of a sheet.
        every: epochs between two sheets; the last epoch has one in any case.
        also: epochs that have one besides, such as the first few of many, in which faces appear.
        seed: of z.
        labels: one a row for a conditional model, which then draws the same z in every row.
        folder: where to keep the sheets as `epoch-0003.png` too, from which a resumed run takes up the earlier ones. A
            run that begins at the beginning deletes the files of such names that it finds there.

    Attributes:
        frames: uint8 sheets (rows · size, columns · size, 3).
        epochs: how many epochs are behind each.
    """

    def __init__(
        self,
        rows: int = 4,
        columns: int = 8,
        *,
        every: int = 1,
        also: Collection[int] = (),
        seed: int = 0,
        labels=None,
        folder: str | os.PathLike | None = None,
    ):
        super().__init__()
        if rows < 1 or columns < 1 or every < 1:
            raise ValueError(f"rows, columns and every must be at least 1, got {rows}, {columns} and {every}.")
        if labels is not None and len(labels) != rows:
            raise ValueError(f"labels must be one a row: got {len(labels)} for {rows} rows.")
        self.rows, self.columns, self.seed, self.labels = rows, columns, seed, labels
        self.every, self.also = every, frozenset(also)
        self.folder = Path(folder) if folder is not None else None
        self.frames, self.epochs = [], []

    def on_train_begin(self, logs=None):
        self._begun = False

    def on_epoch_begin(self, epoch, logs=None):
        if self._begun:
            return
        self._begun = True
        if epoch == 0:
            self.frames, self.epochs = [], []
            for path in self._kept().values():  # another run's
                path.unlink()
            self._draw(0)
        elif not self.frames:
            self.take_up(epoch)
        else:  # of the same session; what it drew beyond is drawn again
            count = sum(done <= epoch for done in self.epochs)
            del self.frames[count:], self.epochs[count:]

    def take_up(self, epoch: int) -> None:
        """Read the sheets that an earlier run kept in the folder, up to this many epochs, those off schedule apart."""
        kept = {
            done: path for done, path in self._kept().items() if done < epoch and self._is_due(done) or done == epoch
        }
        self.epochs = list(kept)
        self.frames = [np.asarray(Image.open(path).convert("RGB")) for path in kept.values()]

    def _kept(self) -> dict[int, Path]:
        """Epochs behind → sheet in the folder."""
        if self.folder is None:
            return {}
        named = ((re.fullmatch(r"epoch-([0-9]{4,})\.png", path.name), path) for path in self.folder.glob("epoch-*.png"))
        return dict(sorted((int(match[1]), path) for match, path in named if match))

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        if self._is_due(done) or done == self.params["epochs"] or self.model.stop_training:
            self._draw(done)

    def _is_due(self, done: int) -> bool:
        return done % self.every == 0 or done in self.also

    def on_train_end(self, logs=None):
        if not self._begun and not self.frames:  # all epochs were done before
            self.take_up(self.params["epochs"])

    def sheet_of(self, model: keras.Model) -> np.ndarray:
        """What a model draws now of the z of all sheets."""
        if self.labels is None:
            return sheet(model.sample(self.rows * self.columns, seed=self.seed), self.columns)
        rows = [model.sample(self.columns, seed=self.seed, labels=label) for label in self.labels]
        return sheet(np.concatenate(rows), self.columns)

    def _draw(self, epoch: int) -> None:
        self.frames.append(self.sheet_of(self.model))
        self.epochs.append(epoch)
        if self.folder is not None:
            with replacing(self.folder / f"epoch-{epoch:04d}.png") as partial:
                Image.fromarray(self.frames[-1]).save(partial)


class TranslationGrid(SampleGrid):
    """Translate the same pictures before training and after every few epochs: pictures of `a`, what they become, and
    below them pictures of `b` and what they become.

    Args:
        a, b: uint8 images (n, size, size, 3) of each domain of a CycleGAN, as many of both.
        every, folder: as of `SampleGrid`.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray, *, every: int = 1, folder: str | os.PathLike | None = None):
        super().__init__(4, min(len(a), len(b)), every=every, folder=folder)
        self.pictures = a[: self.columns], b[: self.columns]

    def sheet_of(self, model: keras.Model) -> np.ndarray:
        a, b = self.pictures
        there, back = model.translate(a, model.domains[1]), model.translate(b, model.domains[0])
        return sheet(np.concatenate([a, there, b, back]), self.columns)


class BestEpoch(keras.callbacks.Callback):
    """Keep the weights of the epoch that scored best: a GAN's last epoch need not be (seed 000 chose by eye).

    Args:
        score: a function of the model that returns a number.
        mode: "min" if lower is better, "max" if higher is.
        every: epochs between two scores; the last epoch has one in any case.

    Attributes:
        scores: epochs behind → score.
        epoch: epochs behind the best one (the later of equals), 0 before the first score.
    """

    def __init__(self, score: Callable, mode: str = "min", *, every: int = 1):
        super().__init__()
        if mode not in ("min", "max"):
            raise ValueError(f'mode must be "min" or "max", got {mode!r}.')
        if every < 1:
            raise ValueError(f"every must be at least 1 epoch, got {every}.")
        self.score, self.sign, self.every = score, 1 if mode == "min" else -1, every
        self._forget()

    def _forget(self) -> None:
        self.scores, self.epoch, self._best = {}, 0, []

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:
            self._forget()  # another run's

    def on_epoch_end(self, epoch, logs=None):
        done, model = epoch + 1, self.model
        if done % self.every and done != self.params["epochs"] and not model.stop_training:
            return
        best = self.scores[self.epoch] if self.epoch else self.sign * math.inf
        score = self.scores[done] = float(self.score(model))
        if math.isfinite(score) and self.sign * score <= self.sign * best:
            self.epoch = done
            self._best = [np.array(ops.convert_to_numpy(variable)) for variable in _weights(model)]

    def restore(self, model: keras.Model) -> int:
        """Give the model the best epoch's weights; returns how many epochs are behind them.

        Where an average is kept, that is what drew, and what is given back; training on starts from the last epoch's
        generator.

        Raises:
            ValueError: if no epoch was scored.
        """
        if not self.epoch:
            raise ValueError("no epoch was scored: train with this callback first.")
        for variable, value in zip(_weights(model), self._best, strict=True):
            variable.assign(value)
        return self.epoch

    def get_state(self) -> dict[str, np.ndarray]:
        """For `Checkpoint`."""
        scores = np.array(sorted(self.scores.items())).reshape(-1, 2)
        return {"scores": scores, "epoch": np.array(self.epoch)} | {f"{i:04d}": v for i, v in enumerate(self._best)}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        self.scores = {int(epoch): float(score) for epoch, score in state["scores"]}
        self.epoch = int(state["epoch"])
        self._best = [state[key] for key in sorted(state) if key.isdigit()]


def sheet(images: np.ndarray, columns: int) -> np.ndarray:
    """Images (n, size, size, 3) side by side, n a multiple of columns.

    >>> sheet(np.zeros((6, 8, 8, 3), np.uint8), columns=3).shape
    (16, 24, 3)
    """
    n, height, width, channels = images.shape
    rows = images.reshape(n // columns, columns, height, width, channels)
    return rows.transpose(0, 2, 1, 3, 4).reshape(n // columns * height, columns * width, channels)


def _weights(model: keras.Model) -> list[keras.Variable]:
    return [variable for network in model.networks.values() for variable in network.weights]
