"""Trainers of the models that play against a discriminator."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import keras
import numpy as np

from facelib.data.conditions import condition
from facelib.data.labels import Labels
from facelib.data.portraits import FRONTAL
from facelib.metrics import face_rate
from facelib.models import DCGAN, ConditionalDCGAN
from facelib.trainers.runs import FILTERS, Options, describe, faces_for, finish, fit
from facelib.training import BestEpoch, DiscriminatorAccuracy, SampleGrid, diagnose, recipe, variety_of


def train_gan(options: Options) -> dict:
    """Train a GAN, conditional or not, by one of the recipes; returns its card."""
    sizes = options.sizes
    train, _ = faces_for(options, sizes)
    if options.dataset == "portraits":
        train = train.where(**FRONTAL)
    labels, filters = None, FILTERS[options.dataset]
    if options.dataset == "portraits":
        filters += "; no engravings, profiles or photos of several faces"
    if options.name.startswith("cdcgan"):
        # The twin without labels learns from the same faces.
        labels = condition(train, options.dataset, options.labels if options.is_conditional else "combined")
        train, labels = train[labels.kept], Labels(labels.values[labels.kept], labels.names)
        filters += "; only faces that have a class" if options.dataset == "celeba" else ""
        labels = labels if options.is_conditional else None
    model, changes = _model(sizes, options, labels)
    sampled = _sampler(labels)
    some = train.images[np.sort(np.random.default_rng(0).permutation(len(train))[:2000])]

    def score(model) -> float:
        """The share of samples in which MTCNN finds a face; nothing for a generator that draws a few faces only."""
        samples = sampled(model, 200, 2)
        return face_rate(samples).value if variety_of(samples, some) > 0.5 else 0.0

    # MTCNN needs TensorFlow; elsewhere the last epoch is taken.
    best = [BestEpoch(score, "max")] if keras.backend.backend() == "tensorflow" else []
    accuracy = DiscriminatorAccuracy(train, labels, n=min(100, len(train)))
    name = options.weights_name
    grid = _grid(sizes, labels, folder=options.out / f"{name}.frames")
    settings = vars(sizes) | {"recipe": options.recipe} | model.settings
    if labels is not None:
        settings |= {"labels": options.labels, "classes": model.classes}
    del settings["epochs"]  # a run can be resumed for more of them
    steps = min(sizes.steps_per_epoch, len(train) // sizes.batch_size)
    more = {"steps_per_epoch": steps} | ({} if labels is None else {"labels": labels})
    checkpoint = fit(
        model,
        name,
        train,
        options,
        settings,
        sizes.epochs,
        sizes.batch_size,
        [grid, accuracy, *best],
        [accuracy, *best],
        **more,
    )
    chosen = best[0].restore(model) if best else sizes.epochs

    samples = sampled(model, 500, 1)
    scores = {"variety": round(variety_of(samples, some), 3)}
    if best:
        scores["face_rate"] = [round(v, 3) for v in face_rate(samples)[:3]]
        scores["face_rate_by_epoch"] = {epoch: round(value, 3) for epoch, value in best[0].scores.items()}
    scores["discriminator_right_of_real_and_generated"] = accuracy.summaries
    if len(checkpoint.history["g_loss"]) >= 4:
        scores["doctor"] = [str(finding) for finding in diagnose(checkpoint.history)]
    switches = [f"{switch}={value!r}" for switch, value in changes.items()]
    curves = {loss: [round(value, 4) for value in values] for loss, values in checkpoint.history.items()}
    card = {
        **describe(options, len(train), sizes.epochs, sizes.epochs * steps, sizes.batch_size, checkpoint),
        "recipe": f"facelib.training.recipe({', '.join([repr(options.recipe), *switches])})",
        "chosen_epoch": chosen,
        "scores": scores,
        "history": curves,
        "known_failures": (
            "Some z give no face, or one with parts missing; the two halves of a face need not match. The detector "
            "behind face_rate is no judge of beauty, and a share of faces says nothing of variety."
        ),
    }
    card["dataset"]["filters"] = filters
    if labels is not None:
        card["labels"] = {"scheme": options.labels, "names": list(labels.names), "faces": _counts(labels)}
    film = dict(zip(grid.epochs, grid.frames, strict=True))
    film.setdefault(chosen, grid.sheet_of(model))  # whether on schedule or not
    # Those that others are compared with only draw, and so do the eras: no chapter asks their discriminators.
    compared = options.recipe == "faithful" or options.labels == "unlabelled"
    of_eras = labels is not None and options.dataset == "portraits"
    networks = ["generator"] if compared or of_eras else None
    return finish(model, name, card, options, checkpoint, networks, film=dict(sorted(film.items())))


def _model(sizes: SimpleNamespace, options: Options, labels: Labels | None) -> tuple[DCGAN, dict]:
    """A compiled model, and what its recipe changes."""
    how = {"width": sizes.width, "light": sizes.light, "dropout": sizes.dropout}
    if labels is None:
        model = DCGAN(sizes.image_size, sizes.latent_dim, **how)
    else:
        model = ConditionalDCGAN(sizes.image_size, sizes.latent_dim, labels.classes, **how)
    changes = sizes.switches if options.recipe == "modern" else {}
    if options.name.startswith("cdcgan"):
        changes = {"model": "conditional", **changes} | ({"mismatched": 0.0} if labels is None else {})
    model.compile(**recipe(options.recipe, **changes))
    return model, changes


def _sampler(labels: Labels | None) -> Callable:
    """How to draw n faces from a seed: where there are classes, as many of each as there are among real faces."""

    def sampled(model, n: int, seed: int) -> np.ndarray:
        if labels is None:
            return model.sample(n, seed=seed)
        rows = np.random.default_rng([seed, 1]).integers(len(labels), size=n)
        return model.sample(n, seed=seed, labels=labels.values[rows])

    return sampled


def _grid(sizes: SimpleNamespace, labels: Labels | None, folder) -> SampleGrid:
    when = {"every": max(1, sizes.epochs // 25), "also": (1, 2)}
    if labels is None:
        return SampleGrid(4, 8, folder=folder, **when)
    # The sixteen most common at most: three attributes have eight combinations.
    values, counts = np.unique(labels.values, axis=0, return_counts=True)
    rows = values[np.sort(np.argsort(-counts)[:16])]
    return SampleGrid(len(rows), 8, folder=folder, labels=rows, **when)


def _counts(labels: Labels) -> dict:
    values, counts = np.unique(labels.values, axis=0, return_counts=True)
    return {str(value): int(count) for value, count in zip(values.tolist(), counts, strict=True)}
