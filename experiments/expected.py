"""What a chapter's key figures are over random seeds → facelib/results/expected.csv.

    python experiments/expected.py [--chapters 03_dcgan 10_same_faces]

Executes every chapter (quick profile, drawn faces) with each seed, and reads what its `show.expected` has kept. A row a
figure: its value with each seed, and the range in which a further seed's value lies with a probability of 95 %. Readers
see the range in the chapter, tests hold the committed and every executed notebook against it. About twelve minutes a
seed on 2 CPU cores. Executed notebooks stay in _build/expected, so an interrupted run goes on; a changed chapter is
executed again, and all of them after a change of the library.

Also says which checked cells print something else with another seed: claims that hold for the committed seed alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import nbformat
import pandas as pd
from tqdm import tqdm

from facelib import results
from facelib.expectations import MEASURED, prediction_interval
from facelib.files import replacing
from facelib.show import KEY_FIGURES

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "_build" / "expected"
COMMAND = "python experiments/expected.py"
CHECKED = "nbval-check-output"

# Half of a range's width at least, for other processors: of shares, and as a part of anything else.
SHARE, PART = 0.03, 0.02
# Shares of few: one more or one less must lie inside.
COUNTED = {"found": 24}
# Positive, and different by factors from seed to seed.
BY_FACTORS = {"grid_untrained", "grid_resized", "grid", "guarded", "alone"}

# Chapter → figure → in words. Ranges of those that end in "share" are kept between 0 and 1.
FIGURES = {
    "00_faces": {
        "found_at_32": "faces of 32 pixels that MTCNN finds, share",
        "found_at_64": "faces of 64 pixels that it finds, share",
        "found_light": "faces with light skin that it finds at 48 pixels, share",
        "found_dark": "the same faces with dark skin, share",
        "tilt": "tilt of a head, degrees, median",
        "imbalance": "largest of four classes over smallest",
    },
    "01_vae": {
        "reconstruction": "squared error of a face after the short training",
        "kl": "KL divergence of a face after it, nats",
        "psnr": "PSNR of faces that the trained VAE has not seen, dB",
        "sharpness": "sharpness that they keep, share",
        "used": "values of z in use, of 256",
        "prior": "PSNR of samples of N(0, I) after another trip, dB",
        "fitted": "PSNR of samples of the fitted Gaussian after another trip, dB",
        "sums_of_30": "sums of 30 faces a term that are as wanted, share",
        "smile": "held-out faces told apart along the smile, share",
    },
    "02_accordion": {
        "one_fold": "PSNR of one fold after the short training, dB",
        "two_folds": "PSNR of two folds after it, dB",
        "resized": "PSNR of one fold with resized pictures after it, dB",
        "over_vae": "PSNR of the trained fold above the VAE's, dB",
        "fold_twice": "PSNR that the second fold adds, dB",
        "grid_untrained": "grid of an untrained network, 1: none",
        "grid_resized": "the same where pictures are resized first",
    },
    "03_dcgan": {
        "variety": "variety of samples, as a share of that of faces",
        "coin": "verdicts guessed from z alone, share",
        "explained": "variance of z that the encoder explains, share",
        "own": "PSNR of the generator's own faces by the encoder, dB",
        "unseen": "PSNR of unseen faces by the encoder, dB",
        "collapsed": "variety after the collapse",
        "treated": "variety after the treatment",
        "grid": "grid of the patient with a checkerboard, 1: none",
    },
    "04_conditional_gan": {
        "right": "faces as asked for, says the judge, share",
        "of_ceiling": "the same over what it recognises of real faces",
        "distance": "Fréchet face distance of the network without labels",
        "variety": "its variety, as a share of that of faces",
        "guarded": "change of faces by the shock with the guard, levels",
        "alone": "change of faces by the shock without it, levels",
        "colourful": "saturation since 1979 over the most before",
    },
    "05_conditional_family": {
        "spread": "variety after the short training, as a share of that of real digits",
        "right": "digits of the 2N-GAN as asked for, share",
        "score": "their classifier score, at most 10",
        "coverage": "real digits that they cover, share",
        "acgan": "digits of the ACGAN as asked for, share",
        "purity": "InfoGAN: pictures of their category's most frequent digit, share",
        "by_kind": "InfoGAN of faces: variance of brightness by category, share",
    },
    "06_fid": {
        "others": "distance of other real faces, thousandths",
        "blurred": "distance of blurred faces, thousandths",
        "gan": "distance of the GAN's faces, thousandths",
        "infinite": "the same for n → ∞, thousandths",
        "memorised": "memorisation of the GAN, 1: none",
        "tau": "Kendall's τ of two networks' rankings",
    },
    "07_arithmetic": {
        "sums": "sums of ten faces a term that are smiling men, share",
        "reader": "balanced accuracy about smiles after the short training, share",
        "reader_mean": "the same, mean over six attributes, share",
        "vae_left": "cosine of the VAE's smile to what is left without the others",
        "gan_left": "the same for the DCGAN",
        "success": "faces that begin to smile at a step of 3, share",
        "leakage": "answers about others that change, share",
    },
    "08_projection": {
        "before": "PSNR of four faces at random z, dB",
        "after": "PSNR after a plain search, dB",
        "found": "of its own faces found again, share",
        "held": "PSNR of twelve unseen faces, four restarts, dB",
        "spread": "loss of the worst restart above the best, share",
        "strict": "PSNR that the largest λ costs, dB",
        "mine": "PSNR of the encoder's guess after ten steps, dB",
    },
    "09_cyclegan": {
        "small_patches": "smiles told by patches of 34 pixels, share",
        "large_patches": "smiles told by patches of 70 pixels, share",
        "cycle": "cycle loss after the short training",
        "identity": "identity loss after it",
        "remembered": "rank correlation of smiles there and back",
        "noisy": "the same through noise of 3 levels",
        "straight": "PSNR of colours there and back, dB",
        "through_jpeg": "the same through a JPEG, dB",
    },
    "10_same_faces": {
        "over_vae": "PSNR of the search above the VAE's, dB",
        "sharper": "sharpness that it keeps above the VAE",
        "over_encoder": "PSNR of the search above the encoder's, dB",
        "cosine": "cosine of what the same z does in two models, mean",
        "real": "Fréchet face distance of other faces",
        "drawn": "Fréchet face distance of samples",
    },
}


@cache
def library() -> str:
    """A digest of all that a chapter takes from the library, the ranges themselves left out."""
    files = [path for kind in ("py", "npz", "json", "csv", "zip") for path in (ROOT / "facelib").rglob(f"*.{kind}")]
    digest = hashlib.sha256()
    for path in sorted(files):
        if path.stem not in ("expected", "faults"):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def executed(chapter: str, seed: int) -> Path:
    """A chapter's notebook as it comes out with a seed; made if it is not there, or another version of it is."""
    source = ROOT / "chapters" / f"{chapter}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"][1:]  # the first installs, if at all
    version = hashlib.sha256("\0".join([library(), *cells]).encode()).hexdigest()[:8]
    path = FOLDER / f"{chapter}-seed-{seed}-{version}.ipynb"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            settings = {"seed": seed} | MEASURED
            parameters = [text for name, value in settings.items() for text in ("-p", name, str(value))]
            quiet = ["--no-progress-bar", "--log-level", "ERROR", "--cwd", str(source.parent)]
            command = [sys.executable, "-m", "papermill", *quiet, *parameters, str(source), str(partial)]
            done = subprocess.run(
                command, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, text=True
            )
            if done.returncode:
                raise RuntimeError(f"{chapter} stops with seed {seed}:\n{done.stderr[-2000:]}")
    return path


