"""Does a conditional generator draw what it is asked for? (Seed 002: a classifier of real faces looks at its pictures.)

Accuracy alone is won by one perfect face a class, and a classifier that errs on real faces errs on generated ones too.
So it stands beside the classifier's accuracy on real faces that it was not trained on, and beside the variety within
each class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split

from facelib.data.faceset import FaceSet
from facelib.metrics.images import batches
from facelib.metrics.intervals import Estimate, wilson
from facelib.models.dcgan import build_light_discriminator
from facelib.models.latent import in_batches
from facelib.training import variety_of

LEAST = 10  # real faces of each class


class Judge(NamedTuple):
    """A classifier of real faces, and the real faces that it was not trained on.

    Attributes:
        network: uint8 images → probabilities (n, classes).
        names: of the classes.
        ceiling: accuracy on held-out real faces, the mean over classes: no generator can be told to do better.
        confusion: (classes, classes) counts of these, a row for each true class.
        images, labels: the held-out faces.
    """

    network: keras.Model
    names: tuple[str, ...]
    ceiling: Estimate
    confusion: np.ndarray
    images: np.ndarray
    labels: np.ndarray


class Conditionality(NamedTuple):
    """How well pictures show what was asked for.

    Attributes:
        accuracy: share recognised as what was asked for, the mean over classes.
        ceiling: the judge's accuracy on held-out real faces.
        confusion: (classes, classes) counts, a row for what was asked for, a column for what was recognised.
        variety: (classes,) how much the pictures of a class differ from each other, as a share of how much its real
            faces do (`facelib.training.variety_of`).
        value: mean over classes of accuracy · variety, the latter at most 1. Real faces get the ceiling, one perfect
            face a class gets 0.
        names: of the classes.
    """

    accuracy: Estimate
    ceiling: Estimate
    confusion: np.ndarray
    variety: np.ndarray
    value: float
    names: tuple[str, ...]

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy} of a ceiling of {self.ceiling}, variety within classes "
            f"{self.variety.mean():.2f}, both {self.value:.2f} ({self.accuracy.n:,} images, {len(self.names)} classes)"
        )


def train_judge(
    faces: np.ndarray | FaceSet,
    labels: np.ndarray,
    names: Sequence[str] | None = None,
    *,
    width: int = 64,
    epochs: int = 20,
    held_out: float = 0.25,
    seed: int = 0,
    verbose: int = 0,
) -> Judge:
    """Train the discriminator's layers, with softmax in place of "real or not", to tell the classes of real faces.

    Training ends when faces that are set aside for it are no longer told better, and rare classes weigh as much as
    common ones.

    Args:
        faces: real faces, uint8 (n, size, size, 3) or a FaceSet, a side that is a multiple of 16.
        labels: int (n,), from 0.
        names: of the classes; their numbers by default.
        width: channels of the widest convolution.
        epochs: at most.
        held_out: share of the faces that is kept for the ceiling and for the variety of real faces.
        seed: of the weights and of what is held out.
        verbose: as in Keras' `fit`.

    Raises:
        ValueError: for images that are none, labels that do not fit, fewer than two classes or ten faces in one, or a
            classifier that is no better than chance on real faces.
    """
    images = np.concatenate(list(batches(faces, "faces", 4096)))
    labels = _check_labels(labels, len(images), "labels")
    classes = int(labels.max()) + 1
    counts = np.bincount(labels)
    if classes < 2 or counts.min() < LEAST:
        raise ValueError(f"labels must name at least 2 classes of {LEAST} faces or more each, got {counts.tolist()}.")
    names = tuple(map(str, range(classes) if names is None else names))
    if len(names) != classes:
        raise ValueError(f"names must be {classes}, one a class, got {len(names)}.")
    if not 0 < held_out < 1:
        raise ValueError(f"held_out must lie between 0 and 1, got {held_out}.")
    rows, held = train_test_split(np.arange(len(images)), test_size=held_out, stratify=labels, random_state=seed)
    learned, watched = train_test_split(rows, test_size=0.15, stratify=labels[rows], random_state=seed)
    network = build_classifier(images.shape[1], classes, width, seed)
    network.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", jit_compile=False)
    # Not fit's own class_weight: the watched faces have to be weighed as well.
    weights = (len(labels) / classes / counts)[labels]
    network.fit(
        images[learned],
        labels[learned],
        sample_weight=weights[learned],
        validation_data=(images[watched], labels[watched], weights[watched]),
        epochs=epochs,
        callbacks=[keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)],
        verbose=verbose,
    )
    ceiling, confusion = _recognised(network, images[held], labels[held], classes)
    if ceiling.low <= 1 / classes:
        raise ValueError(
            f"the classifier tells {ceiling} of the real faces right, and chance {1 / classes:.2f}: nothing can be "
            "judged by it. More faces or epochs may help, or the labels cannot be seen in the pictures."
        )
    return Judge(network, names, ceiling, confusion, images[held], labels[held])


def conditionality(generated: np.ndarray, asked: np.ndarray, judge: Judge) -> Conditionality:
    """How many of the generated images show the class that was asked for, and how varied each class is.

    Args:
        generated: uint8 (n, size, size, 3), of the size that the judge was trained on.
        asked: int (n,), the class that each was asked to show; each class at least twice.
        judge: from `train_judge`.

    Raises:
        ValueError: for images or classes that do not fit the judge.
    """
    generated = np.concatenate(list(batches(generated, "generated", 4096)))
    if generated.shape[1:] != judge.images.shape[1:]:
        raise ValueError(
            f"generated must be images {judge.images.shape[1:]} as the judge's, got {generated.shape[1:]}."
        )
    classes = len(judge.names)
    asked = _check_labels(asked, len(generated), "asked")
    counts = np.bincount(asked, minlength=classes)
    if len(counts) > classes or counts.min() < 2:
        raise ValueError(f"asked must name each of the {classes} classes at least twice, got {counts.tolist()}.")
    accuracy, confusion = _recognised(judge.network, generated, asked, classes)
    variety = np.array([variety_of(generated[asked == c], judge.images[judge.labels == c]) for c in range(classes)])
    right = confusion.diagonal() / confusion.sum(axis=1)
    value = float((right * np.minimum(variety, 1)).mean())
    return Conditionality(accuracy, judge.ceiling, confusion, variety, value, judge.names)


def build_classifier(image_size: int, classes: int, width: int = 64, seed: int = 0) -> keras.Model:
    """uint8 images → probabilities (classes,), by the layers of the light discriminator."""
    layers = build_light_discriminator(image_size, width, seed=seed)
    image = keras.Input((image_size, image_size, 3), dtype="uint8", name="image")
    trunk = keras.Model(layers.input, layers.get_layer("dropout").output, name="trunk")
    x = trunk(keras.layers.Rescaling(1 / 127.5, -1, name="scaled")(image))
    initializer = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.Dense(classes, "softmax", kernel_initializer=initializer, name="probabilities")(x)
    return keras.Model(image, x, name="classifier")


def _recognised(network, images, labels, classes) -> tuple[Estimate, np.ndarray]:
    answers = in_batches(lambda batch: network(batch, training=False), images).argmax(axis=1)
    confusion = confusion_matrix(labels, answers, labels=np.arange(classes))
    counts = confusion.sum(axis=1)
    share = float((confusion.diagonal() / counts).mean())
    # As many images as would give the mean over classes this spread if all classes had as many.
    effective = classes**2 / (1 / counts).sum()
    return wilson(share, effective)._replace(n=len(images)), confusion


def _check_labels(labels, n: int, name: str) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != (n,) or labels.dtype.kind not in "iub" or labels.min(initial=0) < 0:
        raise ValueError(
            f"{name} must be {n} whole numbers from 0, one an image, got {labels.dtype} of shape {labels.shape}."
        )
    return labels.astype(int)
