"""Projection measured: faces that a generator made itself, held-out faces, and faces with parts missing.

    python experiments/projection.py

- facelib/results/recovery.csv: how many of the generator's own faces are found again, after how many steps.
- facelib/results/projection.csv: held-out faces after a search, by recipe, λ, restarts, start and steps; the VAE's
  reconstructions beside them.
- facelib/results/completion.csv: what is missing under each mask, drawn by the generator, blended, and without any.

λ = 0.003 and so on are weights of mean losses. A row that was measured before is taken from its table. The portraits
are needed for their rows; `--models synthetic` does without.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from functools import cache
from itertools import product

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from facelib import results, weights
from facelib.data import FaceSet, load_faces
from facelib.latent import complete, discriminator_features, masks, project
from facelib.metrics import extract, likeness, proportion, psnr, ssim

MODELS = {name: f"dcgan-light-{name}-64" for name in ("synthetic", "portraits")}
SEEDS = (0, 1, 2)
FACES = 40  # a seed
RECOVERED = 0.01  # mean squared error in [-1, 1]
SMALL = {"learning_rate": 0.05, "noise": 0.0}

# What differs from the modern recipe. A text in place of numbers asks for what is not a number.
RECOVERY = {
    "modern": {},
    "1 restart": {"restarts": 1},
    "4 restarts": {"restarts": 4},
    "no noise": {"noise": 0.0},
    "noise 0.3": {"noise": 0.3},
    "no prior": {"prior": 0.0},
    "λ = 0": {"perceptual": 0.0},
    "squares": {"contextual": "l2"},
    "from the encoder, 1 restart": {"start": "encoder", "restarts": 1},
    "faithful": {"recipe": "faithful"},
    "faithful, squares": {"recipe": "faithful", "contextual": "l2"},
}
HELD_OUT = {
    "modern": {},
    **{f"λ = {weight:g}": {"perceptual": weight} for weight in (0.0, 0.001, 0.01, 0.03, 0.1)},
    **{f"{k} restarts": {"restarts": k} for k in (1, 4, 8)},
    "no noise": {"noise": 0.0},
    "noise 0.3": {"noise": 0.3},
    "no prior": {"prior": 0.0},
    "squares": {"contextual": "l2"},
    "1000 steps": {"steps": 1000},
    "features": {"features": "discriminator", "feature_weight": 0.3},
    "faithful": {"recipe": "faithful"},
    "faithful, squares": {"recipe": "faithful", "contextual": "l2"},
    **{
        f"from {start}, {steps} steps": {"start": start, "steps": steps, "restarts": 1}
        for start in ("encoder", "chance")
        for steps in (10, 30, 100, 300)
    },
    # Large steps throw away what the encoder knew.
    **{
        f"from encoder, {steps} small steps": {"start": "encoder", "steps": steps, "restarts": 1} | SMALL
        for steps in (10, 30, 100, 300)
    },
}


@cache
def held_out(dataset: str, size: int, seed: int) -> FaceSet:
    """Faces on which no model was trained, others for each seed."""
    faces = load_faces(dataset, 1000 if dataset == "synthetic" else None, size=size, subset="test", progress=False)
    return faces[np.random.default_rng([seed, 3]).permutation(len(faces))[:FACES]]


@cache
def reference(dataset: str, size: int) -> np.ndarray:
    """Features of other faces, which say how much faces differ."""
    n = 1000 if dataset == "synthetic" else None
    return features_of(load_faces(dataset, n, size=size, subset="train", progress=False).images[:1000])


def features_of(images: np.ndarray) -> np.ndarray:
    return extract(images, "onet", progress=False).values


def searched(model, encoder, images: np.ndarray, variant: dict, seed: int):
    """A projection, with what the variant asks for."""
    how = {"positions": 13, "batch_size": 128, "progress": False, "seed": 100 * seed, **variant}
    start = how.pop("start", "chance")
    if start == "encoder":
        how["start"] = encoder.encode(images)
    if "features" in how:
        how["features"] = discriminator_features(model)
    return project(model, images, **how)


def squared_error(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean squared error in [-1, 1] of each picture."""
    return ((images.astype(np.float32) - others) ** 2).mean(axis=(1, 2, 3)) / 127.5**2


def measure_recovery(dataset: str, seed: int, variant: str) -> pd.DataFrame:
    model, encoder = weights.load(MODELS[dataset]), weights.load(f"encoder-{dataset}-64")
    z = model.latent(FACES, seed=1000 + seed)
    images = model.decode(z)
    found = searched(model, encoder, images, RECOVERY[variant], seed)
    rows = []
    for step, there, pictures in zip(found.path_steps, found.path, found.frames(), strict=True):
        error = squared_error(pictures, images)
        share = proportion(error < RECOVERED)
        cosine = (there * z).sum(axis=1) / (np.linalg.norm(there, axis=1) * np.linalg.norm(z, axis=1))
        row = {"step": step, "recovered": share.value, "recovered_low": share.low, "recovered_high": share.high}
        rows.append(row | {"median_squared_error": np.median(error), "cosine": cosine.mean(), "faces": FACES})
    return pd.DataFrame(rows)


