"""What makes a conditional GAN listen, and which labels it understands: small runs on drawn faces.

    python experiments/labels.py

A light conditional DCGAN (32 px) by each of the three label schemes, on faces and on faces with background, with and
without real pictures under wrong labels; and its twin without labels → facelib/results/labels.csv. Each scheme is
judged by the same question: of the attributes that were asked for, how many does a classifier of real faces see? A run
that was done before is taken from the table. Half an hour on 2 CPU cores.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from functools import cache

import numpy as np
import pandas as pd
from tqdm import tqdm

from facelib import results
from facelib.data import load_faces
from facelib.data.conditions import COLUMNS, condition
from facelib.data.labels import SEED_CLASSES
from facelib.metrics import fid, train_judge
from facelib.models import DCGAN, ConditionalDCGAN
from facelib.training import recipe, variety_of

SIZE, STEPS, BATCH = 32, 1500, 32
ATTRIBUTES = COLUMNS["synthetic"]
RUNS = [  # labels, framing, share of wrong labels, seed
    *(("combined", "face", mismatched, seed) for seed in (0, 1) for mismatched in (0.0, 0.5)),
    *(("unlabelled", "face", 0.0, seed) for seed in (0, 1)),
    *((scheme, "face", 0.5, 0) for scheme in ("independent", "multi-class")),
    *((scheme, "background", 0.5, 0) for scheme in ("combined", "independent", "multi-class")),
    ("unlabelled", "background", 0.0, 0),
]
TABLE = results.FOLDER / "labels.csv"


def asked(values: np.ndarray, scheme: str) -> np.ndarray:
    """Labels → attributes asked for, (n, 3) of 0, 1 and NaN where the label leaves it open."""
    if scheme == "independent":
        return values.astype(float)
    if scheme == "multi-class":
        return (values[:, None] >> np.arange(len(ATTRIBUTES))[::-1] & 1).astype(float)
    wanted = [[float(made.get(name, np.nan)) for name in ATTRIBUTES] for made in SEED_CLASSES.values()]
    return np.array(wanted)[values]


def right(wanted: np.ndarray, seen: np.ndarray) -> float:
    """Mean over attributes, and over present and absent, of the share that is as wanted."""
    shares = [
        (seen[:, i][wanted[:, i] == value] == value).mean() for i in range(wanted.shape[1]) for value in (0.0, 1.0)
    ]
    return float(np.mean(shares))


@cache
def judge_of(framing: str):
    """A classifier of all eight combinations, trained on people that no generator sees; and other faces."""
    faces = load_faces("synthetic", 12_000, SIZE, seed=1, framing=framing)
    labels = condition(faces, "synthetic", "multi-class")
    judge = train_judge(faces, labels.values, labels.names, architecture="pooled", epochs=12)
    return judge, load_faces("synthetic", 2000, SIZE, subset="test", framing=framing)


def attributes_seen(judge, images: np.ndarray) -> np.ndarray:
    return asked(judge.network.classify(images), "multi-class")


def measure(scheme: str, framing: str, mismatched: float, seed: int) -> dict:
    """Train one model, and say how well it listens and draws."""
    faces = load_faces("synthetic", 10_000, SIZE, subset="train", framing=framing)
    judge, others = judge_of(framing)
    switches = {"learning_rate": 5e-4, "r1": 0.1, "augment": ()}
    how = {"width": 96, "light": True, "dropout": 0.0, "seed": seed}
    fit = {"steps_per_epoch": STEPS, "batch_size": BATCH, "seed": seed, "verbose": 0}
    row = {"labels": scheme, "framing": framing, "mismatched": mismatched, "seed": seed, "steps": STEPS}
    if scheme == "unlabelled":
        model = DCGAN(SIZE, 100, **how)
        model.compile(**recipe("modern", **switches))
        model.fit(faces, **fit)
        samples = model.sample(2000, seed=1)
    else:
        labels = condition(faces, "synthetic", scheme)
        model = ConditionalDCGAN(SIZE, 100, labels.classes, **how)
        model.compile(**recipe("modern", "conditional", mismatched=mismatched, **switches))
        model.fit(faces, labels, **fit)
        drawn = labels.values[np.random.default_rng(1).integers(len(labels), size=2000)]
        samples = model.sample(2000, seed=1, labels=drawn)
        truth = condition(others, "synthetic", scheme)
        row["right"] = right(asked(drawn, scheme), attributes_seen(judge, samples))
        row["ceiling"] = right(asked(truth.values, scheme), attributes_seen(judge, others.images))
    row["frechet"] = float(fid(others.images, samples, extractor="onet"))
    return row | {"variety": variety_of(samples, others.images)}


def main() -> None:
    made = results.provenance("python experiments/labels.py")
    keys = ["labels", "framing", "mismatched", "seed"]
    table = results.load("labels") if TABLE.exists() else pd.DataFrame(columns=keys)
    done = set(table[keys].itertuples(index=False, name=None))
    for run in tqdm([run for run in RUNS if run not in done], desc="training"):
        row = pd.DataFrame([measure(*run) | made])
        table = row if table.empty else pd.concat([table, row])
        results.save("labels", table)


if __name__ == "__main__":
    main()
