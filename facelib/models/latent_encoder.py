"""The encoder that a GAN lacks: a network that looks at a face and says which z its generator would draw it from.

It learns from the generator's own samples, whose z are known, and from faces, whose pictures should come back
(seed 000 proposed it; Zhu et al. 2016 did it).
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from facelib.data.faceset import FaceSet, to_float
from facelib.models.autoencoder import Autoencoder
from facelib.models.dcgan import to_light_features
from facelib.models.latent import check_images, check_sizes, in_batches, seeded_initializer


class LatentEncoder(Autoencoder):
    """Faces → z, by the layers of a light discriminator.

    Args:
        image_size: side of the images in pixels, a multiple of 16.
        latent_dim: values of z.
        width: channels of the widest convolution, a multiple of 8.
        seed: of the first weights and of the samples that it learns from.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(self, image_size: int = 64, latent_dim: int = 100, *, width: int = 128, seed: int = 0):
        super().__init__(name="latent_encoder")
        check_sizes(image_size, latent_dim)
        if width < 8 or width % 8:
            raise ValueError(f"width must be a positive multiple of 8, got {width}.")
        self.image_size, self.latent_dim, self.width = image_size, latent_dim, width
        weights = seeded_initializer(seed)
        image = keras.Input((image_size, image_size, 3), name="image")
        x = to_light_features(image, width, 0.0, weights, seed)
        z = layers.Dense(latent_dim, kernel_initializer=weights(), name="z")(x)
        self.encoder = keras.Model(image, z, name="encoder")
        self.noise = keras.random.SeedGenerator(seed)
        self.trackers = [keras.metrics.Mean(name) for name in ("face_loss", "latent_loss")]
        self.built = True

    @property
    def networks(self) -> dict[str, keras.Model]:
        """What weight files hold."""
        return {"encoder": self.encoder}

    @property
    def metrics(self) -> list:
        return self.trackers

    def get_config(self) -> dict:
        return {name: getattr(self, name) for name in ("image_size", "latent_dim", "width")}

    def call(self, images, training=False):
        """Images in [-1, 1] → z (n, latent_dim)."""
        return self.encoder(images, training=training)

    def compile(self, model, optimizer="adam", *, latent: float = 0.1, prior: float = 0.1, **kwargs):
        """Set up training against a generator, whose weights stay as they are.

        Args:
            model: with `image_size`, `latent_dim` and `render(z)`, such as a trained DCGAN; without labels.
            optimizer: Keras' own, or its name.
            latent: weight of the mean squared error of samples' z, beside the mean absolute error of faces that come
                back. What many z have in common, their pictures cannot tell: with much weight, short z come out.
            prior: weight of (‖z‖² / latent_dim - 1)² of faces, as in `facelib.latent.project`.
            **kwargs: Keras' own.

        Raises:
            ValueError: for a model of other sizes, one that needs labels, or one whose z are not normal (an InfoGAN's
                hold categories and codes), or a negative weight.
        """
        if getattr(model, "conditional", False):
            raise ValueError("model must do without labels; the encoder would have to guess them.")
        sizes = (model.image_size, model.latent_dim)
        if sizes != (self.image_size, self.latent_dim):
            raise ValueError(
                f"model must draw {self.image_size} pixels from {self.latent_dim} values as the encoder was built for, "
                f"got {sizes[0]} and {sizes[1]}."
            )
        if getattr(model, "prior", "normal") != "normal":
            raise ValueError(
                f"model must have a normal prior, as the samples that the encoder sees, got {model.prior!r}."
            )
        if (noise := getattr(model, "noise_dim", self.latent_dim)) != self.latent_dim:
            raise ValueError(
                f"model must have z of noise alone, got {type(model).__name__}, where {self.latent_dim - noise} values "
                "are categories and codes."
            )
        for name, weight in (("latent", latent), ("prior", prior)):
            if not weight >= 0:
                raise ValueError(f"{name} must not be negative, got {weight}; 0 switches it off.")
        # A bound method, so that Keras does not take the generator's weights for the encoder's.
        self._render = model.render
        self.latent_weight, self.prior_weight = latent, prior
        super().compile(optimizer, **kwargs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        z = keras.random.normal(ops.shape(y_pred), seed=self.noise)
        of_samples = self.encoder(self._render(z), training=training)
        of_faces = ops.mean(ops.abs(self._render(y_pred) - x))
        of_latent = ops.mean(ops.square(of_samples - z))
        length = ops.mean(ops.square(ops.mean(ops.square(y_pred), axis=1) - 1.0))
        for tracker, value in zip(self.trackers, (of_faces, of_latent), strict=True):
            tracker.update_state(value)
        return of_faces + self.latent_weight * of_latent + self.prior_weight * length

    def encode(self, images: np.ndarray | FaceSet) -> np.ndarray:
        """Faces, uint8 (n, size, size, 3) → z, float32 (n, latent_dim)."""
        images = check_images(images, self.image_size)
        return in_batches(lambda batch: self.encoder(to_float(batch), training=False), images)
