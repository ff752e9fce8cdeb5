"""A run from the command line, whatever it trains: its options, faces, checkpoints, time limit and card."""

from __future__ import annotations

import importlib.util
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import keras

from facelib import __version__, weights
from facelib.backend import device
from facelib.data import FaceSet, load_faces
from facelib.data.domains import DOMAINS
from facelib.files import explaining
from facelib.profiles import settings as profile_settings
from facelib.training import Checkpoint
from facelib.training.checkpoint import saying_what_is_left

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
    image_size: int | None = None
    labels: str = "combined"
    framing: str = "face"
    domains: str | None = None
    folders: tuple[Path, Path] | None = None

    def __post_init__(self):
        if (self.domains or self.folders) and self.name != "cyclegan":
            raise ValueError(f"--domains and --folders are for cyclegan; {self.name} does not translate.")
        if self.folders and (self.domains or self.faces or self.dataset != "synthetic" or self.framing != "face"):
            raise ValueError("--folders name the pictures; leave out --domains, --faces, --dataset and --framing.")
        if self.name == "cyclegan" and self.recipe != "modern":
            raise ValueError(f"--recipe is for other GANs; cyclegan has one of its own, got {self.recipe}.")
        if self.recipe != "modern" and not self.is_gan:
            raise ValueError(f"--recipe is for GANs; {self.name} is trained in one way only, got {self.recipe}.")
        if self.name == "encoder" and (self.framing != "face" or self.image_size is not None):
            raise ValueError("--framing and --image-size are those of the encoder's generator: leave them out.")
        if self.folders and len(set(self.domain_names)) < 2:
            raise ValueError(f"--folders must have two different names, got {' and '.join(map(str, self.folders))}.")
        if self.labels != "combined" and not self.name.startswith("cdcgan"):
            raise ValueError(f"--labels are for conditional models; {self.name} has none.")
        if self.image_size is not None and (self.image_size < 16 or self.image_size % 16):
            raise ValueError(f"--image-size must be a positive multiple of 16, got {self.image_size}.")
        if self.faces is not None and self.framing != "face":
            raise ValueError("--framing says how faces are loaded; those of --faces are as they are.")

    @property
    def sizes(self) -> SimpleNamespace:
        """The profile's numbers, with what was asked for instead."""
        sizes = profile_settings(self.name, self.profile)
        if self.image_size is not None:
            sizes.image_size = self.image_size
        if self.epochs is not None:
            sizes.epochs = self.epochs
        return sizes

    @property
    def is_gan(self) -> bool:
        """Trained by one of the two recipes."""
        return "dcgan" in self.name

    @property
    def kind(self) -> str:
        """What a CycleGAN translates; of two folders nothing is known, and they are treated as colours are."""
        return self.domains or ("colour" if self.dataset == "portraits" or self.folders else "smiling")

    @property
    def domain_names(self) -> tuple[str, str]:
        """What the two kinds of pictures of a CycleGAN are called."""
        return tuple(folder.resolve().name for folder in self.folders) if self.folders else DOMAINS[self.kind]

    @property
    def is_conditional(self) -> bool:
        """A conditional model; "unlabelled" is its twin without labels."""
        return self.name.startswith("cdcgan") and self.labels != "unlabelled"

    @property
    def weights_name(self) -> str:
        """Such as "cdcgan-light-synthetic-64": what differs from the usual comes after the model's name."""
        if self.folders:
            return "-".join([self.name, *self.domain_names, str(self.sizes.image_size)])
        parts = [self.name]
        parts += [self.kind] if self.name == "cyclegan" else []
        parts += [self.recipe] if self.is_gan and self.recipe != "modern" else []
        parts += [self.labels] if self.labels != "combined" else []
        parts += [self.framing] if self.framing != "face" else []
        return "-".join([*parts, self.dataset, str(self.sizes.image_size)])

    def command(self, epochs: int) -> str:
        """The command that makes the same weights again."""
        data = f"--folders {' '.join(self.domain_names)}" if self.folders else f"--dataset {self.dataset}"
        parts = [f"python -m facelib.train {self.name} {data} --profile {self.profile}"]
        parts += [f"--recipe {self.recipe}"] if self.is_gan else []
        parts += [f"--image-size {self.image_size}"] if self.image_size else []
        parts += [f"--labels {self.labels}"] if self.name.startswith("cdcgan") else []
        parts += [f"--domains {self.kind}"] if self.name == "cyclegan" and not self.folders else []
        parts += [f"--framing {self.framing}"] if self.framing != "face" else []
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


