"""What pays? Light DCGANs on drawn faces, 64 px, by two recipes and by each of their switches alone.

    python experiments/ablation.py [--variants faithful modern ...]

Equal networks (half as wide as those that ship), updates of the generator, and batches → facelib/results/ablation.csv,
a row a run, and ablation.zip, a sheet a variant (the same z in all of them). "modern" is meant as the light weights of
the course are trained, with a higher learning rate and less R1 than `recipe("modern")` has by default, but with its
augmentation. "faithful" with each switch on, once, and "modern" with each off; both of them, and modern without
augmentation, from three random seeds. A run that was done before is taken from the table.

With half batches the discriminator is updated twice a step, on half a batch each time; with whole batches once, on
twice as many faces.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time
from functools import cache

import keras

from facelib import results
from facelib.data import FaceSet, load_faces
from facelib.metrics import Features, extract, face_rate, fid, frechet_distance
from facelib.models import DCGAN
from facelib.training import recipe, variety_of
from facelib.training.samples import sheet

SIZE, WIDTH, FACES, BATCH, STEPS, PARTS = 64, 64, 20_000, 32, 2400, 4
N, DETECTED = 5000, 500  # images a side, and those that MTCNN looks at
SEEDS = (0, 1, 2)
TABLE, COMMAND = "ablation", "python experiments/ablation.py"

# What "modern" does otherwise than "faithful".
SWITCHES = ("learning rate", "faster discriminator", "whole batches", "average", "R1", "augmentation")
ALL = frozenset(SWITCHES)
VARIANTS = {
    "faithful": frozenset(),
    **{f"faithful with {switch}": frozenset({switch}) for switch in SWITCHES},
    "modern": ALL,
    **{f"modern without {switch}": ALL - {switch} for switch in SWITCHES},
}
# The light weights are trained without augmentation.
REPEATED = ("faithful", "modern", "modern without augmentation")


def compiled(on: frozenset[str], seed: int) -> DCGAN:
    rate = 5e-4 if "learning rate" in on else 2e-4
    faster = 2 if "faster discriminator" in on else 1
    gan = DCGAN(SIZE, 100, width=WIDTH, light=True, dropout=0.0, seed=seed)
    gan.compile(
        **recipe(
            "faithful",
            generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5),
            discriminator_optimizer=keras.optimizers.Adam(faster * rate, beta_1=0.5),
            half_batches="whole batches" not in on,
            ema=0.999 if "average" in on else None,
            r1=0.3 if "R1" in on else 0.0,
            augment=("flip", "color", "translation") if "augmentation" in on else (),
        )
    )
    return gan


@cache
def sets() -> tuple[FaceSet, Features]:
    """Faces to learn from, and the features of others."""
    train, test = (load_faces("synthetic", n, SIZE, subset=part) for n, part in ((FACES, "train"), (N, "test")))
    return train, extract(test, "onet", progress=False)


def drawn(gan: DCGAN) -> Features:
    return extract(gan.sample(N, seed=1), "onet", progress=False)


def measure(key: dict) -> dict:
    variant, seed = key["variant"], key["seed"]
    gan, (train, real) = compiled(VARIANTS[variant], seed), sets()
    row, seconds = {}, 0.0
    for part in range(1, PARTS + 1):
        began = time.monotonic()
        gan.fit(train, epochs=1, batch_size=BATCH, steps_per_epoch=STEPS // PARTS, seed=PARTS * seed + part, verbose=0)
        seconds += time.monotonic() - began
        if part < PARTS:
            row[f"frechet_{STEPS * part // PARTS}"] = float(frechet_distance(real, drawn(gan)))
    score = fid(real, drawn(gan), progress=False)
    row |= {"frechet": score.value, "frechet_low": score.low, "frechet_high": score.high}
    samples = gan.sample(DETECTED, seed=2)
    share = face_rate(samples)
    row |= {"faces": share.value, "faces_low": share.low, "faces_high": share.high}
    row |= {"variety": variety_of(samples, train.images[:2000]), "seconds": round(seconds)}
    if seed == SEEDS[0]:
        results.save_sheet(TABLE, variant, sheet(gan.sample(16, seed=0), 8))
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=tuple(VARIANTS))
    options = parser.parse_args()
    todo = [
        {"variant": variant, "steps": STEPS, "seed": seed}
        for variant in VARIANTS
        for seed in (SEEDS if variant in REPEATED else SEEDS[:1])
    ]

    def wanted(key: dict) -> bool:
        return key["variant"] in options.variants

    print(results.fill(TABLE, todo, measure, COMMAND, wanted=wanted, significant=5).to_string())


if __name__ == "__main__":
    main()
