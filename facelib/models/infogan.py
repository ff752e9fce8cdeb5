"""InfoGAN (Chen et al. 2016): codes that the generator must not hide.

Part of z is a category and a few numbers in [-1, 1]. A second head of the discriminator guesses them from the picture
alone, and both players pay for wrong guesses: minus a lower bound on the mutual information of codes and pictures.
Nobody says what the codes should mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from facelib.data.faceset import FaceSet
from facelib.models.acgan import class_loss
from facelib.models.dcgan import DCGAN, VERDICT
from facelib.models.latent import check_images, in_batches


class InfoGAN(DCGAN):
    """A DCGAN that explains itself; trained without labels.

    z is (n, latent_dim): noise of the prior, then each category as one-hot numbers, then the codes ~ U(-1, 1).

    Args:
        image_size: as of `DCGAN`.
        latent_dim: length of z, noise and codes together.
        categories: how many values each categorical variable has; (10,) in seed 003.
        codes: how many continuous ones; 2 in seed 003.
        **kwargs: as of `DCGAN`.

    Raises:
        ValueError: if an argument is out of range, or nothing of z is left for noise.
    """

    def __init__(
        self,
        image_size: int = 64,
        latent_dim: int = 100,
        *,
        categories: Sequence[int] = (10,),
        codes: int = 2,
        **kwargs,
    ):
        if np.ndim(categories) != 1:
            raise ValueError(f"categories must be whole numbers in a row, such as (10,), got {categories!r}.")
        self.categories, self.codes = tuple(int(k) for k in categories), codes
        if min(self.categories, default=2) < 2 or codes < 0 or not (self.categories or codes):
            raise ValueError(
                f"categories must be numbers of at least 2, codes at least 0, and not both none, got {categories} and "
                f"{codes}."
            )
        self.noise_dim = latent_dim - sum(self.categories) - codes
        if self.noise_dim < 1:
            raise ValueError(
                f"latent_dim must be more than the {latent_dim - self.noise_dim} numbers of categories and codes, got "
                f"{latent_dim}."
            )
        super().__init__(image_size, latent_dim, **kwargs)

    def _build_generator(self, seed: int) -> keras.Model:
        generator, variables = super()._build_generator(seed), len(self.categories) + self.codes
        # Beside so many numbers of noise, a category would hardly change a young generator's pictures: nothing to be
        # recognised, nothing to be learnt from it. So the first weights of codes are such that all of them together
        # change as much as the noise does, and each as much as another.
        spread = [np.sqrt(1 - 1 / k) for k in self.categories for _ in range(k)] + [1 / np.sqrt(3)] * self.codes
        of_noise = 1 if self.prior == "normal" else 1 / np.sqrt(3)
        first = generator.get_layer("dense").kernel
        loud = of_noise * np.sqrt(self.noise_dim / variables) / np.array(spread)
        first.assign(ops.concatenate([first[: self.noise_dim], first[self.noise_dim :] * loud[:, None]], axis=0))
        return generator

    @property
    def heads(self) -> dict[str, int]:
        guesses = {f"category_{i}": k for i, k in enumerate(self.categories)}
        return VERDICT | guesses | ({"codes": self.codes} if self.codes else {})

    def get_config(self) -> dict:
        return {**super().get_config(), "categories": list(self.categories), "codes": self.codes}

    # The two players.

    def draw(self, n, labels=None):
        """z, and its part that has to be guessed (n, categories · values + codes)."""
        noise = self.draw_noise(n, self.noise_dim)
        parts = [
            ops.one_hot(keras.random.randint((n,), 0, k, seed=self.noise), k, dtype="float32") for k in self.categories
        ]
        if self.codes:
            parts.append(keras.random.uniform((n, self.codes), -1.0, 1.0, seed=self.noise))
        hidden = ops.concatenate(parts, axis=1)
        return ops.concatenate([noise, hidden], axis=1), hidden

    def realness(self, scores):
        return scores[0]

    def fake_loss(self, scores, hidden):
        return super().fake_loss(scores, hidden) + self.information_loss(scores, hidden)

    def generator_loss(self, scores, hidden):
        return super().generator_loss(scores, hidden) + self.information_loss(scores, hidden)

    def information_loss(self, scores, hidden):
        """What wrong guesses cost: cross-entropy of the categories, squared error of the codes.

        Up to constants, it is minus the bound on the information, with Gaussians of fixed width for the codes.
        """
        loss, start = 0.0, 0
        for k, guess in zip(self.categories, scores[1:], strict=False):
            loss = loss + class_loss(guess, ops.argmax(hidden[:, start : start + k], axis=1))
            start += k
        return loss + ops.mean(ops.square(scores[-1] - hidden[:, start:])) if self.codes else loss

    # What it is for.

    def latent(self, n: int, seed: int = 0, *, categories=None, codes=None) -> np.ndarray:
        """z as in training: float32 (n, latent_dim). The noise of a seed is the same whatever the codes are.

        Args:
            n: how many.
            seed: of the noise, and of the codes that are not given.
            categories: int (n, categories) or what broadcasts to it, such as one number for a single category.
            codes: float (n, codes) or what broadcasts to it.

        Raises:
            ValueError: for categories or codes that do not fit.
        """
        noise = super().latent(n, seed)[:, : self.noise_dim]
        rng = np.random.default_rng([seed, 1])
        drawn = np.stack([rng.integers(k, size=n) for k in self.categories], axis=1) if self.categories else None
        numbers = rng.uniform(-1, 1, (n, self.codes)).astype(np.float32)
        if categories is not None:
            drawn = _fitting(categories, (n, len(self.categories)), "categories")
            if drawn.dtype.kind not in "iu" or (drawn < 0).any() or (drawn >= self.categories).any():
                raise ValueError(f"categories must be whole numbers below {self.categories}, got {categories}.")
        if codes is not None:
            numbers = _fitting(codes, (n, self.codes), "codes").astype(np.float32)
        hot = [np.eye(k, dtype=np.float32)[drawn[:, i]] for i, k in enumerate(self.categories)]
        return np.concatenate([noise, *hot, numbers], axis=1)

    def recognise(self, images: np.ndarray | FaceSet) -> tuple[np.ndarray, np.ndarray]:
        """What the second head sees in uint8 images: categories, int (n, categories), and codes, float (n, codes)."""
        images = check_images(images, self.image_size)
        guesses = in_batches(lambda batch: ops.concatenate(self._scores(batch)[1:], axis=1), images)
        *logits, codes = np.split(guesses, np.cumsum(self.categories, dtype=int), axis=1)
        categories = [part.argmax(axis=1) for part in logits]
        return np.stack(categories, axis=1) if logits else np.zeros((len(images), 0), int), codes


def _fitting(values, shape: tuple[int, int], name: str) -> np.ndarray:
    try:
        return np.broadcast_to(np.asarray(values), shape)
    except ValueError:
        raise ValueError(f"{name} must have shape {shape} or broadcast to it, got {np.shape(values)}.") from None
