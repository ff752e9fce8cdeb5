"""CycleGAN (Zhu et al. 2017): from one kind of picture to another and back, learnt without a single pair.

Two generators translate, one each way; two discriminators ask whether a translation looks like a real picture of its
kind. Nothing else would tie a translation to its original, so the way there and back has to end where it began.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from facelib.backend import compute_in
from facelib.data.batches import PairBatches, check_faces
from facelib.data.faceset import FaceSet, to_float
from facelib.models.latent import check_images, drawn, seeded_initializer
from facelib.models.layers import ReflectionPadding, ToRGB
from facelib.training.augment import flip as flipped
from facelib.training.buffer import ImageBuffer
from facelib.training.fitting import fit_batches, whole_executions
from facelib.training.players import Players, in_words

LOSSES = ("d_loss", "g_loss", "cycle", "identity")


def build_translator(
    image_size: int, width: int = 16, blocks: int = 4, residual: bool = False, seed: int = 0, name: str = "translator"
) -> keras.Model:
    """Image in [-1, 1] → image: two halvings, residual blocks, two doublings (Johnson et al. 2016).

    With `residual`, what it computes is added to its input, nothing at first, and the sum may go beyond [-1, 1].
    Shapes are those at 64 pixels and width 16.
    """
    weights = seeded_initializer(seed)

    def convolved(x, filters, kernel_size, name, stride=1, padding="same", activation="relu"):
        x = layers.Conv2D(
            filters, kernel_size, stride, padding, use_bias=False, kernel_initializer=weights(), name=name
        )(x)
        x = layers.GroupNormalization(groups=-1, epsilon=1e-5, name=f"{name}_norm")(x)  # each picture, each channel
        return layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x

    image = keras.Input((image_size, image_size, 3), name="image")
    x = ReflectionPadding(3, name="pad_first")(image)
    x = convolved(x, width, 7, "first", padding="valid")  # (64, 64, 16)
    x = convolved(x, 2 * width, 3, "down_1", stride=2)  # (32, 32, 32)
    x = convolved(x, 4 * width, 3, "down_2", stride=2)  # (16, 16, 64)
    for i in range(1, blocks + 1):
        y = ReflectionPadding(1, name=f"block_{i}_pad_1")(x)
        y = convolved(y, 4 * width, 3, f"block_{i}_conv_1", padding="valid")
        y = ReflectionPadding(1, name=f"block_{i}_pad_2")(y)
        y = convolved(y, 4 * width, 3, f"block_{i}_conv_2", padding="valid", activation=None)
        x = layers.Add(name=f"block_{i}")([x, y])
    for i, filters in ((1, 2 * width), (2, width)):
        x = layers.UpSampling2D(2, name=f"resize_{i}")(x)  # not transposed: no chequered patterns
        x = convolved(x, filters, 3, f"up_{i}")  # (32, 32, 32), (64, 64, 16)
    # This one pads with zeros, which ToRGB does quickly; they are three pixels from the border at most.
    start = "zeros" if residual else weights()  # a change begins as none
    x = ToRGB(3, 7, 1, "same", kernel_initializer=start, name="to_rgb")(x)
    if residual:
        x = layers.Add(name="change")([image, x])
    else:
        x = layers.Activation("tanh", name="tanh")(x)
    return keras.Model(image, x, name=name)


def build_patch_discriminator(
    image_size: int, width: int = 32, halvings: int = 3, seed: int = 0, name: str = "judge"
) -> keras.Model:
    """Image in [-1, 1] → a map of scores, one a patch (Isola et al. 2017): 1 for real, 0 for not.

    Through its convolutions a score sees 34 × 34 pixels after two halvings, 70 × 70 after three. The normalizations,
    though, know means and variances of the whole picture. Shapes are those at 64 pixels and width 32.
    """
    weights = seeded_initializer(seed)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = image
    for i in range(1, halvings + 2):  # (32, 32, 32), (16, 16, 64), (8, 8, 128), (8, 8, 256)
        stride, first = 2 if i <= halvings else 1, i == 1
        how = {"use_bias": first, "kernel_initializer": weights(), "name": f"conv_{i}"}
        x = layers.Conv2D(width * 2 ** (i - 1), 4, stride, "same", **how)(x)
        if not first:
            x = layers.GroupNormalization(groups=-1, epsilon=1e-5, name=f"conv_{i}_norm")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_relu_{i}")(x)
    x = layers.Conv2D(1, 4, 1, "same", kernel_initializer=weights(), name="scores")(x)  # (8, 8, 1)
    return keras.Model(image, x, name=name)


class CycleGAN(Players):
    """Two translators and two judges of patches.

    Args:
        image_size: side of the images in pixels, a multiple of 4, at least 16.
        domains: what the two kinds of pictures are called, for `translate(images, to=...)`.
        width: channels of a translator's first layer, a quarter of its blocks'; 64 in the paper, for 256 pixels.
        blocks: residual blocks; 6 in the paper at 128 pixels, 9 at 256.
        residual: a translator makes a change that is added to its input, where the paper's draws the picture anew.
        judge_width: channels of a judge's first layer; 64 in the paper.
        halvings: of a judge's side, which say how large its patches are: 34 pixels after two, 70 after three as in the
            paper.
        seed: of the initial weights and of what is drawn in training.

    Attributes:
        to_a, to_b: the translators, keras.Model of images in [-1, 1]; residual ones may go a little beyond.
        judge_a, judge_b: the discriminators.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(
        self,
        image_size: int = 64,
        domains: Sequence[str] = ("a", "b"),
        *,
        width: int = 16,
        blocks: int = 4,
        residual: bool = False,
        judge_width: int = 32,
        halvings: int = 3,
        seed: int = 0,
    ):
        super().__init__(name="cyclegan")
        if image_size < 16 or image_size % 4:
            raise ValueError(f"image_size must be a multiple of 4 (two halvings), at least 16, got {image_size}.")
        if isinstance(domains, str) or len(domains) != 2 or domains[0] == domains[1]:
            raise ValueError(f"domains must be two different names, got {domains!r}.")
        sizes = {"width": width, "blocks": blocks, "judge_width": judge_width, "halvings": halvings}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")
        if image_size % 2**halvings or image_size < 2 ** (halvings + 1):
            # A map of one score would be its own mean: normalized, it says nothing.
            raise ValueError(f"{halvings} halvings must leave a whole number of pixels above 1 of {image_size}.")
        self.image_size, self.domains = image_size, tuple(map(str, domains))
        self.width, self.blocks, self.residual = width, blocks, bool(residual)
        self.judge_width, self.halvings = judge_width, halvings
        how = (image_size, width, blocks, self.residual)
        self.to_b, self.to_a = (build_translator(*how, 4 * seed + i, name) for i, name in enumerate(("to_b", "to_a")))
        self.judge_a, self.judge_b = (
            build_patch_discriminator(image_size, judge_width, halvings, 4 * seed + 2 + i, name)
            for i, name in enumerate(("judge_a", "judge_b"))
        )
        self.buffers = ()
        self._ready(seed, LOSSES)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """What weight files hold: the judges are of no use once the translators are trained."""
        return {"to_a": self.to_a, "to_b": self.to_b}

    @property
    def generator_variables(self) -> list[keras.Variable]:
        return [*self.to_a.trainable_variables, *self.to_b.trainable_variables]

    @property
    def discriminator_variables(self) -> list[keras.Variable]:
        return [*self.judge_a.trainable_variables, *self.judge_b.trainable_variables]

    @property
    def carried(self) -> list[keras.Variable]:
        return [variable for buffer in self.buffers for variable in buffer.variables]

    def get_config(self) -> dict:
        names = ("image_size", "width", "blocks", "residual", "judge_width", "halvings")
        return {"domains": list(self.domains), **{name: getattr(self, name) for name in names}}

    # The game.

    def adversarial_step(self, a, b) -> dict:
        """Both translators learn together, then both judges; a and b are uint8 batches of the two kinds."""
        a, b = self._prepared(a), self._prepared(b)

        def translate():
            # In one call what is to change and what is to stay: pictures do not see each other, and the graph, which
            # has to be built and compiled first, is a third smaller.
            fake_a, same_a = ops.split(self.to_a(ops.concatenate([b, a])), 2)
            fake_b, same_b = ops.split(self.to_b(ops.concatenate([a, b])), 2)
            fooled = squared(self.judge_a(fake_a), 1.0) + squared(self.judge_b(fake_b), 1.0)
            back = distance(self.to_a(fake_b), a) + distance(self.to_b(fake_a), b)
            kept = distance(same_a, a) + distance(same_b, b)
            weights = (self.adversarial, self.cycle, self.identity)
            # What weighs nothing is left out, not multiplied by nought: nothing then has to be differentiated.
            total = sum(weight * loss for weight, loss in zip(weights, (fooled, back, kept), strict=True) if weight)
            return total, [fooled, back, kept, fake_a, fake_b]

        *losses, fake_a, fake_b = self._learn(self.optimizer, translate)
        fake_a, fake_b = (buffer(fake) for buffer, fake in zip(self.buffers, (fake_a, fake_b), strict=True))

        def tell_apart():
            of_judges = []
            for judge, real, fake in ((self.judge_a, a, fake_a), (self.judge_b, b, fake_b)):
                of_real, of_fake = ops.split(judge(ops.concatenate([real, fake])), 2)
                of_judges += [squared(of_real, 1.0), squared(of_fake, 0.0)]
            d_loss = 0.5 * sum(of_judges)
            return d_loss, [d_loss]

        return self._track(self._learn(self.discriminator_optimizer, tell_apart) + losses)

    def _prepared(self, images):
        images = ops.cast(images, "float32") / 127.5 - 1.0
        return flipped(images, self.noise) if self.flip else images

    # What Keras asks for.

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        *,
        adversarial: float = 1.0,
        cycle: float = 10.0,
        identity: float = 5.0,
        buffer: int = 50,
        flip: bool = True,
        mixed_precision: bool | str = False,
        **kwargs,
    ):
        """Set up training; the defaults are the paper's where it keeps colours by an identity loss.

        Args:
            generator_optimizer, discriminator_optimizer: Keras optimizers, or their names; by default Adam with a rate
                of 2e-4 and β1 of 0.5.
            adversarial, cycle, identity: weights of the three losses; 0 switches one off, and it is still reported.
            buffer: translations in each judge's history; 0 shows it the newest only.
            flip: mirror half of the pictures.
            mixed_precision: compute in bfloat16, all but the layers of outputs; "auto" where a GPU is built for it.
            **kwargs: Keras' own, such as `steps_per_execution`.

        Raises:
            ValueError: for a value out of range, or an optimizer instance used for both.
            RuntimeError: under a backend that cannot train.
        """
        losses = {"adversarial": adversarial, "cycle": cycle, "identity": identity}
        for name, weight in losses.items():
            if weight < 0:
                raise ValueError(f"{name} must not be negative, got {weight}; 0 switches it off.")
        if not any(losses.values()):
            raise ValueError("adversarial, cycle and identity must not all be 0: nothing would be learnt.")
        shape = (self.image_size, self.image_size, 3)
        buffers = tuple(ImageBuffer(buffer, shape, self.noise) for _ in range(2))
        optimizers = (
            keras.optimizers.Adam(2e-4, beta_1=0.5) if optimizer is None else optimizer
            for optimizer in (generator_optimizer, discriminator_optimizer)
        )
        self._compile(*optimizers, **kwargs)
        self.adversarial, self.cycle, self.identity = adversarial, cycle, identity
        self.buffers, self.flip = buffers, flip
        for network in (self.to_a, self.to_b, self.judge_a, self.judge_b):
            compute_in(network, mixed_precision)

    @property
    def settings(self) -> dict:
        """How it was compiled, as plain values: for a checkpoint's settings and for cards."""
        return {
            "generator_optimizer": in_words(self.optimizer),
            "discriminator_optimizer": in_words(self.discriminator_optimizer),
            "adversarial": self.adversarial,
            "cycle": self.cycle,
            "identity": self.identity,
            "buffer": self.buffers[0].size,
            "flip": self.flip,
            "mixed_precision": self.to_b.layers[1].compute_dtype == "bfloat16",
        }

    def fit(
        self,
        pictures: tuple[FaceSet | np.ndarray, FaceSet | np.ndarray],
        *,
        epochs: int = 1,
        batch_size: int = 1,
        seed: int = 0,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **kwargs,
    ):
        """Train on two sets of pictures, no pairs among them; the rest is Keras' own `fit`.

        Args:
            pictures: (a, b), each a `FaceSet` or uint8 images (n, size, size, 3).
            epochs: how many in all, `initial_epoch` included.
            batch_size: of each kind in a step; 1 in the paper.
            seed: of the pictures' order.
            initial_epoch: epochs behind a resumed run, as `Checkpoint.restore` returns them.
            steps_per_epoch: by default one pass over the larger set.

        Returns:
            Keras' `History`, with each epoch's mean losses, sums over both ways: `d_loss`, `g_loss`, `cycle` and
            `identity` (mean absolute differences of values in [-1, 1]).

        Raises:
            ValueError: for images of another size or type, or fewer than a batch, of either kind.
            FloatingPointError: if a loss is no longer a number.
        """
        if not isinstance(pictures, (tuple, list)) or len(pictures) != 2:
            raise ValueError(f"pictures must be two sets, fit((a, b)), got {type(pictures).__name__}.")
        if not self.buffers:
            raise ValueError("the model is not compiled: call compile() before fit().")
        a, b = (check_faces(images, self.image_size) for images in pictures)
        size = self.buffers[0].size
        if not 1 <= batch_size <= min(len(a), len(b), size or len(a)):
            held = f", and the buffer holds {size}" if size else ""
            raise ValueError(
                f"batch_size must lie between 1 and what there is: the sets have {len(a)} and {len(b)} pictures{held}; "
                f"got {batch_size}."
            )
        steps = max(len(a), len(b)) // batch_size if steps_per_epoch is None else steps_per_epoch
        batches = PairBatches(
            a,
            b,
            batch_size,
            seed=seed,
            epoch=initial_epoch,
            steps_per_epoch=whole_executions(self, steps),
            image_size=self.image_size,
        )
        return fit_batches(super().fit, batches, callbacks, epochs=epochs, initial_epoch=initial_epoch, **kwargs)

    # What it is for.

    def render(self, images, to: str):
        """Images in [-1, 1] → their translations, as tensors, for gradients to go through.

        Residual translators may go a little beyond [-1, 1], where `translate` clips.
        """
        return self._translator(to)(images, training=False)

    def translate(self, images: np.ndarray | FaceSet, to: str) -> np.ndarray:
        """uint8 images (n, size, size, 3) → what they would be in the domain `to`, uint8 of the same shape.

        Raises:
            ValueError: for images of another size or type, or a name that is no domain's.
        """
        network = self._translator(to)
        images = check_images(images, self.image_size)
        return drawn(lambda batch: network(to_float(batch), training=False), images)

    def call(self, images, training=False):
        """Images in [-1, 1] of domain a → b."""
        return self.to_b(images, training=training)

    def _translator(self, to: str) -> keras.Model:
        if to not in self.domains:
            raise ValueError(f"to must be one of {self.domains}, got {to!r}.")
        return self.to_b if to == self.domains[1] else self.to_a


def squared(scores, target: float):
    """Mean squared difference of scores and a target, 0 or 1 (least squares, Mao et al. 2017)."""
    return ops.mean(ops.square(scores - target))


def distance(images, others):
    """Mean absolute difference of two batches of images."""
    return ops.mean(ops.abs(images - others))
