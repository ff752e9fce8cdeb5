"""Arithmetic on latent vectors of any model with `latent_dim` and `decode(z)`."""

from facelib.latent import masks
from facelib.latent.arithmetic import arithmetic
from facelib.latent.components import pca_directions, sefa_directions
from facelib.latent.directions import (
    Direction,
    as_direction,
    conditioned,
    mean_direction,
    random_direction,
    svm_direction,
)
from facelib.latent.paths import lerp, slerp, walk
from facelib.latent.samples import Given, read_samples, tails
from facelib.latent.scorecard import Scorecard, scorecard

__all__ = [
    "Completion",
    "Direction",
    "Given",
    "Projection",
    "Recipe",
    "Scorecard",
    "arithmetic",
    "as_direction",
    "complete",
    "conditioned",
    "discriminator_features",
    "lerp",
    "masks",
    "mean_direction",
    "pca_directions",
    "project",
    "random_direction",
    "read_samples",
    "scorecard",
    "sefa_directions",
    "slerp",
    "svm_direction",
    "tails",
    "walk",
]


def __getattr__(name: str):
    """What runs a network backwards loads Keras, which paths and sums do without."""
    if name in ("Projection", "Recipe", "discriminator_features", "project"):
        from facelib.latent import projection

        return getattr(projection, name)
    if name in ("Completion", "complete"):
        from facelib.latent import completion

        return getattr(completion, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
