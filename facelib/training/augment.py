"""DiffAugment (Zhao et al. 2020): the discriminator sees every image, real or fake, changed at random.

It can no longer learn a small data set by heart. The changes are differentiable, so the generator learns through them,
and as real faces are changed in the same way, the changes themselves do not leak into what is generated.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops, random


def brightness(images, seed):
    """Add up to ±0.5 to all of an image."""
    return images + random.uniform((ops.shape(images)[0], 1, 1, 1), -0.5, 0.5, seed=seed)


def saturation(images, seed):
    """Stretch each pixel's distance to its own grey by 0 to 2."""
    grey = ops.mean(images, axis=3, keepdims=True)
    return grey + (images - grey) * random.uniform((ops.shape(images)[0], 1, 1, 1), 0.0, 2.0, seed=seed)


def contrast(images, seed):
    """Stretch each pixel's distance to the image's mean by 0.5 to 1.5."""
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (images - mean) * random.uniform((ops.shape(images)[0], 1, 1, 1), 0.5, 1.5, seed=seed)


def color(images, seed):
    """The three above, one after the other."""
    return contrast(saturation(brightness(images, seed), seed), seed)


def flip(images, seed):
    """Mirror an image or not, by a coin."""
    mirrored = random.uniform((ops.shape(images)[0], 1, 1, 1), seed=seed) < 0.5
    return ops.where(mirrored, ops.flip(images, axis=2), images)


def translation(images, seed):
    """Move by up to an eighth of the side, up or down and left or right; what comes in is 0, a middle grey."""
    n, size = ops.shape(images)[0], images.shape[1]
    most = size // 8
    shifts = random.randint((n, 2), -most, most + 1, seed=seed)
    # One matrix of zeros and ones an axis: row i takes pixel i + shift, or none. Its gradient is its transpose.
    pixels = ops.arange(size)
    moved = ops.one_hot(pixels[None, None] + shifts[..., None] + most, size + 2 * most)[..., most:-most]
    return ops.einsum("nij,njkc,nlk->nilc", moved[:, 0], images, moved[:, 1])


def cutout(images, seed):
    """Cover a square of half the side, anywhere, with 0."""
    n, size = ops.shape(images)[0], images.shape[1]
    center = random.randint((n, 2), 0, size + 1, seed=seed)
    covered = ops.abs(2 * (ops.arange(size)[None, None] - center[..., None]) + 1) < size // 2
    hole = ops.logical_and(covered[:, 0, :, None], covered[:, 1, None, :])
    return ops.where(hole[..., None], 0.0, images)


POLICIES = {"flip": flip, "color": color, "translation": translation, "cutout": cutout}


class DiffAugment:
    """The named changes, one after the other: images (n, size, size, 3) in [-1, 1] → the same shape.

    Args:
        names: of `POLICIES`; none leaves images as they are.
        seed: a `SeedGenerator`, from which every call draws other changes.

    Raises:
        ValueError: for an unknown name.
    """

    def __init__(self, names: Sequence[str], seed: keras.random.SeedGenerator):
        if isinstance(names, str) or set(names) - set(POLICIES):
            raise ValueError(f"augment must be a sequence of names among {tuple(POLICIES)}, got {names!r}.")
        self.names, self.seed = tuple(names), seed

    def __call__(self, images):
        for name in self.names:
            images = POLICIES[name](images, self.seed)
        return images
