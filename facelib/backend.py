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


def data_parallel() -> None:
    """Let models that are built from now on train on all devices, each with its share of every batch.

    Raises:
        ValueError: unless the backend is JAX, whose distribution Keras supports.
    """
    if keras.backend.backend() != "jax":
        raise ValueError("training on several devices needs KERAS_BACKEND=jax.")
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=keras.distribution.list_devices()))


def share(tensors):
    """Spread new tensors of a batch, one or several or None, by their first axis over devices that share batches."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return tensors

    def spread(tensor):
        if tensor is None:
            return None
        return keras.distribution.distribute_tensor(tensor, distribution.get_data_layout(tensor.shape))

    return keras.tree.map_structure(spread, tensors)


def compute_in(network: keras.Model, mixed_precision: bool | str) -> None:
    """Let a network compute in bfloat16, all but the layers of its outputs, or in float32 again. Weights stay float32.

    Args:
        network: a functional model.
        mixed_precision: True, False, or "auto": where a GPU has units for bfloat16 (NVIDIA's from Ampere on).

    Raises:
        ValueError: for another value.
    """
    if mixed_precision not in (True, False, "auto"):
        raise ValueError(f'mixed_precision must be True, False or "auto", got {mixed_precision!r}.')
    wanted = _has_bfloat16() if mixed_precision == "auto" else mixed_precision
    for layer in network.layers:
        layer.dtype_policy = "mixed_bfloat16" if wanted and layer.name not in network.output_names else "float32"


def _has_bfloat16() -> bool:
    backend = keras.backend.backend()
    if _gpu() is None:
        return False
    if backend == "tensorflow":
        import tensorflow as tf

        gpu = tf.config.list_physical_devices("GPU")[0]
        return tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) >= (8, 0)
    import jax

    try:
        return float(getattr(jax.devices()[0], "compute_capability", 0)) >= 8.0
    except ValueError:  # AMD's are names
        return False


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
