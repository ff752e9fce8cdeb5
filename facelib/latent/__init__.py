"""Arithmetic on latent vectors of any model with `latent_dim` and `decode(z)`."""

from facelib.latent.arithmetic import arithmetic
from facelib.latent.directions import Direction, mean_direction
from facelib.latent.paths import lerp, slerp, walk

__all__ = ["Direction", "arithmetic", "lerp", "mean_direction", "slerp", "walk"]
