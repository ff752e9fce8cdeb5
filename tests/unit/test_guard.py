"""CollapseGuard by hand-made losses: what it keeps, what it reloads, when it gives up. Runs on TensorFlow and JAX."""

import keras
import numpy as np
import pytest
from keras import ops

from facelib.data import load_faces
from facelib.models import DCGAN
from facelib.training import Checkpoint, CollapseGuard, recipe

GOOD = {"d_loss_real": 0.6, "d_loss_fake": 0.6, "g_loss": 0.9}


@pytest.fixture
def gan():
    gan = DCGAN(16, 4, width=4)
    gan.compile(**recipe("modern"))
    return gan


def watch(gan, **settings):
    guard = CollapseGuard(**settings)
    guard.set_model(gan)
    guard.on_epoch_begin(0)
    return guard


def parts(gan):
    return {
        "generator": gan.generator.weights,
        "discriminator": gan.discriminator.weights,
        "average": gan.average.network.weights,
        "moments": [v for o in (gan.optimizer, gan.discriminator_optimizer) for v in o.variables if v.shape],
    }


def fill(gan, value):
    for variables in parts(gan).values():
        for variable in variables:
            variable.assign(ops.full(variable.shape, value))


def seen(gan):
    """What each part is filled with; fails if it is not one value."""
    found = {}
    for name, variables in parts(gan).items():
        values = {float(v) for variable in variables for v in np.unique(ops.convert_to_numpy(variable))}
        assert len(values) == 1, name
        found[name] = values.pop()
    return found


@pytest.mark.parametrize(
    "mapping, loss, reloaded",
    [
        ("seed", "d_loss_real", {"discriminator"}),
        ("seed", "d_loss_fake", {"generator"}),  # as in the seed, whose author may have meant the discriminator
        ("seed", "g_loss", {"generator", "discriminator"}),
        ("player", "d_loss_real", {"discriminator"}),
        ("player", "d_loss_fake", {"discriminator"}),
        ("player", "g_loss", {"generator"}),
    ],
)
def test_the_last_reasonable_weights_come_back(gan, mapping, loss, reloaded, capsys):
    guard = watch(gan, mapping=mapping)
    fill(gan, 1.0)
    guard.on_train_batch_end(0, GOOD)
    fill(gan, 2.0)
    guard.on_train_batch_end(1, {**GOOD, "g_loss": 1.6})  # neither reasonable nor out of bounds
    assert not guard.reloads
    guard.on_train_batch_end(2, {**GOOD, loss: 4.6})
    assert seen(gan) == {part: 1.0 if part in reloaded else 2.0 for part in parts(gan)}
    assert [(r["step"], r["loss"], set(r["networks"])) for r in guard.reloads] == [(3, loss, reloaded)]
    assert f"{loss} 4.6 is outside of" in capsys.readouterr().out


def test_bounds_are_those_of_the_seed(gan):
    guard = watch(gan, verbose=False)
    guard.on_train_batch_end(0, GOOD)
    for loss, inside, outside in (
        ("d_loss_real", (0.002, 1.99), (0.0009, 2.01)),
        ("d_loss_fake", (0.002, 1.99), (0.0009, 2.01)),
        ("g_loss", (0.011, 4.49), (0.009, 4.51)),
    ):
        for value in inside + outside:
            before = len(guard.reloads)
            guard.on_train_batch_end(1, {**GOOD, loss: value})
            assert (len(guard.reloads) > before) == (value in outside), (loss, value)


@pytest.mark.parametrize(
    "loss, low, high", [("d_loss_real", 0.3, 0.95), ("d_loss_fake", 0.25, 0.95), ("g_loss", 0.4, 1.5)]
)
def test_weights_are_kept_within_the_seeds_limits_only(gan, loss, low, high):
    for value, kept in ((low - 0.01, 1.0), (low + 0.01, 2.0), (high - 0.01, 2.0), (high + 0.01, 1.0)):
        guard = watch(gan, verbose=False)
        fill(gan, 1.0)
        guard.on_train_batch_end(0, GOOD)
        fill(gan, 2.0)
        guard.on_train_batch_end(1, {**GOOD, loss: value})
        fill(gan, 3.0)
        guard.on_train_batch_end(2, {**GOOD, "g_loss": 9.0})
        assert seen(gan)["generator"] == kept


