"""InceptionV3 (Szegedy et al. 2016): Keras' weights, and those of 2015 that published FIDs were made with.

The two are other trainings of nearly the same layers, and their distances are not comparable. The network of 2015 takes
the maximum where Keras' takes the average in its last block, sees pixels by (x - 128) / 128, and was given images by
TensorFlow 1's resize. Its weights are read from the file that the pytorch-fid project converted from the original.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from facelib.archives import first_line
from facelib.files import cache_dir, replacing
from facelib.metrics.pth import read_pth

SIDE = 299
WEIGHTS_2015 = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)


def keras_inception(probabilities: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """RGB in [0, 255], float32 (n, 299, 299, 3) → (n, 2048) features, or (n, 1000) probabilities of ImageNet's classes.

    Raises:
        OSError: if Keras cannot download the weights.
    """
    kind = {"include_top": True} if probabilities else {"include_top": False, "pooling": "avg"}
    try:
        network = keras.applications.InceptionV3(weights="imagenet", **kind)
    except Exception as error:  # Keras raises bare ones
        raise OSError(
            f"Inception's weights could not be downloaded ({first_line(error)}). Once they lie in ~/.keras/models no "
            'network is needed; extractor="onet" never needs one.'
        ) from None
    return lambda pixels: network.predict_on_batch(pixels / 127.5 - 1)


def inception_2015() -> Callable[[np.ndarray], np.ndarray]:
    """RGB in [0, 255], float32 (n, 299, 299, 3) → (n, 2048) features as in published FIDs.

    Raises:
        OSError: if the weights cannot be downloaded, or are not those of 2015.
    """
    network = build_inception_2015()
    assign(network, read_pth(fetch_2015(*WEIGHTS_2015)))
    return lambda pixels: network.predict_on_batch((pixels - 128) / 128)


def fetch_2015(url: str, sha256: str) -> Path:
    """The file in the cache, downloaded on first use; its hash is checked each time.

    Raises:
        OSError: if it cannot be downloaded or kept, or has another hash; a file with another hash is not kept.
    """
    folder = cache_dir()
    path = folder / url.rsplit("/", 1)[-1]
    if path.is_file() and _sha256(path) == sha256:
        return path
    with replacing(path) as partial:
        path.unlink(missing_ok=True)
        partial.touch()  # Keras takes another folder than one that cannot be written
        try:
            keras.utils.get_file(partial.name, url, cache_dir=folder, cache_subdir="", force_download=True)
        except Exception as error:  # Keras raises bare ones
            raise OSError(
                f"the weights of 2015 could not be downloaded: {first_line(error)}. Where there is no network, put the "
                f"file at {path}."
            ) from None
        if (found := _sha256(partial)) != sha256:
            raise OSError(f"{url} has SHA-256 {found}, not {sha256}: it is {_what(partial)}.")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _what(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(512).lstrip().lower().startswith((b"<!doctype", b"<html")):
            return "a web page, from a proxy or a log-in; try another network"
    return "another file, or was cut off"


def build_inception_2015() -> keras.Model:
    """Keras' layers with the one that differs exchanged; without weights."""
    network = keras.applications.InceptionV3(
        weights=None, include_top=False, pooling="avg", input_shape=(SIDE, SIDE, 3)
    )
    averages = [layer.name for layer in _in_order(network, keras.layers.AveragePooling2D)]

    def exchanged(layer):
        if layer.name == averages[-1]:
            return keras.layers.MaxPooling2D(3, 1, "same", name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=exchanged)


def assign(network: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Give the network of 2015 the weights of a PyTorch file, convolution by convolution.

    Raises:
        ValueError: if the file has other layers.
    """
    kernels = [name for name in weights if name.endswith(".conv.weight")]
    convolutions = _in_order(network, keras.layers.Conv2D)
    norms = _in_order(network, keras.layers.BatchNormalization)
    if len(kernels) != len(convolutions):
        raise ValueError(f"weights must be of {len(convolutions)} convolutions, got {len(kernels)}.")
    for name, convolution, norm in zip(kernels, convolutions, norms, strict=True):
        block = name.removesuffix("conv.weight") + "bn."
        scale = weights[block + "weight"]
        # Keras' normalisation has no scale here: kernel and mean carry it.
        convolution.set_weights([weights[name].transpose(2, 3, 1, 0) * scale])
        norm.set_weights(
            [weights[block + "bias"], weights[block + "running_mean"] * scale, weights[block + "running_var"]]
        )


def _in_order(network: keras.Model, kind: type) -> list[keras.layers.Layer]:
    """Layers of one kind as they were made: Keras numbers their names, and sorts them by depth."""
    found = [layer for layer in network.layers if isinstance(layer, kind)]
    return sorted(found, key=lambda layer: int("0" + layer.name.rpartition("_")[2]) if layer.name[-1].isdigit() else -1)
