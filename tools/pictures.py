"""Make the front page's picture from the weights that ship: `python tools/pictures.py` → book/pictures/front.png."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.pyplot as plt
import numpy as np

from facelib import show, weights
from facelib.data import load_faces, twelve_faces
from facelib.files import replacing
from facelib.latent import arithmetic

FRONT = Path(__file__).resolve().parent.parent / "book" / "pictures" / "front.png"
TERMS = {
    "smiling woman": dict(Smiling=True, Male=False),
    "neutral woman": dict(Smiling=False, Male=False),
    "neutral man": dict(Smiling=False, Male=True),
}


def main() -> None:
    show.use_style()
    vae = weights.load("vae-synthetic-80")
    six = twelve_faces("synthetic").images[[1, 4, 2, 5, 7, 9]]
    study = load_faces("synthetic", n=600, seed=1)
    a, b, c = (vae.encode(study.where(**wanted)) for wanted in TERMS.values())
    z = [a.mean(axis=0), b.mean(axis=0), c.mean(axis=0), arithmetic([a, c], [b])]
    sums = vae.decode(np.stack(z))

    figure = plt.figure(figsize=(8, 4.6), facecolor="white", layout="none")
    side = 1 / 6
    for row, faces in enumerate((six, vae.reconstruct(six))):
        for i, face in enumerate(faces):
            _place(figure, face, i * side, 1 - (row + 1) * side * 8 / 4.6, side, 8 / 4.6)
    signs = ["", "−", "+", "="]
    for i, (face, label) in enumerate(zip(sums, [*TERMS, "smiling man"], strict=True)):
        left = 0.045 + i * 0.245
        _place(figure, face, left, 0.07, side * 1.06, 8 / 4.6)
        figure.text(left + side * 0.53, 0.02, label, ha="center", fontsize=11, color="#333333")
        figure.text(left - 0.034, 0.07 + side * 0.92, signs[i], ha="center", va="center", fontsize=24, color="#333333")
    FRONT.parent.mkdir(exist_ok=True)
    with replacing(FRONT) as partial:
        figure.savefig(partial, dpi=120)


def _place(figure, face, left, bottom, side, aspect) -> None:
    axis = figure.add_axes((left, bottom, side, side * aspect))
    axis.imshow(face, interpolation="lanczos")
    axis.set_axis_off()


if __name__ == "__main__":
    main()
