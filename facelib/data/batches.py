"""Batches for training: uint8 until the batch, in an order that only (seed, epoch, step) decide."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import keras
import numpy as np

from facelib.checks import whole_number
from facelib.data.faceset import FaceSet, to_float
from facelib.data.labels import Labels


class FaceBatches(keras.utils.PyDataset):
    """Batches of faces without end: pass after pass over the faces, each in another order, partial batches left out.

    Which faces batch number i holds is a function of seed and i alone, so that a resumed run sees what an uninterrupted
    one would. The next batch is loaded in a thread while the model computes. Give it to Keras' `fit` with
    `steps_per_epoch`.

    Args:
        faces: a `FaceSet`, or uint8 images (n, size, size, 3).
        batch_size: faces a batch.
        labels: (n, ...) that come along with the faces, or None.
        seed: of the order.
        image_size: the side that the model expects.
        epoch: the first epoch, when a run is resumed.
        steps_per_epoch: batches an epoch; by default one pass over the faces.
        scaled: float32 in [-1, 1] instead of uint8.

    Raises:
        ValueError: for images of another type or size, fewer faces than one batch, labels of another length, or a
            negative seed.
    """

    num_batches = None  # how Keras asks whether there is an end

    def __init__(
        self,
        faces: FaceSet | np.ndarray,
        batch_size: int = 64,
        *,
        labels: np.ndarray | Labels | None = None,
        seed: int = 0,
        image_size: int | None = None,
        epoch: int = 0,
        steps_per_epoch: int | None = None,
        scaled: bool = False,
    ):
        super().__init__()
        images = check_faces(faces, image_size)
        if not 1 <= batch_size <= len(images):
            raise ValueError(f"batch_size must lie between 1 and the {len(images)} faces, got {batch_size}.")
        batch_size = whole_number(batch_size, "batch_size", 1)
        labels = labels.values if isinstance(labels, Labels) else labels
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"labels must be one a face: got {len(labels)} labels for {len(images)} faces.")
        if steps_per_epoch is not None and steps_per_epoch < 1:
            raise ValueError(f"steps_per_epoch must be at least 1, got {steps_per_epoch}.")
        self.images, self.labels = images, labels if labels is None else np.asarray(labels)
        self.batch_size, self.seed, self.scaled = batch_size, whole_number(seed, "seed", 0), scaled
        self.steps_per_epoch = steps_per_epoch or len(images) // batch_size
        self._first = epoch * self.steps_per_epoch
        self._order = lru_cache(2)(partial(_order, len(images), self.seed))
        self._loader = ThreadPoolExecutor(1)
        self._ahead = {}

    def __getitem__(self, step: int) -> tuple[np.ndarray, ...]:
        """Batch number `step` from the first epoch on: (images,) or (images, labels)."""
        batch = self._ahead.pop(step, None) or self._loader.submit(self._load, step)
        self._ahead = {step + 1: self._loader.submit(self._load, step + 1)}
        return batch.result()

    def _load(self, step: int) -> tuple[np.ndarray, ...]:
        number, place = divmod(self._first + step, len(self.images) // self.batch_size)
        rows = self._order(number)[place * self.batch_size :][: self.batch_size]
        images = to_float(self.images[rows]) if self.scaled else self.images[rows]
        return (images,) if self.labels is None else (images, self.labels[rows])

    def let_go(self) -> None:
        """Hold the faces no longer. TensorFlow keeps every data set that it was trained with, and may still read on."""
        self.images = np.broadcast_to(np.uint8(0), self.images.shape)
        if self.labels is not None:
            self.labels = np.broadcast_to(np.zeros((), self.labels.dtype), self.labels.shape)


def _order(n: int, seed: int, number: int) -> np.ndarray:
    """Rows of n faces in pass `number`, counted from 0."""
    return np.random.default_rng([seed, number + 1]).permutation(n)


class PairBatches(keras.utils.PyDataset):
    """Batches of two sets, (a, b), without end; which picture meets which is left to chance.

    Args:
        a, b: `FaceSet`s or uint8 images (n, size, size, 3); their numbers may differ.
        batch_size: pictures of each.
        seed: of both orders.
        image_size, epoch: as of `FaceBatches`.
        steps_per_epoch: batches an epoch; by default one pass over the larger set.

    Raises:
        ValueError: as `FaceBatches`.
    """

    num_batches = None

    def __init__(
        self,
        a: FaceSet | np.ndarray,
        b: FaceSet | np.ndarray,
        batch_size: int = 1,
        *,
        seed: int = 0,
        image_size: int | None = None,
        epoch: int = 0,
        steps_per_epoch: int | None = None,
    ):
        super().__init__()
        if steps_per_epoch is None:
            steps_per_epoch = max(len(a), len(b)) // max(batch_size, 1)
        how = {"image_size": image_size, "epoch": epoch, "steps_per_epoch": steps_per_epoch}
        seed = whole_number(seed, "seed", 0)
        # Two seeds: with one, equal numbers would meet in the same pairs in every pass.
        self.sets = [FaceBatches(images, batch_size, seed=2 * seed + i, **how) for i, images in enumerate((a, b))]
        self.steps_per_epoch = steps_per_epoch

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch number `step` from the first epoch on."""
        (a,), (b,) = (batches[step] for batches in self.sets)
        return a, b

    def let_go(self) -> None:
        """As of `FaceBatches`."""
        for batches in self.sets:
            batches.let_go()


def check_faces(faces: FaceSet | np.ndarray, image_size: int | None = None) -> np.ndarray:
    """The uint8 images of faces, or a ValueError if they are of another type, shape or size than expected."""
    images = faces.images if isinstance(faces, FaceSet) else np.asarray(faces)
    if images.ndim != 4:
        raise ValueError(f"faces must be uint8 images of shape (n, size, size, 3), got shape {images.shape}.")
    expected = images.shape[1] if image_size is None else image_size
    if images.dtype != np.uint8 or images.shape[1:] != (expected, expected, 3):
        raise ValueError(
            f"faces must be uint8 images of shape (n, {expected}, {expected}, 3), got {images.dtype} of shape "
            f"{images.shape}; load them with size={expected}."
        )
    return images
