"""Numbers for pictures, as pure functions, with intervals."""

from facelib.metrics.detection import face_rate
from facelib.metrics.intervals import Estimate, bootstrap, proportion
from facelib.metrics.reconstruction import grid_power, psnr, sharpness, ssim

__all__ = ["Estimate", "bootstrap", "face_rate", "grid_power", "proportion", "psnr", "sharpness", "ssim"]
