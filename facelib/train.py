"""Train what `facelib.weights` ships: `python -m facelib.train dcgan-light --dataset synthetic`.

The state is saved after every epoch beside the result, so `--resume` continues an interrupted run to the same end.
Exit status: 0 when the weights are written, 1 when training broke, 2 for bad arguments, 75 when `--minutes` were over,
130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from facelib.files import with_notes
from facelib.memory import keep_memory
from facelib.profiles import PROFILES

MODELS = (
    "accordion",
    "autoencoder",
    "cdcgan",
    "cdcgan-light",
    "cyclegan",
    "dcgan",
    "dcgan-light",
    "dcgan-small",
    "encoder",
    "finder",
    "judge",
    "scorer",
    "vae",
)
DATASETS = ("synthetic", "portraits", "celeba")
LABELS = ("combined", "independent", "multi-class", "unlabelled")
DOMAINS = ("colour", "smiling")
OUT_OF_TIME, INTERRUPTED = 75, 130


def parse(arguments: list[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m facelib.train", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=MODELS, help="what to train")
    parser.add_argument("--dataset", choices=DATASETS, help="default: synthetic; to be named with --faces")
    parser.add_argument("--profile", choices=PROFILES, default="full", help="sizes and steps (default: full)")
    parser.add_argument("--recipe", choices=("modern", "faithful"), default="modern", help="how to train a GAN")
    parser.add_argument("--labels", choices=LABELS, default="combined", help="what a conditional model is told")
    parser.add_argument("--framing", choices=("face", "background"), default="face", help="how much of a photo it sees")
    parser.add_argument("--domains", choices=DOMAINS, help="what a CycleGAN translates (default: by the data set)")
    parser.add_argument("--folders", type=Path, nargs=2, metavar=("A", "B"), help="or between two folders of pictures")
    parser.add_argument("--image-size", type=int, help="instead of the profile's")
    parser.add_argument("--epochs", type=int, help="instead of the profile's")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for weights, card, logs (default: runs)")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument("--backend", choices=("tensorflow", "jax"), help="instead of KERAS_BACKEND")
    parser.add_argument("--data-parallel", action="store_true", help="share batches among all devices (JAX)")
    parser.add_argument("--faces", type=Path, help="train on this file of FaceSet.save instead of loading the data set")
    parser.add_argument("--minutes", type=float, help="stop in time, with a checkpoint and status 75")
    parser.add_argument("--tensorboard", action="store_true", help="write curves for TensorBoard")
    options = parser.parse_args(arguments)
    if options.faces and not options.dataset:
        parser.error("--dataset must be given with --faces: it says which kind of faces they are.")
    options.dataset = options.dataset or "synthetic"
    if options.epochs is not None and options.epochs < 1:
        parser.error(f"--epochs must be at least 1, got {options.epochs}.")
    if options.minutes is not None and options.minutes <= 0:
        parser.error(f"--minutes must be positive, got {options.minutes:g}.")
    return parser, options


def main(arguments: list[str] | None = None) -> int:
    parser, options = parse(arguments)
    # Keras chooses its backend when it is first imported, and TensorFlow's greeting would bury the progress.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if options.backend and "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = options.backend
    import keras

    if options.backend not in (None, keras.backend.backend()):
        parser.error(f"--backend {options.backend}: Keras runs on {keras.backend.backend()} already in this process.")

    from facelib import trainers
    from facelib.backend import data_parallel
    from facelib.training.gradients import BACKENDS

    if keras.backend.backend() not in BACKENDS:
        parser.error(f"KERAS_BACKEND must be {' or '.join(BACKENDS)}, got {keras.backend.backend()}.")

    chosen = vars(options)
    del chosen["backend"]
    try:
        if options.data_parallel:
            data_parallel()
        card = trainers.TRAINERS[options.name](trainers.Options(**chosen))
    except (ValueError, FileNotFoundError) as error:
        parser.exit(2, f"{parser.prog}: {with_notes(error)}\n")
    except trainers.OutOfTime as stop:
        print(f"{stop} Run the same command with --resume.")
        return OUT_OF_TIME
    except (FloatingPointError, OSError) as error:
        print(f"{parser.prog}: {with_notes(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"\ninterrupted. {' '.join(getattr(stop, '__notes__', []))}", file=sys.stderr)
        return INTERRUPTED
    scores = {name: score for name, score in card["scores"].items() if not isinstance(score, dict)}
    print(f"{options.out / card['name']}.npz: {card['bytes'] / 1e6:.1f} MB after {card['seconds']} s, {scores}")
    return 0


if __name__ == "__main__":
    keep_memory()
    sys.exit(main())
