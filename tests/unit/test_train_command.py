"""`python -m facelib.train`: what it writes, that it resumes, what it says when something is wrong."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from facelib import profiles, train, weights
from facelib.data import FaceSet, load_faces
from facelib.data.domains import DOMAINS
from facelib.metrics import face_rate
from facelib.models import DCGAN, VAE, Classifier, CycleGAN
from facelib.trainers import gans, judges, runs
from facelib.training import recipe
from facelib.training.doctor import LOSSES


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C at the start of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


class StopAfter(runs.TimeLimit):
    """A time limit that some epochs reach."""

    def __init__(self, epochs):
        super().__init__(minutes=1)
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epochs:
            self.reached = self.model.stop_training = True


@pytest.fixture
def tiny(monkeypatch):
    quick = profiles.SETTINGS["vae"]["quick"] | {"image_size": 16, "latent_dim": 4, "width": 8, "faces": 64}
    monkeypatch.setitem(profiles.SETTINGS["vae"], "quick", quick)
    widths = {"dcgan": 4, "dcgan-light": 8, "dcgan-small": 8, "cdcgan": 4, "cdcgan-light": 8, "judge": 16}
    for name, width in widths.items():
        # A step an epoch: trainings are over before their graphs would be built.
        small = {"image_size": 16, "latent_dim": 4, "batch_size": 64, "faces": 64, "width": width, "epochs": 2}
        monkeypatch.setitem(profiles.SETTINGS[name], "quick", profiles.SETTINGS[name]["quick"] | small)
    for name in ("accordion", "autoencoder"):
        quick = profiles.SETTINGS[name]["quick"] | {"image_size": 16, "width": 4, "faces": 64, "epochs": 2}
        monkeypatch.setitem(profiles.SETTINGS[name], "quick", quick)
    # MTCNN would look at a thousand pictures a run.
    monkeypatch.setattr(gans, "face_rate", lambda samples: face_rate(samples[:32]))


def command(tmp_path, *more):
    return ["vae", "--profile", "quick", "--epochs", "2", "--out", str(tmp_path), *more]


def test_train_command_writes_weights_and_card(tiny, tmp_path):
    assert train.main(command(tmp_path)) == 0
    written = ["vae-synthetic-16.json", "vae-synthetic-16.log.csv", "vae-synthetic-16.npz"]
    assert sorted(p.name for p in tmp_path.iterdir()) == written
    card = weights.catalog(tmp_path)["vae-synthetic-16"]
    assert card["epochs"] == 2 and card["steps"] == 4 and card["dataset"]["train"] == 64
    assert weights.load("vae-synthetic-16", folder=tmp_path).sample(2).shape == (2, 16, 16, 3)


def test_train_command_resumes_to_the_same_weights(tiny, tmp_path, monkeypatch, capsys):
    train.main(command(tmp_path / "whole"))

    fit = VAE.fit

    def interrupted(self, *args, callbacks, **kwargs):
        return fit(self, *args, callbacks=[*callbacks, Interrupt(epoch=1)], **kwargs)

    monkeypatch.setattr(VAE, "fit", interrupted)
    assert train.main(command(tmp_path / "cut")) == 130
    said = capsys.readouterr().err
    assert "interrupted. The state after epoch 1 is in" in said and "vae-synthetic-16.checkpoint.npz" in said
    left = ["vae-synthetic-16.checkpoint.npz", "vae-synthetic-16.log.csv"]
    assert sorted(p.name for p in (tmp_path / "cut").iterdir()) == left
    monkeypatch.setattr(VAE, "fit", fit)
    train.main(command(tmp_path / "cut", "--resume"))
    whole, cut = (np.load(tmp_path / part / "vae-synthetic-16.npz") for part in ("whole", "cut"))
    for key in whole.files:
        np.testing.assert_allclose(cut[key].astype(float), whole[key].astype(float), rtol=2e-3, atol=1e-4)


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
    with pytest.raises(SystemExit):
        train.main(command(tmp_path, "--backend", "jax"))
    assert "Keras runs on tensorflow already" in capsys.readouterr().err
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("keras.backend.backend", lambda: "numpy")
        train.main(command(tmp_path))
    assert "KERAS_BACKEND must be tensorflow or jax, got numpy" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main(command(tmp_path, "--data-parallel"))
    assert "several devices needs KERAS_BACKEND=jax" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main(command(tmp_path, "--minutes", "0"))
    assert "--minutes must be positive, got 0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main(command(tmp_path, "--recipe", "faithful"))
    assert "--recipe is for GANs; vae is trained in one way only, got faithful" in capsys.readouterr().err
    for more in (("--framing", "background"), ("--image-size", "32")):
        with pytest.raises(SystemExit):
            train.main(["encoder", "--out", str(tmp_path), *more])
        assert "--framing and --image-size are those of the encoder's generator" in capsys.readouterr().err


def gan_command(tmp_path, *more):
    return ["dcgan", "--profile", "quick", "--out", str(tmp_path), *more]


def from_file(path):
    return ["--dataset", "synthetic", "--faces", str(path)]


def test_a_gan_leaves_weights_card_curves_and_a_time_lapse(tiny, tmp_path):
    assert train.main(gan_command(tmp_path, "--epochs", "4", "--recipe", "faithful", "--tensorboard")) == 0
    name = "dcgan-faithful-synthetic-16"
    written = [f"{name}{suffix}" for suffix in (".frames", ".json", ".log.csv", ".npz", ".tensorboard", ".zip")]
    assert sorted(p.name for p in tmp_path.iterdir()) == written
    card = weights.catalog(tmp_path)[name]
    assert card["command"].endswith("dcgan --dataset synthetic --profile quick --recipe faithful --epochs 4")
    assert card["steps"] == 4 and 0 <= card["scores"]["face_rate"][0] <= 1 and card["scores"]["doctor"]
    assert len(list((tmp_path / f"{name}.frames").iterdir())) == 5
    film = weights.timelapse(name, folder=tmp_path)
    assert list(film) == [0, 1, 2, 3, 4] and film[4].shape == (4 * 16, 8 * 16, 3)
    assert [len(card["history"][loss]) for loss in LOSSES] == [4] * 3
    by_epoch = card["scores"]["face_rate_by_epoch"]
    assert list(by_epoch) == ["1", "2", "3", "4"]
    assert by_epoch[str(card["chosen_epoch"])] == max(by_epoch.values())
    assert len((tmp_path / f"{name}.log.csv").read_text().splitlines()) == 5
    assert list((tmp_path / f"{name}.tensorboard").rglob("events*"))
    assert weights.load(name, folder=tmp_path).sample(2).shape == (2, 16, 16, 3)


def test_the_light_gans_and_the_accordions_have_commands(tiny, tmp_path):
    for name in ("dcgan-light", "dcgan-small", "accordion", "autoencoder"):
        assert train.main([name, "--profile", "quick", "--out", str(tmp_path)]) == 0
        card = weights.catalog(tmp_path)[f"{name}-synthetic-16"]
        assert card["command"].startswith(f"python -m facelib.train {name} --dataset synthetic --profile quick")
        assert ("--recipe" in card["command"]) == name.startswith("dcgan")
        assert card["epochs"] == 2 and card["steps"] > 0
    cards = weights.catalog(tmp_path)
    assert all(cards[f"dcgan-{kind}-synthetic-16"]["config"]["light"] for kind in ("light", "small"))
    assert [cards[f"{name}-synthetic-16"]["config"]["folds"] for name in ("accordion", "autoencoder")] == [2, 1]
    assert cards["accordion-synthetic-16"]["scores"]["psnr_db"][0] > 5


def test_a_conditional_gan_says_what_its_classes_are(tiny, tmp_path):
    assert train.main(["cdcgan-light", "--profile", "quick", "--out", str(tmp_path)]) == 0
    card = weights.catalog(tmp_path)["cdcgan-light-synthetic-16"]
    assert "--recipe modern --labels combined --epochs 2" in card["command"]
    assert card["labels"]["names"] == ["woman", "man", "woman, high cheekbones", "woman, big lips"]
    assert sum(card["labels"]["faces"].values()) == 64 and card["config"]["classes"] == 4
    assert "model='conditional'" in card["recipe"]
    assert list(card["scores"]["discriminator_right_of_real_and_generated"]) == ["2"]
    assert weights.timelapse(card["name"], folder=tmp_path)[2].shape == (4 * 16, 8 * 16, 3)
    assert weights.load(card["name"], folder=tmp_path).sample_grid(2).shape == (4, 2, 16, 16, 3)


def test_schemes_framings_and_sizes_have_names_of_their_own(tiny, tmp_path):
    more = ["--labels", "independent", "--framing", "background", "--image-size", "32", "--recipe", "faithful"]
    assert train.main(["cdcgan", "--profile", "quick", "--out", str(tmp_path), *more]) == 0
    card = weights.catalog(tmp_path)["cdcgan-faithful-independent-background-synthetic-32"]
    assert card["config"]["classes"] == [2, 2, 2] and card["config"]["image_size"] == 32
    for option, value in zip(more[::2], more[1::2], strict=True):
        assert f"{option} {value}" in card["command"]
    assert weights.load(card["name"], folder=tmp_path).get_config() == card["config"]
    assert card["dataset"]["framing"] == "background"


def test_an_unlabelled_twin_has_the_same_networks_without_labels(tiny, tmp_path, capsys):
    assert train.main(["cdcgan-light", "--profile", "quick", "--labels", "unlabelled", "--out", str(tmp_path)]) == 0
    card = weights.catalog(tmp_path)["cdcgan-light-unlabelled-synthetic-16"]
    assert card["model"] == "DCGAN" and "labels" not in card and "--labels unlabelled" in card["command"]
    sizes = vars(profiles.settings("cdcgan-light", "quick"))
    assert all(card["config"][name] == sizes[name] for name in ("image_size", "width", "light", "dropout"))
    assert "model='conditional'" in card["recipe"] and "mismatched=0.0" in card["recipe"]
    for arguments, message in [
        (["vae", "--labels", "independent"], "--labels are for conditional models; vae has none"),
        (["vae", "--image-size", "72"], "--image-size must be a positive multiple of 16, got 72"),
    ]:
        with pytest.raises(SystemExit):
            train.main([*arguments, "--profile", "quick", "--out", str(tmp_path)])
        assert message in capsys.readouterr().err


def test_a_judge_is_trained_on_people_that_no_generator_saw(tiny, tmp_path, capsys, monkeypatch):
    seen, fit = {}, Classifier.fit
    monkeypatch.setattr(
        Classifier, "fit", lambda self, faces, *a, **k: seen.update(a=faces) or fit(self, faces, *a, **k)
    )
    quick = profiles.SETTINGS["judge"]["quick"] | {"faces": 1500, "epochs": 6, "batch_size": 16}
    monkeypatch.setitem(profiles.SETTINGS["judge"], "quick", quick)
    assert train.main(["judge", "--profile", "quick", "--image-size", "32", "--out", str(tmp_path)]) == 0
    card = weights.catalog(tmp_path)["judge-synthetic-32"]
    theirs = load_faces("synthetic", 1500, 16, subset="train").names
    assert len(seen["a"].names) == 1500 and not set(seen["a"].names) & set(theirs)
    assert card["dataset"]["seed"] == 1 and card["dataset"]["framing"] == "face" and card["scores"]["ceiling"][0] > 0.35
    judge = weights.load("judge-synthetic-32", folder=tmp_path)
    assert judge.architecture == "pooled" and judge.classify(load_faces(n=3, size=32)).shape == (3,)
    assert not list(tmp_path.glob("*.zip"))
    with pytest.raises(SystemExit):
        train.main(["judge", "--profile", "quick", "--dataset", "portraits", "--out", str(tmp_path)])
    assert "a judge is trained on --dataset synthetic: no photos are left" in capsys.readouterr().err


def test_a_gan_stops_in_time_and_resumes(tiny, tmp_path, capsys):
    assert train.main(gan_command(tmp_path, "--epochs", "3", "--minutes", "0.0001")) == train.OUT_OF_TIME
    assert "stopped after 1 of 3 epochs. The state after epoch 1 is in" in capsys.readouterr().out
    assert train.main(gan_command(tmp_path, "--epochs", "3", "--resume")) == 0
    assert "1 of 3 epochs done" in capsys.readouterr().out
    log = (tmp_path / "dcgan-synthetic-16.log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["epoch", "0", "1", "2"]


def test_a_gan_killed_after_its_last_epoch_resumes_to_its_card(tiny, tmp_path, monkeypatch):
    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr(gans, "diagnose", killed)
        assert train.main(gan_command(tmp_path, "--epochs", "4")) == train.INTERRUPTED
    assert train.main(gan_command(tmp_path, "--epochs", "4", "--resume")) == 0
    assert list(weights.timelapse("dcgan-synthetic-16", folder=tmp_path)) == [0, 1, 2, 3, 4]
    assert len(weights.catalog(tmp_path)["dcgan-synthetic-16"]["history"]["g_loss"]) == 4


def test_another_number_of_epochs_is_another_run_where_the_learning_rate_falls(tiny, tmp_path, capsys):
    train.main(command(tmp_path, "--minutes", "0.0001"))
    with pytest.raises(SystemExit):
        train.main(command(tmp_path, "--epochs", "3", "--resume"))
    assert "was made with other settings (epochs: was 2, now 3)" in capsys.readouterr().err


def test_a_gan_can_be_resumed_for_more_epochs_and_not_for_fewer(tiny, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as changed:
        changed.setattr(runs, "TimeLimit", lambda minutes: StopAfter(2))
        assert train.main(gan_command(tmp_path, "--epochs", "3", "--minutes", "1")) == train.OUT_OF_TIME
    with pytest.raises(SystemExit):
        train.main(gan_command(tmp_path, "--epochs", "1", "--resume"))
    assert "--epochs must be at least 2, which are done already, got 1." in capsys.readouterr().err
    assert train.main(gan_command(tmp_path, "--epochs", "4", "--resume")) == 0
    assert weights.catalog(tmp_path)["dcgan-synthetic-16"]["steps"] == 4


def test_another_recipe_or_other_faces_are_not_resumed(tiny, tmp_path, monkeypatch, capsys):
    train.main(gan_command(tmp_path, "--epochs", "3", "--minutes", "0.0001"))
    with monkeypatch.context() as changed, pytest.raises(SystemExit):
        changed.setattr(gans, "recipe", lambda name, **kwargs: recipe(name, **kwargs | {"r1": 0.5}))
        train.main(gan_command(tmp_path, "--epochs", "3", "--resume"))
    assert "r1: was 1.0, now 0.5" in capsys.readouterr().err
    load_faces("synthetic", n=68, size=16, seed=3).save(tmp_path / "faces.npz")
    with pytest.raises(SystemExit):
        train.main(gan_command(tmp_path, "--epochs", "3", "--resume", *from_file(tmp_path / "faces.npz")))
    assert "first and last face: was" in capsys.readouterr().err


def test_a_gan_that_breaks_says_so(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(DCGAN, "real_loss", lambda self, scores, labels: keras.ops.sum(scores) * np.nan)
    assert train.main(gan_command(tmp_path)) == 1
    said = capsys.readouterr().err
    assert "d_loss_real became nan in epoch 1, step 1" in said and "There is no checkpoint yet." in said


ISOLATED = """
import socket, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "mtcnn", "lz4", "ipywidgets", "torch"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def no_network(*arguments):
    raise OSError("no network here")

