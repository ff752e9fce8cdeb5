"""Runs that survive: what is saved, and that a resumed run is the uninterrupted one. On TensorFlow and on JAX."""

import errno
import gc
import json
import re
import signal
import subprocess
import sys
import warnings
import weakref
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from interrupt import Interrupt

from facelib.data import load_faces
from facelib.models import DCGAN, VAE
from facelib.training import BestEpoch, Checkpoint, CollapseGuard, EpochLines, recipe
from facelib.training.checkpoint import state_of


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=64, size=16)


def model():
    vae = VAE(16, 4, width=8, seed=2)
    vae.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, 8)))
    return vae


def values(vae):
    return [keras.ops.convert_to_numpy(v) for v in [*vae.weights, *vae.optimizer.variables]]


@pytest.mark.graph
def test_resumed_is_uninterrupted(faces, tmp_path):
    whole = model()
    whole.fit(faces, epochs=4, batch_size=32, verbose=0)

    path, settings = tmp_path / "run.npz", {"epochs": 4}
    with pytest.raises(KeyboardInterrupt):
        model().fit(
            faces, epochs=4, batch_size=32, verbose=0, callbacks=[Checkpoint(path, settings), Interrupt(epoch=2)]
        )
    resumed, checkpoint = model(), Checkpoint(path, settings)
    done = checkpoint.restore(resumed)
    assert done == 2
    resumed.fit(faces, epochs=4, initial_epoch=done, batch_size=32, verbose=0, callbacks=[checkpoint])
    for expected, value in zip(values(whole), values(resumed), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.graph
def test_faces_are_not_held_once_training_is_over():
    """TensorFlow keeps the data sets that it was given."""
    trained, images = model(), np.random.default_rng(0).integers(0, 256, (64, 16, 16, 3), np.uint8)
    held = weakref.ref(images)
    trained.fit(images, epochs=1, batch_size=32, verbose=0)
    del images
    gc.collect()
    assert held() is None


@pytest.mark.graph
def test_a_forgotten_random_state_would_show(faces, tmp_path):
    """What the test above must catch: resuming with weights and optimizer alone ends elsewhere."""
    whole = model()
    whole.fit(faces, epochs=4, batch_size=32, verbose=0)
    half = model()
    half.fit(faces, epochs=2, batch_size=32, verbose=0)
    resumed = model()
    for target, source in zip([*resumed.weights, *resumed.optimizer.variables], values(half), strict=True):
        target.assign(source)
    resumed.fit(faces, epochs=4, initial_epoch=2, batch_size=32, verbose=0)
    gap = max(np.abs(a - b).max() for a, b in zip(values(whole), values(resumed), strict=True))
    assert gap > 1e-4


def test_changed_settings_are_refused_with_the_difference(faces, tmp_path):
    path = tmp_path / "run.npz"
    model().fit(faces, epochs=1, batch_size=32, verbose=0, callbacks=[Checkpoint(path, {"width": 8, "epochs": 1})])
    with pytest.raises(ValueError, match="width: was 8, now 16"):
        Checkpoint(path, {"width": 16, "epochs": 1}).restore(model())
    assert Checkpoint(tmp_path / "none.npz", {}).restore(model()) == 0


@pytest.mark.parametrize("settings", [{"seed": np.int64(3)}, {"seed": {"folder": Path("runs")}}])
def test_what_cannot_be_saved_is_refused_at_once(settings, tmp_path):
    with pytest.raises(ValueError, match="settings must be plain values that JSON can hold, got a .* for 'seed'"):
        Checkpoint(tmp_path / "run.npz", settings)
    with pytest.raises(ValueError, match="path must end in .npz, got 'run.ckpt'"):
        Checkpoint(tmp_path / "run.ckpt", {})


def test_other_callbacks_are_refused_before_anything_is_restored(faces, tmp_path):
    path, best = tmp_path / "run.npz", BestEpoch(lambda model: 1.0)
    model().fit(faces, epochs=1, batch_size=32, verbose=0, callbacks=[best, Checkpoint(path, {}, also=[best])])
    fresh = model()
    before = values(fresh)
    for also in ([], [CollapseGuard()], [best, CollapseGuard()]):
        with pytest.raises(ValueError, match=r"made with other callbacks in `also` \(was \['BestEpoch'\], now \["):
            Checkpoint(path, {}, also=also).restore(fresh)
    for one, other in zip(before, values(fresh), strict=True):
        np.testing.assert_array_equal(one, other)
    # Older files do not name them.
    with np.load(path) as arrays:
        arrays = dict(arrays)
    about = json.loads(str(arrays["about"]))
    del about["also"]
    np.savez(path, **arrays | {"about": json.dumps(about)})
    with pytest.raises(ValueError, match=r"\(was 1 of them, now \[\]\)"):
        Checkpoint(path, {}).restore(fresh)
    assert Checkpoint(path, {}, also=[best]).restore(fresh) == 1
    with pytest.raises(ValueError, match="not compiled: call compile"):
        Checkpoint(path, {}, also=[best]).restore(VAE(16, 4, width=8))


def test_steps_are_counted_without_asking_for_the_model(tmp_path):
    """On JAX, Keras would fetch its state each time."""
    checkpoint = Checkpoint(tmp_path / "run.npz", {})
    checkpoint.set_params({"steps": 6, "epochs": 2})
    checkpoint.set_model(SimpleNamespace(steps_per_execution=3))
    checkpoint.on_epoch_begin(1)
    checkpoint.set_model(None)
    for batch in (2, 5):
        checkpoint.on_train_batch_end(batch)
    assert checkpoint._steps == 6


def test_another_runs_losses_do_not_come_in(faces, tmp_path):
    checkpoint = Checkpoint(tmp_path / "run.npz", {})
    model().fit(faces, epochs=2, batch_size=32, verbose=0, callbacks=[checkpoint])
    checkpoint.seconds = 1000.0
    history = model().fit(faces, epochs=1, batch_size=32, verbose=0, callbacks=[checkpoint]).history
    assert checkpoint.history["loss"] == history["loss"] and checkpoint.epoch == 1 and checkpoint.seconds < 1000
    assert len(json.loads(str(np.load(tmp_path / "run.npz")["about"]))["history"]["loss"]) == 1


def test_epoch_lines_are_the_losses(faces, capsys):
    history = model().fit(faces, epochs=2, batch_size=32, verbose=0, callbacks=[EpochLines()]).history
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].startswith("epoch 2/2  ")
    assert f"loss {history['loss'][1]:.4g}" in lines[1]


