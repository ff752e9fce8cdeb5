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
from PIL import Image

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
SHARES_DROPPED = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
DIFFERENT = (1000, 500, 200, 100, 50, 20)
# resizes: images, and the side that they are drawn at.
LARGE, LARGE_SIDE, SMALL_SIDE = 2000, 256, 64
# models: images a side (446 portraits are held out), and the side that all are shrunk to.
MODEL_N, COMMON_SIDE = {"synthetic": 10_000, "portraits": 440}, 32
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
                if len(found) < key["draws"]:
                    real, fake = (side[start : start + n] for side in sides)
                    found.append((frechet_distance(real, fake), kernel_distance(real, fake)[0]))
        frechet, kernel = np.transpose(found)
        errors = results.load("fid_bias").query("fake == @key['fake'] and n == @n and extractor == @key['extractor']")
        row = {"frechet_mean": frechet.mean(), "frechet_spread": frechet.std(ddof=1)}
        row |= {"frechet_error": errors["frechet_error"].mean(), "kernel_spread": kernel.std(ddof=1)}
        return row | {"kernel_error": errors["kernel_error"].mean()}

    draws = {n: min(DRAWS, POOL // n * POOLS) for n in COUNTS}
    todo = [
        {"extractor": name, "fake": fake, "n": n, "draws": draws[n]}
        for name in EXTRACTORS
        for fake in FAKES
        for n in COUNTS
        if draws[n] >= 10
    ]
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
        {"extractor": name, "kind": kind, "strength": strength, "n": DEGRADED, "seed": seed}
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


PROPER = "bicubic, antialiased"
WAYS = {
    "drawn small": None,
    PROPER: lambda x: shrunk(x, Image.Resampling.BICUBIC, True),
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
        real, fake = (features(images(way), key["extractor"]) for way in (PROPER, key["way"]))
        return distances(real, fake)

    todo = [{"extractor": name, "way": way, "n": LARGE} for name in EXTRACTORS for way in WAYS if way != PROPER]
    fill("fid_resizes", todo, measure)


# --- models


@cache
def faces_of(dataset: str, size: int, seed: int) -> FaceSet:
    """Seed 0: faces that no model has learned from. Seed 1: others; of the portraits, some that models have seen."""
    n = MODEL_N[dataset]
    if dataset == "synthetic":
        return load_faces(dataset, n, size, seed=seed, subset="test")
    some = load_faces(dataset, size=size, subset=("test", "train")[seed], **QUIET)
    return some[np.random.default_rng(0).permutation(len(some))[:n]]


def drawn(name: str, like: FaceSet) -> np.ndarray:
    """As many samples as there are faces, with labels as frequent as theirs."""
    card, model = weights.catalog()[name], weights.load(name)
    if not getattr(model, "conditional", False):
        return model.sample(len(like), seed=1)
    if "labels" in card:
        labels = condition(like, card["dataset"]["name"], card["labels"]["scheme"]).values
    else:  # the family of chapter 05
        labels = multi_class(like, ("Male", "Smiling")).values
    return model.sample(len(like), seed=1, labels=labels)


@cache
def learned(dataset: str, n: int, size: int) -> Features:
    """Of what a model has learned from. The portraits' own filters are left aside: that adds faces that it has not."""
    n = n if dataset == "synthetic" else None
    return features(load_faces(dataset, n, size, subset="train", **QUIET), "onet", dataset)


def small(images: np.ndarray) -> np.ndarray:
    from facelib.metrics.resize import antialiased

    parts = [antialiased(images[i : i + 500], COMMON_SIDE) for i in range(0, len(images), 500)]
    return np.concatenate(parts).round().astype(np.uint8)


def models(datasets: list[str]) -> None:
    cards = {name: card for name, card in weights.catalog().items() if card["model"] in GENERATORS}
    kinds = []
    for dataset in MODEL_N:
        of_it = {name: card for name, card in cards.items() if card["dataset"]["name"] == dataset}
        sizes = sorted({card["config"]["image_size"] for card in of_it.values()})
        kinds += [(dataset, "real faces", "others", size) for size in sizes]
        for name, card in of_it.items():
            size = card["config"]["image_size"]
            if card["model"] in RECONSTRUCT:
                kinds.append((dataset, name, "reconstructions", size))
            if card["model"] != "Accordion":  # whose middle has no known distribution
                kinds.append((dataset, name, "samples", size))
    columns = ("dataset", "model", "what", "size")
    todo = [dict(zip(columns, kind, strict=True)) | {"n": MODEL_N[kind[0]]} for kind in kinds]
    for key in todo:  # weights that are replaced are measured again
        key["sha256"] = cards[key["model"]]["sha256"][:12] if key["model"] in cards else "none"

    def measure(key: dict) -> dict:
        dataset, name, what, size = (key[column] for column in columns)
        unseen, others = (faces_of(dataset, size, seed) for seed in (0, 1))
        if what == "reconstructions":  # of faces that it has not seen, against other people
            real, images = others, weights.load(name).reconstruct(unseen.images)
        else:
            real, images = unseen, others.images if name == "real faces" else drawn(name, unseen)
        row = {}
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
        if what == "samples":
            training = learned(dataset, cards[name]["dataset"]["train"], size)
            near = memorization(onet[1][:2000], training, onet[0][:2000])
            row |= {"memorization": near.value, "memorization_low": near.low, "memorization_high": near.high}
        return row

    fill("fid_models", todo, measure, wanted=lambda key: key["dataset"] in datasets)


def fill(table: str, todo: list[dict], measure, wanted=lambda key: True) -> None:
    results.fill(table, todo, measure, COMMAND, wanted=wanted, significant=5)


def main() -> None:
    tables = {"bias": bias, "degradations": degradations, "resizes": resizes, "models": models}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=list(tables), default=list(tables))
    parser.add_argument("--datasets", nargs="+", choices=["synthetic", "portraits"], default=["synthetic", "portraits"])
    chosen = parser.parse_args()
    for table in chosen.tables:
        if table == "models":
            models(chosen.datasets)
        else:
            tables[table]()


if __name__ == "__main__":
    main()
