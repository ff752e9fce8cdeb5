"""The training of chapters, kept in a folder: it goes on after a disconnect and ends as if there had been none."""

import os
import re
import sys
from types import ModuleType, SimpleNamespace

import keras
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from interrupt import Interrupt

from facelib import colab, profiles
from facelib.data import load_faces
from facelib.models import DCGAN
from facelib.training import KeptRun, SampleGrid, recipe
from facelib.training.checkpoint import state_of

SIZES = SimpleNamespace(profile="quick", epochs=3, image_size=16)


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=48, size=16)


def train(faces, folder, *more, switches=None, **built):
    gan = DCGAN(16, 8, light=True, seed=1, **{"width": 8, **built})
    gan.compile(**recipe("modern", **(switches or {})))
    saved = KeptRun(folder, "03_dcgan", SIZES, dataset="synthetic", seed=0)
    grid = SampleGrid(1, 2, folder=saved.frames)
    how = {"epochs": 3, "initial_epoch": saved.restore(gan), "batch_size": 24, "verbose": 0}
    history = gan.fit(faces, **how, callbacks=[grid, saved, *more])
    return gan, history.history, grid, saved


def assert_same(one, other, epochs=3):
    for a, b in zip(state_of(one[0]), state_of(other[0]), strict=True):
        a, b = keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert one[1].keys() == other[1].keys()
    for name, losses in one[1].items():
        assert len(losses) == epochs
        np.testing.assert_allclose(losses, other[1][name], rtol=1e-4)
    assert one[2].epochs == other[2].epochs == list(range(epochs + 1))
    for a, b in zip(one[2].frames, other[2].frames, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1


def test_a_run_goes_on_after_a_disconnect(faces, tmp_path, capsys):
    whole = train(faces, "")
    with pytest.raises(KeyboardInterrupt) as stop:
        train(faces, tmp_path, Interrupt(2))
    assert "after epoch 2" in stop.value.__notes__[0]
    resumed = train(faces, tmp_path)
    assert "2 of 3 epochs were done before" in capsys.readouterr().out
    assert_same(whole, resumed)
    # Once more, when there is nothing left to do: the chapter below the training shows the same.
    assert_same(whole, train(faces, tmp_path))


def test_a_second_training_has_its_own_history(faces, tmp_path):
    saved = KeptRun(tmp_path, "03_dcgan", SIZES)
    for _ in range(2):
        gan = DCGAN(16, 8, width=8, light=True)
        gan.compile("sgd", "sgd", run_eagerly=True)
        history = gan.fit(faces, epochs=1, batch_size=16, verbose=0, callbacks=[saved]).history
    assert len(history["g_loss"]) == len(saved.history["g_loss"]) == 1


@pytest.mark.once
def test_a_run_of_a_model_that_was_changed_is_not_gone_on_with(faces, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(faces, tmp_path, Interrupt(1))
    weaker = {"generator_optimizer": keras.optimizers.Adam(1e-5, beta_1=0.5)}
    for changed, words in [
        ({"switches": {"r1": 0.0}}, "r1: was .*, now 0.0"),
        ({"switches": weaker}, "learning_rate=0.0002.*learning_rate=1e-05"),
        ({"dropout": 0.3}, "dropout: was 0.*, now 0.3"),
    ]:
        with pytest.raises(ValueError, match=f"{words}.*delete it or name another folder in `checkpoints`"):
            train(faces, tmp_path, **changed)
    assert train(faces, tmp_path)[3].epoch == 3


def test_without_a_folder_nothing_is_kept(faces, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    saved = KeptRun("", "03_dcgan", SIZES)
    saved.path.write_text("no checkpoint")
    with pytest.raises(KeyboardInterrupt) as stop:
        train(faces, "", Interrupt(1))
    assert "name a folder in `checkpoints`" in stop.value.__notes__[0]
    assert [path.name for path in tmp_path.iterdir()] == [saved.path.name] and saved.frames is None
    assert saved.restore(None) == 0 and not capsys.readouterr().out


def test_each_run_has_its_own_file(tmp_path):
    def path(name="02", profile="quick", **more):
        return KeptRun(tmp_path, name, SimpleNamespace(profile=profile, epochs=3), **more).path.name

    names = [path(), path("03"), path(profile="colab"), path(seed=1), path(kind="one fold, resized", seed=1)]
    assert len(set(names)) == len(names)
    assert names[-1] == "02-quick-one-fold-resized-1.npz"


def test_about_twenty_checkpoints_a_run(tmp_path):
    """What is replaced on Google Drive stays in its bin."""
    for epochs in (1, 6, 150):
        every = KeptRun(tmp_path, "03", SimpleNamespace(profile="colab", epochs=epochs)).every
        assert 1 <= epochs / every <= 22


@pytest.fixture
def google(monkeypatch, tmp_path):
    """Colab's module, with a Drive that can be mounted."""
    package, drive = ModuleType("google.colab"), ModuleType("google.colab.drive")
    drive.mounted = []

    def mount(place):
        drive.mounted.append(place)
        os.makedirs(os.path.join(place, "MyDrive"))

    drive.mount, package.drive = mount, drive
    monkeypatch.setattr(colab, "DRIVE", tmp_path / "drive")
    monkeypatch.setitem(sys.modules, "google.colab", package)
    monkeypatch.setitem(sys.modules, "google.colab.drive", drive)
    return drive


def test_the_drive_is_mounted_once_and_only_if_it_is_named(google, tmp_path):
    assert KeptRun("", "03", SIZES).restore(None) == 0
    assert KeptRun(tmp_path / "elsewhere", "03", SIZES).restore(None) == 0
    assert google.mounted == []
    folder = tmp_path / "drive" / "MyDrive" / "face-arithmetic"
    for _ in range(2):
        assert KeptRun(str(folder), "03", SIZES).path.parent == folder
    assert google.mounted == [str(tmp_path / "drive")]


def test_elsewhere_there_is_no_drive_to_mount(monkeypatch):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    with pytest.raises(ValueError, match=r"checkpoints='/content/drive/MyDrive/x' is on Google Drive.*name another"):
        KeptRun("/content/drive/MyDrive/x", "03", SIZES)


KEEPING = ["01_vae", "02_accordion", "03_dcgan", "04_conditional_gan", "05_conditional_family", "09_cyclegan"]


def cells(root, chapter, *, tag=None, containing=""):
    """Sources of a chapter's code cells."""
    notebook = nbformat.read(root / "chapters" / f"{chapter}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [c.source for c in code if containing in c.source and (tag is None or tag in c.metadata.get("tags", []))]


def test_chapter_3_goes_on_after_a_disconnect(root, tmp_path, monkeypatch, capsys):
    """Its own cells: parameters, imports, training; smaller, and disconnected in the third of four epochs."""
    small = profiles.SETTINGS["dcgan-light"]["quick"] | {"width": 8, "faces": 64, "steps_per_epoch": 1, "epochs": 4}
    monkeypatch.setitem(profiles.SETTINGS["dcgan-light"], "quick", small)
    (parameters,) = cells(root, "03_dcgan", tag="parameters")
    (imports,) = cells(root, "03_dcgan", containing="from facelib.models import DCGAN")
    (training,) = cells(root, "03_dcgan", containing="KeptRun(checkpoints")

    def run(folder, **instead):
        names = {}
        with plt.rc_context():
            exec(f"{parameters}\ncheckpoints = {folder!r}\n{imports}", names)
        names.update(instead)
        exec(training, names)
        return names["gan"], names["history"].history, names["grid"]

    whole = run("")
    folder = str(tmp_path / "kept")
    with pytest.raises(KeyboardInterrupt):
        run(folder, EpochLines=lambda: Interrupt(2))
    capsys.readouterr()
    resumed = run(folder)
    said = capsys.readouterr().out
    assert "2 of 4 epochs were done before" in said and "epoch 3/4" in said and "epoch 2/4" not in said
    assert_same(whole, resumed, epochs=4)


@pytest.mark.parametrize("chapter", KEEPING)
def test_chapters_that_train_for_long_keep_what_they_have(root, chapter):
    (parameters,) = cells(root, chapter, tag="parameters")
    assert 'checkpoints = ""  # @param' in parameters  # committed pages keep nothing
    (training,) = cells(root, chapter, containing="KeptRun(checkpoints")
    assert f'KeptRun(checkpoints, "{chapter}"' in training
    assert "initial_epoch=saved.restore(" in training
    # Last: it saves the state of the others, and what they have done of the epoch.
    assert re.search(r"callbacks=\[[^]]*, saved\]", training)
    for grid in re.findall(r"(?:Sample|Translation)Grid\(.*\)", training):
        assert grid.endswith("folder=saved.frames)"), grid
