"""Distances between sets of faces: what they depend on, what they notice, and the models of all chapters.

    python experiments/fid.py [--tables bias degradations resizes models] [--datasets synthetic]

- facelib/results/fid_bias.csv: Fréchet and kernel distance over n, FID∞, and the spread of each among independent draws
  beside the error that its interval is made of.
- facelib/results/fid_degradations.csv: real faces made worse in doses, sets without some faces or with many twice.
- facelib/results/fid_resizes.csv: the same faces, drawn large and made small in different ways.
- facelib/results/fid_models.csv: every model of the course, n equal, at its own size and shrunk to 32 pixels.

No number is an FID: the networks are MTCNN's O-Net, a classifier of attributes, and none at all (pixels). A row that
was measured before is taken from its table. Models of portraits are measured where the portraits are.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from functools import cache

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from facelib import results, weights
from facelib.data import FaceSet, load_faces
from facelib.data.conditions import condition
from facelib.data.labels import multi_class
from facelib.metrics import (
    Extractor,
    Features,
    attribute_extractor,
    extract,
    fid,
    fid_infinity,
    frechet_distance,
    kernel_distance,
    kid,
    memorization,
    precision_recall,
)
from facelib.metrics.degradations import DEGRADATIONS, duplicates, jpeg, mode_dropping
from facelib.metrics.frechet import standard_error
from facelib.metrics.neighbours import SHARES

COMMAND = "python experiments/fid.py"
EXTRACTORS = ("onet", "attributes", "pixels")
QUIET = {"progress": False}

# bias: images in a pool, numbers of images taken from it, pools.
POOL, COUNTS, POOLS = 10_000, (100, 200, 500, 1000, 2000, 5000, 10_000), 5
FAKES = {"real faces": None, "DCGAN": "dcgan-light-synthetic-64", "faces with noise": 3.0}
DRAWS = 40  # at most, independent ones, that a spread is taken over
# degradations: images a side, draws.
DEGRADED, DEGRADED_SEEDS = 2000, (0, 1, 2)
MODES = {"without glasses": "Eyeglasses", "without smiles": "Smiling"}
SHARES_DROPPED = (0.25, 0.5, 0.75, 1.0)
DIFFERENT = (1000, 500, 200, 100, 50, 20)
# resizes: images, and the side that they are drawn at.
LARGE, LARGE_SIDE, SMALL_SIDE = 2000, 256, 64
# models: images a side of drawn faces; of portraits as many as are held out.
MODEL_N, COMMON_SIDE = 10_000, 32
GENERATORS = ("VAE", "DCGAN", "ConditionalDCGAN", "ACGAN", "TwoNGAN", "InfoGAN", "Accordion")
RECONSTRUCT = ("VAE", "Accordion")


@cache
def extractor(name: str, dataset: str = "synthetic") -> str | Extractor:
    """What makes the features of a row."""
    if name == "attributes":
        return attribute_extractor(weights.load(f"scorer-{dataset}-64"), "attributes")
    if name == "pixels":
        return Extractor("pixels", lambda images: images.reshape(len(images), -1), 8, "bicubic antialiased")
    return name


def features(images: np.ndarray | FaceSet, name: str, dataset: str = "synthetic") -> Features:
    return extract(images, extractor(name, dataset), **QUIET)


def distances(real: Features, fake: Features) -> dict:
    """All numbers of two sets of features."""
    seen = precision_recall(real, fake)
    row = {"frechet": frechet_distance(real, fake), "kernel": kernel_distance(real, fake)[0]}
    return row | {share: getattr(seen, share) for share in SHARES}


# --- bias and spread


@cache
def pool(fake: str, seed: int, name: str) -> Features:
    """Features of a pool of faces; the fake ones are of other people than the real ones."""
    side = -1 if fake == "real side" else list(FAKES).index(fake)
    made = FAKES.get(fake)
    if isinstance(made, str):
        return features(weights.load(made).sample(POOL, seed=1000 + seed), name)
    faces = load_faces("synthetic", POOL, 64, seed=100 * seed + side + 1, subset="test").images
    return features(faces if made is None else DEGRADATIONS["noise"].function(faces, made), name)


def bias() -> None:
    todo = [
        {"extractor": name, "fake": fake, "n": n, "seed": seed}
        for seed in range(POOLS)
        for name in EXTRACTORS
        for fake in FAKES
        for n in COUNTS
    ]

    def measure(key: dict) -> dict:
        real, fake = (pool(side, key["seed"], key["extractor"])[: key["n"]] for side in ("real side", key["fake"]))
        row = {"frechet": frechet_distance(real, fake), "frechet_error": standard_error(real, fake, 20, key["seed"])}
        row["kernel"], row["kernel_error"] = kernel_distance(real, fake)
        row["infinity"] = fid_infinity(real, fake, resamples=0, **QUIET).value
        return row

    fill("fid_bias", todo, measure)

    def spread(key: dict) -> dict:
        """Of independent draws: the pools are cut into parts of n."""
        n, found = key["n"], []
        for seed in range(POOLS):
            sides = [pool(side, seed, key["extractor"]) for side in ("real side", key["fake"])]
            for start in range(0, POOL - n + 1, n):
                if len(found) < DRAWS:
                    real, fake = (side[start : start + n] for side in sides)
                    found.append((frechet_distance(real, fake), kernel_distance(real, fake)[0]))
        frechet, kernel = np.transpose(found)
        errors = results.load("fid_bias").query("fake == @key['fake'] and n == @n and extractor == @key['extractor']")
        row = {"draws": len(found), "frechet_mean": frechet.mean(), "frechet_spread": frechet.std(ddof=1)}
        row |= {"frechet_error": errors["frechet_error"].mean(), "kernel_spread": kernel.std(ddof=1)}
        return row | {"kernel_error": errors["kernel_error"].mean()}

    parts = [n for n in COUNTS if POOL // n * POOLS >= 10]
    todo = [{"extractor": name, "fake": fake, "n": n} for name in EXTRACTORS for fake in FAKES for n in parts]
    fill("fid_spread", todo, spread)


# --- degradations


@cache
def degraded_faces(seed: int) -> tuple[FaceSet, FaceSet]:
    """Real faces, and more than as many others that are made worse."""
    real = load_faces("synthetic", DEGRADED, 64, seed=2 * seed + 500, subset="test")
    return real, load_faces("synthetic", 4 * DEGRADED, 64, seed=2 * seed + 501, subset="test")


@cache
def degraded_features(seed: int, name: str) -> tuple[Features, Features]:
    return tuple(features(side, name) for side in degraded_faces(seed))


def degradations() -> None:
    doses = [("none", 0)]
    doses += [(kind, strength) for kind, d in DEGRADATIONS.items() for strength in d.strengths]
    doses += [(kind, share) for kind in MODES for share in SHARES_DROPPED]
    doses += [("duplicates", different) for different in DIFFERENT]

    def measure(key: dict) -> dict:
        seed, kind, strength = key["seed"], key["kind"], key["strength"]
        (_, others), (real, fake) = degraded_faces(seed), degraded_features(seed, key["extractor"])
        if kind in DEGRADATIONS:
            images = DEGRADATIONS[kind].function(others.images[:DEGRADED], strength)
            return distances(real, features(images, key["extractor"]))
        if kind in MODES:
            has = others.attributes[MODES[kind]].to_numpy()
            return distances(real, fake[mode_dropping(has, strength, DEGRADED, seed)])
        return distances(real, fake[duplicates(DEGRADED, int(strength) if kind == "duplicates" else DEGRADED, seed)])

    todo = [
        {"extractor": name, "kind": kind, "strength": strength, "seed": seed}
        for seed in DEGRADED_SEEDS
        for name in EXTRACTORS
        for kind, strength in doses
    ]
    fill("fid_degradations", todo, measure)


# --- resizes


def shrunk(images: np.ndarray, method: Image.Resampling, reducing: bool) -> np.ndarray:
    """To the small side by Pillow's filter, or between the nearest pixels alone, which Pillow does not offer."""
    from keras import ops

    if reducing:
        small = [Image.fromarray(image).resize((SMALL_SIDE, SMALL_SIDE), method) for image in images]
        return np.stack([np.asarray(image) for image in small])
    parts = [
        ops.image.resize(images[i : i + 100].astype(np.float32), (SMALL_SIDE,) * 2, "bilinear", antialias=False)
        for i in range(0, len(images), 100)
    ]
    return np.concatenate([np.asarray(part) for part in parts]).round().clip(0, 255).astype(np.uint8)


