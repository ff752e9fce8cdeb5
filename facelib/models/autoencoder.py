"""What the autoencoders share: pictures go in, the same pictures should come out."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from facelib.backend import jit_compile
from facelib.data.faceset import FaceSet
from facelib.training.fitting import face_batches, fit_batches


class Autoencoder(keras.Model):
    """A model whose `compute_loss` compares its output with its input.

    A subclass sets `image_size`; its `call` and `compute_loss` get images in [-1, 1].
    """

    def compile(self, optimizer="adam", **kwargs):
        """Adam by default; the loss is the model's own."""
        super().compile(optimizer=optimizer, **{"jit_compile": jit_compile(), **kwargs})
        self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        faces: FaceSet | np.ndarray,
        *,
        epochs: int = 1,
        batch_size: int = 64,
        seed: int = 0,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **kwargs,
    ):
        """Train on a `FaceSet` or a uint8 array; the rest is Keras' own `fit`."""
        how = {"seed": seed, "image_size": self.image_size, "epoch": initial_epoch, "scaled": True}
        batches = face_batches(self, faces, batch_size, **how)
        return fit_batches(super().fit, batches, callbacks, epochs=epochs, initial_epoch=initial_epoch, **kwargs)