def key_figures(path: Path) -> dict[str, float]:
    """What `show.expected` has kept in a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    kept = [output.metadata[KEY_FIGURES] for output in outputs if KEY_FIGURES in output.get("metadata", {})]
    return dict(kept[0]) if kept else {}


def verdicts(path: Path) -> dict[str, str]:
    """Cell → what a checked cell prints."""
    cells = nbformat.read(path, as_version=4).cells
    checked = [cell for cell in cells if CHECKED in cell.metadata.get("tags", [])]
    return {cell.id: "".join(output.get("text", "") for output in cell.outputs) for cell in checked}


def rows_of(chapter: str, paths: dict[int, Path]) -> list[dict]:
    values = pd.DataFrame({seed: key_figures(path) for seed, path in paths.items()})
    if set(values.index) != set(FIGURES[chapter]):
        raise ValueError(f"{chapter} shows {sorted(values.index)}, and FIGURES has {sorted(FIGURES[chapter])}.")
    rows = []
    for figure, what in FIGURES[chapter].items():
        found, share = values.loc[figure].to_numpy(), what.endswith("share")
        margin = SHARE if share else PART * abs(found.mean())
        if figure in COUNTED:
            margin = max(margin, 1.5 / COUNTED[figure])
        low, high = prediction_interval(found, margin, figure in BY_FACTORS)
        low, high = (max(low, 0.0), min(high, 1.0)) if share else (low, high)
        row = {"chapter": chapter, "figure": figure, "what": what, "low": low, "high": high}
        rows.append(row | {f"seed_{seed}": values.loc[figure, seed] for seed in paths})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--jobs", type=int, default=2, help="chapters executed at a time")
    parser.add_argument("--chapters", nargs="+", choices=FIGURES, default=list(FIGURES), help="others keep their rows")
    wanted = parser.parse_args()
    if len(set(wanted.seeds)) < 2:
        parser.error("--seeds must be at least two, for a range.")
    jobs = [(chapter, seed) for seed in wanted.seeds for chapter in wanted.chapters]
    with ThreadPoolExecutor(wanted.jobs) as pool:
        paths = dict(zip(jobs, tqdm(pool.map(lambda job: executed(*job), jobs), total=len(jobs)), strict=True))
    rows = []
    for chapter in wanted.chapters:
        of_seeds = {seed: paths[chapter, seed] for seed in wanted.seeds}
        rows += rows_of(chapter, of_seeds)
        printed = [verdicts(path) for path in of_seeds.values()]
        for cell, said in printed[0].items():
            if others := [seed for seed, text in zip(wanted.seeds, printed, strict=True) if text[cell] != said]:
                print(f"{chapter}, cell {cell}: says something else with seed {', '.join(map(str, others))}")
    table = pd.DataFrame(rows).assign(**results.provenance(COMMAND))
    if others := set(FIGURES) - set(wanted.chapters):
        table = pd.concat([results.load("expected").query("chapter in @others"), table])
    # The chapters' order, and within each the figures'.
    table = table.sort_values("chapter", key=lambda names: names.map(list(FIGURES).index), kind="stable")
    results.save("expected", table, significant=5)


if __name__ == "__main__":
    main()
