"""Trained weights that ship with the library, each with a model card.

A model is two files: `NAME.npz` (float16 arrays, no pickles) and `NAME.json`, its card: what it was trained on, how,
for how long, how good it is, what it gets wrong, and the SHA-256 of the arrays, which `load` checks. A GAN has a third,
`NAME.zip`: sheets that it drew while it learnt.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from facelib.files import replacing

FOLDER = Path(__file__).parent


def catalog(folder: str | os.PathLike = FOLDER) -> dict[str, dict]:
    """Name → card of all weights in a folder.

    >>> catalog()["vae-synthetic-80"]["model"]
    'VAE'
    """
    return {path.stem: json.loads(path.read_text()) for path in sorted(Path(folder).glob("*.json"))}


def load(name: str, folder: str | os.PathLike = FOLDER):
    """Build the model that a card names and give it its trained weights; networks not kept stay as they begin.

    Raises:
        ValueError: if there is no such model, the weights' checksum is not the card's, or they do not fit.
    """
    card = _card(name, folder)
    path = Path(folder) / f"{name}.npz"
    if _sha256(path) != card["sha256"]:
        raise ValueError(f"{path} is damaged: its SHA-256 is not the card's. Restore it from git or reinstall facelib.")

    import facelib.models

    model = getattr(facelib.models, card["model"])(**card["config"])
    with np.load(path, allow_pickle=False) as arrays:
        variables = named_variables(model, card.get("networks"))
        if set(arrays.files) != set(variables):
            raise ValueError(f"{path} does not fit {card['model']}: {sorted(set(arrays.files) ^ set(variables))}.")
        for key, variable in variables.items():
            variable.assign(arrays[key].astype(variable.dtype))
    return model


def save(
    model, name: str, card: dict, folder: str | os.PathLike = FOLDER, networks: Sequence[str] | None = None
) -> dict:
    """Write weights as float16 and their card; returns the card with size and SHA-256 filled in.

    Args:
        model, name, card: what to keep, under which name, and what to say of it.
        folder: where to.
        networks: which of the model's networks to keep, by default all. When the weights are loaded, the others have
            their first, random weights.

    Raises:
        ValueError: if a weight is not finite in float16, or a network is not the model's.
    """
    from keras import ops

    folder = Path(folder)
    if networks is not None:
        card = {**card, "networks": list(networks)}
    arrays = {}
    for key, variable in named_variables(model, networks).items():
        with np.errstate(over="ignore"):
            arrays[key] = ops.convert_to_numpy(variable).astype(np.float16)
        if not np.isfinite(arrays[key]).all():
            raise ValueError(f"weight {key} of {name} is not finite in float16; was the training stable?")
    path = folder / f"{name}.npz"
    with replacing(path) as partial:
        np.savez_compressed(partial, **arrays)
    card = {
        "name": name,
        "model": type(model).__name__,
        "config": model.get_config(),
        **card,
        "bytes": path.stat().st_size,
        "sha256": _sha256(path),
    }
    with replacing(folder / f"{name}.json") as partial:
        partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    return card


def save_timelapse(sheets: dict[int, np.ndarray], name: str, folder: str | os.PathLike = FOLDER) -> None:
    """Keep sheets of samples, epochs behind → uint8 (height, width, 3), as JPEGs in one archive, `NAME.zip`."""
    with replacing(Path(folder) / f"{name}.zip") as partial, zipfile.ZipFile(partial, "w") as archive:
        for epoch, sheet in sheets.items():
            encoded = io.BytesIO()
            Image.fromarray(sheet).save(encoded, "JPEG", quality=85)
            archive.writestr(f"epoch-{epoch:04d}.jpg", encoded.getvalue())


def timelapse(name: str, folder: str | os.PathLike = FOLDER) -> dict[int, np.ndarray]:
    """Epochs behind → the sheet then, uint8 (height, width, 3); the same z, or the same pictures, in all of them.

    Raises:
        ValueError: if no such model, or no time-lapse of it, is there.
    """
    _card(name, folder)
    path = Path(folder) / f"{name}.zip"
    if not path.exists():
        raise ValueError(f"{name!r} has no time-lapse.")
    with zipfile.ZipFile(path) as archive:
        return {
            int(Path(entry).stem.removeprefix("epoch-")): np.asarray(Image.open(io.BytesIO(archive.read(entry))))
            for entry in archive.namelist()
        }


def _card(name: str, folder: str | os.PathLike) -> dict:
    cards = catalog(folder)
    if name not in cards:
        raise ValueError(f"no weights named {name!r} in {folder}; there are {sorted(cards)}.")
    return cards[name]


def named_variables(model, networks: Sequence[str] | None = None) -> dict:
    """Variables of a model's networks, or of some of them, by stable names such as "encoder/conv_1/kernel".

    Raises:
        ValueError: for a network that the model has not.
    """
    unknown = sorted(set(networks or ()) - set(model.networks))
    if unknown:
        raise ValueError(f"networks must be among {list(model.networks)}, got {unknown}.")
    return {
        f"{network_name}/{variable.path}": variable
        for network_name, network in model.networks.items()
        if networks is None or network_name in networks
        for variable in network.weights
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
