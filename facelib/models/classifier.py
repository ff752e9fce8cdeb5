"""A classifier of faces, which judges what generators draw."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from facelib.backend import jit_compile
from facelib.data.faceset import FaceSet
from facelib.data.labels import Labels
from facelib.models.classes import check_classes, check_labels
from facelib.models.dcgan import build_light_discriminator
from facelib.models.latent import check_images, in_batches, seeded_initializer
from facelib.training.fitting import face_batches, fit_batches


class Classifier(keras.Model):
    """uint8 images (n, size, size, 3) → probabilities (n, classes).

    Args:
        image_size: side of the images in pixels, a multiple of 16.
        classes: how many, at least 2.
        architecture: "pooled", 3×3 convolutions, BatchNorm and pooling, which is unlike any discriminator here: a
            generator has learnt to please those. Or "discriminator" for the light discriminator's layers with softmax
            in place of "real or not", as in seed 002.
        width: channels of the widest convolution, a multiple of 8.
        seed: of the initial weights.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(self, image_size: int, classes: int, *, architecture: str = "pooled", width: int = 64, seed: int = 0):
        super().__init__(name="classifier")
        classes = check_classes(classes)
        if not isinstance(classes, int):
            raise ValueError(f"classes must be one whole number, got {classes!r}: a classifier has one output.")
        check_trunk(image_size, architecture, width)
        self.image_size, self.classes, self.architecture, self.width = image_size, classes, architecture, width
        trunk = TRUNKS[architecture](image_size, width, seed)
        image = keras.Input((image_size, image_size, 3), dtype="uint8", name="image")
        x = trunk(layers.Rescaling(1 / 127.5, -1, name="scaled")(image))
        initializer = keras.initializers.GlorotUniform(seed=seed)
        x = layers.Dense(classes, "softmax", kernel_initializer=initializer, name="probabilities")(x)
        self.network = keras.Model(image, x, name="network")
        self.built = True

    @property
    def networks(self) -> dict[str, keras.Model]:
        """What weight files hold."""
        return {"classifier": self.network}

    def get_config(self) -> dict:
        return {name: getattr(self, name) for name in ("image_size", "classes", "architecture", "width")}

    def call(self, images, training=False):
        return self.network(images, training=training)

    def fit(
        self,
        faces: FaceSet | np.ndarray,
        labels: np.ndarray | Labels,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        seed: int = 0,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **kwargs,
    ):
        """Train on faces and a label each, rare classes weighing as much as common ones; the rest is Keras' own `fit`.

        Raises:
            ValueError: for faces or labels that do not fit, or a class without a face.
        """
        labels = check_labels(labels, len(faces), self.classes, every=True)
        how = {"labels": labels, "seed": seed, "image_size": self.image_size, "epoch": initial_epoch}
        batches = face_batches(self, faces, batch_size, **how)
        weights = dict(enumerate(balanced(labels, self.classes)))
        how = {"epochs": epochs, "initial_epoch": initial_epoch, "class_weight": weights}
        return fit_batches(super().fit, batches, callbacks, **how, **kwargs)

    def compile(self, optimizer="adam", **kwargs):
        """Adam by default; the loss is cross-entropy."""
        super().compile(optimizer, "sparse_categorical_crossentropy", **{"jit_compile": jit_compile(), **kwargs})
        self.optimizer.build(self.trainable_variables)

    def classify(self, images: np.ndarray | FaceSet) -> np.ndarray:
        """The most probable class of each of the uint8 images: int (n,)."""
        images = check_images(images, self.image_size)
        return in_batches(lambda batch: self(batch, training=False), images).argmax(axis=1)


def balanced(labels: np.ndarray, classes: int) -> np.ndarray:
    """A weight a class: the fewer faces it has, the higher; 1 on average over the faces."""
    return len(labels) / classes / np.bincount(labels, minlength=classes)


def _discriminator(image_size: int, width: int, seed: int) -> keras.Model:
    """The light discriminator up to its last layer."""
    network = build_light_discriminator(image_size, width, seed=seed)
    return keras.Model(network.input, network.get_layer("dropout").output, name="trunk")


def _pooled(image_size: int, width: int, seed: int) -> keras.Model:
    weights = seeded_initializer(seed)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = image  # (64, 64, 3)
    for i, filters in enumerate((width // 4, width // 2, width, width)):
        # The first one strides: pooling pictures of full size would cost more than all the rest.
        size, stride = (3, 1) if i else (5, 2)
        x = layers.Conv2D(
            filters, size, stride, "same", use_bias=False, kernel_initializer=weights(), name=f"conv_{i}"
        )(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"batch_norm_{i}")(x)
        x = layers.ReLU(name=f"relu_{i}")(x)
        if i:
            x = layers.MaxPooling2D(2, name=f"pool_{i}")(x)  # (32, 32, 16), (16, 16, 32), (8, 8, 64), (4, 4, 64)
    x = layers.Flatten(name="flatten")(x)  # (1024,)
    x = layers.Dropout(0.4, seed=seed, name="dropout")(x)
    return keras.Model(image, x, name="trunk")


TRUNKS = {"discriminator": _discriminator, "pooled": _pooled}


def check_trunk(image_size: int, architecture: str, width: int) -> None:
    """Raise a ValueError for numbers that the trunks are not made for."""
    if image_size < 16 or image_size % 16:
        raise ValueError(f"image_size must be a positive multiple of 16, got {image_size}.")
    if architecture not in TRUNKS:
        raise ValueError(f"architecture must be one of {tuple(TRUNKS)}, got {architecture!r}.")
    if width < 8 or width % 8:
        raise ValueError(f"width must be a positive multiple of 8, got {width}.")
