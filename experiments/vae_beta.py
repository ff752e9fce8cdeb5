"""β against blur: the small VAE of the quick profile at five β, three seeds each → facelib/results/vae_beta.csv.

    python experiments/vae_beta.py

Chapter 01 draws the table and measures the row β = 0.3, seed 0 again. Five minutes on 2 CPU cores.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pandas as pd
from keras import ops
from tqdm import tqdm

from facelib import profiles, results
from facelib.data import load_faces
from facelib.metrics import psnr, sharpness, ssim
from facelib.models import VAE
from facelib.models.vae import kl_divergence

BETAS = (0.1, 0.3, 1.0, 3.0, 10.0)
SEEDS = (0, 1, 2)


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
    made = results.provenance("python experiments/vae_beta.py")
    sizes = profiles.settings("vae", "quick")
    train = load_faces("synthetic", sizes.faces, sizes.image_size, subset="train")
    test = load_faces("synthetic", sizes.test_faces, sizes.image_size, subset="test")
    grid = [(beta, seed) for beta in BETAS for seed in SEEDS]
    rows = [measure(beta, seed, train, test, sizes) for beta, seed in tqdm(grid, desc="training")]
    results.save("vae_beta", pd.DataFrame(rows).assign(**made))


if __name__ == "__main__":
    main()
