"""Trained weights that ship with the library, each with a model card.

A model is two files: `NAME.npz` (float16 arrays, no pickles) and `NAME.json`, its card: what it was trained on, how,
for how long, how good it is, what it gets wrong, and the SHA-256 of the arrays, which `load` checks. A GAN has a third,
`NAME.zip`: sheets that it drew while it learnt.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from facelib.archives import array_shapes, first_line, read_arrays, read_jpegs, refusing
from facelib.files import replacing, visible

FOLDER = Path(__file__).parent
# What a card from elsewhere may ask for: numbers in its config, those that count layers, entries, bytes, weights.
LARGEST, DEEPEST, LONGEST, CARD_BYTES, PARAMETERS = 16_384, 32, 256, 10_000_000, 100_000_000
AGAIN = "Train or save again (an interrupted training goes on with --resume); what ships comes from git or pip."
# Here by name, for a card is looked at without Keras.
MODELS = (
    *("ACGAN", "Accordion", "AttributeClassifier", "Classifier", "ConditionalDCGAN", "CycleGAN", "DCGAN", "InfoGAN"),
    *("LatentEncoder", "TwoNGAN", "VAE"),
)
COUNTS = ("folds", "blocks", "halvings", "kernel_size")


def catalog(folder: str | os.PathLike = FOLDER) -> dict[str, dict]:
    """Name → card of all weights in a folder, JSON files that are no mappings apart.

    >>> catalog()["vae-synthetic-80"]["model"]
    'VAE'
    """
    cards = {path.stem: _read_json(path) for path in visible(folder, "*.json")}
    return {name: card for name, card in cards.items() if isinstance(card, dict)}


def load(name: str, folder: str | os.PathLike = FOLDER):
    """Build the model that a card names and give it its trained weights; networks not kept stay as they begin, and are
    the model's `untrained` ones.

    Weights from anywhere may be tried: only facelib's own models are built, and in a folder other than facelib's only
    after a look at how large they would be.

    Raises:
        ValueError: if there is no such model, the weights' checksum is not the card's, or they do not fit.
    """
    card, path = check(name, folder), Path(folder) / f"{name}.npz"
    with refusing(path, "file of weights"):
        shapes = array_shapes(path)
    if Path(folder).resolve() != FOLDER.resolve():
        _look_at_size(card, name, shapes)
    model = _build(card, name)
    variables = named_variables(model, card.get("networks"))
    _compare(variables, shapes, path, card)
    with refusing(path, "file of weights"):
        for key, values in read_arrays(path).items():
            variables[key].assign(values.astype(variables[key].dtype))
    if kept := card.get("networks"):
        model.untrained = frozenset(model.networks) - frozenset(kept)
    return model


def check(name: str, folder: str | os.PathLike = FOLDER) -> dict:
    """The card of weights that are there whole; needs no Keras.

    Raises:
        ValueError: if there are no such weights, or their checksum is not the card's.
    """
    card, path = _card(name, folder), Path(folder) / f"{name}.npz"
    if not path.exists():
        raise ValueError(f"{path} is missing: its card is there. {AGAIN}")
    if _sha256(path) != card["sha256"]:
        raise ValueError(f"{path} is damaged: its SHA-256 is not the card's. {AGAIN}")
    return card


def _build(card: dict, name: str):
    import facelib.models

    try:
        return getattr(facelib.models, card["model"])(**card["config"])
    except Exception as error:  # Keras raises nearly anything for odd numbers
        raise ValueError(f"the card of {name} asks for no {card['model']} that exists: {first_line(error)}.") from None


def _look_at_size(card: dict, name: str, shapes: dict) -> None:
    """Raise a ValueError for a card whose model would be too large, or is not that of the arrays."""
    import keras

    # Within the scope, variables have shapes and no values.
    with keras.StatelessScope(initialize_variables=False):
        model = _build(card, name)
        variables = named_variables(model, card.get("networks"))
    size = sum(math.prod(variable.shape) for variable in named_variables(model).values())
    if size > PARAMETERS:
        raise ValueError(f"the card of {name} asks for {size:,} weights, more than {PARAMETERS:,}; it is refused.")
    _compare(variables, shapes, f"{name}.npz", card)


def _compare(variables: dict, shapes: dict, path, card: dict) -> None:
    wanted = {key: tuple(variable.shape) for key, variable in variables.items()}
    if wrong := sorted(key for key in wanted.keys() | shapes.keys() if wanted.get(key) != shapes.get(key)):
        raise ValueError(
            f"{path} does not fit {card['model']}: {len(wrong)} arrays lack, are too many or have another shape, e.g. "
            f"{wrong[:3]}."
        )


def save(
    model, name: str, card: dict, folder: str | os.PathLike = FOLDER, networks: Sequence[str] | None = None
) -> dict:
    """Write weights as float16 and their card; returns the card with size and SHA-256 filled in.

    Args:
        model, name, card: what to keep, under which name, and what to say of it. The card may be that of other weights:
            what follows from model, name and networks is said anew.
        folder: where to.
        networks: which of the model's networks to keep, by default all. When the weights are loaded, the others have
            their first, random weights.

    Raises:
        ValueError: if a weight is not finite in float16, or a network is not the model's.
    """
    from keras import ops

    folder = Path(folder)
    arrays = {}
    for key, variable in named_variables(model, networks).items():
        with np.errstate(over="ignore"):
            arrays[key] = ops.convert_to_numpy(variable).astype(np.float16)
        if not np.isfinite(arrays[key]).all():
            raise ValueError(f"weight {key} of {name} is not finite in float16; was the training stable?")
    path = folder / f"{name}.npz"
    # Both are whole before the first of them is moved: no full disk can come between the two.
    with replacing(folder / f"{name}.json") as card_file, replacing(path) as arrays_file:
        np.savez_compressed(arrays_file, **arrays)
        own = {"name": name, "model": type(model).__name__, "config": model.get_config()}
        kept = {} if networks is None else {"networks": list(networks)}
        size = {"bytes": arrays_file.stat().st_size, "sha256": _sha256(arrays_file)}
        said = {key: value for key, value in card.items() if key not in {*own, "networks", *size}}
        card = {**own, **said, **kept, **size}
        card_file.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
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
        ValueError: if no such model, or no time-lapse of it, is there, or it is damaged.
    """
    _card(name, folder)
    path = Path(folder) / f"{name}.zip"
    if not path.exists():
        raise ValueError(f"{name!r} has no time-lapse.")
    sheets = read_jpegs(path, "time-lapse")
    with refusing(path, "time-lapse"):
        return {int(entry.removeprefix("epoch-")): sheet for entry, sheet in sheets.items()}


