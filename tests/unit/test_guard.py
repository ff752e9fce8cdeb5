"""CollapseGuard by hand-made losses: what it keeps, what it reloads, when it gives up. Runs on TensorFlow and JAX."""

import keras
import numpy as np
import pytest
from keras import ops

from facelib.data import load_faces
from facelib.models import DCGAN, VAE
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


def keep(gan, guard, value):
    """Two reasonable steps in a row; what the first leaves is kept."""
    fill(gan, value)
    guard.on_train_batch_end(0, GOOD)
    guard.on_train_batch_end(1, GOOD)


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
    keep(gan, guard, 1.0)
    fill(gan, 2.0)
    guard.on_train_batch_end(2, {**GOOD, "g_loss": 1.6})  # neither reasonable nor out of bounds
    assert not guard.reloads
    guard.on_train_batch_end(2, {**GOOD, loss: 4.6})
    assert seen(gan) == {part: 1.0 if part in reloaded else 2.0 for part in parts(gan)}
    assert [(r["step"], r["loss"], set(r["networks"])) for r in guard.reloads] == [(3, loss, reloaded)]
    assert f"{loss} 4.6 is outside of" in capsys.readouterr().out


def test_bounds_are_those_of_the_seed(gan):
    guard = watch(gan, verbose=False)
    keep(gan, guard, 1.0)
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
        keep(gan, guard, 1.0)
        fill(gan, 2.0)
        guard.on_train_batch_end(2, GOOD)
        guard.on_train_batch_end(3, {**GOOD, loss: value})
        fill(gan, 3.0)
        guard.on_train_batch_end(4, {**GOOD, "g_loss": 9.0})
        assert seen(gan)["generator"] == kept


def test_weights_that_the_next_step_finds_spoilt_are_not_kept(gan):
    """Losses are those of the weights before a step: good losses say nothing of what the step made of them."""
    guard = watch(gan, verbose=False)
    keep(gan, guard, 1.0)
    fill(gan, np.nan)
    guard.on_train_batch_end(2, GOOD)  # measured before the weights broke
    guard.on_train_batch_end(3, dict.fromkeys(GOOD, float("nan")))
    assert set(seen(gan).values()) == {1.0}


def test_before_anything_was_kept_nothing_is_reloaded(gan):
    guard = watch(gan)
    fill(gan, 2.0)
    guard.on_train_batch_end(0, {**GOOD, "g_loss": 9.0})
    assert not guard.reloads and seen(gan)["generator"] == 2.0 and not gan.stop_training


def test_nan_takes_moments_and_average_back_too(gan, capsys):
    guard = watch(gan, bounds={"g_loss": (0.01, 4.5)})  # NaN is out of any bounds
    keep(gan, guard, 1.0)
    fill(gan, np.nan)
    guard.on_train_batch_end(2, {**GOOD, "d_loss_real": float("nan")})
    assert set(seen(gan).values()) == {1.0}
    assert set(guard.reloads[0]["networks"]) == {"generator", "discriminator"}
    assert "d_loss_real nan is outside of 0.001 to 2; generator and discriminator reloaded" in capsys.readouterr().out


def test_nan_before_anything_was_kept_ends_the_run(gan):
    guard = watch(gan)
    with pytest.raises(FloatingPointError, match="g_loss became nan in epoch 1, step 8, before any weights were kept"):
        guard.on_train_batch_end(7, {**GOOD, "g_loss": float("nan")})


def test_optimizers_without_moments_can_be_guarded():
    gan = DCGAN(16, 4, width=4)
    gan.compile("sgd", "sgd", ema=0.9)
    first, second = watch(gan, verbose=False), watch(gan, verbose=False)
    keep(gan, first, 1.0)
    second.set_state(first.get_state())
    fill(gan, np.nan)
    second.on_train_batch_end(2, dict.fromkeys(GOOD, float("nan")))
    assert {float(v) for weight in gan.weights for v in np.unique(ops.convert_to_numpy(weight))} == {1.0}


def test_it_stops_when_reloading_does_not_help(gan, capsys):
    guard = watch(gan, patience=3)
    keep(gan, guard, 1.0)
    gan.stop_training = False
    for step in range(1, 4):
        fill(gan, 2.0)
        guard.on_train_batch_end(step, {**GOOD, "g_loss": 9.0})
        assert not gan.stop_training
    fill(gan, 2.0)
    guard.on_train_batch_end(4, {**GOOD, "g_loss": 9.0})
    assert gan.stop_training and "3 reloads of the same weights did not bring g_loss back" in guard.gave_up
    assert seen(gan)["generator"] == 1.0 and "training stopped" in capsys.readouterr().out


