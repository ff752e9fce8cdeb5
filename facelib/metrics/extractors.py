"""Networks whose features metrics compare, by name.

- "inception": Keras' InceptionV3, trained on ImageNet; 2,048 features. Downloaded on first use (88 MB).
- "inception-2015": the network behind published FIDs; 2,048 features. Downloaded on first use (96 MB).
- "onet": the 256 face features inside MTCNN's last network. Comes with the mtcnn package, nothing is downloaded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from facelib.checks import whole_number

INCEPTION = ("inception", "inception-2015")  # whose distances may be called FID
NAMES = (*INCEPTION, "onet")


@dataclass(frozen=True)
class Extractor:
    """A network and how it wants its images.

    Attributes:
        name: stands on every number that comes of it: two networks must not share one.
        network: images (n, height, width, 3) → (n, d). They are uint8 as they came, or float32 in [0, 255] where they
            are resized.
        side: pixels that images are resized to; None where they stay as they are.
        method: of the resize, one of `facelib.metrics.resize.METHODS`.
        built_in: whether it is one of facelib's own, which alone may have their names.

    Raises:
        ValueError: for a name of facelib's own, a side that is no whole number, or an unknown method.
    """

    name: str
    network: Callable[[np.ndarray], np.ndarray]
    side: int | None = None
    method: str = "bicubic antialiased"
    built_in: bool = False

    def __post_init__(self):
        if self.name in NAMES and not self.built_in:
            raise ValueError(f"extractor must not be called {self.name!r}: the name belongs to facelib's own network.")
        if self.side is not None:
            from facelib.metrics.resize import METHODS

            whole_number(self.side, "side", 1)
            if self.method not in METHODS:
                raise ValueError(f"method must be one of {tuple(METHODS)}, got {self.method!r}.")

    def __call__(self, images: np.ndarray) -> np.ndarray:
        if self.side is not None:
            from facelib.metrics.resize import METHODS

            images = METHODS[self.method](images, self.side)
        return self.network(images)

    def resize(self, size: tuple[int, int]) -> str:
        """In words: "80×80 → 299×299 bicubic antialiased"."""
        size = "×".join(map(str, size))
        return size if self.side is None else f"{size} → {self.side}×{self.side} {self.method}"


def get_extractor(extractor: str | Callable | Extractor) -> Extractor:
    """The extractor of this name, loaded once; a function becomes one under its own name.

    Raises:
        ValueError: for a name that is none, or a function without one, or with one of facelib's.
        OSError: if its weights cannot be had.
    """
    if isinstance(extractor, Extractor):
        return extractor
    if callable(extractor):
        name = getattr(extractor, "__name__", "<unnamed>")
        if name.startswith("<"):
            raise ValueError(
                'extractor must have a name, by which its numbers are told from others\': Extractor("mine", function).'
            )
        return Extractor(name, extractor)
    if not isinstance(extractor, str) or extractor not in NAMES:
        raise ValueError(f"extractor must be one of {sorted(NAMES)} or a function of uint8 images, got {extractor!r}.")
    return _named(extractor)


def first_extractor(names: Sequence[str]) -> Extractor:
    """The first of these networks whose weights can be had, with a warning that says why it is not an earlier one.

    Args:
        names: such as ("inception", "onet"): where there is no network, the last needs none.

    Raises:
        ValueError: for no names, or one that is none.
        OSError: if no weights can be had.
    """
    if isinstance(names, str) or not names or set(names) - set(NAMES):
        raise ValueError(f"names must be one or more of {sorted(NAMES)}, got {names!r}.")
    missing = []
    for name in names:
        try:
            extractor = get_extractor(name)
        except OSError as error:
            missing.append(f"{name}: {error}")
            continue
        if missing:
            warnings.warn(f"features are made by {name}, for want of {' '.join(missing)}", stacklevel=2)
        return extractor
    raise OSError(" ".join(missing))


def attribute_extractor(classifier, name: str) -> Extractor:
    """What a classifier of attributes sees just before it answers: its last maps, averaged over the picture.

    Args:
        classifier: an `AttributeClassifier`, such as `weights.load("scorer-synthetic-64")`.
        name: of the extractor; another one for each classifier.
    """
    import keras

    trunk = classifier.network.get_layer("trunk")
    maps = [layer.output for layer in trunk.layers if len(layer.output.shape) == 4][-1]
    network = keras.Model(trunk.input, keras.layers.GlobalAveragePooling2D()(maps))
    return Extractor(
        name,
        lambda pixels: network.predict_on_batch(pixels / np.float32(127.5) - 1),
        classifier.image_size,
        "bicubic antialiased",
    )


@lru_cache
def _named(name: str) -> Extractor:
    if name == "onet":
        from facelib.metrics.onet import SIDE, onet

        return Extractor(name, onet(), SIDE, "bicubic antialiased", built_in=True)
    from facelib.metrics.inception import SIDE, inception_2015, keras_inception

    if name == "inception":
        return Extractor(name, keras_inception(), SIDE, "bicubic antialiased", built_in=True)
    return Extractor(name, inception_2015(), SIDE, "bilinear of 2015", built_in=True)