def _card(name: str, folder: str | os.PathLike) -> dict:
    path = Path(folder) / f"{name}.json"
    if path not in visible(folder, "*.json"):
        names = [path.stem for path in visible(folder, "*.json")]
        raise ValueError(f"no weights named {name!r} in {folder}; there are {names}.")
    card = _read_json(path)
    with refusing(path, "card of a model"):
        _check_card(card)
    return card


def _read_json(path: Path):
    with refusing(path, "card"):
        if path.stat().st_size > CARD_BYTES:
            raise ValueError(f"it has more than {CARD_BYTES:,} bytes")
        return json.loads(path.read_text(encoding="utf-8"))


def _check_card(card: dict) -> None:
    """Raise a ValueError unless a card names one of facelib's models, with a config of plain values."""
    if not isinstance(card, dict):
        raise ValueError(f"it holds a {type(card).__name__}, not a mapping")
    kinds = {"model": str, "config": dict, "sha256": str}
    if any(not isinstance(card.get(key), kind) for key, kind in kinds.items()):
        raise ValueError("it must have model and sha256, texts, and config, a mapping")
    if card["model"] not in MODELS:
        raise ValueError(f"model must be one of {list(MODELS)}, got {card['model'][:80]!r}")
    networks = card.get("networks")
    if networks is not None and not (isinstance(networks, list) and all(isinstance(name, str) for name in networks)):
        raise ValueError(f"networks must be a list of names, got {str(networks)[:80]}")
    for key, value in card["config"].items():
        values = value if isinstance(value, list) else [value]
        largest = DEEPEST if key in COUNTS else LARGEST
        if len(values) > LONGEST or not all(_is_plain(value, largest) for value in values):
            raise ValueError(
                f"config must hold numbers up to {largest:,}, short texts, or up to {LONGEST} of these, got "
                f"{key[:80]!r}: {str(value)[:80]}"
            )


def _is_plain(value, largest: float) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST
    return value is None or isinstance(value, (bool, int, float)) and abs(value) <= largest


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
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