def measure_projection(dataset: str, seed: int, variant: str) -> pd.DataFrame:
    if variant == "VAE":
        model = weights.load(f"vae-{dataset}-80")
        faces, large = held_out(dataset, 64, seed), held_out(dataset, 80, seed)
        z = model.encode(large)
        small = [Image.fromarray(picture).resize((64, 64), Image.Resampling.LANCZOS) for picture in model.decode(z)]
        pictures, logit = np.stack([np.asarray(picture) for picture in small]), np.nan
    else:
        model, encoder = weights.load(MODELS[dataset]), weights.load(f"encoder-{dataset}-64")
        faces = held_out(dataset, 64, seed)
        if variant == "encoder":
            z = encoder.encode(faces)
            pictures = model.decode(z)
        else:
            found = searched(model, encoder, faces.images, HELD_OUT[variant], seed)
            z, pictures = found.z, found.images
        logit = model.judge(pictures).mean()
    alike = likeness(features_of(faces.images), features_of(pictures), reference(dataset, faces.size))
    row = {"psnr_db": psnr(faces.images, pictures).mean(), "ssim": ssim(faces.images, pictures).mean()}
    row |= {"likeness": alike.mean(), "logit": logit, "length": np.linalg.norm(z, axis=1).mean(), "faces": FACES}
    return pd.DataFrame([row])


MASKS = {
    "centre": masks.centre(64),
    "half": masks.half(64),
    "scattered": masks.scattered(64),
    "grid": masks.grid(64),
    "low resolution": masks.low_resolution(64),
}


class Grey:
    """No generator: what blending alone makes of what is known."""

    image_size, latent_dim = 64, 1

    def render(self, z, labels=None):
        return 0.0 * z[:, :1, None, None] + np.zeros((1, 64, 64, 3), np.float32)

    def decode(self, z, labels=None):
        return np.full((len(z), 64, 64, 3), 128, np.uint8)

    def latent(self, n, seed=0):
        return np.zeros((n, 1), np.float32)


def measure_completion(dataset: str, seed: int, variant: str) -> pd.DataFrame:
    model, mask = weights.load(MODELS[dataset]), MASKS[variant]
    images = held_out(dataset, 64, seed).images
    done = complete(model, images, mask, progress=False, batch_size=128, seed=100 * seed)
    missing = ~mask.known if mask.block == 1 else np.ones((64, 64), bool)
    fillings = {
        "generator": done.projection.images,
        "generator, blended": done.images,
        "no generator": complete(Grey(), images, mask, steps=1, restarts=1, progress=False).images,
    }
    rows, real = [], features_of(images)
    for filling, pictures in fillings.items():
        pictures = np.where(missing[:, :, None], pictures, images)
        error = ((pictures[:, missing].astype(float) - images[:, missing]) ** 2).mean(axis=(1, 2))
        alike = likeness(real, features_of(pictures), reference(dataset, 64))
        row = {"filling": filling, "missing": missing.mean(), "likeness": alike.mean(), "faces": FACES}
        rows.append(row | {"psnr_of_missing_db": (10 * np.log10(255**2 / error)).mean()})
    return pd.DataFrame(rows)


MEASURES = {
    "recovery": (measure_recovery, RECOVERY),
    "projection": (measure_projection, [*HELD_OUT, "encoder", "VAE"]),
    "completion": (measure_completion, MASKS),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure projection and completion.")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--tables", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    chosen = parser.parse_args()
    made = results.provenance("python experiments/projection.py")
    todo = [(t, m, s, v) for s, m, t in product(chosen.seeds, chosen.models, chosen.tables) for v in MEASURES[t][1]]
    for table, model, seed, variant in tqdm(todo, desc="measuring"):
        path = results.FOLDER / f"{table}.csv"
        before = [pd.read_csv(path, dtype={"commit": str})] if path.exists() else []
        key = {"model": model, "seed": seed, "variant": variant}
        if before and (before[0][list(key)] == pd.Series(key)).all(axis=1).any():
            continue
        rows = MEASURES[table][0](model, seed, variant)
        for i, (name, value) in enumerate(key.items()):
            rows.insert(i, name, value)
        results.save(table, pd.concat([*before, rows.assign(**made)]))


if __name__ == "__main__":
    main()