def test_before_anything_was_kept_nothing_is_reloaded(gan):
    guard = watch(gan)
    fill(gan, 2.0)
    guard.on_train_batch_end(0, {**GOOD, "g_loss": 9.0})
    assert not guard.reloads and seen(gan)["generator"] == 2.0 and not gan.stop_training


def test_nan_takes_moments_and_average_back_too(gan):
    guard = watch(gan, verbose=False)
    fill(gan, 1.0)
    guard.on_train_batch_end(0, GOOD)
    fill(gan, np.nan)
    guard.on_train_batch_end(1, {**GOOD, "d_loss_real": float("nan")})
    assert set(seen(gan).values()) == {1.0}


def test_it_stops_when_reloading_does_not_help(gan, capsys):
    guard = watch(gan, patience=3)
    fill(gan, 1.0)
    guard.on_train_batch_end(0, GOOD)
    gan.stop_training = False
    for step in range(1, 4):
        fill(gan, 2.0)
        guard.on_train_batch_end(step, {**GOOD, "g_loss": 9.0})
        assert not gan.stop_training
    fill(gan, 2.0)
    guard.on_train_batch_end(4, {**GOOD, "g_loss": 9.0})
    assert gan.stop_training and "3 reloads of the same weights did not bring g_loss back" in guard.gave_up
    assert seen(gan)["generator"] == 1.0 and "training stopped" in capsys.readouterr().out


def test_a_reasonable_step_in_between_gives_it_new_patience(gan):
    guard = watch(gan, patience=1, verbose=False)
    for step in range(6):
        guard.on_train_batch_end(step, GOOD if step % 2 == 0 else {**GOOD, "g_loss": 9.0})
    assert len(guard.reloads) == 3 and guard.gave_up is None


def test_copies_can_be_made_less_often(gan):
    guard = watch(gan, keep_every=3, verbose=False)
    for step in range(5):
        fill(gan, float(step))
        guard.on_train_batch_end(step, GOOD)
    guard.on_train_batch_end(5, {**GOOD, "g_loss": 9.0})
    assert seen(gan)["generator"] == 3.0


def test_a_checkpoint_holds_what_was_kept(gan, tmp_path):
    guard = watch(gan, verbose=False)
    fill(gan, 1.0)
    guard.on_train_batch_end(0, GOOD)
    checkpoint = Checkpoint(tmp_path / "run.npz", {}, also=[guard])
    checkpoint.set_model(gan)
    checkpoint.set_params({"epochs": 9})
    checkpoint.on_train_begin()
    checkpoint.on_epoch_end(0, GOOD)

    other = DCGAN(16, 4, width=4)
    other.compile(**recipe("modern"))
    resumed = watch(other, verbose=False)
    assert Checkpoint(tmp_path / "run.npz", {}, also=[resumed]).restore(other) == 1
    fill(other, 2.0)
    resumed.on_train_batch_end(0, {**GOOD, "g_loss": 9.0})
    assert seen(other)["generator"] == 1.0


def test_a_run_that_breaks_is_rescued():
    """The same run with and without: NaN in the generator ends one, and the other goes on with finite weights."""

    class Break(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                weight = self.model.generator.weights[0]
                weight.assign(weight * np.nan)

    faces = load_faces("synthetic", n=64, size=16)
    losses = {}
    for guarded in (False, True):
        gan = DCGAN(16, 4, width=4)
        gan.compile(**recipe("faithful"))
        guard = CollapseGuard(verbose=False)
        try:
            history = gan.fit(
                faces, epochs=2, steps_per_epoch=3, batch_size=16, verbose=0, callbacks=[Break(), guard][: 1 + guarded]
            )
            losses[guarded] = history.history["g_loss"][-1]
        except FloatingPointError:
            losses[guarded] = np.nan
    assert np.isnan(losses[False])
    assert guard.reloads and np.isfinite(ops.convert_to_numpy(gan.generator.weights[0])).all()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"mapping": "both"}, "mapping must be one of .'player', 'seed'., got 'both'"),
        ({"keep": {"g_loss": (2, 1)}}, r"keep\['g_loss'\] must be \(low, high\), got \(2, 1\)"),
        ({"patience": 0}, "keep_every and patience must be at least 1, got 1 and 0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        CollapseGuard(**settings)
