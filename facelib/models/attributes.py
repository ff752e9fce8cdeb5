"""A classifier that answers for many attributes at once: what finds directions of a latent space, and what scores them.

The one that scores should not be the one that found: another architecture, trained on other faces.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd
from keras import layers, ops

from facelib.backend import jit_compile
from facelib.data.batches import check_faces
from facelib.data.faceset import FaceSet
from facelib.models.classifier import TRUNKS, check_trunk
from facelib.models.latent import in_batches
from facelib.training.fitting import face_batches, fit_batches


class AttributeClassifier(keras.Model):
    """uint8 images (n, side, side, 3) of any side → the probability of each attribute (n, attributes).

    Args:
        attributes: their names, columns of the table that it is trained on.
        image_size: pixels a side that images are resized to inside, a multiple of 16.
        architecture: "pooled" or "discriminator", the layers of `Classifier`.
        width: channels of the widest convolution, a multiple of 8.
        seed: of the initial weights.

    Raises:
        ValueError: if an argument is out of range, or a name stands twice.
    """

    def __init__(
        self,
        attributes: Sequence[str],
        image_size: int = 64,
        *,
        architecture: str = "pooled",
        width: int = 64,
        seed: int = 0,
    ):
        super().__init__(name="attribute_classifier")
        if isinstance(attributes, str) or not len(attributes) or len(set(attributes)) < len(attributes):
            raise ValueError(f"attributes must be different names, at least one, got {attributes!r}.")
        check_trunk(image_size, architecture, width)
        self.attributes, self.image_size = tuple(map(str, attributes)), image_size
        self.architecture, self.width = architecture, width
        trunk = TRUNKS[architecture](image_size, width, seed)
        image = keras.Input((None, None, 3), dtype="uint8", name="image")
        x = layers.Rescaling(1 / 127.5, -1, name="scaled")(image)
        x = layers.Resizing(image_size, image_size, antialias=True, name="resized")(x)
        initializer = keras.initializers.GlorotUniform(seed=seed)
        x = layers.Dense(len(attributes), "sigmoid", kernel_initializer=initializer, name="probabilities")(trunk(x))
        self.network = keras.Model(image, x, name="network")
        self.built = True

    @property
    def networks(self) -> dict[str, keras.Model]:
        """What weight files hold."""
        return {"classifier": self.network}

    def get_config(self) -> dict:
        config = {name: getattr(self, name) for name in ("image_size", "architecture", "width")}
        return {"attributes": list(self.attributes), **config}

    def call(self, images, training=False):
        return self.network(images, training=training)

    def compile(self, optimizer="adam", **kwargs):
        """Adam by default; the loss is cross-entropy, in which both answers to each question weigh alike."""
        super().compile(optimizer, weighted_crossentropy, **{"jit_compile": jit_compile(), **kwargs})
        self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        faces: FaceSet | np.ndarray,
        table: pd.DataFrame | None = None,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        seed: int = 0,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **kwargs,
    ):
        """Train on faces and their table of attributes (a FaceSet's own by default); the rest is Keras' own `fit`.

        Raises:
            ValueError: for a table that does not fit, lacks an attribute, holds anything but true and false, or has an
                attribute that all faces or none have.
        """
        has = self._answers(faces, table)
        share = has.mean(axis=0)
        constant = [name for name, part in zip(self.attributes, share, strict=True) if part in (0, 1)]
        if constant:
            raise ValueError(f"all faces or none have {', '.join(constant)}: nothing would teach the difference.")
        weight = np.where(has, 0.5 / share, 0.5 / (1 - share))
        labels = np.concatenate([has, weight], axis=1).astype(np.float32)
        batches = face_batches(self, faces, batch_size, labels=labels, seed=seed, epoch=initial_epoch)
        how = {"epochs": epochs, "initial_epoch": initial_epoch}
        return fit_batches(super().fit, batches, callbacks, **how, **kwargs)

    def probabilities(self, images: np.ndarray | FaceSet) -> np.ndarray:
        """How probably each of the uint8 images has each attribute: float32 (n, attributes) in [0, 1].

        Raises:
            ValueError: for images that are not uint8 (n, side, side, 3).
        """
        return in_batches(lambda batch: self(batch, training=False), check_faces(images))

    def balanced_accuracy(self, faces: FaceSet | np.ndarray, table: pd.DataFrame | None = None) -> dict[str, float]:
        """Attribute → the mean of the shares of faces with it and without it that are told right; chance is 0.5.

        Raises:
            ValueError: for a table that does not fit, lacks an attribute, or holds anything but true and false.
        """
        truth, says = self._answers(faces, table), self.probabilities(faces) > 0.5
        with np.errstate(invalid="ignore"):
            found, refused = (says & truth).sum(0) / truth.sum(0), (~says & ~truth).sum(0) / (~truth).sum(0)
        return dict(zip(self.attributes, ((found + refused) / 2).tolist(), strict=True))

    def _answers(self, faces: FaceSet | np.ndarray, table: pd.DataFrame | None) -> np.ndarray:
        table = getattr(faces, "attributes", None) if table is None else table
        if table is None:
            raise ValueError("table is missing: images need a table of attributes, a column each.")
        missing = sorted(set(self.attributes) - set(table.columns))
        if missing or len(table) != len(faces):
            raise ValueError(
                f"table must have a row for each of the {len(faces)} faces and a column for each attribute, got "
                f"{len(table)} rows" + (f" and no {', '.join(missing)}." if missing else ".")
            )
        answers = table[list(self.attributes)]
        if unclear := [name for name in self.attributes if not answers[name].isin((0, 1)).all()]:
            raise ValueError(
                f"table must say true or false of each face, not so in {', '.join(unclear)}: of probabilities pass "
                "table > 0.5, of 1 and -1 table > 0."
            )
        return answers.to_numpy(bool)


def weighted_crossentropy(answers, probabilities):
    """Mean cross-entropy of (n, attributes); `answers` (n, 2 · attributes) are 0 or 1, then the weight of each."""
    truth, weight = ops.split(ops.cast(answers, probabilities.dtype), 2, axis=-1)
    p = ops.clip(probabilities, 1e-6, 1 - 1e-6)
    return -ops.mean(weight * (truth * ops.log(p) + (1 - truth) * ops.log(1 - p)))