KILLED = """
import os, signal, sys
import keras
from facelib.data import load_faces
from facelib.models import DCGAN
from facelib.training import Checkpoint, CollapseGuard, recipe

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == (2, 3):
            os.kill(os.getpid(), signal.SIGKILL)

gan = DCGAN(16, 4, width=4, seed=2)
gan.compile(**recipe("modern"))
guard = CollapseGuard(verbose=False)
saved = Checkpoint(sys.argv[1], {"epochs": 4}, also=[guard])
faces = load_faces("synthetic", n=64, size=16)
gan.fit(faces, epochs=4, steps_per_epoch=6, batch_size=16, verbose=0, callbacks=[guard, saved, Kill()])
"""


def test_a_killed_gan_goes_on_as_if_it_had_never_stopped(faces, tmp_path):
    """kill -9 in the middle of the third epoch: losses from the second on are those of an uninterrupted run."""

    def gan():
        gan = DCGAN(16, 4, width=4, seed=2)
        gan.compile(**recipe("modern"))
        return gan

    path = tmp_path / "run.npz"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)])
    assert killed.returncode == -signal.SIGKILL and [p.name for p in tmp_path.iterdir()] == ["run.npz"]

    whole = gan()
    how = {"epochs": 4, "steps_per_epoch": 6, "batch_size": 16, "verbose": 0}  # R1 is due in steps 1 and 17
    expected = whole.fit(faces, **how, callbacks=[CollapseGuard()]).history
    resumed, guard = gan(), CollapseGuard(verbose=False)
    checkpoint = Checkpoint(path, {"epochs": 4}, also=[guard])
    done = checkpoint.restore(resumed)
    assert done == 2
    resumed.fit(faces, initial_epoch=done, **how, callbacks=[guard, checkpoint])
    for loss, values_ in expected.items():
        np.testing.assert_allclose(checkpoint.history[loss], values_, rtol=0, atol=1e-5)
    for one, two in zip(state_of(whole), state_of(resumed), strict=True):
        one, two = (keras.ops.convert_to_numpy(v) for v in (one, two))
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_a_full_disk_leaves_the_checkpoint_before(faces, tmp_path, monkeypatch):
    """The first write succeeds, the second stops half-way; training goes on and says so."""
    savez, calls = np.savez, []

    def full(path, **arrays):
        calls.append(path)
        if len(calls) == 2:
            path.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        savez(path, **arrays)

    monkeypatch.setattr(np, "savez", full)
    checkpoint = Checkpoint(tmp_path / "run.npz", {})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model().fit(faces, epochs=2, batch_size=32, verbose=0, callbacks=[checkpoint])
    (said,) = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert re.search(r"no checkpoint after epoch 2: .*No space left.* state after epoch 1 is in .*run.npz", said)
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]
    again = Checkpoint(tmp_path / "run.npz", {})
    assert again.restore(model()) == 1 and len(again.history["loss"]) == 1


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"not a zip file at all"])
def test_a_damaged_checkpoint_is_named(faces, tmp_path, damage):
    path = tmp_path / "run.npz"
    model().fit(faces, epochs=1, batch_size=32, verbose=0, callbacks=[Checkpoint(path, {})])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="run.npz is no checkpoint"):
        Checkpoint(path, {}).restore(model())


