"""What each part of a CycleGAN is for: every loss switched off once, on drawn faces, where the right answer is known.

    python experiments/cyclegan.py [--tasks smiling colour]

Small CycleGANs at 32 pixels, equal steps → facelib/results/cyclegan_losses.csv, a row a run, and
cyclegan_losses.zip, a sheet a variant: six test faces of each domain and what becomes of them. The colour task's
translators with all losses are left in runs/cyclegan. A run that was done before is taken from the table.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time
from functools import cache
from pathlib import Path

import keras
import numpy as np

from facelib import __version__, results, weights
from facelib.backend import device
from facelib.data import FaceSet, load_faces
from facelib.data.domains import DOMAINS, colourfulness, domains, grey
from facelib.metrics import extract, fit_factor, frechet_distance, psnr
from facelib.metrics.degradations import noise
from facelib.models import CycleGAN
from facelib.trainers.runs import decaying
from facelib.trainers.translation import ONE_LEVEL, in_words
from facelib.training import TranslationGrid

SIZE, FACES, TEST, STEPS, BATCH = 32, 6000, 1000, 1000, 4
RATES = (5e-4, 1e-3)
SMALL = {"width": 8, "blocks": 4, "residual": True, "judge_width": 16, "halvings": 2}
LOSSES = {"adversarial": 1.0, "cycle": 5.0, "identity": 1.0, "buffer": 50}
# What each variant changes: of the losses, and of the networks.
VARIANTS = {
    "all": ({}, {}),
    "no adversary": ({"adversarial": 0.0}, {}),
    "no cycle": ({"cycle": 0.0}, {}),
    "no identity": ({"identity": 0.0}, {}),
    "adversary alone": ({"cycle": 0.0, "identity": 0.0}, {}),
    "small patches": ({}, {"halvings": 1}),
    "no buffer": ({"buffer": 0}, {}),
    "drawn anew": ({}, {"residual": False}),
    "drawn anew, adversary alone": ({"cycle": 0.0, "identity": 0.0}, {"residual": False}),
}
SEED = 0
SMILES = np.linspace(0.0, 1.0, 21)
OUT = Path("runs/cyclegan")
TABLE, COMMAND, COLUMNS = "cyclegan_losses", "python experiments/cyclegan.py", 6


@cache
def sets(task: str) -> tuple[FaceSet, ...]:
    """Two to train on, two of other people to measure."""
    train, test = (load_faces("synthetic", n, SIZE, subset=part) for n, part in ((FACES, "train"), (TEST, "test")))
    return *domains(train, task), *domains(test, task)


def trained(task: str, variant: str, seed: int) -> tuple[CycleGAN, float]:
    a, b, *_ = sets(task)
    losses, networks = VARIANTS[variant]
    gan = CycleGAN(SIZE, DOMAINS[task], **SMALL | networks, seed=seed)
    gan.compile(*(decaying(rate, STEPS, beta_1=0.5) for rate in RATES), **LOSSES | losses)
    began = time.monotonic()
    gan.fit((a, b), batch_size=BATCH, steps_per_epoch=STEPS, seed=seed, verbose=0)
    return gan, time.monotonic() - began


def measure(key: dict) -> dict:
    task, variant, seed = key["task"], key["variant"], key["seed"]
    gan, seconds = trained(task, variant, seed)
    *_, a, b = sets(task)
    to_a, to_b = DOMAINS[task]
    there, back_from_b = gan.translate(a, to_b), gan.translate(b, to_a)
    answer, answer_b = right(task, a, there, b, back_from_b)
    row = {
        "frechet": frechet(there, b.images),
        "frechet_untouched": frechet(a.images, b.images),
        **arrived(task, there, back_from_b),
        "right_db": mean_db(there, answer),
        "right_back_db": mean_db(back_from_b, answer_b),
        "cycle_db": mean_db(gan.translate(back_from_b, to_b), b.images),
        "noisy_cycle_db": mean_db(gan.translate(noise(back_from_b, 3.0), to_b), b.images),
        "seconds": round(seconds),
    }
    results.save_sheet(TABLE, f"{task}, {variant}", sheet(gan, a, b))
    if variant == "all" and task == "colour":
        keep(gan, row)
    return row


def right(task: str, a: FaceSet, there: np.ndarray, b: FaceSet, back: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The right answers. Any smile of the domain is one; the one that was drawn is compared with its nearest."""
    if task == "colour":
        whole = load_faces("synthetic", TEST, SIZE, subset="test")
        return whole.images[: len(a)], grey(b).images
    smiling, neutral = SMILES[SMILES >= 0.65], SMILES[SMILES <= 0.12]
    return fit_factor(there, a, "smile", smiling)[1], fit_factor(back, b, "smile", neutral)[1]


def arrived(task: str, there: np.ndarray, back: np.ndarray) -> dict:
    """How many pictures are of the other kind now, both ways."""
    if task == "smiling":
        scorer = weights.load("scorer-synthetic-64")
        smile = scorer.attributes.index("Smiling")
        smiles, still = (scorer.probabilities(images)[:, smile] > 0.5 for images in (there, back))
        return {"arrived": smiles.mean(), "arrived_back": 1 - still.mean()}
    # Nearest to which domain in colourfulness: grey pictures have none, coloured ones 40 levels or so.
    *_, colour = sets(task)
    half = colourfulness(colour.images).mean() / 2
    return {
        "arrived": (colourfulness(there) > half).mean(),
        "arrived_back": (colourfulness(back) < half).mean(),
    }


def frechet(images: np.ndarray, others: np.ndarray) -> float:
    return float(frechet_distance(*(extract(x, "onet", progress=False) for x in (images, others))))


def mean_db(images: np.ndarray, others: np.ndarray) -> float:
    return float(np.minimum(psnr(images, others), ONE_LEVEL).mean())


def sheet(gan: CycleGAN, a: FaceSet, b: FaceSet) -> np.ndarray:
    return TranslationGrid(a.images[:COLUMNS], b.images[:COLUMNS]).sheet_of(gan)


def keep(gan: CycleGAN, row: dict) -> None:
    """Weights with a card, for the chapter."""
    counts = [len(images) for images in sets("colour")[:2]]
    card = {
        "dataset": {
            "name": "synthetic",
            "train": FACES,
            "filters": "none",
            "by_domain": dict(zip(gan.domains, counts, strict=True)),
        },
        "recipe": in_words(gan, RATES),
        "batch_size": BATCH,
        "epochs": 1,
        "steps": STEPS,
        "hardware": device(),
        "backend": f"{keras.backend.backend()}, Keras {keras.__version__}",
        "facelib": __version__,
        "seconds": row["seconds"],
        "command": COMMAND,
        "scores": {name: round(float(value), 4) for name, value in row.items() if name != "seconds"},
        "known_failures": "A small network after a short training. Greyed pictures keep half of their colour; hats, "
        "clothes and backgrounds all get much the same brown.",
    }
    weights.save(gan, f"cyclegan-colour-synthetic-{SIZE}", card, folder=OUT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=DOMAINS, default=tuple(DOMAINS))
    options = parser.parse_args()
    todo = [{"task": task, "variant": variant, "seed": SEED} for task in DOMAINS for variant in VARIANTS]

    def wanted(key: dict) -> bool:
        return key["task"] in options.tasks

    print(results.fill(TABLE, todo, measure, COMMAND, wanted=wanted).to_string())


if __name__ == "__main__":
    main()
