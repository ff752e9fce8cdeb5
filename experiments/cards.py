"""What stands beside the text of a model card: a sheet, how many samples show a face, the nearest training faces.

    python experiments/cards.py

For each file of weights → facelib/results/cards.csv, a row a file, and cards.zip, its pictures: NAME, a sheet, and
"NAME nearest", the best samples above their nearest training faces (of drawn faces only: photos are not for
publication, so of portraits there are the distances). The page of weights is made from both. What was measured of the
same file before, by its checksum, is taken from the table.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from functools import cache

import numpy as np

from facelib import results, weights
from facelib.data import load_faces
from facelib.data.domains import DOMAINS, colourfulness, domains
from facelib.data.portraits import FRONTAL
from facelib.metrics import Features, as_judge, conditionality, extract, face_confidence, nearest, proportion
from facelib.training import TranslationGrid
from facelib.training.samples import sheet

TABLE, COMMAND = "cards", "python experiments/cards.py"
COLUMNS, ROWS = 8, 3
LOOKED_AT = 500  # samples in which MTCNN looks for a face
CHOSEN_FROM, BEST = 400, 6  # samples that the best are chosen from
HEARD = 1000  # samples for the judge of labels
GREY, COLOURED = 10, 25  # levels of colourfulness, of generated portraits
SMALLEST = 64  # pixels from which on a detector is asked: it was made for photos
QUIET = {"progress": False}


def measure(key: dict) -> dict:
    name = key["weights"]
    card, model = weights.catalog()[name], weights.load(name)
    row = {"parameters": sum(network.count_params() for network in drawing(model, card))}
    picture = PICTURES.get(card["model"], of_samples)(model, card)
    if picture is not None:
        results.save_sheet(TABLE, name, picture)
    if hasattr(model, "sample") and card["config"]["image_size"] >= SMALLEST:
        row |= measured_samples(name, model, card)
    return row


def has_labels(model) -> bool:
    return getattr(model, "conditional", False)


def drawing(model, card: dict) -> list:
    """Of a GAN the generator, of others all networks in the file."""
    if "generator" in model.networks:
        return [model.networks["generator"]]
    return [model.networks[network] for network in card.get("networks", model.networks)]


# --- pictures


def of_samples(model, card: dict) -> np.ndarray:
    """Rows of samples; of a model with labels a row a class, all from the same z."""
    if not has_labels(model):
        return sheet(model.sample(ROWS * COLUMNS, seed=0), COLUMNS)
    rows = [model.sample(COLUMNS, seed=0, labels=label) for label in range(min(model.classes, 10))]
    return sheet(np.concatenate(rows), COLUMNS)


def of_reconstructions(model, card: dict) -> np.ndarray:
    """Faces that it has not seen, and below them what comes back; generated ones where faces are photos."""
    size = card["config"]["image_size"]
    if card["dataset"]["name"] == "synthetic":
        faces = load_faces("synthetic", COLUMNS, size, subset="test").images
    else:
        faces = weights.load(card["generator"]).sample(COLUMNS, seed=0)
    if card["model"] == "LatentEncoder":
        back = weights.load(card["generator"]).decode(model.encode(faces))
    else:
        back = model.reconstruct(faces)
    return sheet(np.concatenate([faces, back]), COLUMNS)


def of_translations(model, card: dict) -> np.ndarray:
    """Both ways; of portraits, generated ones of the first era that are grey, and of the last that are not."""
    size, (one, _) = card["config"]["image_size"], model.domains
    if card["dataset"]["name"] == "portraits":
        eras = weights.load("cdcgan-light-portraits-64")
        a, b = (eras.sample(400, seed=seed, labels=era) for seed, era in enumerate((0, eras.classes - 1)))
        a, b = a[colourfulness(a) < GREY], b[colourfulness(b) > COLOURED]
    else:
        task = next(task for task, kinds in DOMAINS.items() if one in kinds)
        a, b = (side.images for side in domains(load_faces("synthetic", 200, size, subset="test"), task))
    return TranslationGrid(a[:COLUMNS], b[:COLUMNS]).sheet_of(model)


PICTURES = {
    "Accordion": of_reconstructions,
    "LatentEncoder": of_reconstructions,
    "CycleGAN": of_translations,
    "Classifier": lambda model, card: None,
    "AttributeClassifier": lambda model, card: None,
}


# --- numbers


def measured_samples(name: str, model, card: dict) -> dict:
    dataset, size = card["dataset"]["name"], card["config"]["image_size"]
    share = proportion(face_confidence(drawn(model, card, LOOKED_AT, seed=3)) >= 0.9)
    row = {"faces": share.value, "faces_low": share.low, "faces_high": share.high}
    if has_labels(model) and dataset == "synthetic":
        row |= heard(model, card)
    samples = drawn(model, card, CHOSEN_FROM, seed=4)
    best = samples[np.argsort(-face_confidence(samples), kind="stable")[:BEST]]
    frontal = "engravings" in card["dataset"]["filters"]
    training, images, unseen = learned(dataset, card["dataset"]["train"], size, frontal)
    distances, which = nearest(extract(best, "onet", **QUIET), training)
    usual = nearest(unseen, training)[0]
    row |= {"nearest": distances.mean(), "nearest_unseen": usual.mean()}
    if images is not None:
        results.save_sheet(TABLE, f"{name} nearest", sheet(np.concatenate([best, images[which]]), BEST))
    return row


def drawn(model, card: dict, n: int, seed: int) -> np.ndarray:
    """Samples, with labels as frequent as in training."""
    if not has_labels(model):
        return model.sample(n, seed=seed)
    counts = np.array(list(card["labels"]["faces"].values()))
    labels = np.random.default_rng(seed).choice(len(counts), n, p=counts / counts.sum())
    return model.sample(n, seed=seed, labels=labels)


def heard(model, card: dict) -> dict:
    """How often the judge of chapter 04 sees the class that was asked for."""
    from facelib.data.conditions import condition

    others = load_faces("synthetic", 2000, 64, seed=1, subset="test")
    truth = condition(others, "synthetic", card["labels"]["scheme"])
    judge = as_judge(weights.load("judge-synthetic-64"), others[truth.kept], truth.values[truth.kept], truth.names)
    asked = np.arange(HEARD) % model.classes
    found = conditionality(model.sample(HEARD, seed=5, labels=asked), asked, judge).accuracy
    return {"heard": found.value, "heard_low": found.low, "heard_high": found.high}


@cache
def learned(dataset: str, n: int, size: int, frontal: bool) -> tuple[Features, np.ndarray | None, Features]:
    """Features of the training faces, the faces if they may be shown, and features of faces that no model has seen.

    These are chosen as the best samples are, by MTCNN: the surest faces are the most usual ones, and near to others.
    """
    shown = dataset == "synthetic"
    faces = load_faces(dataset, n if shown else None, size, subset="train", **QUIET)
    others = load_faces(dataset, CHOSEN_FROM if shown else None, size, subset="test", **QUIET)
    if frontal:
        faces, others = faces.where(**FRONTAL), others.where(**FRONTAL)
    best = others.images[:CHOSEN_FROM]
    best = best[np.argsort(-face_confidence(best), kind="stable")[:BEST]]
    train, unseen = (extract(images, "onet", **QUIET) for images in (faces.images, best))
    return train, faces.images if shown else None, unseen


def main() -> None:
    todo = [{"weights": name, "sha256": card["sha256"][:12]} for name, card in weights.catalog().items()]
    print(results.fill(TABLE, todo, measure, COMMAND, significant=5).to_string())


if __name__ == "__main__":
    main()