WAYS = {
    "drawn small": None,
    "bicubic, antialiased": lambda x: shrunk(x, Image.Resampling.BICUBIC, True),
    "box": lambda x: shrunk(x, Image.Resampling.BOX, True),
    "bilinear, not antialiased": lambda x: shrunk(x, Image.Resampling.BILINEAR, False),
    "nearest": lambda x: shrunk(x, Image.Resampling.NEAREST, True),
    "antialiased, then JPEG 75": lambda x: jpeg(shrunk(x, Image.Resampling.BICUBIC, True), 75),
}


def resizes() -> None:
    large = cache(lambda: load_faces("synthetic", LARGE, LARGE_SIDE, seed=700, subset="test").images)
    images = cache(
        lambda way: (
            load_faces("synthetic", LARGE, SMALL_SIDE, seed=700, subset="test").images
            if WAYS[way] is None
            else WAYS[way](large())
        )
    )

    def measure(key: dict) -> dict:
        real, fake = (features(images(way), key["extractor"]) for way in ("bicubic, antialiased", key["way"]))
        return {"n": LARGE, **distances(real, fake)}

    todo = [{"extractor": name, "way": way} for name in EXTRACTORS for way in WAYS if way != "bicubic, antialiased"]
    fill("fid_resizes", todo, measure)


# --- models


