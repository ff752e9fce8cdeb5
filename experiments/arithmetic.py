"""Arithmetic with faces, measured on a VAE, a DCGAN and a conditional GAN of drawn faces.

    python experiments/arithmetic.py

- facelib/results/directions.csv: the direction of a smile found in several ways, from three draws of faces, and what
  steps along it change (`facelib.latent.scorecard`).
- facelib/results/averaging.csv: smiling women − neutral women + neutral men, each the average of k faces.
- facelib/results/paths.csv: what lies on the way from one face to another, straight or on an arc.

Directions are found from encoded faces and their labels (VAE), or from samples that the finder has looked at (GANs).
Everything is scored by the scorer: other layers, trained on other faces. A row that was measured before is taken from
its table.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from tqdm import tqdm

from facelib import results, weights
from facelib.data import FaceSet, load_faces
from facelib.latent import (
    Given,
    arithmetic,
    as_direction,
    conditioned,
    lerp,
    mean_direction,
    pca_directions,
    random_direction,
    read_samples,
    scorecard,
    sefa_directions,
    slerp,
    svm_direction,
    tails,
)
from facelib.metrics import extract, frechet_distance
from facelib.training import variety_of

MODELS = {
    "VAE": "vae-synthetic-80",
    "DCGAN": "dcgan-light-synthetic-64",
    "conditional GAN": "cdcgan-light-synthetic-64",
}
MAN = 1  # class of the conditional GAN; 0 are women
ATTRIBUTE = "Smiling"
METHODS = ("means", "SVM", "SVM on tails", "best of 20 SeFa", "best of 20 PCA", "best of 20 random")
STEPS = (1.0, 2.0, 3.0, 4.0, 5.0)
SEEDS = (0, 1, 2)
FACES = 4000  # that a direction is found from
MOVED = 300  # faces that are moved, sums, and pairs
AVERAGED = (1, 3, 10, 30, 100)


@dataclass
class Subject:
    """A model, faces of known attributes in its latent space, and others to work on."""

    name: str
    seed: int
    model: object
    size: int
    z: np.ndarray
    has: pd.DataFrame  # probabilities, or labels
    moved: np.ndarray
    decode_z: object  # what decodes z, with a label for each
    decode_moved: object


def subject(name: str, seed: int) -> Subject:
    model, finder = weights.load(MODELS[name]), weights.load("finder-synthetic-64")
    if name == "VAE":
        faces = load_faces("synthetic", 3 * FACES, model.image_size, subset="train")
        faces = faces[np.random.default_rng([seed, 7]).permutation(len(faces))[:FACES]]
        others = load_faces("synthetic", MOVED, model.image_size, subset="test")
        z, moved = model.encode(faces), model.encode(others)
        return Subject(name, seed, model, model.image_size, z, faces.attributes, moved, model, model)
    given, given_moved = model, model
    if name == "conditional GAN":
        given, given_moved = (Given(model, np.arange(n) % 2) for n in (FACES, MOVED))  # women and men
    z, probability = read_samples(given, finder, FACES, seed=1 + seed)
    moved = np.random.default_rng(99).standard_normal((MOVED, model.latent_dim), dtype=np.float32)
    return Subject(name, seed, model, model.image_size, z, probability, moved, given, given_moved)


def direction_of(method: str, about: Subject, attribute: str):
    """The direction, and the faces that found it."""
    z, has = about.z, about.has[attribute] > 0.5
    if method == "means":
        return mean_direction(z, has), z, has
    if method == "SVM":
        return svm_direction(z, has), z, has
    if method == "SVM on tails":
        rows, has = tails(about.has[attribute], 0.2)
        return svm_direction(z[rows], has), z[rows], has
    if "SeFa" in method:
        components = sefa_directions(about.model, 20)
    elif "PCA" in method:
        components = pca_directions(z[:1000], about.decode_z.decode(z)[:1000, ::4, ::4], 20)
    else:
        components = [random_direction(z.shape[1], seed=i) for i in range(20)]
    # Chosen by one half of the faces, judged by the other.
    half = len(z) // 2
    chosen = max(components, key=lambda component: as_direction(component, z[:half], has[:half]).accuracy)
    return as_direction(chosen, z[half:], has[half:]), z, has


def measure_directions(about: Subject, scorer, real: np.ndarray) -> pd.DataFrame:
    rows = []
    has = about.has > 0.5
    others = [other for other in has if other != ATTRIBUTE and 20 < has[other].sum() < FACES - 20]
    directions = {}
    for method in METHODS:
        if method == "SVM on tails" and about.name == "VAE":
            continue  # labels have no tails
        direction, z, had = direction_of(method, about, ATTRIBUTE)
        directions[method, "nothing"] = direction
        if method in ("means", "SVM"):
            find = mean_direction if method == "means" else svm_direction
            all_others = [find(about.z, has[other]) for other in others]
            directions[method, "all others"] = conditioned(direction, all_others, z, had)
    how = {"attribute": ATTRIBUTE, "real": real, "seed": about.seed}
    card = scorecard(
        about.decode_moved, about.moved, {"|".join(d): v for d, v in directions.items()}, scorer, STEPS, **how
    )
    named = {f"{method}|{conditioned_on}": direction for (method, conditioned_on), direction in directions.items()}
    for name, part in card.rows.groupby("direction", sort=False):
        method, _, conditioned_on = name.partition("|")
        table = part.drop(columns="direction")
        table.insert(0, "conditioned", conditioned_on or "nothing")
        table.insert(0, "method", method)
        accuracy = named[name].accuracy if name in named else np.nan
        rows.append(table.assign(faces=card.n, accuracy=accuracy))
    return pd.concat(rows)


def measure_averaging(about: Subject, scorer, real: FaceSet) -> pd.DataFrame:
    rng, rows = np.random.default_rng([about.seed, 8]), []
    smiling_women, neutral_women, neutral_men = pools(about)
    decode = Given(about.model, MAN).decode if about.name == "conditional GAN" else about.model.decode
    usual = np.linalg.norm(about.z, axis=1).mean()
    smiles, male = (scorer.attributes.index(a) for a in ("Smiling", "Male"))
    smiling_men = features_of(real.where(Smiling=True, Male=True).images)
    for k in AVERAGED:
        sums, men = [], []
        for _ in range(MOVED):
            a, b, c = (
                pool[rng.choice(len(pool), k, replace=False)] for pool in (smiling_women, neutral_women, neutral_men)
            )
            sums.append(arithmetic([a, c], [b]))
            men.append(arithmetic([c]))
        for scaled in (False, True):
            row = {"k": k, "scaled": scaled}
            for what, z in {"without_": np.stack(men), "": np.stack(sums)}.items():
                length = np.linalg.norm(z, axis=1, keepdims=True)
                images = decode(z * usual / length if scaled else z)
                has = scorer.probabilities(images) > 0.5
                row[f"{what}success"] = (has[:, smiles] & has[:, male]).mean()
            row |= {"smiling": has[:, smiles].mean(), "male": has[:, male].mean()}
            row |= {"length": length.mean(), "usual_length": usual}
            row |= {"variety": variety_of(images, real.images), "frechet": distance(smiling_men, images)}
            rows.append(row | {"sums": MOVED})
    return pd.DataFrame(rows)


def pools(about: Subject) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z of smiling women, neutral women and neutral men."""
    smiling, male = about.has["Smiling"] > 0.5, about.has["Male"] > 0.5
    if about.name == "conditional GAN":
        male = about.decode_z.labels == MAN  # what it was asked for
    return about.z[smiling & ~male], about.z[~smiling & ~male], about.z[~smiling & male]


