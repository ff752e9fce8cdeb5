"""Inception Score (Salimans et al. 2016): sure of each picture, and of many kinds over all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from scipy.special import rel_entr

from facelib.checks import whole_number
from facelib.metrics.extractors import Extractor, get_extractor
from facelib.metrics.features import shown
from facelib.metrics.images import Images

CLASSES = {"inception": 1000, "inception-2015": 1008}


@dataclass(frozen=True, eq=False)
class ClassScore:
    """From 1, where all pictures get the same probabilities, to the number of classes. Two of them have no order.

    Attributes:
        value, std: mean and standard deviation over the splits.
        name: "Inception Score", or "classifier score" if another network made the probabilities.
        n, splits, classifier: the protocol. The score grows with n / splits; with one picture a split it is 1.
    """

    value: float
    std: float
    name: str
    n: int
    splits: int
    classifier: str

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        protocol = f"{self.n:,} images, {self.splits} splits, {self.classifier}"
        return f"{self.name} {self.value:.2f} ± {self.std:.2f} ({protocol})"


def inception_score(
    images: np.ndarray | Images,
    splits: int = 10,
    classifier: str | Callable[[np.ndarray], np.ndarray] | None = None,
    *,
    batch_size: int = 64,
    progress: bool = True,
) -> ClassScore:
    """exp of the mean Kullback-Leibler divergence of each picture's classes from those of all pictures of its split.

    >>> print(inception_score(np.eye(4).repeat(25, axis=0), splits=1, classifier="labels"))
    classifier score 4.00 ± 0.00 (100 images, 1 splits, labels)

    Args:
        images: images as for `extract`, or probabilities: float (n, classes), rows that sum to one.
        splits: parts that are scored apart. Rows are shuffled before, by a fixed seed: samples that come class after
            class, or class by class in turn, would give parts that lack classes, and a score that is too low.
        classifier: for images, "inception" (the default, Keras') or a function of uint8 images that returns
            probabilities; for probabilities, the name of what made them.

    Raises:
        ValueError: for fewer rows than splits, rows that are no probabilities, or probabilities of another number of
            classes than Inception's under its name.
        OSError: if Inception's weights cannot be downloaded.
    """
    whole_number(splits, "splits", 1)
    if isinstance(images, np.ndarray) and images.ndim == 2:
        probabilities, made_by = images, classifier or "unnamed classifier"
        if not isinstance(made_by, str):
            raise ValueError("classifier must be a name where images are probabilities already.")
    else:
        probabilities, made_by = _classified(images, classifier, batch_size, progress)
    probabilities = _check(probabilities, made_by)
    if len(probabilities) < splits:
        raise ValueError(f"splits must be at most the number of images, {len(probabilities)}, got {splits}.")
    scores = []
    for rows in np.array_split(np.random.default_rng(0).permutation(probabilities), splits):
        scores.append(np.exp(rel_entr(rows, rows.mean(axis=0)).sum(axis=1).mean()))
    name = "Inception Score" if made_by in CLASSES else "classifier score"
    return ClassScore(float(np.mean(scores)), float(np.std(scores)), name, len(probabilities), splits, made_by)


def _classified(images: Images, classifier, batch_size: int, progress: bool) -> tuple[np.ndarray, str]:
    checked = shown(images, "images", batch_size, progress)
    first = next(checked)  # before a network is downloaded
    if classifier is None or (isinstance(classifier, str) and classifier == "inception"):
        classifier = _inception()
    elif callable(classifier):
        classifier = get_extractor(classifier)
    else:
        raise ValueError(f'classifier must be "inception" or a function of uint8 images, got {classifier!r}.')
    rows = []
    for batch in chain([first], checked):
        rows.append(np.asarray(classifier(batch)))
        if rows[-1].ndim != 2 or len(rows[-1]) != len(batch):
            raise ValueError(
                f"{classifier.name} must return one row of probabilities an image, got shape {rows[-1].shape} for "
                f"{len(batch)} images."
            )
    return np.concatenate(rows), classifier.name


def _check(probabilities: np.ndarray, made_by: str) -> np.ndarray:
    shape = probabilities.shape
    if probabilities.ndim != 2 or shape[1] < 2 or not len(probabilities) or probabilities.dtype.kind not in "fiub":
        raise ValueError(f"probabilities must be (n, classes), got {probabilities.dtype} of shape {shape}.")
    if shape[1] != CLASSES.get(made_by, shape[1]):
        raise ValueError(f"probabilities of {made_by} have {CLASSES[made_by]} classes, got {shape[1]}.")
    probabilities = probabilities.astype(np.float64)
    wrong = ~((probabilities >= 0).all(axis=1) & (np.abs(probabilities.sum(axis=1) - 1) < 1e-3))
    if wrong.any():
        raise ValueError(
            f"probabilities must be at least 0 and sum to one in each row, but {wrong.sum()} of {len(wrong)} rows do "
            "not; are they logits?"
        )
    return probabilities / probabilities.sum(axis=1, keepdims=True)


@lru_cache(maxsize=1)
def _inception() -> Extractor:
    from facelib.metrics.inception import SIDE, keras_inception

    return Extractor("inception", keras_inception(probabilities=True), SIDE, "bicubic antialiased", built_in=True)
