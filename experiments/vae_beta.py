"""β against blur: the small VAE of the quick profile at five β, three seeds each → facelib/results/vae_beta.csv.

    python experiments/vae_beta.py

Chapter 01 draws the table and measures the row β = 0.3, seed 0 again. Five minutes on 2 CPU cores.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pandas as pd
from keras import ops
from tqdm import tqdm

from facelib import profiles, results
from facelib.backend import device
from facelib.data import load_faces
from facelib.files import replacing
from facelib.metrics import psnr, sharpness, ssim
from facelib.models import VAE
from facelib.models.vae import kl_divergence

BETAS = (0.1, 0.3, 1.0, 3.0, 10.0)
SEEDS = (0, 1, 2)
ROOT = Path(__file__).resolve().parent.parent


def measure(beta: float, seed: int, train, test, sizes) -> dict:
    """Train one model, and measure it on faces that it has not seen."""
    model = VAE(sizes.image_size, sizes.latent_dim, beta=beta, width=sizes.width, seed=seed)
    model.compile(keras.optimizers.Adam(sizes.learning_rate))
    model.fit(train, epochs=sizes.epochs, batch_size=sizes.batch_size, seed=seed, verbose=0)
    reconstructed = model.reconstruct(test)
    mean, log_var = model.encoder(test.scaled())
    return {
        "beta": beta,
        "seed": seed,
        "psnr_db": psnr(test.images, reconstructed).mean(),
        "ssim": ssim(test.images, reconstructed).mean(),
        "sharpness_kept": (sharpness(reconstructed) / sharpness(test.images)).mean(),
        "kl": float(ops.mean(kl_divergence(mean, log_var))),
    }


def main() -> None:
    sizes = profiles.settings("vae", "quick")
    train = load_faces("synthetic", sizes.faces, sizes.image_size, subset="train")
    test = load_faces("synthetic", sizes.test_faces, sizes.image_size, subset="test")
    grid = [(beta, seed) for beta in BETAS for seed in SEEDS]
    rows = [measure(beta, seed, train, test, sizes) for beta, seed in tqdm(grid, desc="training")]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    table = pd.DataFrame(rows).round(4)
    table["command"] = "python experiments/vae_beta.py"
    table["commit"] = commit.stdout.strip()
    table["device"] = f"{device()}, {keras.backend.backend()}"
    with replacing(results.FOLDER / "vae_beta.csv") as partial:
        table.to_csv(partial, index=False)


if __name__ == "__main__":
    main()
