"""Generative adversarial networks (Goodfellow et al. 2014): two players, one step, on Keras' own `fit`.

A subclass builds `generator` and `discriminator`. That makes a DCGAN; the rest of the family overrides one or two of
the small methods from `draw` to `generator_loss`.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from facelib.backend import compute_in, share
from facelib.data.batches import FaceBatches, check_faces
from facelib.data.faceset import FaceSet
from facelib.training.augment import DiffAugment
from facelib.training.average import Average
from facelib.training.fitting import fit_batches, whole_executions
from facelib.training.gradients import input_gradient
from facelib.training.players import Players, in_words

LOSSES = ("d_loss_real", "d_loss_fake", "g_loss")
R1_EVERY = 16  # steps between two penalties, each then 16 times as strong (Karras et al. 2020)


class Adversarial(Players):
    """A generator and a discriminator that learn from each other.

    A subclass's `__init__` sets `image_size`, `latent_dim`, `generator` and `discriminator`, and calls `_ready` last.
    """

    conditional = False  # whether it is trained with labels
    compares_labels = False  # whether its discriminator is given them; then it has a method `wrong`
    half_batches, separate_passes, r1, mismatched = False, True, 0.0, 0.0  # until `compile` sets them
    average: Average | None = None
    untrained: frozenset[str] = frozenset()  # networks that a file of weights left out

    @property
    def sampler(self) -> keras.Model:
        """The generator to draw with: the average where one is kept."""
        return self.average.network if self.average else self.generator

    @property
    def generator_variables(self) -> list[keras.Variable]:
        return self.generator.trainable_variables

    @property
    def discriminator_variables(self) -> list[keras.Variable]:
        return self.discriminator.trainable_variables

    @property
    def carried(self) -> list[keras.Variable]:
        return self.average.variables if self.average else []

    def _ready(self, seed: int) -> None:
        super()._ready(seed, LOSSES)

    # What a member of the family may change. Images are (n, size, size, 3) in [-1, 1], z is (n, latent_dim).

    def draw(self, n, labels=None):
        """What the generator starts from: n z of its prior, and labels (none here), given those of n real images."""
        return self.draw_noise(n, self.latent_dim), None

    def draw_noise(self, n, values: int):
        """(n, values) of the prior: N(0, I) unless a model has another."""
        return keras.random.normal((n, values), seed=self.noise)

    def generate(self, z, labels):
        """z → images."""
        return self.generator(z, training=True)

    def discriminate(self, images, labels, training=True):
        """Images → scores: here a logit an image (n, 1), above 0 for "real"."""
        return self.discriminator(images, training=training)

    def realness(self, scores):
        """The logit (n, 1) among the scores."""
        return scores

    def real_loss(self, scores, labels):
        """What the discriminator pays for its scores of real images."""
        return cross_entropy(self.realness(scores), 1.0)

    def fake_loss(self, scores, labels):
        """What the discriminator pays for its scores of generated images."""
        return cross_entropy(self.realness(scores), 0.0)

    def generator_loss(self, scores, labels):
        """What the generator pays: it wants its images to be taken for real."""
        return cross_entropy(self.realness(scores), 1.0)

    # The game.

    def adversarial_step(self, images, labels=None) -> dict:
        """The discriminator learns from real and generated images, then the generator from the discriminator."""
        real = ops.cast(images, "float32") / 127.5 - 1.0
        n = ops.shape(real)[0]
        z, drawn = share(self.draw(n, labels))
        fake = self.generate(z, drawn)
        wrong = share(self.wrong(labels)) if self.mismatched else None

        def on_real():
            loss = self.real_loss(self._score(real, labels), labels)
            return loss + self._penalty(real, labels), [loss]

        def on_fake():
            loss = self.fake_loss(self._score(fake, drawn), drawn)
            return self._with_mismatched(loss, real, wrong), [loss]

        def on_both():
            total, losses = zip(on_real(), on_fake(), strict=True)
            return sum(total), sum(losses, [])

        def on_both_in_one_pass():
            given = None if labels is None else ops.concatenate([labels, drawn])
            scores = self._score(ops.concatenate([real, fake]), given)
            of_real, of_fake = (keras.tree.map_structure(lambda s, i=i: ops.split(s, 2)[i], scores) for i in (0, 1))
            losses = [self.real_loss(of_real, labels), self.fake_loss(of_fake, drawn)]
            return losses[0] + self._with_mismatched(losses[1], real, wrong) + self._penalty(real, labels), losses

        def fool():
            whole = (2 * n, twice(labels)) if self.half_batches else (n, labels)
            z, drawn = share(self.draw(*whole))
            loss = self.generator_loss(self._score(self.generate(z, drawn), drawn), drawn)
            return loss, [loss]

        if self.half_batches:
            losses = [self._learn(self.discriminator_optimizer, loss)[0] for loss in (on_real, on_fake)]
        else:
            both = on_both if self.separate_passes else on_both_in_one_pass
            losses = self._learn(self.discriminator_optimizer, both)
        losses = losses + self._learn(self.optimizer, fool)
        if self.average:
            self.average.update(self.optimizer.iterations)
        return self._track(losses)

    def _score(self, images, labels):
        return self.discriminate(self.augment(images), labels)

    def _with_mismatched(self, loss, real, wrong):
        """Real images with a wrong label are no better than generated ones (Reed et al. 2016)."""
        if not self.mismatched:
            return loss
        mismatched = cross_entropy(self.realness(self._score(real, wrong)), 0.0)
        return (1 - self.mismatched) * loss + self.mismatched * mismatched

    def _penalty(self, real, labels):
        """R1 (Mescheder et al. 2018): the discriminator should be flat around real images."""
        if not self.r1:
            return 0.0

        # What draws random numbers must stay outside of `cond`: JAX forgets new states of seeds in there.
        images = self.augment(real)

        def penalty():
            def realness(x):
                return ops.sum(self.realness(self.discriminate(x, labels, training=False)))

            slope = input_gradient(realness, images)
            return 0.5 * self.r1 * R1_EVERY * ops.mean(ops.sum(ops.square(slope), axis=(1, 2, 3)))

        return ops.cond(ops.equal(self.optimizer.iterations % R1_EVERY, 0), penalty, lambda: 0.0)

    # What Keras asks for.

    def compile(
        self,
        generator_optimizer="adam",
        discriminator_optimizer="adam",
        *,
        half_batches: bool = False,
        separate_passes: bool = True,
        ema: float | None = None,
        augment: Sequence[str] = (),
        r1: float = 0.0,
        mismatched: float = 0.0,
        mixed_precision: bool | str = False,
        **kwargs,
    ):
        """Set up training; `facelib.training.recipe` gives good values.

        Args:
            generator_optimizer, discriminator_optimizer: Keras optimizers, or their names.
            half_batches: half a batch of real and half a batch of generated images, each with an update of the
                discriminator of its own, then a whole batch for the generator.
            separate_passes: without half batches, score real and generated images in two passes (each with its own
                statistics in BatchNorm) instead of one.
            ema: decay of the average of the generator's weights that `decode` and `sample` use; None for the weights
                themselves.
            augment: names of DiffAugment's changes.
            r1: weight of the R1 penalty on real images.
            mismatched: for conditional models, the share of real images with wrong labels, in [0, 1), in what the
                discriminator should turn down. Without them it may forget the label over the picture.
            mixed_precision: compute in bfloat16, all but the layers of outputs; "auto" where a GPU is built for it.
            **kwargs: Keras' own, such as `steps_per_execution`.

        Raises:
            ValueError: for a value out of range, or an optimizer instance used for both networks.
            RuntimeError: under a backend that cannot train.
        """
        if r1 < 0:
            raise ValueError(f"r1 must not be negative, got {r1}; 0 switches it off.")
        if not 0 <= mismatched < 1:
            raise ValueError(f"mismatched must lie in [0, 1), got {mismatched}; 0 switches it off.")
        if mismatched and not self.compares_labels:
            raise ValueError(
                "mismatched is for models whose discriminator is given the label; this one's is not, so set it to 0, "
                f"got {mismatched}."
            )
        augment = DiffAugment(augment, self.noise)
        average = Average(self.generator, ema) if ema else None
        self._compile(generator_optimizer, discriminator_optimizer, **kwargs)
        self.average, self.augment = average, augment
        self.half_batches, self.separate_passes = half_batches, separate_passes
        self.r1, self.mismatched = r1, mismatched
        for network in (self.generator, self.discriminator):
            compute_in(network, mixed_precision)
        if average:
            compute_in(average.network, False)

    @property
    def settings(self) -> dict:
        """How it was compiled, as plain values: for a checkpoint's settings and for cards."""
        return {
            "generator_optimizer": in_words(self.optimizer),
            "discriminator_optimizer": in_words(self.discriminator_optimizer),
            "half_batches": self.half_batches,
            "separate_passes": self.separate_passes,
            "ema": self.average.decay if self.average else None,
            "augment": list(self.augment.names),
            "r1": self.r1,
            "mismatched": self.mismatched,
            "mixed_precision": self.generator.layers[1].compute_dtype == "bfloat16",
        }

    def fit(
        self,
        faces: FaceSet | np.ndarray,
        labels: np.ndarray | None = None,
        *,
        epochs: int = 1,
        batch_size: int = 64,
        seed: int = 0,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **kwargs,
    ):
        """Train on faces, uint8 until the batch; the rest is Keras' own `fit`.

        Args:
            faces: a `FaceSet` or uint8 images (n, size, size, 3).
            labels: (n, ...) for a conditional model.
            epochs: how many in all, `initial_epoch` included.
            batch_size: generated images in a generator's update.
            seed: of the faces' order.
            initial_epoch: epochs behind a resumed run, as `Checkpoint.restore` returns them.
            steps_per_epoch: `len(faces) // batch_size` by default; fewer for a checkpoint more often. Rounded down to
                whole executions where `compile` was given `steps_per_execution`.

        Returns:
            Keras' `History`, with the mean losses of each epoch under `d_loss_real`, `d_loss_fake` and `g_loss`.

        Raises:
            ValueError: for images of another size or type, labels that do not fit, or fewer faces than a batch.
            FloatingPointError: if a loss is no longer a number.
        """
        images = check_faces(faces, self.image_size)
        least = 2 if self.half_batches else 1
        if not least <= batch_size <= len(images):
            raise ValueError(f"batch_size must lie between {least} and the {len(images)} faces, got {batch_size}.")
        if batch_size % least:
            raise ValueError(f"batch_size must be even, for half batches, got {batch_size}.")
        if labels is not None and not self.conditional:
            raise ValueError("labels were given, but this model is not conditional: leave them out.")
        if labels is None and self.conditional:
            raise ValueError("labels are missing: this model is conditional, fit(faces, labels).")
        steps = len(images) // batch_size if steps_per_epoch is None else steps_per_epoch
        batches = FaceBatches(
            images,
            batch_size // 2 if self.half_batches else batch_size,
            labels=labels,
            seed=seed,
            image_size=self.image_size,
            epoch=initial_epoch,
            steps_per_epoch=whole_executions(self, steps),
        )
        self.untrained = frozenset()
        return fit_batches(super().fit, batches, callbacks, epochs=epochs, initial_epoch=initial_epoch, **kwargs)


def twice(labels):
    """The labels of half a batch, for a whole one."""
    return None if labels is None else ops.concatenate([labels, labels])


def cross_entropy(logits, target: float):
    """Mean binary cross-entropy in nats of logits (n, 1) against one target, 0 or 1 (0.69 for a coin toss)."""
    return ops.mean(ops.softplus(-logits if target else logits))
