"""Two players in one Keras model: two optimizers, one step, on Keras' own `fit`, under TensorFlow and JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import ops

from facelib.backend import jit_compile
from facelib.training.gradients import check_backend, stateless, value_and_gradients


class Players(keras.Model):
    """Generators and discriminators that learn from each other; what they do in a step is a subclass's.

    A subclass defines `adversarial_step(*batch)` and the properties `generator_variables` and
    `discriminator_variables`, lists of `keras.Variable`. Its `__init__` calls `_ready` last, its `compile` calls
    `_compile`.
    """

    discriminator_optimizer: keras.optimizers.Optimizer | None = None

    @property
    def generator_variables(self) -> list[keras.Variable]:
        raise NotImplementedError

    @property
    def discriminator_variables(self) -> list[keras.Variable]:
        raise NotImplementedError

    @property
    def carried(self) -> list[keras.Variable]:
        """State of a step that is neither a network's nor an optimizer's, such as averages."""
        return []

    def adversarial_step(self, *batch) -> dict:
        """Both players learn from a batch; returns the losses by name."""
        raise NotImplementedError

    def _ready(self, seed: int, losses: Sequence[str]) -> None:
        self.noise = keras.random.SeedGenerator(seed)
        self.trackers = [keras.metrics.Mean(name) for name in losses]
        self.built = True

    def _compile(self, generator_optimizer, discriminator_optimizer, **kwargs) -> None:
        check_backend()
        generator_optimizer = keras.optimizers.get(generator_optimizer)
        discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        if generator_optimizer is discriminator_optimizer:
            raise ValueError("the two networks need an optimizer each, got one instance for both.")
        super().compile(generator_optimizer, **{"jit_compile": jit_compile(), **kwargs})
        # Built here: Keras would build the first for both networks' weights, and the second after a checkpoint is read.
        self.optimizer.build(self.generator_variables)
        discriminator_optimizer.build(self.discriminator_variables)
        self.discriminator_optimizer = discriminator_optimizer

    def _learn(self, optimizer: keras.optimizers.Optimizer, loss: Callable):
        """One step of the player whose optimizer this is; `loss()` → (what to lower, anything); returns the latter."""
        variables = self.generator_variables if optimizer is self.optimizer else self.discriminator_variables
        state = [*self.trainable_variables, *self.non_trainable_variables, *self.optimizer.variables]
        parts, gradients = value_and_gradients(loss, variables, state)
        optimizer.apply(gradients, variables)
        return parts

    def _track(self, losses: Sequence) -> dict:
        """The losses of this step, for callbacks; Keras puts the trackers' means over the epoch into the history."""
        for tracker, loss in zip(self.trackers, losses, strict=True):
            # A step that a guard takes back must not spoil the epoch's mean.
            finite = ops.isfinite(loss)
            tracker.update_state(ops.where(finite, loss, 0.0), sample_weight=ops.cast(finite, "float32"))
        return dict(zip([tracker.name for tracker in self.trackers], losses, strict=True))

    @property
    def metrics(self) -> list:
        return self.trackers

    @property
    def non_trainable_variables(self) -> list[keras.Variable]:
        """With the second optimizer and what is carried, which Keras' JAX trainer would not take from step to step."""
        more = self.discriminator_optimizer.variables if self.discriminator_optimizer else []
        return [*super().non_trainable_variables, *more, *self.carried]

    def train_step(self, *arguments):
        """Keras calls this with a batch; under JAX with all variables' values and a batch."""
        if keras.backend.backend() == "tensorflow":
            return self.adversarial_step(*arguments[0])
        values, batch = arguments
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        return stateless(self.adversarial_step, groups, values, *batch)


def in_words(optimizer: keras.optimizers.Optimizer) -> str:
    """Such as "Adam(learning_rate=0.0002, beta_1=0.5)", without what is switched off."""
    values = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in optimizer.get_config().items() if k != "name"}
    settings = ", ".join(f"{key}={value}" for key, value in values.items() if value not in (None, False))
    return f"{type(optimizer).__name__}({settings})"
