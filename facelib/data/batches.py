"""Batches for training: uint8 until the batch, in an order that only (seed, epoch) decide."""

from __future__ import annotations

import keras
import numpy as np

from facelib.data.faceset import FaceSet, to_float


class FaceBatches(keras.utils.PyDataset):
    """Float32 batches in [-1, 1] from uint8 faces; every epoch in a new order, the last partial batch left out.

    The order is a function of seed and epoch alone, so that a resumed run sees what an uninterrupted one would.

    Args:
        faces: a `FaceSet`, or uint8 images (n, size, size, 3).
        batch_size: faces a batch.
        seed: of the order.
        image_size: the side that the model expects.
        epoch: the first epoch, when a run is resumed.

    Raises:
        ValueError: for images of another type or size, or fewer faces than one batch.
    """

    def __init__(
        self,
        faces: FaceSet | np.ndarray,
        batch_size: int = 64,
        *,
        seed: int = 0,
        image_size: int | None = None,
        epoch: int = 0,
    ):
        super().__init__()
        images = faces.images if isinstance(faces, FaceSet) else np.asarray(faces)
        expected = images.shape[1] if image_size is None and images.ndim == 4 else image_size
        if images.dtype != np.uint8 or images.shape[1:] != (expected, expected, 3):
            raise ValueError(
                f"faces must be uint8 images of shape (n, {expected}, {expected}, 3), got {images.dtype} of shape "
                f"{images.shape}; load them with size={expected}."
            )
        if not 1 <= batch_size <= len(images):
            raise ValueError(f"batch_size must lie between 1 and the {len(images)} faces, got {batch_size}.")
        self.images, self.batch_size, self.seed, self.epoch = images, batch_size, seed, epoch
        self._shuffled = None

    def __len__(self) -> int:
        return len(self.images) // self.batch_size

    def __getitem__(self, step: int):
        if self._shuffled != self.epoch:
            self._order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.images))
            self._shuffled = self.epoch
        rows = self._order[step * self.batch_size : (step + 1) * self.batch_size]
        return (to_float(self.images[rows]),)

    def on_epoch_end(self):
        self.epoch += 1
