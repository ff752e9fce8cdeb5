"""Trainer of what translates between two kinds of pictures."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from facelib.data import load_faces
from facelib.data.domains import domains
from facelib.data.faceset import FaceSet
from facelib.metrics import bootstrap, psnr
from facelib.models import CycleGAN
from facelib.trainers.runs import Options, decaying, describe, faces_for, finish, fit
from facelib.training import TranslationGrid

Pair = tuple[FaceSet, FaceSet]
FEWEST = 40  # pictures of a folder, so that two can be kept for scores
ONE_LEVEL = 48.13  # dB, the most that is counted: an error of one level of 255 on every pixel
UNKNOWN = "What the losses do not ask for is left to chance: what is hidden in a translation, and which side is copied."
FAILURES = {
    ("smiling", "synthetic"): "How broad the smile was is not told by a neutral face, and comes back all the same: a "
    "translation keeps it around the mouth. Lines around the mouth are muddled; a smile is not the one that this face "
    "would have.",
    ("colour", "portraits"): "Colours are guessed, and the greyed pictures keep some. The two sets differ in more than "
    "colour, so a translation also changes a little of what came with it: smiles, and what makes a portrait modern.",
}


def train_cyclegan(options: Options) -> dict:
    """Train a CycleGAN between two halves of a data set, or two folders; returns its card."""
    sizes = options.sizes
    train, held_out = _folders(options, sizes) if options.folders else _halves(options, sizes)
    names = options.domain_names
    task = sizes.tasks[options.kind]
    translators = {key: getattr(sizes, key) for key in ("width", "blocks", "residual")}
    model = CycleGAN(sizes.image_size, names, **translators, **task["judge"])
    steps = sizes.steps_per_epoch
    players = (decaying(rate, sizes.epochs * steps, beta_1=0.5) for rate in sizes.learning_rates)
    model.compile(*players, **task["weights"])
    name = options.weights_name
    # Of photos no sheet is kept, nor are they: what a translator makes of a photo still shows it.
    drawn = options.dataset == "synthetic" and not options.folders and not options.faces
    some = (images.images[:8] for images in held_out)
    grid = TranslationGrid(*some, every=max(1, sizes.epochs // 10), folder=options.out / f"{name}.frames")
    # The learning rate falls until the last epoch, so another number of them would be another run.
    settings = vars(sizes) | {"domains": list(names)}
    callbacks, more = [grid] if drawn else [], {"steps_per_epoch": steps}
    checkpoint = fit(model, name, train, options, settings, sizes.epochs, sizes.batch_size, callbacks, **more)

    scores = {}
    for images, domain, other in zip(held_out, names, reversed(names), strict=True):
        there = model.translate(images, other)
        back = np.minimum(psnr(images.images, model.translate(there, domain)), ONE_LEVEL)
        scores[f"there_and_back_from_{domain}_psnr_db"] = [round(v, 2) for v in bootstrap(back)[:3]]
        change = np.abs(there.astype(float) - images.images).mean((1, 2, 3))
        scores[f"change_of_{domain}_levels_of_255"] = [round(v, 2) for v in bootstrap(change)[:3]]
    counts = [len(images) for images in train]
    card = {
        **describe(options, sum(counts), sizes.epochs, sizes.epochs * steps, sizes.batch_size, checkpoint),
        "recipe": in_words(model, sizes.learning_rates),
        "scores": scores,
        "history": {loss: [round(value, 4) for value in values] for loss, values in checkpoint.history.items()},
        "known_failures": FAILURES.get("" if options.folders else (options.kind, options.dataset), UNKNOWN),
    }
    card["dataset"] |= {"by_domain": dict(zip(names, counts, strict=True)), "held_out": [len(x) for x in held_out]}
    if options.folders:
        card["dataset"] |= {"name": "two folders", "filters": "none"}
    elif options.dataset == "portraits":
        card["dataset"]["filters"] += "; no engravings, profiles or photos of several faces"
        if options.kind == "colour":
            card["dataset"]["filters"] += "; grey until 1951, colour from 2001"
    film = dict(zip(grid.epochs, grid.frames, strict=True)) if drawn else None
    return finish(model, name, card, options, checkpoint, film=film)


def in_words(model: CycleGAN, rates: tuple[float, float]) -> str:
    """The recipe for a card."""
    losses = ", ".join(f"{name} {model.settings[name]:g}" for name in ("adversarial", "cycle", "identity", "buffer"))
    return (
        f"Adam {rates[0]:g} for translators and {rates[1]:g} for judges, β1 0.5, with cosine decay to a fiftieth; "
        + losses
    )


def _halves(options: Options, sizes: SimpleNamespace) -> tuple[Pair, Pair]:
    """The two kinds among the faces to train on, and among others."""
    train, held_out = (domains(faces, options.kind, options.dataset) for faces in faces_for(options, sizes))
    fewest = min(len(images) for images in held_out)
    if fewest < 2:
        raise ValueError(f"at least 2 faces of each kind must be held out, got {fewest}; give more faces.")
    return train, held_out


def _folders(options: Options, sizes: SimpleNamespace) -> tuple[Pair, Pair]:
    """Nineteen of twenty pictures of each folder, and the others."""
    pictures = [load_faces("pictures", size=sizes.image_size, root=folder) for folder in options.folders]
    for folder, images in zip(options.folders, pictures, strict=True):
        if len(images) < FEWEST:
            raise ValueError(f"--folders must hold at least {FEWEST} pictures each, {folder} has {len(images)}.")
    return tuple(zip(*(images.split(0.95, seed=0) for images in pictures), strict=True))