def measure_paths(about: Subject, real: np.ndarray) -> pd.DataFrame:
    rng, rows, real_features = np.random.default_rng([about.seed, 9]), [], features_of(real)
    # Pairs of equal labels, where there are any: these alternate.
    twos = rng.permutation(np.arange(MOVED).reshape(-1, 2))
    starts, ends = about.moved[np.roll(twos, 1, axis=0).ravel()], about.moved[twos.ravel()]
    for path in (lerp, slerp):
        ways = np.stack([path(a, b, 9) for a, b in zip(starts, ends, strict=True)], axis=1)
        for t, z in zip(np.linspace(0, 1, 9), ways, strict=True):
            images = about.decode_moved.decode(z)
            row = {"path": path.__name__, "t": t, "length": np.linalg.norm(z, axis=1).mean()}
            row |= {"frechet": distance(real_features, images), "variety": variety_of(images, real)}
            rows.append(row | {"pairs": MOVED})
    return pd.DataFrame(rows)


def distance(real: np.ndarray, images: np.ndarray) -> float:
    return frechet_distance(real, features_of(images))


def features_of(images: np.ndarray) -> np.ndarray:
    return extract(images, "onet", progress=False).values


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure arithmetic with faces.")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    chosen = parser.parse_args().models
    made, scorer = results.provenance("python experiments/arithmetic.py"), weights.load("scorer-synthetic-64")
    faces = {size: load_faces("synthetic", 3000, size, seed=5) for size in (64, 80)}
    for seed, name in tqdm(list(product(SEEDS, chosen)), desc="measuring"):
        about = subject(name, seed)
        real = faces[about.size]
        measures = {
            "directions": partial(measure_directions, about, scorer, real.images[:1000]),
            "averaging": partial(measure_averaging, about, scorer, real),
            "paths": partial(measure_paths, about, real.images[:1000]),
        }
        for table, measure in measures.items():
            path = results.FOLDER / f"{table}.csv"
            before = [pd.read_csv(path, dtype={"commit": str})] if path.exists() else []
            if before and ((before[0]["model"] == name) & (before[0]["seed"] == seed)).any():
                continue
            rows = measure()
            rows.insert(0, "seed", seed)
            rows.insert(0, "model", name)
            results.save(table, pd.concat([*before, rows.assign(**made)]))


if __name__ == "__main__":
    main()
