"""Networks whose features metrics compare, by name.

- "inception": Keras' InceptionV3, trained on ImageNet; 2,048 features. Downloaded on first use (88 MB).
- "inception-2015": the network behind published FIDs; 2,048 features. Downloaded on first use (96 MB).
- "onet": the 256 face features inside MTCNN's last network. Comes with the mtcnn package, nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

INCEPTION = ("inception", "inception-2015")  # whose distances may be called FID


@dataclass(frozen=True)
class Extractor:
    """A network and how it wants its images.

    Attributes:
        name: stands on every number that comes of it.
        network: uint8 images (n, height, width, 3) → (n, d).
        side: pixels that it resizes to; None where images stay as they are.
        method: of the resize.
    """

    name: str
    network: Callable[[np.ndarray], np.ndarray]
    side: int | None = None
    method: str = ""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return self.network(images)

    def resize(self, size: tuple[int, int]) -> str:
        """In words: "80×80 → 299×299 bicubic antialiased"."""
        size = "×".join(map(str, size))
        return size if self.side is None else f"{size} → {self.side}×{self.side} {self.method}"


def get_extractor(extractor: str | Callable | Extractor) -> Extractor:
    """The extractor of this name, loaded once; a function becomes one under its own name.

    Raises:
        ValueError: for a name that is none.
        OSError: if its weights cannot be had.
    """
    if isinstance(extractor, Extractor):
        return extractor
    if callable(extractor):
        return Extractor(getattr(extractor, "__name__", type(extractor).__name__), extractor)
    if extractor not in _NAMED:
        raise ValueError(f"extractor must be one of {sorted(_NAMED)} or a function of uint8 images, got {extractor!r}.")
    return _named(extractor)


@lru_cache
def _named(name: str) -> Extractor:
    return _NAMED[name]()


def _inception() -> Extractor:
    from facelib.metrics.inception import keras_inception

    return Extractor("inception", keras_inception(), 299, "bicubic antialiased")


def _inception_2015() -> Extractor:
    from facelib.metrics.inception import inception_2015

    return Extractor("inception-2015", inception_2015(), 299, "bilinear of 2015")


def _onet() -> Extractor:
    from facelib.metrics.onet import onet

    return Extractor("onet", onet(), 48, "bicubic antialiased")


_NAMED = {"inception": _inception, "inception-2015": _inception_2015, "onet": _onet}
