"""What models need around their networks: z, checks, batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from facelib.data.faceset import FaceSet, to_uint8


def seeded_initializer(seed: int) -> Callable[..., keras.initializers.Initializer]:
    """Keras' usual first weights, another draw at each call, equal for equal seeds and no global state touched.

    A call may ask for others: arguments of Keras' `VarianceScaling`.
    """
    seeds, usual = itertools.count(1000 * seed), {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"}
    return lambda **scaling: keras.initializers.VarianceScaling(**{**usual, **scaling}, seed=next(seeds))


def standard_normal(n: int, latent_dim: int, seed: int) -> np.ndarray:
    """z ~ N(0, I), float32 (n, latent_dim). Models of equal `latent_dim` get the same z from the same seed."""
    _check_count(n)
    return np.random.default_rng(seed).standard_normal((n, latent_dim), dtype=np.float32)


def uniform(n: int, latent_dim: int, seed: int) -> np.ndarray:
    """z from the cube [-1, 1]^latent_dim, float32 (n, latent_dim)."""
    _check_count(n)
    return 2 * np.random.default_rng(seed).random((n, latent_dim), dtype=np.float32) - 1


def _check_count(n: int) -> None:
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}.")


def check_sizes(image_size: int, latent_dim: int) -> None:
    """Raise a ValueError unless a network can halve images four times and has a z."""
    if image_size < 16 or image_size % 16:
        raise ValueError(f"image_size must be a positive multiple of 16 (four halvings), got {image_size}.")
    if latent_dim < 1:
        raise ValueError(f"latent_dim must be at least 1, got {latent_dim}.")


def check_z(z: np.ndarray, latent_dim: int, labels=None) -> np.ndarray:
    """z as float32 (n, latent_dim), or a ValueError that says what came. A model without classes takes no labels."""
    if labels is not None:
        raise ValueError("labels were given, but this model is not conditional: leave them out.")
    z = np.asarray(z, np.float32)
    if z.ndim != 2 or z.shape[1] != latent_dim:
        raise ValueError(f"z must have shape (n, {latent_dim}), got {z.shape}; for one face use z[None].")
    return z


def check_images(images: np.ndarray | FaceSet, image_size: int) -> np.ndarray:
    """uint8 images (n, image_size, image_size, 3), or a ValueError that says what came."""
    images = images.images if isinstance(images, FaceSet) else np.asarray(images)
    if images.dtype != np.uint8 or images.shape[1:] != (image_size, image_size, 3):
        raise ValueError(
            f"images must be uint8 of shape (n, {image_size}, {image_size}, 3), got {images.dtype} of shape "
            f"{images.shape}; load them with size={image_size}."
        )
    return images


def in_batches(network: Callable, *inputs: np.ndarray, batch_size: int = 128) -> np.ndarray:
    """Apply a network to any number of rows in bounded memory."""
    # One empty batch for no rows, so that the result has its shape all the same.
    starts = range(0, max(len(inputs[0]), 1), batch_size)
    batches = ([rows[start : start + batch_size] for rows in inputs] for start in starts)
    return np.concatenate([ops.convert_to_numpy(network(*batch)) for batch in batches])


def drawn(network: Callable, *inputs: np.ndarray) -> np.ndarray:
    """Apply a network that draws images in [-1, 1] to any number of rows: uint8, as float32 no more than a batch."""
    return in_batches(lambda *batch: to_uint8(ops.convert_to_numpy(network(*batch))), *inputs)
