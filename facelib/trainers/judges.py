"""Trainers of classifiers: those that judge conditional models, and those that read attributes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from facelib.data import FaceSet, load_faces, to_float, to_uint8
from facelib.data.conditions import condition
from facelib.metrics import as_judge
from facelib.models import AttributeClassifier, Classifier
from facelib.trainers.runs import Options, decaying, describe, finish, fit, steps_for

# Generators learn from the drawn people of seed 0: nobody is seen by both, nor by the two kinds of classifier. Of
# portraits there are no more: generators, finder and scorer learn from the same ones, the last two from other photos.
SEED = 1
ATTRIBUTES_SEED = 2
# Of the portraits. The others are rules, not attributes (see facelib.data.rules).
PORTRAITS = ("Male", "Smiling", "Colour", "Modern")
# Which half of the faces each learns from, and by which layers.
ROLES = {"finder": (0, "discriminator"), "scorer": (1, "pooled")}
BLURS = np.linspace(0, 2.5, 6)  # pixels


def train_judge(options: Options) -> dict:
    """Train a classifier of the combined classes on people that no generator has seen; returns its card.

    Raises:
        ValueError: for another data set than the drawn one.
    """
    if options.dataset != "synthetic" or options.faces is not None:
        raise ValueError("a judge is trained on --dataset synthetic: no photos are left that no generator has seen.")
    sizes, how = options.sizes, {"size": options.sizes.image_size, "framing": options.framing, "seed": SEED}
    train = load_faces("synthetic", sizes.faces, subset="train", **how)
    held_out = load_faces("synthetic", 2000, subset="test", **how)
    labels, truth = (condition(faces, "synthetic") for faces in (train, held_out))
    model = Classifier(sizes.image_size, labels.classes, architecture="pooled", width=sizes.width)
    steps = steps_for(len(train), sizes)
    model.compile(decaying(2e-3, steps))
    name = options.weights_name
    checkpoint = fit(model, name, train, options, vars(sizes), sizes.epochs, sizes.batch_size, labels=labels)

    judge = as_judge(model, held_out, truth.values, truth.names)
    card = {
        **describe(options, len(train), sizes.epochs, steps, sizes.batch_size, checkpoint),
        "recipe": "Adam 0.002 with cosine decay to a fiftieth; cross-entropy, rare classes weighing as much as others",
        "scores": {"ceiling": [round(v, 4) for v in judge.ceiling[:3]], "confusion": judge.confusion.tolist()},
        "labels": {"scheme": "combined", "names": list(labels.names)},
        "known_failures": "Full lips are a matter of a few pixels: most of its errors are between the two classes of "
        "women that lips tell apart.",
    }
    card["dataset"] |= {"held_out": len(held_out), "seed": SEED}
    return finish(model, name, card, options, checkpoint)


def train_attributes(options: Options) -> dict:
    """Train a finder or a scorer of attributes on its own half of the faces; returns its card.

    Raises:
        ValueError: for CelebA, whose photos cannot be had here, or faces from a file.
    """
    if options.dataset == "celeba" or options.faces is not None:
        raise ValueError("finder and scorer are trained on --dataset synthetic or portraits, not on a file of faces.")
    sizes, drawn = options.sizes, options.dataset == "synthetic"
    half, architecture = ROLES[options.name]
    how = {"size": sizes.image_size, "framing": options.framing, "seed": ATTRIBUTES_SEED}
    faces = load_faces(options.dataset, 2 * sizes.faces if drawn else None, subset="train", **how)
    held_out = load_faces(options.dataset, 2000 if drawn else None, subset="test", **how)
    train = faces.split(0.5, seed=0)[half]
    names = tuple(faces.attributes.columns) if drawn else PORTRAITS
    model = AttributeClassifier(names, sizes.image_size, architecture=architecture, width=sizes.width)
    both = _augmented(train, seed=half)
    steps = steps_for(len(both), sizes)
    model.compile(decaying(2e-3, steps))
    name = options.weights_name
    checkpoint = fit(model, name, both, options, vars(sizes), sizes.epochs, sizes.batch_size)

    accuracy = model.balanced_accuracy(held_out)
    card = {
        **describe(options, len(train), sizes.epochs, steps, sizes.batch_size, checkpoint),
        "recipe": "Adam 0.002 with cosine decay to a fiftieth; cross-entropy, both answers to each question weighing "
        "alike; each face, and its mirror image blurred by 0 to 2.5 pixels",
        "scores": {"balanced_accuracy": {name: round(value, 4) for name, value in accuracy.items()}},
        "known_failures": _what_fails(accuracy),
    }
    card["dataset"] |= {"half": half, "held_out": len(held_out)} | ({"seed": ATTRIBUTES_SEED} if drawn else {})
    return finish(model, name, card, options, checkpoint)


def _augmented(faces: FaceSet, seed: int) -> FaceSet:
    """All faces, and their mirror images, blurred each by another amount.

    No attribute has a side. And what is read later is not always sharp: a classifier of sharp pictures alone does not
    see a smile in a VAE's.
    """
    amounts = BLURS[np.random.default_rng(seed).integers(len(BLURS), size=len(faces))]
    mirrored = faces.images[:, :, ::-1].copy()
    for amount in BLURS:
        rows = amounts == amount
        mirrored[rows] = to_uint8(gaussian_filter(to_float(mirrored[rows]), (0, amount, amount, 0), mode="nearest"))
    images = np.concatenate([faces.images, mirrored])
    return FaceSet(images, np.tile(faces.names, 2), pd.concat([faces.attributes] * 2, ignore_index=True))


def _what_fails(accuracy: dict[str, float]) -> str:
    worst = sorted(accuracy, key=accuracy.get)[:3]
    told = ", ".join(f"{name} ({accuracy[name]:.0%})" for name in worst)
    return f"Worst told of held-out faces, both answers weighing alike: {told}."
