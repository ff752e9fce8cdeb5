"""Five GANs on small pictures: who draws what was asked for, how well, how varied, and how reliably? (Seed 003.)

    python experiments/family.py [--datasets digits synthetic mnist fashion_mnist cifar10]

The unconditional DCGAN, cDCGAN (as in the seed, and with wrong labels), ACGAN (also taught by real pictures alone),
2N-GAN and InfoGAN (with two codes as in the seed, and with five), with the same generator but for its input, by both
recipes, from three random seeds → facelib/results/family.csv, a row a run, and family_curves.csv, a row an epoch. The
weights of the first modern run of each model are left in runs/family. By default on what needs no network:
scikit-learn's digits and drawn faces. A run that was done before is taken from the tables.
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
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import confusion_matrix
from tqdm import tqdm

from facelib import __version__, results, weights
from facelib.data import load_faces
from facelib.data.faceset import FaceSet
from facelib.data.labels import multi_class
from facelib.metrics import Judge, class_coverage, inception_score, train_judge
from facelib.models import ACGAN, DCGAN, ConditionalDCGAN, InfoGAN, TwoNGAN
from facelib.training import recipe, variety_of


class TaughtACGAN(ACGAN):
    """Its discriminator learns the classes from real pictures alone, and has nothing to agree on with the generator."""

    def fake_loss(self, scores, labels):
        return DCGAN.fake_loss(self, scores, labels)


# What differs from model to model: its class, its settings, and changes to the modern recipe.
MODELS = {
    "DCGAN": (DCGAN, {}, {}),
    "cDCGAN": (ConditionalDCGAN, {}, {"mismatched": 0.0}),
    "cDCGAN, wrong labels": (ConditionalDCGAN, {}, {"mismatched": 0.5}),
    "ACGAN": (ACGAN, {}, {}),
    "ACGAN, taught": (TaughtACGAN, {}, {}),
    "2N-GAN": (TwoNGAN, {}, {}),
    "InfoGAN": (InfoGAN, {"codes": 2}, {}),
    "InfoGAN, five codes": (InfoGAN, {"codes": 5}, {}),
}
RANKED = ("cDCGAN", "ACGAN", "2N-GAN")  # by the seed, which gives scores of these
# The seed that compares them gives no learning rates; both recipes have the same. Dropout is the seeds'.
RECIPES = {"modern": {"r1": 0.1, "augment": (), "ema": 0.995}, "faithful": {}}
DROPOUT = {"modern": 0.0, "faithful": 0.4}
# The seeds' networks, narrower: with BatchNorm, as in the light ones, digits collapsed at once by every recipe that was
# tried. Faces do not, and are drawn by the light ones, which need less work a step.
PLAIN, LIGHT = {"width": 32, "initializer": "he"}, {"width": 96, "light": True}
RATES = {"synthetic": 5e-4}  # elsewhere 2e-3
SEEDS, EPOCHS, STEPS, BATCH = (0, 1, 2), 20, 100, 32
# Of the faces, what can be seen at 32 pixels.
ATTRIBUTES = ("Male", "Smiling")
OUT = Path("runs/family")
KEYS = ["dataset", "recipe", "model", "seed"]


@cache
def data(dataset: str) -> tuple[FaceSet, np.ndarray, Judge]:
    """Pictures and classes to learn from, and a judge that has seen none of these."""
    size = 16 if dataset == "digits" else 32  # scikit-learn's have 8 pixels
    if dataset == "synthetic":
        train, others = (load_faces(dataset, 8000, size, seed=seed, subset="train") for seed in (0, 1))
        labels, truth = (multi_class(faces, ATTRIBUTES) for faces in (train, others))
        return train, labels.values, train_judge(others, truth.values, truth.names, held_out=0.3)
    n = None if dataset == "digits" else 20_000
    train, others = load_faces(dataset, n, size, subset="all").split(0.5, seed=0)
    classes = list(train.attributes)
    judge = train_judge(others, others.info["label"].to_numpy(), classes, held_out=0.5, epochs=60)
    return train, train.info["label"].to_numpy(), judge


class Watch(keras.callbacks.Callback):
    """After every epoch, how much samples differ from each other."""

    def __init__(self, draw, faces: FaceSet):
        super().__init__()
        self.draw, self.faces, self.variety = draw, faces.images[:1000], []

    def on_epoch_end(self, epoch, logs=None):
        self.variety.append(variety_of(self.draw(200)[0], self.faces))


def build(dataset: str, how: str, name: str, seed: int) -> DCGAN:
    """One of the models, ready to be trained."""
    kind, settings, changes = MODELS[name]
    faces, _, judge = data(dataset)
    network = (LIGHT if dataset == "synthetic" else PLAIN) | {"dropout": DROPOUT[how], "seed": seed} | settings
    if kind.conditional:
        network["classes"] = len(judge.names)
    elif kind is InfoGAN:
        network["categories"] = (len(judge.names),)
    model = kind(faces.size, 100, **network)
    if how == "modern":
        model.compile(**recipe(how, learning_rate=RATES.get(dataset, 2e-3), **RECIPES[how], **changes))
    else:  # with embeddings, by Adamax
        like = "conditional" if model.conditional else "dcgan"
        model.compile(**recipe(how, like, RATES.get(dataset, 2e-3)))
    return model


def drawn_by(model: DCGAN, classes: int, n: int = 2000, seed: int = 1) -> tuple[np.ndarray, np.ndarray | None]:
    """Pictures, and what they were asked to show: classes, an InfoGAN's own categories, or nothing."""
    asked = np.arange(n) % classes
    if model.conditional:
        return model.sample(n, seed=seed, labels=asked), asked
    if isinstance(model, InfoGAN):
        return model.decode(model.latent(n, seed, categories=asked[:, None])), asked
    return model.sample(n, seed=seed), None


