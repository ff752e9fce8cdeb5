"""Does a conditional generator draw what it is asked for? (Seed 002: a classifier of real faces looks at its pictures.)

Accuracy alone is won by one perfect face a class, and a classifier that errs on real faces errs on generated ones too.
So it stands beside the classifier's accuracy on real faces that it was not trained on, and beside how much of the real
variety within each class is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from sklearn.metrics import confusion_matrix

from facelib.data.faceset import FaceSet
from facelib.data.labels import Labels
from facelib.metrics.images import as_array, batches
from facelib.metrics.intervals import Estimate, wilson
from facelib.metrics.neighbours import expected_coverage, precision_recall
from facelib.models.classifier import Classifier, balanced

NEIGHBOURS = 5  # whose distance is the radius of a real face's ball
WATCHED = 0.15  # of the faces to learn from: they tell when to end
CELLS = 8  # a side, of the averages in which faces are compared


@dataclass(frozen=True, eq=False)
class Judge:
    """A classifier of real faces, and the real faces that it was not trained on.

    Attributes:
        network: the classifier.
        names: of the classes.
        ceiling: accuracy on held-out real faces, the mean over classes: what real faces would get.
        confusion: (classes, classes) counts of these, a row for each true class.
        images, labels: the held-out faces.
    """

    network: Classifier
    names: tuple[str, ...]
    ceiling: Estimate
    confusion: np.ndarray
    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Conditionality:
    """How well pictures show what was asked for.

    Attributes:
        accuracy: share recognised as what was asked for, the mean over classes.
        ceiling: the judge's accuracy on held-out real faces.
        confusion: (classes, classes) counts, a row for what was asked for, a column for what was recognised.
        coverage: (classes,) variety within a class: the share of its held-out real faces that have one of its generated
            pictures nearer than their fifth nearest neighbour (Naeem et al. 2020), all compared as averages of 8×8
            cells, so that noise, a shift or other light do not make one face many; 5 in n for one face.
        coverage_ceiling: (classes,) what as many real faces would get: less than 1 for few beside many.
        value: mean over classes of accuracy · coverage.
        names: of the classes.
    """

    accuracy: Estimate
    ceiling: Estimate
    confusion: np.ndarray
    coverage: np.ndarray
    coverage_ceiling: np.ndarray
    value: float
    names: tuple[str, ...]

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy} of a ceiling of {self.ceiling}, coverage of classes "
            f"{self.coverage.mean():.2f}, both {self.value:.2f} ({self.accuracy.n:,} images, {len(self.names)} classes)"
        )


def train_judge(
    faces: np.ndarray | FaceSet,
    labels: np.ndarray,
    names: Sequence[str] | None = None,
    *,
    architecture: str = "pooled",
    width: int = 64,
    epochs: int = 20,
    held_out: float = 0.25,
    seed: int = 0,
    verbose: int = 0,
) -> Judge:
    """Train a classifier to tell the classes of real faces.

    Training ends when faces that are set aside for it are no longer told better, and rare classes weigh as much as
    common ones.

    Args:
        faces: real faces, uint8 (n, size, size, 3) or a FaceSet, a side that is a multiple of 16.
        labels: int (n,), from 0, or `Labels`.
        names: of the classes; their numbers by default.
        architecture, width: of the `Classifier`.
        epochs: at most.
        held_out: share of the faces that is kept for the ceiling and for the variety of real faces.
        seed: of the weights, the order of the faces, and what is held out.
        verbose: as in Keras' `fit`.

    Raises:
        ValueError: for images that are none, labels that do not fit, fewer than two classes, too few faces in one, or
            a classifier that is no better than chance on real faces.
    """
    images = np.concatenate(list(batches(faces, "faces", 4096)))
    side = images.shape[1]
    if images.shape[2] != side or side % 16:
        raise ValueError(f"faces must be square, with a side that is a multiple of 16, got {images.shape[1:3]}.")
    labels = _check_labels(labels, len(images), "labels")
    classes, counts = int(labels.max()) + 1, np.bincount(labels)
    if classes < 2 or not counts.all():
        raise ValueError(f"labels must name at least 2 classes, each with faces, got {counts.tolist()} faces.")
    names = tuple(map(str, range(classes) if names is None else names))
    if len(names) != classes:
        raise ValueError(f"names must be {classes}, one a class, got {len(names)}.")
    if not 0 < held_out < 1:
        raise ValueError(f"held_out must lie between 0 and 1, got {held_out}.")
    learned, watched, held = _split(labels, held_out, seed)
    least = np.bincount(labels[held], minlength=classes).min()
    if least <= NEIGHBOURS or not all(
        np.bincount(labels[rows], minlength=classes).all() for rows in (learned, watched)
    ):
        raise ValueError(
            f"held_out = {held_out} leaves {least} faces of the rarest class to judge by and {counts.min() - least} to "
            f"learn from; at least {NEIGHBOURS + 1} and 2 are needed. It has {counts.min()} in all."
        )
    network = Classifier(side, classes, architecture=architecture, width=width, seed=seed)
    network.compile(keras.optimizers.Adam(1e-3))
    network.fit(
        images[learned],
        labels[learned],
        epochs=epochs,
        batch_size=min(32, len(learned)),
        seed=seed,
        validation_data=(images[watched], labels[watched], balanced(labels, classes)[labels[watched]]),
        callbacks=[keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)],
        verbose=verbose,
    )
    return as_judge(network, images[held], labels[held], names)


def as_judge(
    classifier: Classifier, faces: np.ndarray | FaceSet, labels: np.ndarray, names: Sequence[str] | None = None
) -> Judge:
    """A trained classifier, with real faces that it has not seen: they give its ceiling, and how varied a class is.

    Args:
        classifier: such as `facelib.weights.load("judge-synthetic-64")`.
        faces: real faces, uint8 (n, size, size, 3) or a FaceSet, none of which it was trained on.
        labels: int (n,), from 0; each class more than five times.
        names: of the classes; their numbers by default.

    Raises:
        ValueError: for faces or labels that do not fit the classifier, or one that is no better than chance on them.
    """
    images = np.concatenate(list(batches(faces, "faces", 4096)))
    side, classes = classifier.image_size, classifier.classes
    if images.shape[1:3] != (side, side):
        raise ValueError(f"faces must be {side}×{side}, as the classifier's, got {images.shape[1:3]}.")
    labels = _check_labels(labels, len(images), "labels")
    counts = np.bincount(labels, minlength=classes)
    if len(counts) > classes or counts.min() <= NEIGHBOURS:
        raise ValueError(
            f"labels must name each of the {classes} classes more than {NEIGHBOURS} times, got {counts.tolist()}."
        )
    names = tuple(map(str, range(classes) if names is None else names))
    if len(names) != classes:
        raise ValueError(f"names must be {classes}, one a class, got {len(names)}.")
    ceiling, confusion = _recognised(classifier, images, labels, classes)
    if not ceiling.low > 1 / classes:
        raise ValueError(
            f"the classifier tells {ceiling} of the real faces right, and chance {1 / classes:.2f}: nothing can be "
            "judged by it. More faces or epochs may help, or the labels cannot be seen in the pictures."
        )
    return Judge(classifier, names, ceiling, confusion, images, labels)


def conditionality(generated: np.ndarray, asked: np.ndarray, judge: Judge) -> Conditionality:
    """How many of the generated images show the class that was asked for, and how varied each class is.

    Args:
        generated: uint8 (n, size, size, 3), of the size that the judge was trained on.
        asked: int (n,), the class that each was asked to show; each class more than five times.
        judge: from `train_judge`.

    Raises:
        ValueError: for images or classes that do not fit the judge.
    """
    generated = np.concatenate(list(batches(generated, "generated", 4096)))
    _check_size(generated, judge)
    classes = len(judge.names)
    asked = _check_labels(asked, len(generated), "asked")
    counts = np.bincount(asked, minlength=classes)
    if len(counts) > classes or counts.min() <= NEIGHBOURS:
        raise ValueError(
            f"asked must name each of the {classes} classes more than {NEIGHBOURS} times, got {counts.tolist()}."
        )
    accuracy, confusion = _recognised(judge.network, generated, asked, classes)
    coverage = class_coverage(generated, asked, judge)
    right = confusion.diagonal() / confusion.sum(axis=1)
    real = np.bincount(judge.labels)
    reachable = np.array([expected_coverage(*n, NEIGHBOURS) for n in zip(real, counts, strict=True)])
    value = float((right * coverage).mean())
    return Conditionality(accuracy, judge.ceiling, confusion, coverage, reachable, value, judge.names)


def class_coverage(generated: np.ndarray | FaceSet, shown: np.ndarray, judge: Judge) -> np.ndarray:
    """Variety within each class, as in `Conditionality`: (classes,), 0 for a class drawn five times or less.

    Args:
        generated: uint8 (n, size, size, 3) or a FaceSet, of the judge's size.
        shown: int (n,), what each was asked to show; or, of a model that cannot be asked, what the judge sees.
        judge: from `train_judge` or `as_judge`.

    Raises:
        ValueError: for images or classes that do not fit the judge.
    """
    generated = as_array(generated, "generated")
    _check_size(generated, judge)
    shown = np.asarray(shown.values if isinstance(shown, Labels) else shown)
    whole = shown.shape == (len(generated),) and shown.dtype.kind in "iub"
    if not whole or not np.isin(shown, range(len(judge.names))).all():
        raise ValueError(
            f"shown must be {len(generated)} whole numbers from 0 to {len(judge.names) - 1}, one an image, got "
            f"{shown.dtype} of shape {shown.shape}."
        )
    real, fake = _cells(judge.images), _cells(generated)
    coverage = np.zeros(len(judge.names))
    for c in range(len(judge.names)):
        if (shown == c).sum() > NEIGHBOURS:
            coverage[c] = precision_recall(real[judge.labels == c], fake[shown == c], NEIGHBOURS).coverage
    return coverage


def _split(labels: np.ndarray, held_out: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows to learn from, to watch while learning, and to hold out, in equal shares of every class."""
    rng, parts = np.random.default_rng(seed), [[], [], []]
    for rows in (np.flatnonzero(labels == c) for c in range(labels.max() + 1)):
        rows = rng.permutation(rows)
        held = round(held_out * len(rows))
        watched = held + max(1, round(WATCHED * (len(rows) - held)))
        for part, some in zip(parts, (rows[watched:], rows[held:watched], rows[:held]), strict=True):
            part.append(some)
    return tuple(np.concatenate(part) for part in parts)


