"""Trainer of the classifiers that judge conditional models."""

from __future__ import annotations

import keras

from facelib.data import load_faces
from facelib.data.conditions import condition
from facelib.metrics import as_judge
from facelib.models import Classifier
from facelib.trainers.runs import Options, describe, finish, fit

# Generators learn from the people of seed 0: nobody is seen by both.
SEED = 1


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
    steps = sizes.epochs * (len(train) // sizes.batch_size)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps, alpha=0.02)))
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
