"""What `python -m facelib.train` trains: a function a family, which saves weights and a card."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from facelib import __version__, weights
from facelib.backend import device
from facelib.data import FaceSet, load_faces
from facelib.metrics import bootstrap, face_rate, psnr, ssim
from facelib.models import DCGAN, VAE
from facelib.profiles import settings
from facelib.training import Checkpoint, SampleGrid, diagnose, recipe, variety_of

# Which of a data set's faces a model has seen.
FILTERS = {
    "synthetic": "none",
    "portraits": "MTCNN confidence of at least 0.9, largest face, machine labels present; the twelve faces left out",
    "celeba": "MTCNN confidence of at least 0.9, largest face",
}


@dataclass(frozen=True)
class Options:
    """What the command was asked for; see `python -m facelib.train --help`."""

    name: str
    dataset: str = "synthetic"
    profile: str = "full"
    out: Path = Path("runs")
    resume: bool = False
    epochs: int | None = None
    recipe: str = "modern"
    faces: Path | None = None
    minutes: float | None = None
    tensorboard: bool = False
    data_parallel: bool = False

    def command(self, epochs: int) -> str:
        """The command that makes the same weights again."""
        parts = [f"python -m facelib.train {self.name} --dataset {self.dataset} --profile {self.profile}"]
        parts += [f"--recipe {self.recipe}"] if self.name != "vae" else []
        parts += [f"--epochs {epochs}"]
        parts += ["--backend jax"] if keras.backend.backend() == "jax" else []
        parts += ["--data-parallel"] if self.data_parallel else []
        parts += [f"--faces {self.faces.name}"] if self.faces else []
        return " ".join(parts)


class OutOfTime(Exception):
    """The run stopped because its minutes were over; a checkpoint is there."""


class TimeLimit(keras.callbacks.Callback):
    """Stop after the last epoch that is expected to end within some minutes of the callback's making."""

    def __init__(self, minutes: float):
        super().__init__()
        self.began, self.limit, self.reached = time.monotonic(), 60 * minutes, False

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_began = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        now = time.monotonic()
        another = now + (now - self._epoch_began) - self.began > self.limit
        if another and epoch + 1 < self.params["epochs"]:
            self.reached = self.model.stop_training = True


def train_vae(options: Options) -> dict:
    """Train a VAE; returns its card."""
    sizes = settings("vae", options.profile)
    epochs = sizes.epochs if options.epochs is None else options.epochs
    train, held_out = _faces(options, sizes)
    steps = epochs * (len(train) // sizes.batch_size)
    model = VAE(sizes.image_size, sizes.latent_dim, beta=sizes.beta, width=sizes.width)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(sizes.learning_rate, steps, alpha=0.02)))
    name = f"vae-{options.dataset}-{sizes.image_size}"
    checkpoint = _run(model, name, train, options, vars(sizes), epochs, sizes.batch_size)

    reconstructed = model.reconstruct(held_out)
    how = f"Adam {sizes.learning_rate:g} with cosine decay to a fiftieth; "
    how += f"squared error summed over pixels + {sizes.beta:g} × KL"
    card = {
        **_card(options, len(train), epochs, steps, sizes.batch_size, checkpoint),
        "recipe": how,
        "scores": {
            "psnr_db": [round(v, 3) for v in bootstrap(psnr(held_out.images, reconstructed))[:3]],
            "ssim": [round(v, 4) for v in bootstrap(ssim(held_out.images, reconstructed))[:3]],
        },
        "known_failures": (
            "Blurred: fine lines, glasses' frames, teeth and single strands are lost. A faint grid shows, from "
            "transposed convolutions whose stride does not divide their kernel. Samples from N(0, I) are less like "
            "faces than reconstructions are, because the encoder does not fill the prior evenly."
        ),
    }
    card["dataset"]["held_out"] = len(held_out)
    return _finish(model, name, card, options, checkpoint)


