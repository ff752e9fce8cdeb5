"""Trainer of what translates between two kinds of pictures."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from facelib import weights
from facelib.data import load_faces
from facelib.data.domains import domains
from facelib.data.faceset import FaceSet
from facelib.data.portraits import FRONTAL
from facelib.metrics import bootstrap, psnr
from facelib.models import CycleGAN
from facelib.trainers.runs import Options, decaying, describe, faces_for, finish, fit
from facelib.training import TranslationGrid

Pair = tuple[FaceSet, FaceSet]
FEWEST = 20  # pictures of a folder, so that one in twenty can be kept for scores


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
    # Of photos no sheet is kept: what a translator makes of a photo still shows it.
    drawn = options.dataset == "synthetic" and not options.folders and not options.faces
    grid = TranslationGrid(
        *(images.images[:8] for images in held_out),
        every=max(1, sizes.epochs // 10),
        folder=options.out / f"{name}.frames",
    )
    # The learning rate falls until the last epoch, so another number of them would be another run.
    settings = vars(sizes) | {"domains": list(names)}
    more = {"steps_per_epoch": steps}
    checkpoint = fit(model, name, train, options, settings, sizes.epochs, sizes.batch_size, [grid], **more)

    scores = {}
    for images, domain, other in zip(held_out, names, reversed(names), strict=True):
        there = model.translate(images, other)
        back = psnr(images.images, model.translate(there, domain))
        scores[f"there_and_back_from_{domain}_psnr_db"] = [round(v, 2) for v in bootstrap(back)[:3]]
        change = np.abs(there.astype(float) - images.images).mean((1, 2, 3))
        scores[f"change_of_{domain}_levels_of_255"] = [round(v, 2) for v in bootstrap(change)[:3]]
    counts = [len(images) for images in train]
    card = {
        **describe(options, sum(counts), sizes.epochs, sizes.epochs * steps, sizes.batch_size, checkpoint),
        "recipe": "Adam {:g} for translators and {:g} for judges, β1 0.5, with cosine decay to a fiftieth; ".format(
            *sizes.learning_rates
        )
        + ", ".join(f"{loss} {weight:g}" for loss, weight in _weights(model).items()),
        "scores": scores,
        "history": {loss: [round(value, 4) for value in values] for loss, values in checkpoint.history.items()},
        "known_failures": FAILURES.get(options.kind if not options.folders else "", UNKNOWN),
    }
    card["dataset"] |= {"by_domain": dict(zip(names, counts, strict=True)), "held_out": [len(x) for x in held_out]}
    if options.folders:
        card["dataset"] |= {"name": "two folders", "filters": "none"}
    elif options.dataset == "portraits":
        card["dataset"]["filters"] += f"; none of {', '.join(FRONTAL)}; grey until 1951, colour from 2001"
    if not grid.frames:
        grid.take_up(sizes.epochs)
    if drawn:
        weights.save_timelapse(dict(zip(grid.epochs, grid.frames, strict=True)), name, folder=options.out)
    return finish(model, name, card, options, checkpoint)


UNKNOWN = "What the losses do not ask for is left to chance: what is hidden in a translation, and which side is copied."
FAILURES = {
    "smiling": "How broad the smile was is not told by a neutral face, and comes back all the same: a translation "
    "hides it in pixels. Beards over the mouth and lips in dark light change less than others.",
    "colour": "Colours are guessed: what a grey picture does not say gets the commonest colour. The two sets differ in "
    "more than colour, so a translation also changes what came with the colour: smiles, ages, backgrounds.",
}


def _weights(model: CycleGAN) -> dict:
    return {name: model.settings[name] for name in ("adversarial", "cycle", "identity", "buffer")}


def _halves(options: Options, sizes: SimpleNamespace) -> tuple[Pair, Pair]:
    return tuple(domains(faces, options.kind, options.dataset) for faces in faces_for(options, sizes))


def _folders(options: Options, sizes: SimpleNamespace) -> tuple[Pair, Pair]:
    """Nineteen of twenty pictures of each folder, and the others."""
    pictures = [load_faces("pictures", size=sizes.image_size, root=folder) for folder in options.folders]
    for folder, images in zip(options.folders, pictures, strict=True):
        if len(images) < FEWEST:
            raise ValueError(f"--folders must hold at least {FEWEST} pictures each, {folder} has {len(images)}.")
    return tuple(zip(*(images.split(0.95, seed=0) for images in pictures), strict=True))
