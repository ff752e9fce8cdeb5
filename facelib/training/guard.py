"""Callbacks that look at the losses of every step: stop at NaN, go back before a collapse."""

from __future__ import annotations

import json
import math

import keras
import numpy as np
from keras import ops

# Seed 002: weights are kept while all three losses are reasonable, and reloaded when one is "much too high or low".
REASONABLE = {"d_loss_real": (0.30, 0.95), "d_loss_fake": (0.25, 0.95), "g_loss": (0.40, 1.50)}
BOUNDS = {"d_loss_real": (0.001, 2.0), "d_loss_fake": (0.001, 2.0), "g_loss": (0.01, 4.5)}

# Which networks are reloaded when a loss leaves its bounds.
MAPPINGS = {
    "seed": {
        "d_loss_real": ("discriminator",),
        "d_loss_fake": ("generator",),
        "g_loss": ("generator", "discriminator"),
    },
    "player": {
        "d_loss_real": ("discriminator",),
        "d_loss_fake": ("discriminator",),
        "g_loss": ("generator",),
    },
}


class StopOnNaN(keras.callbacks.Callback):
    """Stop with a `FloatingPointError` as soon as a loss is no longer a number.

    Keras' `TerminateOnNaN` looks at "loss" only, which the two players do not have.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        for name, value in (logs or {}).items():
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"{name} became {value} in epoch {self._epoch + 1}, step {batch + 1}: the weights are lost from "
                    "there on. A lower learning rate, R1 or a CollapseGuard can help."
                )


class CollapseGuard(keras.callbacks.Callback):
    """Keep weights while the losses are reasonable, and go back to them when a loss leaves its bounds (seed 002).

    The seed reloads the *generator* when the discriminator's loss on generated images leaves its bounds, and both
    networks for the generator's loss: that is `mapping="seed"`. With `mapping="player"` each loss reloads the network
    that pays it. The optimizers go on as they are, as in the seed, unless the loss was no longer a number: then their
    moments go back as well. Training stops when reloading no longer helps.

    Losses are those of the weights before a step, so weights count as kept once the next step's losses are reasonable
    too. (The seed kept them at once, and could reload weights that a last bad step had spoilt.)

    It keeps a run out of trouble that passes, such as a NaN. It did not rescue any run in trouble that stays: beside
    their unguarded twins, runs with far too high learning rates spent fewer steps out of bounds, and drew fewer
    different faces (`experiments/collapse_guard.py`).

    The usual bounds are for losses of real-or-not alone. ACGAN, 2N-GAN and InfoGAN add what classes and codes cost, and
    need bounds of their own: by these no weights of theirs may ever count as reasonable.

    Args:
        mapping: "seed" or "player".
        keep: bounds of each loss within which weights are kept.
        bounds: bounds of each loss outside of which they are reloaded.
        keep_every: steps (executions, where `compile` has several steps in one) between two copies of the weights; 1
            as in the seed, more to save time on a GPU.
        patience: reloads of the same weights before training stops.
        verbose: print a line a reload.

    Attributes:
        reloads: a dict each, with epoch, step, loss, value and networks.
        gave_up: why training was stopped, or None.

    Raises:
        ValueError: for an unknown mapping or loss, bounds that are not in order, or keep_every or patience under 1;
            when training begins, for a model that has other losses.
        FloatingPointError: while training, if a loss is no longer a number before any weights were kept.
    """

    def __init__(
        self,
        mapping: str = "seed",
        *,
        keep: dict[str, tuple[float, float]] = REASONABLE,
        bounds: dict[str, tuple[float, float]] = BOUNDS,
        keep_every: int = 1,
        patience: int = 20,
        verbose: bool = True,
    ):
        super().__init__()
        if mapping not in MAPPINGS:
            raise ValueError(f"mapping must be one of {sorted(MAPPINGS)}, got {mapping!r}.")
        for argument, limits in (("keep", keep), ("bounds", bounds)):
            if not limits or set(limits) - set(BOUNDS):
                raise ValueError(f"{argument} must have limits for {tuple(BOUNDS)}, or some of them; got {limits!r}.")
            for loss, (low, high) in limits.items():
                if not low < high:
                    raise ValueError(f"{argument}[{loss!r}] must be (low, high), got {(low, high)}.")
        if keep_every < 1 or patience < 1:
            raise ValueError(f"keep_every and patience must be at least 1, got {keep_every} and {patience}.")
        self.networks, self.keep, self.bounds = MAPPINGS[mapping], keep, bounds
        self.keep_every, self.patience, self.verbose = keep_every, patience, verbose
        self._forget()

    def _forget(self) -> None:
        self.reloads, self.gave_up = [], None
        self._kept, self._candidate, self._since_kept, self._tries = None, None, 0, 0

    def on_train_begin(self, logs=None):
        losses = [metric.name for metric in self.model.metrics]
        if not set(BOUNDS) <= set(losses):
            raise ValueError(
                f"CollapseGuard is for models with the losses {', '.join(BOUNDS)}; {type(self.model).__name__} has "
                f"{', '.join(losses)}."
            )

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self.gave_up = epoch, None
        if epoch == 0:
            self._forget()  # another run's

    def on_train_batch_end(self, batch, logs=None):
        self._keep(all(low < logs[loss] < high for loss, (low, high) in self.keep.items()))
        broken = [loss for loss in BOUNDS if not math.isfinite(logs[loss])]
        out = broken or [loss for loss, (low, high) in self.bounds.items() if not low <= logs[loss] <= high]
        if not out:
            return
        if self._kept is None:
            if broken:
                raise FloatingPointError(
                    f"{broken[0]} became {logs[broken[0]]} in epoch {self._epoch + 1}, step {batch + 1}, before any "
                    "weights were kept: the losses were never reasonable. Lower the learning rates."
                )
            return
        if self._tries == self.patience:
            self._stop(f"{self.patience} reloads of the same weights did not bring {', '.join(out)} back")
            return
        self._tries += 1
        for loss in out:
            self._reload(loss, logs[loss], batch)

    def _keep(self, reasonable: bool) -> None:
        """Take the weights before this step as kept if its losses are reasonable, and a copy of those after it."""
        self._since_kept += 1
        if not reasonable:
            self._candidate = None
            return
        if self._candidate is not None:
            self._kept, self._candidate, self._since_kept, self._tries = self._candidate, None, 0, 0
        if self._kept is None or self._since_kept + 1 >= self.keep_every:
            self._candidate = {name: _copy(variables) for name, variables in self._parts().items()}

    def _reload(self, loss: str, value: float, batch: int) -> None:
        parts, broken = self._parts(), not math.isfinite(value)
        networks = ("generator", "discriminator") if broken else self.networks[loss]
        for name in parts if broken else networks:
            _assign(parts[name], self._kept.get(name, []))
        self._candidate = None
        self.reloads.append(
            {"epoch": self._epoch + 1, "step": batch + 1, "loss": loss, "value": float(value), "networks": networks}
        )
        if self.verbose:
            low, high = self.bounds.get(loss, BOUNDS[loss])
            print(
                f"epoch {self._epoch + 1}, step {batch + 1}: {loss} {value:.3g} is outside of {low:g} to {high:g}; "
                f"{' and '.join(networks)} reloaded"
            )

    def _stop(self, why: str) -> None:
        self.gave_up = why
        for name, variables in self._parts().items():
            _assign(variables, self._kept.get(name, []))
        self._tries = 0  # a resumed run may try again
        self.model.stop_training = True
        if self.verbose:
            print(f"training stopped: {why}")

    def _parts(self) -> dict[str, list]:
        model = self.model
        parts = {
            "generator": model.generator.weights,
            "discriminator": model.discriminator.weights,
            "generator_moments": _moments(model.optimizer),
            "discriminator_moments": _moments(model.discriminator_optimizer),
        }
        return parts | ({"average": model.average.variables} if model.average else {})

    def get_state(self) -> dict[str, np.ndarray]:
        """For `Checkpoint`: a resumed run goes back to the same weights."""
        said = json.dumps({"reloads": self.reloads, "gave_up": self.gave_up})
        state = {"counts": np.array([self._since_kept, self._tries]), "said": np.array(said)}
        for which, copy in (("kept", self._kept), ("candidate", self._candidate)):
            for name, values in (copy or {}).items():
                state |= {f"{which}.{name}.{i}": value for i, value in enumerate(values)}
        return state

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        self._since_kept, self._tries = (int(count) for count in state["counts"])
        said = json.loads(str(state["said"])) if "said" in state else {"reloads": [], "gave_up": None}  # an older file
        self.reloads = [reload | {"networks": tuple(reload["networks"])} for reload in said["reloads"]]
        self.gave_up = said["gave_up"]
        copies = {"kept": {}, "candidate": {}}
        for key in sorted((key for key in state if "." in key), key=lambda key: int(key.rsplit(".", 1)[1])):
            which, name, _ = key.split(".")
            copies[which].setdefault(name, []).append(state[key])
        self._kept, self._candidate = copies["kept"] or None, copies["candidate"] or None


def _moments(optimizer: keras.optimizers.Optimizer) -> list:
    """Everything but the counts of steps and the learning rate."""
    return [variable for variable in optimizer.variables if variable.shape]


def _copy(variables) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=bool(values)):  # SGD has no moments
        variable.assign(value)
