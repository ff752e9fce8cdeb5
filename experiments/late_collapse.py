"""A GAN that draws well for a long time and then collapses: what could have been seen before?

    python experiments/late_collapse.py

The DCGAN of `experiments/family.py` on scikit-learn's digits, with and without the R1 penalty, from three random seeds,
4,000 steps each → facelib/results/late_collapse.csv. Every 50 steps: the losses, how much samples differ, and how steep
the discriminator is at real pictures, which is what R1 holds down. A run that was done before is taken from the table.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pandas as pd
from keras import ops
from tqdm import tqdm

from facelib import results
from facelib.data import load_faces, to_float, to_uint8
from facelib.models import DCGAN
from facelib.training import recipe, variety_of
from facelib.training.gradients import input_gradient

RUNS = [(r1, seed) for seed in (0, 1, 2) for r1 in (0.0, 0.1)]
STEPS, EVERY, BATCH = 4000, 50, 32
TABLE = results.FOLDER / "late_collapse.csv"


class Watch(keras.callbacks.Callback):
    """Every epoch: losses, variety of what the trained generator (not its average) draws, and D's steepness."""

    def __init__(self, images: np.ndarray):
        super().__init__()
        self.images, self.rows = images, []

    def on_epoch_end(self, epoch, logs=None):
        z = self.model.latent(200, seed=1)
        samples = to_uint8(ops.convert_to_numpy(self.model.generator(z, training=False)))
        row = {"step": (epoch + 1) * EVERY, **{name: float(value) for name, value in logs.items()}}
        self.rows.append(row | {"variety": variety_of(samples, self.images), "slope": slope(self.model, self.images)})


def slope(model: DCGAN, images: np.ndarray) -> float:
    """Mean length of the gradient of D's logit by the picture."""

    def logits(pictures):
        return ops.sum(model.realness(model.discriminator(pictures, training=False)))

    gradients = ops.convert_to_numpy(input_gradient(logits, ops.convert_to_tensor(to_float(images[:200]))))
    return float(np.sqrt(np.square(gradients).sum(axis=(1, 2, 3))).mean())


def train(r1: float, seed: int) -> pd.DataFrame:
    """One run, a row every 50 steps, until a loss is no longer a number."""
    faces = load_faces("digits", None, 16, subset="all").split(0.5, seed=0)[0]
    model = DCGAN(16, 100, width=32, initializer="he", dropout=0.0, seed=seed)
    model.compile(**recipe("modern", learning_rate=2e-3, r1=r1, augment=(), ema=0.995))
    watch = Watch(faces.images)
    how = {"epochs": STEPS // EVERY, "steps_per_epoch": EVERY, "batch_size": BATCH, "seed": seed, "verbose": 0}
    try:
        model.fit(faces, **how, callbacks=[watch])
    except FloatingPointError:
        pass
    return pd.DataFrame(watch.rows)


def main() -> None:
    made = results.provenance("python experiments/late_collapse.py")
    table = results.load("late_collapse") if TABLE.exists() else pd.DataFrame(columns=["r1", "seed"])
    done = set(table[["r1", "seed"]].itertuples(index=False, name=None))
    for r1, seed in tqdm([run for run in RUNS if run not in done], desc="training"):
        rows = train(r1, seed).assign(**made)
        rows.insert(0, "seed", seed)
        rows.insert(0, "r1", r1)
        table = rows if table.empty else pd.concat([table, rows])
        results.save("late_collapse", table)


if __name__ == "__main__":
    main()