@cache
def held_out(dataset: str, size: int, seed: int) -> FaceSet:
    """Faces that no model has learned from; of portraits there is one such set."""
    if dataset == "synthetic":
        return load_faces(dataset, MODEL_N, size, seed=seed, subset="test")
    if seed == 0:
        return load_faces(dataset, size=size, subset="test", **QUIET)
    n = len(held_out(dataset, size, 0))
    train = load_faces(dataset, size=size, subset="train", **QUIET)
    return train[np.random.default_rng(seed).permutation(len(train))[:n]]


def drawn(name: str, what: str, faces: FaceSet) -> np.ndarray:
    """As many pictures by a model as there are faces, with labels as frequent as theirs."""
    card, model = weights.catalog()[name], weights.load(name)
    if what == "reconstructions":
        return model.reconstruct(faces.images)
    if not getattr(model, "conditional", False):
        return model.sample(len(faces), seed=1)
    if "labels" in card:
        labels = condition(faces, card["dataset"]["name"], card["labels"]["scheme"]).values
    else:  # the family of chapter 05
        labels = multi_class(faces, ("Male", "Smiling")).values
    return model.sample(len(faces), seed=1, labels=labels)


@cache
def learned(dataset: str, n: int, size: int) -> Features:
    """Of what a model has learned from. The portraits' own filters are left aside: that adds faces that it has not."""
    n = n if dataset == "synthetic" else None
    return features(load_faces(dataset, n, size, subset="train", **QUIET), "onet", dataset)


def small(images: np.ndarray) -> np.ndarray:
    from facelib.metrics.resize import antialiased

    parts = [antialiased(images[i : i + 500], COMMON_SIDE) for i in range(0, len(images), 500)]
    return np.concatenate(parts).round().astype(np.uint8)


def models(dataset: str) -> None:
    cards = {
        name: card
        for name, card in weights.catalog().items()
        if card["model"] in GENERATORS and card["dataset"]["name"] == dataset
    }
    sizes = sorted({card["config"]["image_size"] for card in cards.values()})
    kinds = [("real faces", "others", size) for size in sizes]
    for name, card in cards.items():
        size = card["config"]["image_size"]
        if card["model"] in RECONSTRUCT:
            kinds.append((name, "reconstructions", size))
        if card["model"] != "Accordion":  # whose middle has no known distribution
            kinds.append((name, "samples", size))
    todo = [{"dataset": dataset, "model": name, "what": what, "size": size} for name, what, size in kinds]

    def measure(key: dict) -> dict:
        size, name = key["size"], key["model"]
        real, others = held_out(dataset, size, 0), held_out(dataset, size, 1)
        # What is reconstructed are other real faces.
        images = others.images if name == "real faces" else drawn(name, key["what"], others)
        row = {"n": len(real)}
        onet = [features(side, "onet", dataset) for side in (real, images)]
        for column, metric in {"frechet": fid, "infinity": fid_infinity, "kernel": kid}.items():
            score = metric(*onet, **QUIET)
            row |= {column: score.value, f"{column}_low": score.low, f"{column}_high": score.high}
        seen = precision_recall(*onet)
        row |= {share: getattr(seen, share) for share in SHARES}
        score = fid(*(features(side, "attributes", dataset) for side in (real, images)), **QUIET)
        row |= {"attributes": score.value, "attributes_low": score.low, "attributes_high": score.high}
        sides = [features(small(side), "onet", dataset) for side in (real.images, images)]
        score = fid(*sides, **QUIET)
        row |= {"at_32": score.value, "at_32_low": score.low, "at_32_high": score.high}
        if name != "real faces" and key["what"] == "samples":
            seen = learned(dataset, cards[name]["dataset"]["train"], size)
            near = memorization(onet[1][:2000], seen, onet[0][:2000])
            row |= {"memorization": near.value, "memorization_low": near.low, "memorization_high": near.high}
        return row

    fill("fid_models", todo, measure)


def fill(table: str, todo: list[dict], measure) -> None:
    """Measure what a table lacks, row by row."""
    made = results.provenance(COMMAND)
    path = results.FOLDER / f"{table}.csv"
    before = results.load(table) if path.exists() else pd.DataFrame(columns=list(todo[0]))
    keys = list(todo[0])
    done = set(before[keys].itertuples(index=False, name=None))
    for key in tqdm([key for key in todo if tuple(key.values()) not in done], desc=table):
        row = pd.DataFrame([key | measure(key) | made])
        before = row if before.empty else pd.concat([before, row])
        before = before[[*before.columns.difference([*made], sort=False), *made]]
        results.save(table, before, significant=5)


def main() -> None:
    tables = {"bias": bias, "degradations": degradations, "resizes": resizes, "models": models}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=list(tables), default=list(tables))
    parser.add_argument("--datasets", nargs="+", choices=["synthetic", "portraits"], default=["synthetic", "portraits"])
    chosen = parser.parse_args()
    for table in chosen.tables:
        if table == "models":
            for dataset in chosen.datasets:
                models(dataset)
        else:
            tables[table]()


if __name__ == "__main__":
    main()
