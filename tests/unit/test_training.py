"""Runs that survive, and the command that trains what ships. The first part runs on TensorFlow and on JAX."""

import keras
import numpy as np
import pytest

from facelib import profiles, train, weights
from facelib.data import load_faces
from facelib.models import VAE
from facelib.training import Checkpoint, EpochLines


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=64, size=16)


def model():
    vae = VAE(16, 4, width=8, seed=2)
    vae.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, 8)))
    return vae


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.now = epoch, -1

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch:
            raise KeyboardInterrupt


def values(vae):
    return [keras.ops.convert_to_numpy(v) for v in [*vae.weights, *vae.optimizer.variables]]


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


def test_epoch_lines_are_the_losses(faces, capsys):
    history = model().fit(faces, epochs=2, batch_size=32, verbose=0, callbacks=[EpochLines()]).history
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].startswith("epoch 2/2  ")
    assert f"loss {history['loss'][1]:.4g}" in lines[1]


@pytest.fixture
def tiny(monkeypatch):
    quick = profiles.SETTINGS["vae"]["quick"] | {"image_size": 16, "latent_dim": 4, "width": 8, "faces": 64}
    monkeypatch.setitem(profiles.SETTINGS["vae"], "quick", quick)


def command(tmp_path, *more):
    return ["vae", "--profile", "quick", "--epochs", "2", "--out", str(tmp_path), *more]


@pytest.mark.tensorflow
def test_train_command_writes_weights_and_card(tiny, tmp_path):
    assert train.main(command(tmp_path)) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["vae-synthetic-16.json", "vae-synthetic-16.npz"]
    card = weights.catalog(tmp_path)["vae-synthetic-16"]
    assert card["epochs"] == 2 and card["steps"] == 4 and card["dataset"]["train"] == 64
    assert weights.load("vae-synthetic-16", folder=tmp_path).sample(2).shape == (2, 16, 16, 3)


@pytest.mark.tensorflow
def test_train_command_resumes_to_the_same_weights(tiny, tmp_path, monkeypatch):
    train.main(command(tmp_path / "whole"))

    fit = VAE.fit

    def interrupted(self, *args, callbacks, **kwargs):
        return fit(self, *args, callbacks=[*callbacks, Interrupt(epoch=1)], **kwargs)

    monkeypatch.setattr(VAE, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train.main(command(tmp_path / "cut"))
    assert [p.name for p in (tmp_path / "cut").iterdir()] == ["vae-synthetic-16.checkpoint.npz"]
    monkeypatch.setattr(VAE, "fit", fit)
    train.main(command(tmp_path / "cut", "--resume"))
    whole, cut = (np.load(tmp_path / part / "vae-synthetic-16.npz") for part in ("whole", "cut"))
    for key in whole.files:
        np.testing.assert_allclose(cut[key].astype(float), whole[key].astype(float), rtol=2e-3, atol=1e-4)


@pytest.mark.tensorflow
def test_train_command_names_what_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FACELIB_DATA", str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        train.main(command(tmp_path, "--dataset", "portraits"))
    assert stopped.value.code == 2
    assert "Set FACELIB_DATA" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main(["vae", "--epochs", "0"])
    assert "--epochs must be at least 1, got 0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main(["gan"])
    assert "invalid choice: 'gan'" in capsys.readouterr().err
