"""Layers that several models share."""

from __future__ import annotations

from keras import layers, ops


class ToRGB(layers.Conv2D):
    """The last convolution of a generator, many channels to three: Keras' `Conv2D` with stride 1, computed another way.

    A convolution is also the transposed convolution with the mirrored kernel. Weights and results are the same, but
    TensorFlow's CPU code for the gradients of a convolution with so few outputs is slow. Written like this, an update
    of the whole DCGAN takes about a fifth less time there (`benchmarks/training.py`).
    """

    def call(self, inputs):
        mirrored = ops.transpose(ops.flip(self.kernel, axis=(0, 1)), (0, 1, 3, 2))
        outputs = ops.conv_transpose(inputs, mirrored, strides=1, padding="same") + self.bias
        return self.activation(outputs)