sys.meta_path.insert(0, Missing())
socket.socket.connect = no_network
from facelib import profiles, train
profiles.SETTINGS["dcgan"]["quick"] = profiles.SETTINGS["dcgan"]["quick"] | dict(
    image_size=16, latent_dim=4, width=4, batch_size=16, faces=64, epochs=2
)
sys.exit(train.main(sys.argv[1:]))
"""


def test_training_needs_neither_tensorflow_nor_a_network(tmp_path):
    """As on an isolated GPU: JAX, an archive of faces, jobs that stop in time and resume."""
    load_faces("synthetic", n=80, size=16).save(tmp_path / "faces.zip")
    out = tmp_path / "out"
    job = gan_command(out, "--backend", "jax", *from_file(tmp_path / "faces.zip"))
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    for more, status in ((["--minutes", "0.0001"], train.OUT_OF_TIME), (["--resume"], 0)):
        run = subprocess.run(
            [sys.executable, "-c", ISOLATED, *job, *more], env=environment, capture_output=True, text=True
        )
        assert run.returncode == status, run.stderr
    card = weights.catalog(out)["dcgan-synthetic-16"]
    assert card["backend"].startswith("jax") and card["dataset"]["train"] == 76
    assert card["command"].endswith("--recipe modern --epochs 2 --backend jax --faces faces.zip")
    assert weights.load("dcgan-synthetic-16", folder=out).sample(2).shape == (2, 16, 16, 3)


def test_faces_of_another_size_are_refused(tiny, tmp_path, capsys):
    load_faces("synthetic", n=80, size=32).save(tmp_path / "faces.zip")
    with pytest.raises(SystemExit):
        train.main(gan_command(tmp_path, *from_file(tmp_path / "faces.zip")))
    assert "--faces has faces of 32 pixels, the profile wants 16" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main(gan_command(tmp_path, "--faces", str(tmp_path / "faces.zip")))
    assert "--dataset must be given with --faces" in capsys.readouterr().err


def test_fewer_faces_than_a_batch_are_refused(tiny, tmp_path, capsys, monkeypatch):
    load_faces("synthetic", n=20, size=16).save(tmp_path / "faces.zip")
    with pytest.raises(SystemExit):
        train.main(command(tmp_path, *from_file(tmp_path / "faces.zip")))
    assert "there are 19 faces to train on, fewer than a batch of 32: give more." in capsys.readouterr().err
    monkeypatch.setitem(profiles.SETTINGS["vae"]["quick"], "batch_size", 8)
    with pytest.raises(SystemExit):
        train.main(command(tmp_path, *from_file(tmp_path / "faces.zip")))
    assert "of 20 faces 1 is left to measure by: give more." in capsys.readouterr().err


def test_weights_that_cannot_be_written_leave_the_checkpoint(tiny, tmp_path, monkeypatch, capsys):
    def spoilt(self, faces):
        self.encoder.weights[0].assign(self.encoder.weights[0] * 0 + 1e6)
        return 255 - faces.images

    with monkeypatch.context() as changed:
        changed.setattr(VAE, "reconstruct", spoilt)
        assert train.main(command(tmp_path)) == 1
    said = capsys.readouterr().err
    assert "is not finite in float16" in said and "The state after epoch 2 is in" in said
    assert train.main(command(tmp_path, "--resume")) == 0


def test_settings_are_nobodys_but_the_callers():
    changed = profiles.settings("dcgan-light", "quick")
    changed.switches["learning_rate"] = 1.0
    assert profiles.settings("dcgan-light", "quick").switches["learning_rate"] == 1e-3


def test_an_archive_of_jpegs_keeps_labels_and_nearly_the_pixels(tmp_path):
    faces = load_faces("synthetic", n=20, size=80)
    faces.save(tmp_path / "faces.zip")
    again = FaceSet.open(tmp_path / "faces.zip")
    gap = np.abs(again.images.astype(int) - faces.images)
    assert gap.mean() < 3 and (tmp_path / "faces.zip").stat().st_size < 20 * 8000
    assert again.attributes.equals(faces.attributes) and list(again.names) == list(faces.names)
    (tmp_path / "cut.zip").write_bytes((tmp_path / "faces.zip").read_bytes()[:5000])
    with pytest.raises(ValueError, match="cut.zip is no archive of faces, or damaged"):
        FaceSet.open(tmp_path / "cut.zip")


def test_what_finds_and_what_scores_share_neither_layers_nor_faces(tiny, tmp_path, capsys, monkeypatch):
    seen = {}
    real_fit = judges.fit

    def fit(model, name, faces, *rest):
        seen[name] = faces
        return real_fit(model, name, faces, *rest)

    monkeypatch.setattr(judges, "fit", fit)
    for role in ("finder", "scorer"):
        quick = profiles.SETTINGS[role]["quick"] | {"width": 16, "faces": 300, "epochs": 2}
        monkeypatch.setitem(profiles.SETTINGS[role], "quick", quick)
        assert train.main([role, "--profile", "quick", "--out", str(tmp_path)]) == 0
    cards = weights.catalog(tmp_path)
    finder, scorer = (weights.load(f"{role}-synthetic-32", folder=tmp_path) for role in ("finder", "scorer"))
    assert finder.attributes == scorer.attributes and finder.architecture != scorer.architecture
    assert [cards[f"{role}-synthetic-32"]["dataset"]["half"] for role in ("finder", "scorer")] == [0, 1]
    theirs, others = seen["finder-synthetic-32"], seen["scorer-synthetic-32"]
    assert not set(theirs.names) & set(others.names) and len(set(theirs.names)) == len(set(others.names)) == 300
    # Each face twice, the second time mirrored, and most of them blurred.
    assert len(theirs) == 600 and (theirs.names[:300] == theirs.names[300:]).all()
    flipped, again = theirs.images[:300, :, ::-1].astype(int), theirs.images[300:].astype(int)
    same = (flipped == again).all(axis=(1, 2, 3))
    assert 0.05 < same.mean() < 0.35 and np.abs(flipped - again).mean() < 15
    with pytest.raises(SystemExit):
        train.main(["finder", "--profile", "quick", "--dataset", "celeba", "--out", str(tmp_path)])
    assert "finder and scorer are trained on --dataset synthetic or portraits" in capsys.readouterr().err


@pytest.fixture
def tiny_cyclegan(monkeypatch):
    """Four steps, which are over before their graph would be built."""
    quick = profiles.SETTINGS["cyclegan"]["quick"] | {"image_size": 16, "width": 4, "blocks": 1}
    monkeypatch.setitem(
        profiles.SETTINGS["cyclegan"], "quick", quick | {"faces": 60, "steps_per_epoch": 2, "epochs": 2}
    )
    compile_ = CycleGAN.compile
    monkeypatch.setattr(CycleGAN, "compile", lambda self, *args, **how: compile_(self, *args, run_eagerly=True, **how))


def cyclegan_command(tmp_path, *more):
    return ["cyclegan", "--profile", "quick", "--out", str(tmp_path), *more]


def test_a_cyclegan_leaves_translators_a_card_and_a_time_lapse(tiny_cyclegan, tmp_path):
    assert train.main(cyclegan_command(tmp_path)) == 0
    name = "cyclegan-smiling-synthetic-16"
    written = [f"{name}{suffix}" for suffix in (".frames", ".json", ".log.csv", ".npz", ".zip")]
    assert sorted(p.name for p in tmp_path.iterdir()) == written
    card = weights.catalog(tmp_path)[name]
    assert card["steps"] == 4 and set(card["dataset"]["by_domain"]) == {"neutral", "smiling"}
    assert sum(card["dataset"]["by_domain"].values()) == card["dataset"]["train"] == 60
    assert "--domains smiling" in card["command"] and "--recipe" not in card["command"]
    assert set(weights.timelapse(name, folder=tmp_path)) == {0, 1, 2}
    faces = load_faces("synthetic", 3, 16)
    assert weights.load(name, folder=tmp_path).translate(faces, "smiling").shape == (3, 16, 16, 3)


def test_a_cyclegan_learns_from_two_folders_and_keeps_no_picture_of_them(tiny_cyclegan, tmp_path, capsys):
    for kind, seed in (("cats", 0), ("dogs", 1)):
        (tmp_path / kind).mkdir()
        for i, image in enumerate(load_faces("synthetic", 40, 20, seed=seed).images):
            Image.fromarray(image).save(tmp_path / kind / f"{i:02d}.png")
    folders = [str(tmp_path / kind) for kind in ("cats", "dogs")]
    few = tmp_path / "few"
    few.mkdir()
    Image.fromarray(image).save(few / "one.png")
    out = tmp_path / "out"
    assert train.main(cyclegan_command(out, "--folders", *folders)) == 0
    card = weights.catalog(out)["cyclegan-cats-dogs-16"]
    assert card["config"]["domains"] == ["cats", "dogs"] and "--folders cats dogs" in card["command"]
    assert card["dataset"]["by_domain"] == {"cats": 38, "dogs": 38} and card["dataset"]["held_out"] == [2, 2]
    kept = [f"cyclegan-cats-dogs-16{suffix}" for suffix in (".json", ".log.csv", ".npz")]
    assert sorted(path.name for path in out.iterdir()) == kept
    for wrong, message in (
        (["--folders", folders[0], folders[0]], "--folders must have two different names"),
        (["--folders", *folders, "--domains", "colour"], "leave out --domains"),
        (["--folders", *folders, "--framing", "background"], "leave out --domains, --faces, --dataset and --framing"),
        (["--recipe", "faithful"], "--recipe is for other GANs"),
        (["--folders", folders[0], str(tmp_path / "cows")], "cows does not exist"),
        (["--folders", folders[0], str(few)], "at least 40 pictures each"),
    ):
        with pytest.raises(SystemExit):
            train.main(cyclegan_command(out, *wrong))
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main(gan_command(out, "--domains", "colour"))
    assert "--domains and --folders are for cyclegan" in capsys.readouterr().err
    assert set(train.DOMAINS) == set(DOMAINS)


def test_a_cyclegan_resumes_to_the_same_weights(tiny_cyclegan, tmp_path, monkeypatch):
    train.main(cyclegan_command(tmp_path / "whole", "--domains", "colour"))
    with monkeypatch.context() as m:
        m.setattr(runs, "TimeLimit", lambda minutes: StopAfter(epochs=1))
        assert train.main(cyclegan_command(tmp_path / "cut", "--domains", "colour", "--minutes", "1")) == 75
    assert train.main(cyclegan_command(tmp_path / "cut", "--domains", "colour", "--resume")) == 0
    whole, cut = (np.load(tmp_path / part / "cyclegan-colour-synthetic-16.npz") for part in ("whole", "cut"))
    for key in whole.files:
        np.testing.assert_allclose(cut[key].astype(float), whole[key].astype(float), rtol=2e-3, atol=1e-4)
