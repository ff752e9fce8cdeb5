"""Does the collapse guard of seed 002 rescue runs? Guarded runs beside their unguarded twins of the same seed.

    python experiments/collapse_guard.py

Two ways to provoke trouble on a small DCGAN (32 px), two random seeds, without a guard and with each mapping
→ facelib/results/collapse_guard.csv. A run that was done before is taken from there. Ten minutes on 2 CPU cores.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from facelib import results
from facelib.data import load_faces
from facelib.models import DCGAN
from facelib.training import CollapseGuard, recipe, variety_of
from facelib.training.guard import BOUNDS

# Learning rates of generator and discriminator, and Adam's β1.
PROVOCATIONS = {"learning rates of 5e-3": (5e-3, 5e-3, 0.9), "discriminator 20 times faster": (2e-4, 4e-3, 0.5)}
GUARDS = ("none", "seed", "player")
SEEDS = (0, 1)
EPOCHS, STEPS, BATCH = 3, 60, 32
TABLE = results.FOLDER / "collapse_guard.csv"


class OutOfBounds(keras.callbacks.Callback):
    """Share of steps in which a loss is outside of the guard's bounds."""

    def on_train_begin(self, logs=None):
        self.steps = []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(any(not low <= logs[loss] <= high for loss, (low, high) in BOUNDS.items()))


def measure(provocation: str, guard: str, seed: int, faces) -> dict:
    """Train one model, guarded or not, and say how it ended."""
    rates = PROVOCATIONS[provocation]
    optimizers = [keras.optimizers.Adam(rate, beta_1=rates[2]) for rate in rates[:2]]
    model = DCGAN(32, width=16, seed=seed)
    model.compile(**recipe("faithful", generator_optimizer=optimizers[0], discriminator_optimizer=optimizers[1]))
    watch, callbacks = OutOfBounds(), []
    if guard != "none":
        callbacks = [CollapseGuard(guard, verbose=False, patience=50)]
    row = {"provocation": provocation, "guard": guard, "seed": seed}
    try:
        history = model.fit(
            faces,
            epochs=EPOCHS,
            steps_per_epoch=STEPS,
            batch_size=BATCH,
            seed=seed,
            verbose=0,
            callbacks=[watch, *callbacks],
        ).history
        ended = {loss: history[loss][-1] for loss in BOUNDS}
        ended["variety"] = variety_of(model.sample(200), faces.images)
    except FloatingPointError:
        ended = dict.fromkeys([*BOUNDS, "variety"], np.nan)
    return row | {
        "steps": len(watch.steps),
        "steps_out_of_bounds": np.mean(watch.steps),
        "reloads": len(callbacks[0].reloads) if callbacks else 0,
        "gave_up": bool(callbacks and callbacks[0].gave_up),
        **ended,
    }


def main() -> None:
    faces = load_faces("synthetic", 1000, 32, subset="train")
    made = results.provenance("python experiments/collapse_guard.py")
    keys = ["provocation", "guard", "seed"]
    table = results.load("collapse_guard") if TABLE.exists() else pd.DataFrame(columns=keys)
    done = set(table[keys].itertuples(index=False, name=None))
    grid = [(how, guard, seed) for how in PROVOCATIONS for seed in SEEDS for guard in GUARDS]
    for run in tqdm([run for run in grid if run not in done], desc="training"):
        row = pd.DataFrame([measure(*run, faces) | made])
        table = row if table.empty else pd.concat([table, row])
        results.save("collapse_guard", table)


if __name__ == "__main__":
    main()
