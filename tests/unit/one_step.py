"""One adversarial step from given weights and z, under whichever backend runs: for comparing backends.

As a script: `python one_step.py FOLDER` takes every variant's step from FOLDER/start.npz.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from keras import ops

from facelib.models import DCGAN, ConditionalDCGAN

VARIANTS = {
    "half batches": {"half_batches": True},
    "R1 and average": {"r1": 1.0, "ema": 0.9},
    "one pass": {"separate_passes": False},
    "labels": {"mismatched": 0.5},
}


def small(variant: str = "") -> DCGAN:
    if variant == "labels":
        return ConditionalDCGAN(16, 8, classes=3, width=4, dropout=0.0, seed=3)
    return DCGAN(16, 8, width=4, dropout=0.0, seed=3)


def prepare(folder: Path, images: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    z = {f"z{n}": rng.standard_normal((n, 8), dtype="float32") for n in (8, 16)}
    weights = {
        f"{variant} w{i}": ops.convert_to_numpy(weight)
        for variant in VARIANTS
        for i, weight in enumerate(small(variant).weights)
    }
    np.savez(folder / "start.npz", images=images, **z, **weights)


def step(folder: Path, variant: str) -> None:
    start, gan = np.load(folder / "start.npz"), small(variant)
    for i, weight in enumerate(gan.weights):
        weight.assign(start[f"{variant} w{i}"])
    gan.draw = lambda n, labels=None: (ops.convert_to_tensor(start[f"z{int(n)}"]), labels)
    gan.wrong = lambda labels: (labels + 1) % 3
    # TensorFlow's graphs do not know the batch's size, and z of a given size is what is wanted here.
    eagerly = keras.backend.backend() == "tensorflow"
    gan.compile(keras.optimizers.Adam(1e-2), keras.optimizers.Adam(1e-2), run_eagerly=eagerly, **VARIANTS[variant])
    labels = np.arange(len(start["images"])) % 3 if variant == "labels" else None
    history = gan.fit(start["images"], labels, epochs=1, steps_per_epoch=1, batch_size=16, verbose=0).history
    after = {f"w{i}": ops.convert_to_numpy(weight) for i, weight in enumerate(gan.weights)}
    after |= {f"a{i}": ops.convert_to_numpy(weight) for i, weight in enumerate(gan.sampler.weights)}
    losses = [history[key][0] for key in sorted(history)]
    np.savez(folder / f"{variant} {keras.backend.backend()}.npz", losses=losses, **after)


if __name__ == "__main__":
    for name in VARIANTS:
        step(Path(sys.argv[1]), name)