def faces_for(options: Options, sizes: SimpleNamespace) -> tuple[FaceSet, FaceSet]:
    """Faces to train on, and others."""
    if options.faces is not None:
        faces = FaceSet.open(options.faces)
        if faces.size != sizes.image_size:
            raise ValueError(
                f"--faces has faces of {faces.size} pixels, the profile wants {sizes.image_size}; "
                "other sizes by --image-size."
            )
        return faces.split(0.95, seed=0)
    drawn, how = options.dataset == "synthetic", {"size": sizes.image_size, "framing": options.framing}
    try:
        train = load_faces(options.dataset, sizes.faces if drawn else None, subset="train", **how)
        return train, load_faces(options.dataset, 500 if drawn else None, subset="test", **how)
    except RuntimeError as error:  # photos are cropped on TensorFlow only
        raise ValueError(f"{error} Or give the faces: --faces.") from None


def steps_for(faces: int, sizes: SimpleNamespace) -> int:
    """Steps of all epochs, each one pass over so many faces.

    Raises:
        ValueError: for fewer faces than a batch.
    """
    if faces < sizes.batch_size:
        raise ValueError(f"there are {faces} faces to train on, fewer than a batch of {sizes.batch_size}: give more.")
    return sizes.epochs * (faces // sizes.batch_size)


def decaying(learning_rate: float, steps: int, **kwargs) -> keras.optimizers.Optimizer:
    """Adam with cosine decay to a fiftieth."""
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=0.02), **kwargs)


def fit(
    model,
    name: str,
    train: FaceSet | tuple[FaceSet, FaceSet],
    options: Options,
    settings: dict,
    epochs: int,
    batch_size: int,
    callbacks=(),
    also=(),
    **kwargs,
) -> Checkpoint:
    """Train with a checkpoint, from the last one if asked; returns the checkpoint."""
    if options.tensorboard and not all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard")):
        raise ValueError("--tensorboard needs the packages tensorflow and tensorboard: pip install them.")
    sets = train if isinstance(train, tuple) else (train,)
    total = sum(len(faces) for faces in sets)
    settings = settings | {"dataset": options.dataset, "faces": total, "backend": keras.backend.backend()}
    settings["first and last face"] = [str(faces.names[i]) for faces in sets for i in (0, -1)]
    with explaining(options.out):
        options.out.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(options.out / f"{name}.checkpoint.npz", settings, also=also)
    done = checkpoint.restore(model) if options.resume else 0
    if done > epochs:
        raise ValueError(f"--epochs must be at least {done}, which are done already, got {epochs}.")
    print(f"{name}: {total:,} faces, {done} of {epochs} epochs done", flush=True)
    limit = [TimeLimit(options.minutes)] if options.minutes else []
    log = keras.callbacks.CSVLogger(options.out / f"{name}.log.csv", append=done > 0)
    board = [keras.callbacks.TensorBoard(options.out / f"{name}.tensorboard")] if options.tensorboard else []
    # The limit after scores and sheets, which take time; the checkpoint, which saves when the run is about to stop, and
    # the logs after it.
    callbacks = [*callbacks, *limit, checkpoint, log, *board]
    how = {"epochs": epochs, "batch_size": batch_size, "initial_epoch": done, "verbose": 2, "callbacks": callbacks}
    try:
        with explaining(options.out / f"{name}.log.csv"):  # other files name themselves
            model.fit(train, **how, **kwargs)
    finally:
        if log.csv_file:
            with suppress(OSError):  # a full disk has been told of already
                log.csv_file.close()  # Keras leaves it open when training breaks
    if limit and limit[0].reached:
        raise OutOfTime(f"stopped after {checkpoint.epoch} of {epochs} epochs. {checkpoint.advice()}")
    return checkpoint


def describe(options: Options, faces: int, epochs: int, steps: int, batch_size: int, checkpoint: Checkpoint) -> dict:
    return {
        "dataset": {
            "name": options.dataset,
            "framing": options.framing,
            "train": faces,
            "filters": FILTERS[options.dataset],
        },
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


def finish(model, name: str, card: dict, options: Options, checkpoint: Checkpoint, networks=None, film=None) -> dict:
    """Write weights, card and, of a GAN, the sheets of its time-lapse; only then is the checkpoint no longer needed.

    Raises:
        FloatingPointError: if a weight is not finite in float16.
    """
    with saying_what_is_left([checkpoint]):
        if film:
            weights.save_timelapse(film, name, folder=options.out)
        try:
            card = weights.save(model, name, card, folder=options.out, networks=networks)
        except ValueError as error:  # a weight that float16 does not hold: no argument was wrong
            raise FloatingPointError(str(error)) from None
    checkpoint.path.unlink(missing_ok=True)
    return card
