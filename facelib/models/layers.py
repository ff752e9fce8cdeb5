"""Layers that several models share."""

from __future__ import annotations

import keras
from keras import layers, ops

UPSAMPLING = ("transposed", "resized")
INITIALIZERS = ("glorot", "he")


def doubled(x, filters: int, kernel_size: int, upsampling: str, name: str, **kwargs) -> keras.KerasTensor:
    """A convolution that doubles the side of its input.

    "transposed": a transposed convolution of stride 2. "resized": each pixel is repeated, then a convolution of stride
    1 follows, with as many weights, all of them shared by all pixels (Odena et al. 2016).
    """
    if upsampling == "resized":
        x = layers.UpSampling2D(2, name=f"resize_{name}")(x)
        return layers.Conv2D(filters, kernel_size, 1, "same", name=name, **kwargs)(x)
    return layers.Conv2DTranspose(filters, kernel_size, 2, "same", name=name, **kwargs)(x)


def first_weights(initializer: str, upsampling: str) -> dict:
    """How to scale the first weights of `doubled` between rectifiers, as arguments of Keras' `VarianceScaling`.

    "glorot": Keras' usual. "he": so that what varies at the input varies as much at the output (He et al. 2015). With
    stride 2 only a quarter of a transposed kernel meets each pixel, and Keras stores it with its sides exchanged.
    """
    if initializer == "glorot":
        return {}
    return {"scale": 8.0, "mode": "fan_out"} if upsampling == "transposed" else {"scale": 2.0, "mode": "fan_in"}


def check_initializer(initializer: str) -> str:
    """Raises ValueError for unknown first weights."""
    if initializer not in INITIALIZERS:
        raise ValueError(f"initializer must be one of {INITIALIZERS}, got {initializer!r}.")
    return initializer


def check_upsampling(upsampling: str) -> str:
    """Raises ValueError for an unknown way."""
    if upsampling not in UPSAMPLING:
        raise ValueError(f"upsampling must be one of {UPSAMPLING}, got {upsampling!r}.")
    return upsampling


class ToRGB(layers.Conv2D):
    """The last convolution of a generator, many channels to three: Keras' `Conv2D` with stride 1, computed another way.

    A convolution is also the transposed convolution with the mirrored kernel. Weights and results are the same, but
    TensorFlow's CPU code for the gradients of a convolution with so few outputs is slow. Written like this, an update
    of the whole DCGAN takes about a fifth less time there (`benchmarks/training.py`).
    """

    def call(self, inputs):
        # One axis at a time: Keras 3.13, which Colab has, takes no two on TensorFlow.
        mirrored = ops.transpose(ops.flip(ops.flip(self.kernel, axis=0), axis=1), (0, 1, 3, 2))
        outputs = ops.conv_transpose(inputs, mirrored, strides=1, padding="same") + self.bias
        return self.activation(outputs)


class ReflectionPadding(layers.Layer):
    """Put `margin` pixels around an image that mirror what lies inside: zeros there would be seen in the result."""

    def __init__(self, margin: int, **kwargs):
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, inputs):
        around = (self.margin, self.margin)
        return ops.pad(inputs, ((0, 0), around, around, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        n, height, width, channels = input_shape
        return n, height + 2 * self.margin, width + 2 * self.margin, channels

    def get_config(self) -> dict:
        return {**super().get_config(), "margin": self.margin}
