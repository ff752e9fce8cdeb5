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
from facelib.models import DCGAN, VAE, Accordion
from facelib.profiles import settings
from facelib.training import BestEpoch, Checkpoint, SampleGrid, diagnose, recipe, variety_of

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
        parts += [f"--recipe {self.recipe}"] if self.name.startswith("dcgan") else []
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
    model = VAE(sizes.image_size, sizes.latent_dim, beta=sizes.beta, width=sizes.width)
    loss = f"squared error summed over pixels + {sizes.beta:g} × KL"
    failures = (
        "Blurred: fine lines, glasses' frames, teeth and single strands are lost. A faint grid shows, from "
        "transposed convolutions whose stride does not divide their kernel. Samples from N(0, I) are less like "
        "faces than reconstructions are, because the encoder does not fill the prior evenly."
    )
    return _train_autoencoder(model, sizes, options, loss, failures)


def train_accordion(options: Options) -> dict:
    """Train an accordion, or under the name "autoencoder" one fold of it; returns its card."""
    sizes = settings(options.name, options.profile)
    model = Accordion(sizes.image_size, folds=sizes.folds, width=sizes.width)
    failures = (
        "A grid shows on even areas, from the transposed convolutions. There is nothing to sample from: the middle has "
        "no known distribution."
    )
    return _train_autoencoder(model, sizes, options, "mean squared error", failures)