def train_dcgan(options: Options) -> dict:
    """Train a DCGAN by one of the recipes; returns its card."""
    sizes = settings("dcgan", options.profile)
    epochs = sizes.epochs if options.epochs is None else options.epochs
    train, _ = _faces(options, sizes)
    model = DCGAN(sizes.image_size, sizes.latent_dim, width=sizes.width)
    model.compile(**recipe(options.recipe))
    kind = "dcgan" if options.recipe == "modern" else f"dcgan-{options.recipe}"
    name = f"{kind}-{options.dataset}-{sizes.image_size}"
    grid = SampleGrid(6, 12, every=max(1, epochs // 40), folder=options.out / f"{name}.frames")
    run = vars(sizes) | {"recipe": options.recipe} | model.settings
    checkpoint = _run(model, name, train, options, run, epochs, sizes.batch_size, [grid])

    samples = model.sample(500, seed=1)
    some = np.random.default_rng(0).permutation(len(train))[:2000]
    scores = {"variety": round(variety_of(samples, train.images[np.sort(some)]), 3)}
    if keras.backend.backend() == "tensorflow":  # MTCNN needs it
        scores["face_rate"] = [round(v, 3) for v in face_rate(samples)[:3]]
    if len(checkpoint.history["g_loss"]) >= 4:
        scores["doctor"] = [str(finding) for finding in diagnose(checkpoint.history)]
    steps = epochs * (len(train) // sizes.batch_size)
    card = {
        **_card(options, len(train), epochs, steps, sizes.batch_size, checkpoint),
        "recipe": f"facelib.training.recipe({options.recipe!r})",
        "scores": scores,
        "known_failures": (
            "Some z give no face, or one with parts missing; the two halves of a face need not match. The detector "
            "behind face_rate is no judge of beauty, and a share of faces says nothing of variety."
        ),
    }
    return _finish(model, name, card, options, checkpoint)


TRAINERS = {"vae": train_vae, "dcgan": train_dcgan}


def _faces(options: Options, sizes) -> tuple[FaceSet, FaceSet]:
    """Faces to train on, and others."""
    if options.faces is not None:
        faces = FaceSet.open(options.faces)
        if faces.size != sizes.image_size:
            raise ValueError(f"--faces has faces of {faces.size} pixels, the profile wants {sizes.image_size}.")
        return faces.split(0.95, seed=0)
    drawn = options.dataset == "synthetic"
    try:
        train = load_faces(options.dataset, sizes.faces if drawn else None, sizes.image_size, subset="train")
        return train, load_faces(options.dataset, 500 if drawn else None, sizes.image_size, subset="test")
    except RuntimeError as error:  # photos are cropped on TensorFlow only
        raise ValueError(f"{error} Or give the faces: --faces.") from None


def _run(model, name: str, train: FaceSet, options: Options, run: dict, epochs: int, batch_size: int, callbacks=()):
    """Train with a checkpoint, from the last one if asked; returns the checkpoint."""
    if options.tensorboard and not all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard")):
        raise ValueError("--tensorboard needs the packages tensorflow and tensorboard: pip install them.")
    run = run | {"dataset": options.dataset, "faces": len(train), "epochs": epochs, "backend": keras.backend.backend()}
    run["first and last face"] = [str(train.names[0]), str(train.names[-1])]
    checkpoint = Checkpoint(options.out / f"{name}.checkpoint.npz", run)
    done = checkpoint.restore(model) if options.resume else 0
    print(f"{name}: {len(train):,} faces, {done} of {epochs} epochs done", flush=True)
    limit = [TimeLimit(options.minutes)] if options.minutes else []
    log = keras.callbacks.CSVLogger(options.out / f"{name}.log.csv", append=done > 0)
    board = [keras.callbacks.TensorBoard(options.out / f"{name}.tensorboard")] if options.tensorboard else []
    options.out.mkdir(parents=True, exist_ok=True)
    # The limit before the checkpoint, which saves when the run is about to stop; the logs after it.
    callbacks = [*limit, *callbacks, checkpoint, log, *board]
    try:
        model.fit(train, epochs=epochs, batch_size=batch_size, initial_epoch=done, verbose=2, callbacks=callbacks)
    finally:
        if log.csv_file:
            log.csv_file.close()  # Keras leaves it open when training breaks
    if limit and limit[0].reached:
        raise OutOfTime(f"stopped after {checkpoint.epoch} of {epochs} epochs. {checkpoint.advice()}")
    return checkpoint


def _card(options: Options, faces: int, epochs: int, steps: int, batch_size: int, checkpoint: Checkpoint) -> dict:
    return {
        "dataset": {"name": options.dataset, "train": faces, "filters": FILTERS[options.dataset]},
        "recipe": "",
        "batch_size": batch_size,
        "epochs": epochs,
        "steps": steps,
        "hardware": device(),
        "backend": f"{keras.backend.backend()}, Keras {keras.__version__}",
        "facelib": __version__,
        "seconds": round(checkpoint.seconds),
        "command": options.command(epochs),
    }


def _finish(model, name: str, card: dict, options: Options, checkpoint: Checkpoint) -> dict:
    card = weights.save(model, name, card, folder=options.out)
    checkpoint.path.unlink(missing_ok=True)
    return card