def test_another_model_does_not_take_the_state(faces, tmp_path):
    path = tmp_path / "run.npz"
    model().fit(faces, epochs=1, batch_size=32, verbose=0, callbacks=[Checkpoint(path, {})])
    other = VAE(16, 4, width=16)
    other.compile()
    with pytest.raises(ValueError, match="does not fit this model"):
        Checkpoint(path, {}).restore(other)


def test_checkpoints_can_be_made_less_often_but_the_last_epoch_has_one(faces, tmp_path):
    checkpoint, epochs = Checkpoint(tmp_path / "run.npz", {}, every=2), []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            epochs.append(checkpoint.epoch)

    model().fit(faces, epochs=5, batch_size=32, verbose=0, callbacks=[checkpoint, Look()])
    assert epochs == [0, 2, 2, 4, 5] and len(checkpoint.history["loss"]) == 5
    with pytest.raises(ValueError, match="every must be at least 1 epoch, got 0"):
        Checkpoint(tmp_path / "run.npz", {}, every=0)


def test_an_epoch_that_was_stopped_is_not_saved(faces, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.now = epoch

        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = (self.now, batch) == (1, 0)

    checkpoint = Checkpoint(tmp_path / "run.npz", {})
    model().fit(faces, epochs=3, batch_size=32, verbose=0, callbacks=[Stop(), checkpoint])
    assert checkpoint.epoch == 1 and len(checkpoint.history["loss"]) == 1


@pytest.mark.parametrize("told", [(1, 3), (0, 2)])
def test_several_steps_in_one_execution_are_counted(tmp_path, told):
    """Of an execution Keras tells the last step; older ones told the first."""
    vae = model()
    vae.compile(keras.optimizers.Adam(), steps_per_execution=2)
    checkpoint = Checkpoint(tmp_path / "run.npz", {})
    checkpoint.set_model(vae)
    checkpoint.set_params({"steps": 4, "epochs": 2})
    checkpoint.on_train_begin()
    for epoch, batches in enumerate((told, told[:1])):  # the second is stopped after one execution
        checkpoint.on_epoch_begin(epoch)
        for batch in batches:
            checkpoint.on_train_batch_end(batch)
        checkpoint.on_epoch_end(epoch, {"loss": 1.0})
    assert checkpoint.epoch == 1 and len(checkpoint.history["loss"]) == 1


def test_weights_that_are_no_numbers_are_not_saved(faces, tmp_path):
    class Break(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                weight = self.model.decoder.weights[0]
                weight.assign(weight * np.nan)

    checkpoint = Checkpoint(tmp_path / "run.npz", {})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model().fit(faces, epochs=2, batch_size=32, verbose=0, callbacks=[Break(), checkpoint])
    said = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert len(said) == 1 and "no checkpoint after epoch 2: a weight is no number. The state after epoch 1" in said[0]
    assert checkpoint.epoch == 1
