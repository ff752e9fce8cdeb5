"""A history of generated pictures (Shrivastava et al. 2017), so that a discriminator does not forget old tricks."""

from __future__ import annotations

import keras
from keras import ops, random


class ImageBuffer:
    """Hands each new picture to the discriminator or, by a coin, an earlier one whose place the new one takes.

    Until it is full, new pictures are stored and handed on. It works inside a compiled step under each backend, and
    its `variables` are part of a checkpoint.

    Args:
        size: pictures it holds; 50 in CycleGAN. 0 hands every picture on.
        shape: of a picture, (height, width, channels).
        seed: a `SeedGenerator`, from which every call draws.

    Raises:
        ValueError: if size is negative.
    """

    def __init__(self, size: int, shape: tuple[int, int, int], seed: keras.random.SeedGenerator):
        if size < 0:
            raise ValueError(f"buffer must be at least 0 pictures, got {size}; 0 switches it off.")
        self.size, self.seed = size, seed
        self.images = keras.Variable(ops.zeros((size, *shape)), trainable=False, name="images")
        self.count = keras.Variable(0, dtype="int32", trainable=False, name="count")

    @property
    def variables(self) -> list[keras.Variable]:
        return [self.images, self.count] if self.size else []

    def __call__(self, images):
        """New pictures (n, *shape) → as many, new or old. n must not be more than the size."""
        if not self.size:
            return images
        n = ops.shape(images)[0]
        filling = self.count < self.size
        # Different places for all pictures of a batch.
        anywhere = random.shuffle(ops.arange(self.size), seed=self.seed)[:n]
        places = ops.where(filling, (self.count + ops.arange(n)) % self.size, anywhere)
        old = ops.logical_and(random.uniform((n, 1, 1, 1), seed=self.seed) < 0.5, ops.logical_not(filling))
        stored = ops.take(self.images, places, axis=0)
        keep = ops.logical_or(old, filling)
        self.images.assign(ops.scatter_update(self.images, places[:, None], ops.where(keep, images, stored)))
        self.count.assign(ops.minimum(self.count + n, self.size))
        return ops.where(old, stored, images)
