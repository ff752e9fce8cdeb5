"""The latent explorer's files: networks as ONNX, what was measured of them, a still picture, and the page's scripts.

Into `_build/live/live/`, from the weights that ship and from what `experiments/explorer.py` measured. What is there
already, from the same weights, measurements and program, is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from facelib import export, results, weights

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "book" / "live"
# Model → its title, and the weights that hold its encoder. The first is the one that the page begins with.
MODELS = {
    "dcgan-light-portraits-64": ("DCGAN · portraits", "encoder-portraits-64"),
    "vae-portraits-80": ("VAE · portraits", "vae-portraits-80"),
    "dcgan-light-synthetic-64": ("DCGAN · drawn faces", "encoder-synthetic-64"),
    "vae-synthetic-80": ("VAE · drawn faces", "vae-synthetic-80"),
}
KINDS = ("smiling woman", "neutral woman", "neutral man", "smiling man")
# A − B + C to begin with. Of the portraits there are hardly any neutral women to subtract.
SUMS = {
    "synthetic": ("smiling woman", "neutral woman", "neutral man"),
    "portraits": ("smiling man", "neutral man", "neutral woman"),
}
# The still picture: a row a slider for each model, so many faces a row, pixels a face.
STILL, COLUMNS, SIDE = ("smile", "man", "light from right"), 7, 114


def write(folder: Path) -> None:
    """Bring `folder` up to date."""
    target, stamp = folder / "live", folder / ".made-from"
    made_from = _made_from()
    if not (stamp.exists() and stamp.read_text() == made_from):
        shutil.rmtree(folder, ignore_errors=True)
        target.mkdir(parents=True)
        entries, rows = [], []
        for name in MODELS:
            model = weights.load(name)
            entries.append(_entry(name, model, target))
            rows.append(_still(name, model))
        (target / "models.json").write_text(json.dumps({"models": entries}, ensure_ascii=False, indent=1))
        Image.fromarray(np.concatenate(rows)).save(target / "still.jpg", quality=88, subsampling=0)
        stamp.write_text(made_from)
    for kind in ("*.js", "*.css"):
        for path in target.glob(kind):
            path.unlink()  # of a script that is no more
        for path in SCRIPTS.glob(kind):
            shutil.copy(path, target)


def fill_page(page: Path) -> None:
    """Put the table of directions into the explorer's page."""
    page.write_text(page.read_text().replace("{{directions}}", table()))


def arrays(name: str) -> dict[str, np.ndarray]:
    """What `experiments/explorer.py` kept of a model: directions, shelf, axes, marks; of a VAE mean and factor."""
    with np.load(results.FOLDER / "explorer.npz", allow_pickle=False) as kept:
        return {key.removeprefix(f"{name}/"): kept[key] for key in kept.files if key.startswith(f"{name}/")}


def table() -> str:
    """For the page: how each slider's direction was found, and how well it tells faces that did not find it."""
    rows = results.load("explorer")
    lines = ["| model | slider | known from | told right | step that shows |\n|---|---|---|--:|--:|\n"]
    for name, (title, _) in MODELS.items():
        for row in rows[rows["model"] == name].itertuples():
            lines.append(f"| {title} | {row.slider} | {row.how} | {row.accuracy:.2f} | {row.spread:.1f} |\n")
    return "".join(lines)


def _entry(name: str, model, target: Path) -> dict:
    """Write a model's files; returns what the page must know of it."""
    title, encoder = MODELS[name]
    decoder = model.networks.get("generator") or model.networks["decoder"]
    networks = {"decoder": decoder, "encoder": weights.load(encoder).encoder}
    files = {"arrays": f"{name}.bin"}
    for network, keras_model in networks.items():
        files[network] = f"{name}-{network}.onnx"
        export.to_onnx(keras_model, target / files[network])
    kept = arrays(name)
    parts = ["directions", "shelf", *(["mean", "factor"] if "mean" in kept else [])]
    values = [kept[part].reshape(-1).astype("<f4") for part in parts]
    np.concatenate(values).tofile(target / files["arrays"])
    rows = results.load("explorer").query("model == @name")
    columns = ["slider", "how", "accuracy", "low", "middle", "high"]
    eyes_and_mouth = kept["marks"].astype(float).round(3).tolist()
    return {
        "name": name,
        "title": title,
        "size": model.image_size,
        "latentDim": model.latent_dim,
        "directions": rows[columns].to_dict("records"),
        "kinds": [kind for kind in KINDS for _ in range(len(kept["shelf"]) // len(KINDS))],
        "sum": SUMS[weights.catalog()[name]["dataset"]["name"]],
        "axes": kept["axes"].tolist(),
        "marks": [[*point, width] for point, width in zip(eyes_and_mouth, (0.07, 0.07, 0.12), strict=True)],
        "hasCodes": "mean" in kept,
        "files": files,
    }


def _still(name: str, model) -> np.ndarray:
    """Rows of one face moved along some directions."""
    kept, rows = arrays(name), results.load("explorer").query("model == @name").reset_index(drop=True)
    start, strips = kept["shelf"][len(kept["shelf"]) // 4].astype(np.float32), []
    for slider in STILL:
        row = rows.index[rows["slider"] == slider][0]
        vector, at = kept["directions"][row].astype(np.float32), rows.loc[row]
        steps = np.linspace(at["low"], at["high"], COLUMNS) - start @ vector
        faces = model.decode((start + steps[:, None] * vector).astype(np.float32))
        strips.append(np.concatenate([_resized(face, SIDE) for face in faces], axis=1))
    return np.concatenate(strips)


def _resized(face: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC))


def _made_from() -> str:
    """What the files depend on."""
    digest = hashlib.sha256()
    files = [Path(__file__), Path(export.__file__), results.FOLDER / "explorer.npz", results.FOLDER / "explorer.csv"]
    for path in files:
        digest.update(path.read_bytes())
    for name, (_, encoder) in MODELS.items():
        digest.update(weights.catalog()[name]["sha256"].encode() + weights.catalog()[encoder]["sha256"].encode())
    return digest.hexdigest()
