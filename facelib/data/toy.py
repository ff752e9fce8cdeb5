"""Small pictures that are no faces, for a quick look at a model: digits, MNIST, Fashion-MNIST and CIFAR-10.

The digits come with scikit-learn. Keras downloads the others to `datasets` in `KERAS_HOME` (default `~/.keras`) on
first use.
"""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from facelib.archives import first_line
from facelib.data.faceset import FaceSet

CLASSES = {
    "digits": tuple("0123456789"),
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
SUBSETS = ("all", "train", "test")
LARGEST, CHUNK = 100_000_000, 1 << 20  # bytes of a data set, and at a time
# Where Keras puts them.
FILES = {
    "mnist": ("mnist.npz",),
    "fashion_mnist": tuple(
        f"fashion-mnist/{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    ),
    "cifar10": ("cifar-10-batches-py-target_archive",),
}


def load_toy(dataset: str, n: int | None = None, size: int = 32, *, seed: int = 0, subset: str = "all") -> FaceSet:
    """Pictures of a toy data set; grey ones are repeated to three channels.

    The `attributes` are one bool column a class, and `info["label"]` is the class as an integer. A name such as
    "mnist-train-00001" counts in the official order, from 0.

    Args:
        dataset: "digits", "mnist", "fashion_mnist" or "cifar10".
        n: how many, drawn by `seed`; None: all (60,000 to train and 10,000 to test; CIFAR-10 50,000 and 10,000; digits
            1,437 and 360).
        size: side in pixels; other sizes than the original's (28, CIFAR-10 32, digits 8) are resampled.
        seed: which pictures, when `n` is given.
        subset: "train", "test" (the official ones; of the digits, which have none, the last fifth) or "all".

    Raises:
        ValueError: for an unknown data set or subset, `n` or `size` out of range, or a damaged file.
        ConnectionError: if the download fails.
    """
    if dataset not in CLASSES:
        raise ValueError(f"dataset must be one of {tuple(CLASSES)}, got {dataset!r}.")
    if subset not in SUBSETS:
        raise ValueError(f"subset must be one of {SUBSETS}, got {subset!r}.")
    if n is not None and n < 1:
        raise ValueError(f"n must be at least 1, got {n}.")
    if size < 8:
        raise ValueError(f"size must be at least 8 pixels, got {size}.")
    parts = [part for part in zip(("train", "test"), _load(dataset), strict=True) if subset in ("all", part[0])]
    images = np.concatenate([images for _, (images, _) in parts])
    labels = np.concatenate([np.ravel(labels) for _, (_, labels) in parts]).astype(np.int64)
    if not np.isin(labels, range(len(CLASSES[dataset]))).all():
        raise ValueError(f"{dataset} has labels that are none of its {len(CLASSES[dataset])} classes: damaged files.")
    names = np.array([f"{dataset}-{part}-{i:05d}" for part, (images, _) in parts for i in range(len(images))])
    if n is not None:
        rows = np.sort(np.random.default_rng(seed).permutation(len(images))[:n])
        images, labels, names = images[rows], labels[rows], names[rows]
    attributes = pd.DataFrame({name: labels == i for i, name in enumerate(CLASSES[dataset])})
    return FaceSet(_to_rgb(images, size), names, attributes, info=pd.DataFrame({"label": labels}))


def _to_rgb(images: np.ndarray, size: int) -> np.ndarray:
    if images.shape[1] != size:
        resized = [Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS) for image in images]
        images = np.stack([np.asarray(image) for image in resized])
    return images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)


def _load(dataset: str):
    if dataset == "digits":
        return _digits()
    import keras

    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"
    files = [folder / name for name in FILES[dataset]]
    if dataset == "fashion_mnist":  # Keras checks the others by their hash, and fetches them again
        _refuse_damaged(files)
    try:
        return getattr(keras.datasets, dataset).load_data()
    # A failed download is a bare Exception of Keras, and a damaged file nearly any.
    except Exception as error:
        if dataset == "fashion_mnist":
            _refuse_damaged(files)
            if all(file.exists() for file in files):
                raise ValueError(
                    f"the files of {dataset} in {folder} are damaged: {first_line(error)}. Delete them, and the next "
                    "call downloads them again."
                ) from error
        raise ConnectionError(
            f"{dataset} could not be downloaded: {error}. Try again later, or bring {', '.join(map(str, files))} "
            "from a machine that has it."
        ) from error


def _digits():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) * 255 / 16).round().astype(np.uint8)
    test = len(images) // 5 + 1
    return (images[:-test], labels[:-test]), (images[-test:], labels[-test:])


def _refuse_damaged(files: list[Path]) -> None:
    for file in files:
        if file.exists() and not _whole(file):
            raise ValueError(f"{file} is damaged. Delete it, and the next call downloads it again.")


def _whole(file: Path) -> bool:
    """Whether a gzipped IDX file of bytes holds as many as its header announces, and no more than such files do."""
    try:
        with gzip.open(file) as stream:
            start = stream.read(4)
            if len(start) < 4 or start[:3] != b"\0\0\x08" or start[3] not in (1, 3):
                return False
            wanted = int(np.prod(np.frombuffer(stream.read(4 * start[3]), ">u4"), dtype=np.float64))
            there = 0
            while there <= min(wanted, LARGEST) and (piece := stream.read(CHUNK)):
                there += len(piece)
            return there == wanted
    except (EOFError, OSError, ValueError, zlib.error):
        return False