def measure(model: DCGAN, judge: Judge) -> dict:
    """A row of the table, but for what happened during training."""
    classes = len(judge.names)
    images, asked = drawn_by(model, classes)
    seen = judge.network.classify(images)
    row = {"right": np.nan, "ceiling": judge.ceiling.value}
    if asked is not None:
        counts = confusion_matrix(asked, seen, labels=range(classes))
        if isinstance(model, InfoGAN):  # which category means which class, nobody has said: the best matching
            counts = counts[:, linear_sum_assignment(-counts)[1]]
            row |= understood(model)
        row["right"] = counts.diagonal().sum() / counts.sum()
    shown = asked if model.conditional else seen
    coverage = class_coverage(images, shown, judge)
    of_real, of_drawn = (
        inception_score(judge.network.predict(pictures, verbose=0), splits=4, classifier="the judge")
        for pictures in (judge.images, images)
    )
    row |= {"score": of_drawn.value, "score_real": of_real.value, "coverage": coverage.mean()}
    row |= {"least_covered": coverage.min(), "variety": variety_of(images, judge.images)}
    if classes == 10 and judge.names[0] == "0":
        for digit, name in ((1, "one"), (7, "seven")):
            row |= rare(judge.images[judge.labels == digit], images[shown == digit], name)
            row[f"{name}_covered"] = coverage[digit]
    return row


def understood(model: InfoGAN, n: int = 2000) -> dict:
    """What an InfoGAN reads from its own pictures: the share of categories, and of the variance of codes."""
    asked = np.arange(n) % model.categories[0]
    z = model.latent(n, seed=2, categories=asked[:, None])
    categories, codes = model.recognise(model.decode(z))
    missed = np.square(codes - z[:, -model.codes :]).mean(axis=0) / z[:, -model.codes :].var(axis=0)
    explained = {f"code_{i + 1}_read": 1 - float(part) for i, part in enumerate(missed)}
    return {"categories_read": float((categories[:, 0] == asked).mean()), **explained}


def rare(real: np.ndarray, drawn: np.ndarray, name: str) -> dict:
    """How common the rarer of two ways to write a digit is, among real and among drawn ones."""
    flat = [pictures.reshape(len(pictures), real[0].size) / 255 for pictures in (real, drawn)]
    ways = KMeans(2, n_init=10, random_state=0).fit(flat[0])
    less = np.bincount(ways.labels_, minlength=2).argmin()
    shares = [float((ways.predict(part) == less).mean()) if len(part) else np.nan for part in flat]
    return {f"{name}_rare_real": shares[0], f"{name}_rare": shares[1]}


