"""The few lines that differ between Keras' backends."""

from __future__ import annotations

import keras


def jit_compile() -> bool | str:
    """Whether `model.compile` should ask for XLA: not for TensorFlow on a CPU, where it makes training slower."""
    if keras.backend.backend() != "tensorflow":
        return "auto"
    import tensorflow as tf

    return "auto" if tf.config.list_physical_devices("GPU") else False
