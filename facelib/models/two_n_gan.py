"""2N-GAN (seed 003): the discriminator has one question with 2n answers, real and fake of each of n classes.

Real images of class c are to get answer c, generated ones n + c; the generator wants answer c for what it drew as c.
"By May 2018 not thoroughly explored in the literature", the seed says of it.
"""

from __future__ import annotations

from keras import ops

from facelib.models.acgan import ACGAN, class_loss


class TwoNGAN(ACGAN):
    """A conditional GAN with 2n answers in place of a verdict; args and labels as of `Conditional`, one input."""

    @property
    def heads(self) -> dict[str, int]:
        return {"answer": 2 * self.classes}

    def realness(self, scores):
        """Logit (n, 1) of the probability of all real answers together."""
        real, fake = ops.split(scores, 2, axis=1)
        return ops.logsumexp(real, axis=1, keepdims=True) - ops.logsumexp(fake, axis=1, keepdims=True)

    def real_loss(self, scores, labels):
        return class_loss(scores, labels)

    def fake_loss(self, scores, labels):
        return class_loss(scores, labels + self.classes)

    def generator_loss(self, scores, labels):
        return class_loss(scores, labels)

    def class_scores(self, scores):
        return ops.logaddexp(*ops.split(scores, 2, axis=1))