def _cells(images: np.ndarray) -> np.ndarray:
    """Averages of 8×8 cells, without each image's own brightness: (n, 192)."""
    n, side = len(images), images.shape[1] // CELLS
    cells = images.reshape(n, CELLS, side, CELLS, side, 3).mean(axis=(2, 4))
    return (cells - cells.mean(axis=(1, 2, 3), keepdims=True)).reshape(n, -1)


def _recognised(network, images, labels, classes) -> tuple[Estimate, np.ndarray]:
    answers = network.classify(images)
    confusion = confusion_matrix(labels, answers, labels=np.arange(classes))
    counts = confusion.sum(axis=1)
    share = float((confusion.diagonal() / counts).mean())
    # As many images as would give the mean over classes this spread if all classes had as many.
    effective = classes**2 / (1 / counts).sum()
    return wilson(share, effective)._replace(n=len(images)), confusion


def _check_size(generated: np.ndarray, judge: Judge) -> None:
    if generated.shape[1:] != judge.images.shape[1:]:
        raise ValueError(
            f"generated must be images {judge.images.shape[1:]} as the judge's, got {generated.shape[1:]}."
        )


def _check_labels(labels, n: int, name: str) -> np.ndarray:
    labels = np.asarray(labels.values if isinstance(labels, Labels) else labels)
    if labels.shape == (n,) and labels.dtype.kind == "i" and -1 in labels:
        raise ValueError(
            f"{name} must be {n} whole numbers from 0, got -1, which marks a face without a class: leave such faces "
            "out, faces[labels.kept] and labels.values[labels.kept]."
        )
    if labels.shape != (n,) or labels.dtype.kind not in "iub" or labels.min(initial=0) < 0 or labels.max() >= n:
        raise ValueError(
            f"{name} must be {n} whole numbers from 0, one an image, got {labels.dtype} of shape {labels.shape}."
        )
    return labels.astype(int)
