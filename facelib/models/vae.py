"""Variational autoencoder (Kingma & Welling 2013) on faces, with the layers of seed 001.

At 80×80 pixels and 256 latent values the encoder has 305,840 parameters, the decoder 203,251.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from facelib.data.faceset import FaceSet, to_float
from facelib.models.autoencoder import Autoencoder
from facelib.models.latent import (
    check_images,
    check_sizes,
    check_z,
    drawn,
    in_batches,
    seeded_initializer,
    standard_normal,
)


def build_encoder(image_size: int, latent_dim: int, width: int = 128, seed: int = 0) -> keras.Model:
    """Image in [-1, 1] → mean and log-variance of a Gaussian over z. `width` is the first convolution's channels."""
    weights = seeded_initializer(seed)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = image  # (80, 80, 3)
    for i, filters in enumerate((width, width // 2, width // 4, width // 8)):
        x = layers.Conv2D(
            filters, 3, 2, "same", activation="leaky_relu", kernel_initializer=weights(), name=f"conv_{i + 1}"
        )(x)  # (40, 40, 128), (20, 20, 64), (10, 10, 32), (5, 5, 16)
    x = layers.BatchNormalization(name="batch_norm")(x)  # (5, 5, 16)
    x = layers.Flatten(name="flatten")(x)  # (400,)
    mean = layers.Dense(latent_dim, kernel_initializer=weights(), name="z_mean")(x)  # (256,)
    log_var = layers.Dense(latent_dim, kernel_initializer=weights(), name="z_log_var")(x)  # (256,)
    return keras.Model(image, [mean, log_var], name="encoder")


def build_decoder(image_size: int, latent_dim: int, width: int = 128, seed: int = 0) -> keras.Model:
    """z → image in [-1, 1]."""
    weights = seeded_initializer(seed)
    side = image_size // 16
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(side * side * width // 8, activation="leaky_relu", kernel_initializer=weights(), name="dense")(
        z
    )  # (400,)
    x = layers.Reshape((side, side, width // 8), name="reshape")(x)  # (5, 5, 16)
    for i, filters in enumerate((width // 4, width // 2, width)):
        x = layers.Conv2DTranspose(
            filters, 3, 2, "same", activation="leaky_relu", kernel_initializer=weights(), name=f"deconv_{i + 1}"
        )(x)  # (10, 10, 32), (20, 20, 64), (40, 40, 128)
    x = layers.Conv2DTranspose(3, 3, 2, "same", activation="tanh", kernel_initializer=weights(), name="to_rgb")(
        x
    )  # (80, 80, 3)
    return keras.Model(z, x, name="decoder")


class VAE(Autoencoder):
    """Encoder, decoder and the loss that ties them together.

    Args:
        image_size: side of the images in pixels, a multiple of 16.
        latent_dim: how many values describe a face.
        beta: weight of the KL term against the squared error summed over an image (Higgins et al. 2017); 1 is the
            evidence lower bound of a decoder with variance 1/2 a pixel.
        width: channels of the widest convolution; 128 in the seed, less for a quick look.
        seed: of the initial weights and of the noise.

    Raises:
        ValueError: if image_size is no multiple of 16, or another argument is not positive.
    """

    def __init__(
        self, image_size: int = 80, latent_dim: int = 256, *, beta: float = 1.0, width: int = 128, seed: int = 0
    ):
        super().__init__(name="vae")
        check_sizes(image_size, latent_dim)
        if width < 8 or width % 8:
            raise ValueError(f"width must be a positive multiple of 8, got {width}.")
        if beta < 0:
            raise ValueError(f"beta must not be negative, got {beta}.")
        self.image_size, self.latent_dim, self.beta, self.width = image_size, latent_dim, beta, width
        self.encoder = build_encoder(image_size, latent_dim, width, seed=seed)
        self.decoder = build_decoder(image_size, latent_dim, width, seed=seed + 1)
        self.noise = keras.random.SeedGenerator(seed)
        self.reconstruction_tracker = keras.metrics.Mean("reconstruction")
        self.kl_tracker = keras.metrics.Mean("kl")
        self.built = True

    @property
    def networks(self) -> dict[str, keras.Model]:
        """What weight files hold."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    def get_config(self) -> dict:
        return {name: getattr(self, name) for name in ("image_size", "latent_dim", "beta", "width")}

    def call(self, images, training=False):
        """(n, size, size, 3) → reconstruction (n, size, size, 3), mean and log-variance (n, latent_dim)."""
        mean, log_var = self.encoder(images, training=training)
        return self.decoder(self.draw(mean, log_var), training=training), mean, log_var

    def draw(self, mean, log_var):
        """One z from each face's Gaussian. Written as mean + σ·ε, gradients reach both mean and σ."""
        noise = keras.random.normal(ops.shape(mean), seed=self.noise)
        return mean + ops.exp(0.5 * log_var) * noise

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        image, mean, log_var = y_pred
        # Summed over pixels and over z, averaged over faces, so that both count per face.
        reconstruction = ops.mean(ops.sum(ops.square(x - image), axis=(1, 2, 3)))
        kl = ops.mean(kl_divergence(mean, log_var))
        self.reconstruction_tracker.update_state(reconstruction)
        self.kl_tracker.update_state(kl)
        return reconstruction + self.beta * kl

    def encode(self, images: np.ndarray | FaceSet) -> np.ndarray:
        """Faces, uint8 (n, size, size, 3) → the means of their Gaussians, float32 (n, latent_dim)."""
        images = check_images(images, self.image_size)
        return in_batches(lambda batch: self.encoder(to_float(batch), training=False)[0], images)

    def decode(self, z: np.ndarray, labels=None) -> np.ndarray:
        """z, float (n, latent_dim) → uint8 images (n, size, size, 3)."""
        z = check_z(z, self.latent_dim, labels)
        return drawn(lambda batch: self.decoder(batch, training=False), z)

    def reconstruct(self, images: np.ndarray | FaceSet) -> np.ndarray:
        """Faces through encoder and decoder, without noise: uint8 in, uint8 out."""
        return self.decode(self.encode(images))

    def render(self, z, labels=None):
        """z (n, latent_dim) → images in [-1, 1]: `decode` as tensors, for gradients to go through."""
        return self.decoder(z, training=False)

    def latent(self, n: int, seed: int = 0) -> np.ndarray:
        """z from the prior N(0, I): float32 (n, latent_dim)."""
        return standard_normal(n, self.latent_dim, seed)

    def sample(self, n: int, seed: int = 0, labels=None) -> np.ndarray:
        """`n` faces from z ~ N(0, I): uint8 (n, size, size, 3); the same seed gives the same faces."""
        return self.decode(self.latent(n, seed), labels)


def kl_divergence(mean, log_var):
    """KL(N(mean, e^log_var) ‖ N(0, I)) in nats, one value a face: (n, latent_dim) twice → (n,)."""
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_var) - 1.0 - log_var, axis=1)
