"""Conditional DCGAN (Mirza & Osindero 2014; seed 002): both players are told the class, as one more channel.

A label becomes 16 learnt numbers (`Embedding`), a dense layer makes a map of them, and the map lies on top of the
others: beside the picture in the discriminator, beside the 128 maps that the generator starts from. At 64×64 pixels and
four classes the generator has 1,267,923 parameters, the discriminator 1,723,585 (the seed prints no table; with its
layers, and chapter 03's kernels, that is our reading).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from facelib.data.faceset import FaceSet, to_float
from facelib.data.labels import Labels
from facelib.models.classes import check_classes, check_labels, columns, combinations, inputs_of
from facelib.models.dcgan import (
    DCGAN,
    to_features,
    to_heads,
    to_image,
    to_light_features,
    to_light_image,
    to_light_map,
    to_map,
)
from facelib.models.latent import check_images, check_z, drawn, in_batches, seeded_initializer

EMBEDDING = 16  # numbers a class


def label_map(label, classes: int, side: int, seed: int, name: str) -> keras.KerasTensor:
    """A label, int32 (), → (side, side, 1).

    First weights are such that the map varies by about 1, as pixels do. Keras' usual ones would start it some 35 times
    (generator) to 390 times (discriminator) lower.
    """
    start = keras.initializers.RandomNormal(0, 1, seed=seed)
    x = layers.Embedding(classes, EMBEDDING, embeddings_initializer=start, name=f"{name}_embedding")(label)  # (16,)
    start = keras.initializers.LecunNormal(seed=seed + 1)
    x = layers.Dense(side * side, kernel_initializer=start, name=f"{name}_dense")(x)  # (4096,)
    return layers.Reshape((side, side, 1), name=f"{name}_map")(x)  # (64, 64, 1)


def with_labels(
    x, labels: dict[str, keras.KerasTensor], classes: int | tuple[int, ...], seed: int
) -> keras.KerasTensor:
    """A map on top of the others for each label: (side, side, channels) → (side, side, channels + labels)."""
    counts, side = np.atleast_1d(classes).tolist(), x.shape[1]
    maps = [
        label_map(label, counts[i], side, 1000 * seed + 100 + 2 * i, name)
        for i, (name, label) in enumerate(labels.items())
    ]
    return layers.Concatenate(name="with_labels")([x, *maps])


class Conditional(DCGAN):
    """What all models have whose generator is told a class; the discriminator is still an unconditional DCGAN's.

    Labels are int (n,) in [0, classes), or (n, inputs) where `classes` names several inputs; one class for all
    pictures may be given as a single number.

    Args:
        image_size, latent_dim: as of `DCGAN`.
        classes: how many, at least 2; or a number for each input, as `facelib.data.labels.independent` makes them:
            each input then has an embedding and a channel of its own.
        **kwargs: as of `DCGAN`.

    Raises:
        ValueError: if an argument is out of range.
    """

    conditional = True

    def __init__(self, image_size: int = 64, latent_dim: int = 100, classes: int | Sequence[int] = 4, **kwargs):
        self.classes = check_classes(classes)
        super().__init__(image_size, latent_dim, **kwargs)

    def _build_generator(self, seed: int) -> keras.Model:
        of_map, of_image = (to_light_map, to_light_image) if self.light else (to_map, to_image)
        weights = seeded_initializer(seed)
        z, labels = keras.Input((self.latent_dim,), name="z"), inputs_of(self.classes)
        x = of_map(z, self.image_size // 16, self.width, weights)
        x = with_labels(x, labels, self.classes, seed)  # (4, 4, 129)
        x = of_image(x, self.width, self.kernel_size, self.upsampling, weights, self.initializer)
        return keras.Model([z, *labels.values()], x, name="generator")

    def get_config(self) -> dict:
        classes = self.classes if isinstance(self.classes, int) else list(self.classes)  # JSON knows no tuples
        return {**super().get_config(), "classes": classes}

    # The two players.

    def draw(self, n, labels=None):
        """z of the prior, and the labels of the real images in the batch.

        So a class is as frequent among generated images as among real ones: how frequent it is gives nobody away.
        """
        return super().draw(n)[0], labels

    def generate(self, z, labels):
        return self.generator([z, *columns(labels)], training=True)

    def call(self, inputs, training=False):
        """(z, labels) → images (n, size, size, 3) in [-1, 1]."""
        z, labels = inputs
        return self.sampler([z, *columns(labels)], training=training)

    def render(self, z, labels=None):
        """z (n, latent_dim), labels → images in [-1, 1]: `decode` as tensors, for gradients to go through."""
        return self.call((z, labels))

    def fit(self, faces: FaceSet | np.ndarray, labels: np.ndarray | Labels | None = None, **kwargs):
        """Train on faces and a label each; the rest as of `DCGAN.fit`.

        Raises:
            ValueError: before training starts, for labels that are missing, too few or many, no whole numbers or out of
                range, and for a class without a face; otherwise as of `DCGAN.fit`.
        """
        return super().fit(faces, check_labels(labels, len(faces), self.classes, every=True), **kwargs)

    # What it is for.

    def decode(self, z: np.ndarray, labels=None) -> np.ndarray:
        """z, float (n, latent_dim), and labels → uint8 images (n, size, size, 3)."""
        z = check_z(z, self.latent_dim)
        labels = check_labels(labels, len(z), self.classes)
        return drawn(lambda *batch: self.call(batch), z, labels)

    def sample_grid(self, columns: int = 8, seed: int = 0, labels=None) -> np.ndarray:
        """A class a row, all from the same z: uint8 (rows, columns, size, size, 3).

        What changes down a column is the label alone. By default there is a row for every class, or for every
        combination of classes, whether the model was trained on it or not; a single class makes one row.
        """
        z = self.latent(columns, seed)
        classes = combinations(self.classes) if labels is None else labels
        classes = np.asarray(classes.values if isinstance(classes, Labels) else classes)
        classes = classes[None] if classes.ndim == np.ndim(self.classes) else classes
        classes = check_labels(classes, len(classes), self.classes)
        pictures = self.decode(np.tile(z, (len(classes), 1)), np.repeat(classes, columns, axis=0))
        return pictures.reshape(len(classes), columns, *pictures.shape[1:])


class ConditionalDCGAN(Conditional):
    """A DCGAN that draws what it is asked for: its discriminator is given the label, and compares.

    Args and labels as of `Conditional`.
    """

    compares_labels = True

    def _build_discriminator(self, seed: int) -> keras.Model:
        of_features, weights = to_light_features if self.light else to_features, seeded_initializer(seed)
        size = self.image_size
        image, labels = keras.Input((size, size, 3), name="image"), inputs_of(self.classes)
        x = with_labels(image, labels, self.classes, seed)  # (64, 64, 4)
        x = of_features(x, self.width, self.dropout, weights, seed)
        return keras.Model([image, *labels.values()], to_heads(x, self.heads, weights), name="discriminator")

    def wrong(self, labels):
        """For each label another one, all others being equally likely; of several inputs, one is changed.

        (Other images' labels would be as frequent as the right ones, but rare classes would hardly ever be mixed up.)
        """
        counts = ops.reshape(ops.convert_to_tensor(self.classes, "int32"), (1, -1))
        rows = ops.reshape(labels, (ops.shape(labels)[0], -1))
        n, inputs = ops.shape(rows)[0], counts.shape[1]
        changed = ops.one_hot(keras.random.randint((n,), 0, inputs, seed=self.noise), inputs, dtype="int32")
        shift = keras.random.uniform((n, 1), seed=self.noise) * ops.cast(counts - 1, "float32")
        shift = 1 + ops.minimum(ops.cast(shift, "int32"), counts - 2)
        return ops.reshape((rows + changed * shift) % counts, ops.shape(labels))

    def discriminate(self, images, labels, training=True):
        return self.discriminator([images, *columns(labels)], training=training)

    def judge(self, images: np.ndarray | FaceSet, labels=None) -> np.ndarray:
        """The discriminator's logits of uint8 images (n, size, size, 3) as pictures of these classes: float32 (n,)."""
        images = check_images(images, self.image_size)
        labels = check_labels(labels, len(images), self.classes)
        return in_batches(lambda i, c: self.discriminate(to_float(i), c, training=False), images, labels)[:, 0]
