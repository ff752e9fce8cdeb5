"""The few lines that differ between Keras' backends."""

from __future__ import annotations

import os
import platform

import keras


def jit_compile() -> bool | str:
    """Whether `model.compile` should ask for XLA: not for TensorFlow on a CPU, where it makes training slower."""
    return False if keras.backend.backend() == "tensorflow" and _gpu() is None else "auto"


def device() -> str:
    """The device that computes, in words."""
    return _gpu() or f"CPU ({platform.machine()}, {os.cpu_count()} cores)"


def _gpu() -> str | None:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else None
    if backend == "jax":
        import jax

        first = jax.devices()[0]
        return None if first.platform == "cpu" else first.device_kind
    return None
