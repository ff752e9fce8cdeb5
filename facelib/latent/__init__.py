"""Arithmetic on latent vectors of any model with `latent_dim` and `decode(z)`."""

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
    "Direction",
    "Given",
    "Scorecard",
    "arithmetic",
    "as_direction",
    "conditioned",
    "lerp",
    "mean_direction",
    "pca_directions",
    "random_direction",
    "read_samples",
    "scorecard",
    "sefa_directions",
    "slerp",
    "svm_direction",
    "tails",
    "walk",
]
