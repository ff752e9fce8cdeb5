"""A number with its protocol: what it was measured with, on how many images, and how far to trust it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from facelib.metrics.extractors import INCEPTION


@dataclass(frozen=True, eq=False)
class Score:
    """A distance between real and generated images. Less is better, and only scores of one protocol can be compared.

    >>> few, many = (Score("FID", 20.0, 19.0, 21.0, n, n, "inception", "80×80 → 299×299") for n in (500, 10_000))
    >>> print(few)
    FID 20.0 [19.0, 21.0] (500 real and 500 generated, inception, 80×80 → 299×299)
    >>> few > many
    Traceback (most recent call last):
      ...
    ValueError: these scores cannot be compared: 500 against 10,000 real images, 500 against 10,000 generated images.

    Attributes:
        name: of the metric.
        value: the number; `float(score)` gives it too.
        low, high: its 95 % interval over the images that could have been drawn; NaN where it was not measured.
        n_real, n_fake: images on each side. A Fréchet distance falls as they grow.
        extractor, resize: whose features they were, and what was done to the images first.
        biased: whether it falls as n grows. Then only scores of equal n are compared.
    """

    name: str
    value: float
    low: float
    high: float
    n_real: int
    n_fake: int
    extractor: str
    resize: str
    biased: bool = True

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        known = math.isfinite(self.high)
        # Two digits of what is uncertain, or three of the value where nothing is known about that.
        scale = self.high - self.value if known else abs(self.value) / 10 if math.isfinite(self.value) else 0
        digits = max(1, 1 - math.floor(math.log10(scale))) if scale else 1
        interval = f" [{self.low:.{digits}f}, {self.high:.{digits}f}]" if known else ""
        measured = protocol(self.n_real, self.n_fake, self.extractor, self.resize)
        return f"{self.name} {self.value:.{digits}f}{interval} ({measured})"

    def __lt__(self, other: Score) -> bool:
        return self - other < 0

    def __gt__(self, other: Score) -> bool:
        return self - other > 0

    def __le__(self, other: Score) -> bool:
        return self - other <= 0

    def __ge__(self, other: Score) -> bool:
        return self - other >= 0

    def __sub__(self, other: Score) -> float:
        """Difference of two scores of one protocol.

        Raises:
            ValueError: for scores of two protocols, with what differs.
        """
        if not isinstance(other, Score):
            return NotImplemented
        differences = [
            f"{mine:,} against {theirs:,} {kind} images" if kind else f"{mine} against {theirs}"
            for kind, mine, theirs in [
                ("", self.name, other.name),
                ("", self.extractor, other.extractor),
                ("", self.resize, other.resize),
                ("real", self.n_real, other.n_real),
                ("generated", self.n_fake, other.n_fake),
            ]
            if mine != theirs and (self.biased or not kind)
        ]
        if differences:
            raise ValueError(f"these scores cannot be compared: {', '.join(differences)}.")
        return self.value - other.value


def protocol(n_real: int, n_fake: int, extractor: str, resize: str) -> str:
    """In words, for the end of a line."""
    made = f"{extractor}, {resize}" if extractor else "features of unknown make"
    return f"{n_real:,} real and {n_fake:,} generated, {made}"


def named(extractor: str, with_inception: str, otherwise: str) -> str:
    """The name of a metric: the published one belongs to Inception's features.

    >>> named("onet", "FID", "Fréchet distance")
    'Fréchet face distance'
    """
    if extractor in INCEPTION:
        return with_inception
    return otherwise.replace(" ", " face ") if extractor == "onet" else otherwise
