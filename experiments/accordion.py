"""One fold or two, three ways up: small accordions, three seeds each → facelib/results/accordion.csv.

    python experiments/accordion.py

The models of the quick profile. Chapter 02 draws the table and trains three of its rows again, those with
random seed 0 and kernels of side 3. Three minutes on 2 CPU cores.
"""

from __future__ import annotations

import itertools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pandas as pd
from tqdm import tqdm

from facelib import profiles, results
from facelib.data import load_faces
from facelib.metrics import grid_power, psnr, sharpness, ssim
from facelib.models import Accordion

FOLDS = (1, 2)
UPS = (("transposed", 3), ("transposed", 4), ("resized", 3))
SEEDS = (0, 1, 2)


def measure(folds: int, up: tuple[str, int], seed: int, train, test, sizes) -> dict:
    """Train one model, and measure it on faces that it has not seen."""
    upsampling, kernel_size = up
    how = {"folds": folds, "kernel_size": kernel_size, "upsampling": upsampling}
    model = Accordion(sizes.image_size, width=sizes.width, seed=seed, **how)
    model.compile(keras.optimizers.Adam(sizes.learning_rate))
    model.fit(train, epochs=sizes.epochs, batch_size=sizes.batch_size, seed=seed, verbose=0)
    reconstructed = model.reconstruct(test)
    return {
        **how,
        "seed": seed,
        "psnr_db": psnr(test.images, reconstructed).mean(),
        "ssim": ssim(test.images, reconstructed).mean(),
        "sharpness_kept": (sharpness(reconstructed) / sharpness(test.images)).mean(),
        "grid_power": grid_power(reconstructed, test.images),
    }


def main() -> None:
    made = results.provenance("python experiments/accordion.py")
    sizes = profiles.settings("accordion", "quick")
    train = load_faces("synthetic", sizes.faces, sizes.image_size, subset="train")
    test = load_faces("synthetic", sizes.test_faces, sizes.image_size, subset="test")
    grid = list(itertools.product(FOLDS, UPS, SEEDS))
    rows = [measure(*row, train, test, sizes) for row in tqdm(grid, desc="training")]
    results.save("accordion", pd.DataFrame(rows).assign(**made))


if __name__ == "__main__":
    main()
