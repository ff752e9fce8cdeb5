"""GAN with an auxiliary classifier (Odena et al. 2017): the discriminator also says which class it sees.

The label goes into the generator only. The discriminator is not told it but has to find it out, of real images as well
as of generated ones, and the generator is paid for images whose class is found out.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from facelib.data.faceset import FaceSet
from facelib.models.classes import one_input
from facelib.models.conditional import Conditional
from facelib.models.dcgan import VERDICT
from facelib.models.latent import check_images, in_batches


class ACGAN(Conditional):
    """A conditional GAN whose discriminator is a classifier too; args and labels as of `Conditional`, one input.

    Raises:
        ValueError: if an argument is out of range, or `classes` names several inputs.
    """

    def __init__(self, image_size: int = 64, latent_dim: int = 100, classes: int = 4, **kwargs):
        super().__init__(image_size, latent_dim, one_input(classes, type(self).__name__), **kwargs)

    @property
    def heads(self) -> dict[str, int]:
        return VERDICT | {"class": self.classes}

    def realness(self, scores):
        return scores[0]

    def real_loss(self, scores, labels):
        return super().real_loss(scores, labels) + class_loss(scores[1], labels)

    def fake_loss(self, scores, labels):
        return super().fake_loss(scores, labels) + class_loss(scores[1], labels)

    def generator_loss(self, scores, labels):
        return super().generator_loss(scores, labels) + class_loss(scores[1], labels)

    def judge(self, images: np.ndarray | FaceSet, labels=None) -> np.ndarray:
        """The logits of uint8 images (n, size, size, 3), above 0 for "real": float32 (n,).

        Labels are taken for the sake of models that need them: this verdict is about the picture alone.
        """
        return super().judge(images)

    def classify(self, images: np.ndarray | FaceSet) -> np.ndarray:
        """The class that the discriminator sees in each of the uint8 images: int (n,)."""
        images = check_images(images, self.image_size)
        return in_batches(lambda batch: self.class_scores(self._scores(batch)), images).argmax(axis=1)

    def class_scores(self, scores):
        """The logits of the classes (n, classes) among the scores."""
        return scores[1]


def class_loss(logits, labels):
    """Mean cross-entropy in nats of logits (n, classes) against integers (n,); ln(classes) for blind guesses."""
    chosen = ops.take_along_axis(logits, ops.cast(labels, "int32")[:, None], axis=1)[:, 0]
    return ops.mean(ops.logsumexp(logits, axis=1) - chosen)
