"""Numbers for pictures, as pure functions, with intervals."""

from facelib.metrics.intervals import Estimate, bootstrap
from facelib.metrics.reconstruction import psnr, sharpness, ssim

__all__ = ["Estimate", "bootstrap", "psnr", "sharpness", "ssim"]