def test_other_weights_to_go_back_to_give_it_new_patience(gan):
    guard = watch(gan, patience=1, verbose=False)
    for _ in range(3):
        keep(gan, guard, 1.0)
        guard.on_train_batch_end(2, {**GOOD, "g_loss": 9.0})
    assert len(guard.reloads) == 3 and guard.gave_up is None


def test_a_single_reasonable_step_in_between_does_not(gan):
    guard = watch(gan, patience=2, verbose=False)
    keep(gan, guard, 1.0)
    for step in range(6):
        guard.on_train_batch_end(step, {**GOOD, "g_loss": 9.0} if step % 2 == 0 else GOOD)
    assert len(guard.reloads) == 2 and guard.gave_up


def test_copies_can_be_made_less_often(gan):
    guard = watch(gan, keep_every=3, verbose=False)
    for step in range(8):
        fill(gan, float(step))
        guard.on_train_batch_end(step, GOOD)
    guard.on_train_batch_end(8, {**GOOD, "g_loss": 9.0})
    assert seen(gan)["generator"] == 6.0


def test_a_checkpoint_holds_what_was_kept(gan, tmp_path):
    guard = watch(gan, verbose=False)
    keep(gan, guard, 1.0)
    checkpoint = Checkpoint(tmp_path / "run.npz", {}, also=[guard])
    checkpoint.set_model(gan)
    checkpoint.set_params({"epochs": 9, "steps": 1})
    checkpoint.on_train_begin()
    checkpoint.on_epoch_begin(0)
    checkpoint.on_train_batch_end(0)
    checkpoint.on_epoch_end(0, GOOD)

    other = DCGAN(16, 4, width=4)
    other.compile(**recipe("modern"))
    resumed = watch(other, verbose=False)
    assert Checkpoint(tmp_path / "run.npz", {}, also=[resumed]).restore(other) == 1
    fill(other, 2.0)
    resumed.on_train_batch_end(0, {**GOOD, "g_loss": 9.0})
    assert seen(other)["generator"] == 1.0


def test_a_resumed_guard_knows_what_it_did(gan):
    guard = watch(gan, patience=1, verbose=False)
    keep(gan, guard, 1.0)
    guard.on_train_batch_end(2, {**GOOD, "g_loss": float("inf")})
    guard.on_train_batch_end(3, {**GOOD, "g_loss": 9.0})
    resumed, older = watch(gan), watch(gan)
    resumed.set_state(guard.get_state())
    assert resumed.reloads == guard.reloads and len(guard.reloads) == 1
    assert resumed.gave_up == guard.gave_up is not None
    older.set_state({key: value for key, value in guard.get_state().items() if key != "said"})
    assert older.reloads == [] and older.gave_up is None
    resumed.on_epoch_begin(1)
    assert len(resumed.reloads) == 1 and resumed.gave_up is None  # it tries again


def test_another_models_weights_do_not_come_back(gan):
    guard = watch(gan, verbose=False)
    keep(gan, guard, 1.0)
    guard.on_train_batch_end(2, {**GOOD, "g_loss": 9.0})
    other = DCGAN(16, 4, width=4)
    other.compile(**recipe("modern"))
    guard.set_model(other)
    guard.on_epoch_begin(0)
    fill(other, 2.0)
    guard.on_train_batch_end(0, {**GOOD, "g_loss": 9.0})
    assert seen(other)["generator"] == 2.0 and not guard.reloads


def test_a_model_with_other_losses_is_refused_before_training():
    vae, faces = VAE(16, 4, width=8), load_faces("synthetic", n=16, size=16)
    vae.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="CollapseGuard is for models with the losses d_loss_real, .* VAE has loss"):
        vae.fit(faces, batch_size=16, verbose=0, callbacks=[CollapseGuard()])


def test_a_run_that_breaks_is_rescued():
    """The same run with and without: NaN in the generator ends one, and the other goes on with finite weights."""

    class Break(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 3:
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
                faces, epochs=2, steps_per_epoch=5, batch_size=16, verbose=0, callbacks=[Break(), guard][: 1 + guarded]
            )
            losses[guarded] = history.history["g_loss"][-1]
        except FloatingPointError:
            losses[guarded] = np.nan
    assert np.isnan(losses[False]) and np.isfinite(losses[True])
    assert guard.reloads and np.isfinite(ops.convert_to_numpy(gan.generator.weights[0])).all()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"mapping": "both"}, "mapping must be one of .'player', 'seed'., got 'both'"),
        ({"keep": {}}, "keep must have limits for .'d_loss_real', 'd_loss_fake', 'g_loss'., or some of them; got {}"),
        ({"bounds": {"loss": (0, 1)}}, "bounds must have limits for"),
        ({"keep": {"g_loss": (2, 1)}}, r"keep\['g_loss'\] must be \(low, high\), got \(2, 1\)"),
        ({"patience": 0}, "keep_every and patience must be at least 1, got 1 and 0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        CollapseGuard(**settings)