def _train_autoencoder(model, sizes, options: Options, loss: str, failures: str) -> dict:
    epochs = sizes.epochs if options.epochs is None else options.epochs
    train, held_out = _faces(options, sizes)
    steps = epochs * (len(train) // sizes.batch_size)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(sizes.learning_rate, steps, alpha=0.02)))
    name = f"{options.name}-{options.dataset}-{sizes.image_size}"
    # The learning rate falls until the last epoch, so another number of them would be another run.
    checkpoint = _run(model, name, train, options, vars(sizes) | {"epochs": epochs}, epochs, sizes.batch_size)

    reconstructed = model.reconstruct(held_out)
    card = {
        **_card(options, len(train), epochs, steps, sizes.batch_size, checkpoint),
        "recipe": f"Adam {sizes.learning_rate:g} with cosine decay to a fiftieth; {loss}",
        "scores": {
            "psnr_db": [round(v, 3) for v in bootstrap(psnr(held_out.images, reconstructed))[:3]],
            "ssim": [round(v, 4) for v in bootstrap(ssim(held_out.images, reconstructed))[:3]],
        },
        "known_failures": failures,
    }
    card["dataset"]["held_out"] = len(held_out)
    return _finish(model, name, card, options, checkpoint)


def train_dcgan(options: Options) -> dict:
    """Train a DCGAN, or a light one ("dcgan-light", "dcgan-small"), by one of the recipes; returns its card."""
    sizes = settings(options.name, options.profile)
    epochs = sizes.epochs if options.epochs is None else options.epochs
    train, _ = _faces(options, sizes)
    model = DCGAN(sizes.image_size, sizes.latent_dim, width=sizes.width, light=sizes.light, dropout=sizes.dropout)
    changes = sizes.switches if options.recipe == "modern" else {}
    model.compile(**recipe(options.recipe, **changes))
    kind = options.name if options.recipe == "modern" else f"{options.name}-{options.recipe}"
    name = f"{kind}-{options.dataset}-{sizes.image_size}"
    some = train.images[np.sort(np.random.default_rng(0).permutation(len(train))[:2000])]

    def score(model) -> float:
        """The share of samples in which MTCNN finds a face; nothing for a generator that draws a few faces only."""
        samples = model.sample(200, seed=2)
        return face_rate(samples).value if variety_of(samples, some) > 0.5 else 0.0

    # MTCNN needs TensorFlow; elsewhere the last epoch is taken.
    best = [BestEpoch(score, "max")] if keras.backend.backend() == "tensorflow" else []
    grid = SampleGrid(4, 8, every=max(1, epochs // 25), folder=options.out / f"{name}.frames")
    run = vars(sizes) | {"recipe": options.recipe} | model.settings
    del run["epochs"]  # a run can be resumed for more of them
    steps = min(sizes.steps_per_epoch, len(train) // sizes.batch_size)
    checkpoint = _run(
        model, name, train, options, run, epochs, sizes.batch_size, [grid, *best], best, steps_per_epoch=steps
    )
    if not grid.frames:  # all epochs were done before
        grid.take_up(epochs)
    chosen = best[0].restore(model) if best else epochs

    samples = model.sample(500, seed=1)
    scores = {"variety": round(variety_of(samples, some), 3)}
    if best:
        scores["face_rate"] = [round(v, 3) for v in face_rate(samples)[:3]]
        scores["face_rate_by_epoch"] = {epoch: round(value, 3) for epoch, value in best[0].scores.items()}
    if len(checkpoint.history["g_loss"]) >= 4:
        scores["doctor"] = [str(finding) for finding in diagnose(checkpoint.history)]
    switches = [f"{switch}={value!r}" for switch, value in changes.items()]
    curves = {loss: [round(value, 4) for value in values] for loss, values in checkpoint.history.items()}
    card = {
        **_card(options, len(train), epochs, epochs * steps, sizes.batch_size, checkpoint),
        "recipe": f"facelib.training.recipe({', '.join([repr(options.recipe), *switches])})",
        "chosen_epoch": chosen,
        "scores": scores,
        "history": curves,
        "known_failures": (
            "Some z give no face, or one with parts missing; the two halves of a face need not match. The detector "
            "behind face_rate is no judge of beauty, and a share of faces says nothing of variety."
        ),
    }
    weights.save_timelapse(dict(zip(grid.epochs, grid.frames, strict=True)), name, folder=options.out)
    return _finish(model, name, card, options, checkpoint)


TRAINERS = {
    "accordion": train_accordion,
    "autoencoder": train_accordion,
    "dcgan": train_dcgan,
    "dcgan-light": train_dcgan,
    "dcgan-small": train_dcgan,
    "vae": train_vae,
}


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


def _run(
    model,
    name: str,
    train: FaceSet,
    options: Options,
    run: dict,
    epochs: int,
    batch_size: int,
    callbacks=(),
    also=(),
    **kwargs,
) -> Checkpoint:
    """Train with a checkpoint, from the last one if asked; returns the checkpoint."""
    if options.tensorboard and not all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard")):
        raise ValueError("--tensorboard needs the packages tensorflow and tensorboard: pip install them.")
    run = run | {"dataset": options.dataset, "faces": len(train), "backend": keras.backend.backend()}
    run["first and last face"] = [str(train.names[0]), str(train.names[-1])]
    checkpoint = Checkpoint(options.out / f"{name}.checkpoint.npz", run, also=also)
    done = checkpoint.restore(model) if options.resume else 0
    if done > epochs:
        raise ValueError(f"--epochs must be at least {done}, which are done already, got {epochs}.")
    print(f"{name}: {len(train):,} faces, {done} of {epochs} epochs done", flush=True)
    limit = [TimeLimit(options.minutes)] if options.minutes else []
    log = keras.callbacks.CSVLogger(options.out / f"{name}.log.csv", append=done > 0)
    board = [keras.callbacks.TensorBoard(options.out / f"{name}.tensorboard")] if options.tensorboard else []
    options.out.mkdir(parents=True, exist_ok=True)
    # The limit after scores and sheets, which take time; the checkpoint, which saves when the run is about to stop, and
    # the logs after it.
    callbacks = [*callbacks, *limit, checkpoint, log, *board]
    how = {"epochs": epochs, "batch_size": batch_size, "initial_epoch": done, "verbose": 2, "callbacks": callbacks}
    try:
        model.fit(train, **how, **kwargs)
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
