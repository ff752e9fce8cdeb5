"""How models are trained: the adversarial step, its recipes, and callbacks."""

from facelib.training.accuracy import DiscriminatorAccuracy
from facelib.training.checkpoint import Checkpoint
from facelib.training.doctor import diagnose, variety_of
from facelib.training.guard import CollapseGuard, StopOnNaN
from facelib.training.kept import KeptRun
from facelib.training.progress import EpochLines
from facelib.training.recipes import recipe
from facelib.training.samples import BestEpoch, SampleGrid, TranslationGrid

__all__ = [
    "BestEpoch",
    "Checkpoint",
    "CollapseGuard",
    "DiscriminatorAccuracy",
    "EpochLines",
    "KeptRun",
    "SampleGrid",
    "StopOnNaN",
    "TranslationGrid",
    "diagnose",
    "recipe",
    "variety_of",
]
