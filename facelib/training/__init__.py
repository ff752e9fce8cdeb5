"""How models are trained: callbacks, and (from chapter 03 on) the adversarial step."""

from facelib.training.checkpoint import Checkpoint
from facelib.training.progress import EpochLines

__all__ = ["Checkpoint", "EpochLines"]
