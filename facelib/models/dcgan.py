"""Deep convolutional GAN (Radford et al. 2015) on faces, with the layers of seed 000, or light ones.

At 80×80 pixels and 100 latent values the seed's generator has 1,381,891 parameters, its discriminator 1,651,841. Most
of their work is done at full size; the light networks work where pictures are small, and train on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import layers

from facelib.data.faceset import FaceSet, to_float
from facelib.models.latent import (
    check_images,
    check_sizes,
    check_z,
    drawn,
    in_batches,
    seeded_initializer,
    standard_normal,
    uniform,
)
from facelib.models.layers import ToRGB, check_initializer, check_upsampling, doubled, first_weights
from facelib.training.adversarial import Adversarial

SLOPE = 0.2  # of LeakyReLU below zero
PRIORS = {"normal": standard_normal, "uniform": uniform}
VERDICT = {"logit": 1}  # what a discriminator gives: above 0 for "real"
Initializers = Callable[..., keras.initializers.Initializer]  # another one at each call


def build_generator(
    image_size: int,
    latent_dim: int,
    width: int = 128,
    kernel_size: int = 4,
    upsampling: str = "transposed",
    seed: int = 0,
    initializer: str = "glorot",
) -> keras.Model:
    """z → image in [-1, 1]."""
    weights = seeded_initializer(seed)
    z = keras.Input((latent_dim,), name="z")
    x = to_map(z, image_size // 16, width, weights)  # (5, 5, 128)
    x = to_image(x, width, kernel_size, upsampling, weights, initializer)
    return keras.Model(z, x, name="generator")


def build_discriminator(
    image_size: int, width: int = 128, dropout: float = 0.4, seed: int = 0, heads: Mapping[str, int] = VERDICT
) -> keras.Model:
    """Image in [-1, 1] → a dense layer a head, by its name and how many numbers it gives."""
    weights = seeded_initializer(seed)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = to_features(image, width, dropout, weights, seed)
    return keras.Model(image, to_heads(x, heads, weights), name="discriminator")


def build_light_generator(
    image_size: int,
    latent_dim: int,
    width: int = 256,
    kernel_size: int = 4,
    upsampling: str = "transposed",
    seed: int = 0,
    initializer: str = "glorot",
) -> keras.Model:
    """z → image in [-1, 1], by Radford's rule: half the channels wherever the side doubles, BatchNorm in between."""
    weights = seeded_initializer(seed)
    z = keras.Input((latent_dim,), name="z")
    x = to_light_map(z, image_size // 16, width, weights)  # (5, 5, 256)
    x = to_light_image(x, width, kernel_size, upsampling, weights, initializer)
    return keras.Model(z, x, name="generator")


def build_light_discriminator(
    image_size: int, width: int = 256, dropout: float = 0.4, seed: int = 0, heads: Mapping[str, int] = VERDICT
) -> keras.Model:
    """Image in [-1, 1] → heads: the light generator backwards, without BatchNorm."""
    weights = seeded_initializer(seed)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = to_light_features(image, width, dropout, weights, seed)
    return keras.Model(image, to_heads(x, heads, weights), name="discriminator")


# The parts of these networks, for those who put something between them. Shapes are those at 80 pixels.


def to_map(z, side: int, width: int, weights: Initializers) -> keras.KerasTensor:
    """(100,) → (5, 5, 128)."""
    x = layers.Dense(side * side * width, kernel_initializer=weights(), name="dense")(z)  # (3200,)
    x = layers.LeakyReLU(SLOPE, name="leaky_relu_0")(x)
    return layers.Reshape((side, side, width), name="reshape")(x)


def to_image(
    x, width: int, kernel_size: int, upsampling: str, weights: Initializers, initializer: str = "glorot"
) -> keras.KerasTensor:
    """(5, 5, 128) → (80, 80, 3)."""
    scaling = first_weights(initializer, upsampling)
    for i in range(1, 5):
        x = doubled(x, width, kernel_size, upsampling, f"deconv_{i}", kernel_initializer=weights(**scaling))
        x = layers.LeakyReLU(SLOPE, name=f"leaky_relu_{i}")(x)  # (10, 10, 128), (20, ...), (40, ...), (80, 80, 128)
    return ToRGB(3, 5, 1, "same", activation="tanh", kernel_initializer=weights(), name="to_rgb")(x)


def to_features(x, width: int, dropout: float, weights: Initializers, seed: int) -> keras.KerasTensor:
    """(80, 80, 3) → (3200,)."""
    for i, stride in enumerate((1, 2, 2, 2, 2)):
        x = layers.Conv2D(width, 5, stride, "same", kernel_initializer=weights(), name=f"conv_{i}")(x)
        x = layers.LeakyReLU(SLOPE, name=f"leaky_relu_{i}")(x)  # (80, 80, 128), (40, ...), (20, ...), ... (5, 5, 128)
    return _flat(x, dropout, seed)


def to_light_map(z, side: int, width: int, weights: Initializers) -> keras.KerasTensor:
    """(100,) → (5, 5, 256)."""
    x = layers.Dense(side * side * width, use_bias=False, kernel_initializer=weights(), name="dense")(z)
    return _normalized(layers.Reshape((side, side, width), name="reshape")(x), 1)


def to_light_image(
    x, width: int, kernel_size: int, upsampling: str, weights: Initializers, initializer: str = "glorot"
) -> keras.KerasTensor:
    """(5, 5, 256) → (80, 80, 3)."""
    like, scaling = {"use_bias": False}, first_weights(initializer, upsampling)
    for i in range(1, 4):
        start = weights(**scaling)
        x = doubled(x, width // 2**i, kernel_size, upsampling, f"deconv_{i}", **like, kernel_initializer=start)
        x = _normalized(x, i + 1)  # (10, 10, 128), (20, 20, 64), (40, 40, 32)
    x = doubled(x, 3, kernel_size, upsampling, "to_rgb", kernel_initializer=weights())  # (80, 80, 3)
    return layers.Activation("tanh", name="tanh")(x)


def _normalized(x, i: int) -> keras.KerasTensor:
    x = layers.BatchNormalization(momentum=0.9, name=f"batch_norm_{i}")(x)
    return layers.ReLU(name=f"relu_{i}")(x)


def to_light_features(x, width: int, dropout: float, weights: Initializers, seed: int) -> keras.KerasTensor:
    """(80, 80, 3) → (6400,)."""
    for i in range(4):
        filters = width // 2 ** (3 - i)
        x = layers.Conv2D(filters, 4, 2, "same", kernel_initializer=weights(), name=f"conv_{i}")(x)
        x = layers.LeakyReLU(SLOPE, name=f"leaky_relu_{i}")(x)  # (40, 40, 32), (20, 20, 64), (10, ...), (5, 5, 256)
    return _flat(x, dropout, seed)


def _flat(x, dropout: float, seed: int) -> keras.KerasTensor:
    x = layers.Flatten(name="flatten")(x)
    return layers.Dropout(dropout, seed=seed, name="dropout")(x)


def to_heads(x, heads: Mapping[str, int], weights: Initializers):
    """(3200,) → (n,) for each head; a list where there are several."""
    made = [layers.Dense(n, kernel_initializer=weights(), name=name)(x) for name, n in heads.items()]
    return made if len(made) > 1 else made[0]


class DCGAN(Adversarial):
    """Generator and discriminator of convolutions.

    Args:
        image_size: side of the images in pixels, a multiple of 16.
        latent_dim: how many values the generator starts from.
        width: channels of every convolution (of the widest, where light); 128 in the seed, less for a quick look.
        light: half the channels wherever the side doubles, and BatchNorm in the generator, as Radford et al. have it
            (who have it in the discriminator, too, where it would let a batch's pictures mix in its verdicts);
            by default every convolution has `width` channels and there is no BatchNorm, as in the seed.
        kernel_size: side of the kernels that double the side; 4 in the seed. Sides that the stride, 2, does not divide
            write some pixels more often than others (Odena et al. 2016).
        upsampling: "transposed" convolutions of stride 2 as in the seed, or pictures "resized" by repeating each pixel
            before convolutions of stride 1.
        initializer: first weights of the generator's doublings, "glorot" (Keras' usual) or "he" (He et al. 2015). With
            the usual ones, what z varies is a third at each doubling unless BatchNorm restores it: young networks draw
            one grey picture.
        dropout: before the discriminator's last layer. The seed's table does not give its rate; 0.4 is our choice.
        prior: what z is drawn from, "normal" N(0, I) or "uniform" in [-1, 1], as in seed 004.
        seed: of the initial weights and of the noise.

    Raises:
        ValueError: if image_size is no multiple of 16, or another argument is out of range.
    """

    def __init__(
        self,
        image_size: int = 80,
        latent_dim: int = 100,
        *,
        width: int = 128,
        light: bool = False,
        kernel_size: int = 4,
        upsampling: str = "transposed",
        initializer: str = "glorot",
        dropout: float = 0.4,
        prior: str = "normal",
        seed: int = 0,
    ):
        super().__init__(name=type(self).__name__.lower())
        check_sizes(image_size, latent_dim)
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}.")
        if light and width % 8:
            raise ValueError(f"width must be a multiple of 8 (three halvings) where light, got {width}.")
        if kernel_size < 2:
            raise ValueError(f"kernel_size must be at least 2 (the stride), got {kernel_size}.")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout}.")
        if prior not in PRIORS:
            raise ValueError(f"prior must be one of {sorted(PRIORS)}, got {prior!r}.")
        self.image_size, self.latent_dim, self.width = image_size, latent_dim, width
        self.light, self.kernel_size, self.dropout, self.prior = light, kernel_size, dropout, prior
        self.upsampling, self.initializer = check_upsampling(upsampling), check_initializer(initializer)
        self.generator, self.discriminator = self._build_generator(seed), self._build_discriminator(seed + 1)
        self._ready(seed)

    def _build_generator(self, seed: int) -> keras.Model:
        build = build_light_generator if self.light else build_generator
        how = (self.width, self.kernel_size, self.upsampling)
        return build(self.image_size, self.latent_dim, *how, seed=seed, initializer=self.initializer)

    def _build_discriminator(self, seed: int) -> keras.Model:
        build = build_light_discriminator if self.light else build_discriminator
        return build(self.image_size, self.width, self.dropout, seed=seed, heads=self.heads)

    @property
    def heads(self) -> dict[str, int]:
        """What the discriminator says of a picture: names and how many numbers."""
        return VERDICT

    @property
    def networks(self) -> dict[str, keras.Model]:
        """What weight files hold."""
        return {"generator": self.sampler, "discriminator": self.discriminator}

    def get_config(self) -> dict:
        # What the first weights were, seed and initializer, is past when a model is loaded.
        names = ("image_size", "latent_dim", "width", "light", "kernel_size", "upsampling", "dropout")
        # The usual prior stays out: cards of older weights do not name it.
        prior = {"prior": self.prior} if self.prior != "normal" else {}
        return {name: getattr(self, name) for name in names} | prior

    def call(self, z, training=False):
        """(n, latent_dim) → images (n, size, size, 3) in [-1, 1]."""
        return self.sampler(z, training=training)

    def draw_noise(self, n, values: int):
        if self.prior == "normal":
            return super().draw_noise(n, values)
        return keras.random.uniform((n, values), -1.0, 1.0, seed=self.noise)

    def render(self, z, labels=None):
        """z (n, latent_dim) → images in [-1, 1]: `decode` as tensors, for gradients to go through."""
        return self.sampler(z, training=False)

    def logits(self, images, labels=None):
        """Images in [-1, 1] → logits (n,): `judge` as tensors, for gradients to go through."""
        return self.realness(self.discriminate(images, labels, training=False))[:, 0]

    def decode(self, z: np.ndarray, labels=None) -> np.ndarray:
        """z, float (n, latent_dim) → uint8 images (n, size, size, 3)."""
        z = check_z(z, self.latent_dim, labels)
        return drawn(lambda batch: self.sampler(batch, training=False), z)

    def judge(self, images: np.ndarray | FaceSet) -> np.ndarray:
        """The discriminator's logits of uint8 images (n, size, size, 3): float32 (n,), above 0 for "real"."""
        images = check_images(images, self.image_size)
        return in_batches(lambda batch: self.realness(self._scores(batch)), images)[:, 0]

    def _scores(self, images: np.ndarray):
        """What the discriminator says of uint8 images on their own."""
        return self.discriminate(to_float(images), None, training=False)

    def latent(self, n: int, seed: int = 0) -> np.ndarray:
        """z as in training, from the prior: float32 (n, latent_dim)."""
        return PRIORS[self.prior](n, self.latent_dim, seed)

    def sample(self, n: int, seed: int = 0, labels=None) -> np.ndarray:
        """`n` faces from z as in training: uint8 (n, size, size, 3); the same seed gives the same faces."""
        return self.decode(self.latent(n, seed), labels)
