"""Train what `facelib.weights` ships: `python -m facelib.train vae --dataset synthetic`.

The state is saved after every epoch beside the result, so `--resume` continues an interrupted run to the same end.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# TensorFlow's greeting would bury the progress; whoever set a level keeps it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from facelib import __version__, weights
from facelib.backend import device
from facelib.data import load_faces
from facelib.metrics import bootstrap, psnr, ssim
from facelib.models import VAE
from facelib.profiles import PROFILES, settings
from facelib.training import Checkpoint

# Which of a data set's faces a model has seen.
FILTERS = {
    "synthetic": "none",
    "portraits": "MTCNN confidence of at least 0.9, largest face, machine labels present; the twelve faces left out",
    "celeba": "MTCNN confidence of at least 0.9, largest face",
}
KNOWN_FAILURES = (
    "Blurred: fine lines, glasses' frames, teeth and single strands are lost. A faint grid shows, from transposed "
    "convolutions whose stride does not divide their kernel. Samples from N(0, I) are less like faces than "
    "reconstructions are, because the encoder does not fill the prior evenly."
)


def train_vae(dataset: str, profile: str, out: Path, resume: bool, epochs: int | None = None) -> dict:
    """Train a VAE, save it to `out` with its card, and return the card."""
    sizes = settings("vae", profile)
    epochs = sizes.epochs if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"--epochs must be at least 1, got {epochs}.")
    drawn = dataset == "synthetic"
    train = load_faces(dataset, sizes.faces if drawn else None, sizes.image_size, subset="train")
    held_out = load_faces(dataset, 500 if drawn else None, sizes.image_size, subset="test")

    model = VAE(sizes.image_size, sizes.latent_dim, beta=sizes.beta, width=sizes.width)
    steps = epochs * (len(train) // sizes.batch_size)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(sizes.learning_rate, steps, alpha=0.02)))
    name = f"vae-{dataset}-{sizes.image_size}"
    run = vars(sizes) | {"dataset": dataset, "faces": len(train), "epochs": epochs, "backend": keras.backend.backend()}
    checkpoint = Checkpoint(out / f"{name}.checkpoint.npz", run)
    done = checkpoint.restore(model) if resume else 0
    print(f"{name}: {len(train):,} faces, {done} of {epochs} epochs done", flush=True)
    model.fit(train, epochs=epochs, batch_size=sizes.batch_size, initial_epoch=done, verbose=2, callbacks=[checkpoint])

    reconstructed = model.reconstruct(held_out)
    recipe = f"Adam {sizes.learning_rate:g} with cosine decay to a fiftieth; "
    recipe += f"squared error summed over pixels + {sizes.beta:g} × KL"
    card = {
        "dataset": {"name": dataset, "train": len(train), "held_out": len(held_out), "filters": FILTERS[dataset]},
        "recipe": recipe,
        "batch_size": sizes.batch_size,
        "epochs": epochs,
        "steps": steps,
        "hardware": device(),
        "backend": f"{keras.backend.backend()}, Keras {keras.__version__}",
        "facelib": __version__,
        "seconds": round(checkpoint.seconds),
        "command": f"python -m facelib.train vae --dataset {dataset} --profile {profile} --epochs {epochs}",
        "scores": {
            "psnr_db": [round(v, 3) for v in bootstrap(psnr(held_out.images, reconstructed))[:3]],
            "ssim": [round(v, 4) for v in bootstrap(ssim(held_out.images, reconstructed))[:3]],
        },
        "known_failures": KNOWN_FAILURES,
    }
    card = weights.save(model, name, card, folder=out)
    checkpoint.path.unlink()
    return card


TRAINERS = {"vae": train_vae}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m facelib.train", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(TRAINERS), help="what to train")
    parser.add_argument("--dataset", choices=tuple(FILTERS), default="synthetic")
    parser.add_argument("--profile", choices=PROFILES, default="full", help="sizes and steps (default: full)")
    parser.add_argument("--epochs", type=int, help="instead of the profile's")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for weights and card (default: runs)")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    options = parser.parse_args(arguments)
    try:
        card = TRAINERS[options.name](options.dataset, options.profile, options.out, options.resume, options.epochs)
    except (ValueError, FileNotFoundError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(f"{options.out / card['name']}.npz: {card['bytes'] / 1e6:.1f} MB after {card['seconds']} s, {card['scores']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