def train(dataset: str, how: str, name: str, seed: int) -> tuple[dict, pd.DataFrame]:
    """One run: its row, and its curves."""
    faces, labels, judge = data(dataset)
    model, began = build(dataset, how, name, seed), time.monotonic()
    watch = Watch(lambda n: drawn_by(model, len(judge.names), n), faces)
    given = {"labels": labels} if model.conditional else {}
    history = {}
    try:
        history = model.fit(
            faces,
            **given,
            epochs=EPOCHS,
            steps_per_epoch=STEPS,
            batch_size=BATCH,
            seed=seed,
            verbose=0,
            callbacks=[watch],
        ).history
        row = measure(model, judge)
    except FloatingPointError:  # a loss is no longer a number
        row = {}
    row = {"steps": EPOCHS * STEPS, "survived": bool(row) and survived(history, row["variety"]), **row}
    curves = pd.DataFrame({**history, "variety": watch.variety[: len(history.get("g_loss", []))]})
    curves.insert(0, "epoch", range(1, len(curves) + 1))
    if row["survived"] and how == "modern" and seed == SEEDS[0] and name != "ACGAN, taught":
        keep(model, dataset, name, row, round(time.monotonic() - began))
    return row, curves


def survived(history: dict, variety: float) -> bool:
    """Whether no loss went astray, and samples at the end differ about as much as real pictures do."""
    return max(max(losses) for losses in history.values()) < 10 and 0.5 < variety < 1.5


def keep(model: DCGAN, dataset: str, name: str, row: dict, seconds: int) -> None:
    """Weights with a card, for the chapter."""
    made = results.provenance("python experiments/family.py")
    short = name.lower().replace(" ", "-").replace(",", "")
    file = f"{short}-{dataset}-{model.image_size}"
    card = {
        "dataset": {"name": dataset, "train": len(data(dataset)[0]), "filters": "none"},
        "recipe": f"modern, {RECIPES['modern'] | MODELS[name][2] | {'learning_rate': RATES.get(dataset, 2e-3)}}",
        "batch_size": BATCH,
        "epochs": EPOCHS,
        "steps": EPOCHS * STEPS,
        "hardware": made["device"].split(", tensorflow")[0],
        "backend": f"{keras.backend.backend()}, Keras {keras.__version__}",
        "facelib": __version__,
        "seconds": seconds,
        "command": f"{made['command']} --datasets {dataset}",
        "scores": {key: round(float(value), 4) for key, value in row.items() if np.isfinite(value)},
        "known_failures": "A small network after a short training, for the comparison of chapter 05 and nothing else.",
    }
    # Of the others, chapter 05 asks the generators only.
    asked = isinstance(model, (ACGAN, InfoGAN))
    weights.save(model, file, card, folder=OUT, networks=None if asked else ["generator"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=["digits", "synthetic"])
    datasets = parser.parse_args().datasets
    made, tables = results.provenance("python experiments/family.py"), {}
    for table in ("family", "family_curves"):
        path = results.FOLDER / f"{table}.csv"
        tables[table] = results.load(table) if path.exists() else pd.DataFrame(columns=KEYS)
    done = set(tables["family"][KEYS].itertuples(index=False, name=None))
    runs = [
        (dataset, how, name, seed)
        for dataset in datasets
        for how in RECIPES
        for seed in SEEDS
        for name in MODELS
        # The seeds' recipe for those that the seed ranks, variants for digits; each on one data set is enough.
        if not (how == "faithful" and (dataset != "digits" or name not in RANKED))
        and not (dataset != "digits" and name in ("InfoGAN, five codes", "ACGAN, taught"))
    ]
    for run in tqdm([run for run in runs if run not in done], desc="training"):
        row, curves = train(*run)
        what = dict(zip(KEYS, run, strict=True))
        for table, rows in (
            ("family_curves", curves.assign(**what, **made)),
            ("family", pd.DataFrame([what | row | made])),
        ):
            rows = rows[[*KEYS, *rows.columns.difference(KEYS, sort=False)]]
            whole = rows if tables[table].empty else pd.concat([tables[table], rows])
            tables[table] = whole[[*whole.columns.difference([*made], sort=False), *made]]
            results.save(table, tables[table])


if __name__ == "__main__":
    main()
