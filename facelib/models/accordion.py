"""Accordion autoencoder of seed 001: a picture is folded and unfolded twice.

At 128×128 pixels and two folds it has 1,635,846 parameters, 1,634,822 of them trainable.
"""

from __future__ import annotations

from functools import reduce
from itertools import accumulate

import keras
import numpy as np
from keras import layers, ops

from facelib.data.faceset import FaceSet, to_float
from facelib.models.autoencoder import Autoencoder
from facelib.models.latent import check_images, drawn, seeded_initializer
from facelib.models.layers import check_upsampling, doubled


def build_fold(
    image_size: int,
    width: int = 128,
    kernel_size: int = 3,
    upsampling: str = "transposed",
    seed: int = 0,
    name: str = "fold",
) -> keras.Model:
    """Image in [-1, 1] → image in [-1, 1], by way of (size/8, size/8, 2·width)."""
    weights = seeded_initializer(seed)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = image  # (128, 128, 3)
    for i, filters in enumerate((width, width, 2 * width), 1):
        x = layers.Conv2D(filters, 3, 2, "same", kernel_initializer=weights(), name=f"conv_{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_relu_{i}")(x)  # (64, 64, 128), (32, 32, 128), (16, 16, 256)
    x = layers.BatchNormalization(name="batch_norm")(x)
    for i, filters in enumerate((width, width // 2, 3), 4):
        x = doubled(x, filters, kernel_size, upsampling, f"deconv_{i}", kernel_initializer=weights())
        # (32, 32, 128), (64, 64, 64), (128, 128, 3)
        x = layers.LeakyReLU(0.2, name=f"leaky_relu_{i}")(x) if i < 6 else layers.Activation("tanh", name="tanh")(x)
    return keras.Model(image, x, name=name)


class Accordion(Autoencoder):
    """Autoencoders in a row, trained as one: each unfolds a whole picture, the next folds it again.

    Only the last picture is compared with the input; what stands between two folds is whatever helps. There is no
    `decode` and no `sample`: the innermost layer is larger than the picture and has no distribution to draw from.

    Args:
        image_size: side of the images in pixels, a multiple of 8.
        folds: how often the picture is folded and unfolded; 2 in the seed.
        width: channels of the first convolution; 128 in the seed, less for a quick look.
        kernel_size: side of the kernels on the way up; 3 in the seed. With 4, which the stride divides, every pixel is
            written equally often.
        upsampling: "transposed" convolutions of stride 2 as in the seed, or pictures "resized" by repeating each pixel
            before convolutions of stride 1: as many weights, all of them shared by all pixels (Odena et al. 2016).
        seed: of the initial weights.

    Raises:
        ValueError: if image_size is no multiple of 8, or another argument is out of range.
    """

    def __init__(
        self,
        image_size: int = 128,
        *,
        folds: int = 2,
        width: int = 128,
        kernel_size: int = 3,
        upsampling: str = "transposed",
        seed: int = 0,
    ):
        super().__init__(name="accordion")
        if image_size < 8 or image_size % 8:
            raise ValueError(f"image_size must be a positive multiple of 8 (three halvings), got {image_size}.")
        if folds < 1:
            raise ValueError(f"folds must be at least 1, got {folds}.")
        if width < 2 or width % 2:
            raise ValueError(f"width must be positive and even, got {width}.")
        if kernel_size < 2:
            raise ValueError(f"kernel_size must be at least 2 (the stride), got {kernel_size}.")
        self.image_size, self.width, self.kernel_size = image_size, width, kernel_size
        self.upsampling = check_upsampling(upsampling)
        self.folds = [
            build_fold(image_size, width, kernel_size, upsampling, seed=seed + i, name=f"fold_{i + 1}")
            for i in range(folds)
        ]
        self.built = True

    @property
    def networks(self) -> dict[str, keras.Model]:
        """What weight files hold."""
        return {fold.name: fold for fold in self.folds}

    def get_config(self) -> dict:
        return {
            "image_size": self.image_size,
            "folds": len(self.folds),
            "width": self.width,
            "kernel_size": self.kernel_size,
            "upsampling": self.upsampling,
        }

    def call(self, images, training=False):
        """Images (n, size, size, 3) in [-1, 1] → the same after the last fold."""
        return reduce(lambda picture, fold: fold(picture, training=training), self.folds, images)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(x - y_pred))

    def reconstruct(self, images: np.ndarray | FaceSet) -> np.ndarray:
        """Faces through all folds: uint8 in, uint8 out."""
        return self.unfold(images)[-1]

    def unfold(self, images: np.ndarray | FaceSet) -> list[np.ndarray]:
        """The picture after each fold, uint8 (n, size, size, 3) each. Only the last was trained to look like a face."""

        def folded(batch):
            pictures = accumulate(self.folds, lambda x, fold: fold(x, training=False), initial=to_float(batch))
            return ops.stack(list(pictures)[1:], axis=1)

        pictures = drawn(folded, check_images(images, self.image_size))
        return [np.ascontiguousarray(pictures[:, i]) for i in range(len(self.folds))]
