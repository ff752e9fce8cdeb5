"""Numbers for pictures: features → statistics → distance, as pure functions, each number with its protocol."""

from facelib.metrics.detection import face_confidence, face_rate
from facelib.metrics.distances import fid, fid_infinity, kid
from facelib.metrics.extractors import Extractor, attribute_extractor, first_extractor
from facelib.metrics.features import Features, extract
from facelib.metrics.frechet import frechet_distance, trace_of_root
from facelib.metrics.inception_score import ClassScore, inception_score
from facelib.metrics.intervals import Estimate, bootstrap, proportion, wilson
from facelib.metrics.kernel import kernel_distance
from facelib.metrics.likeness import likeness
from facelib.metrics.neighbours import Coverage, expected_coverage, memorization, nearest, precision_recall
from facelib.metrics.reconstruction import grid_power, psnr, sharpness, ssim
from facelib.metrics.score import Score
from facelib.metrics.statistics import Statistics
from facelib.metrics.translation import fit_factor

__all__ = [
    "ClassScore",
    "Conditionality",
    "Coverage",
    "Estimate",
    "Extractor",
    "Features",
    "Judge",
    "Score",
    "Statistics",
    "as_judge",
    "attribute_extractor",
    "bootstrap",
    "class_coverage",
    "conditionality",
    "expected_coverage",
    "extract",
    "face_confidence",
    "face_rate",
    "fid",
    "fid_infinity",
    "first_extractor",
    "fit_factor",
    "frechet_distance",
    "grid_power",
    "inception_score",
    "kernel_distance",
    "kid",
    "likeness",
    "memorization",
    "nearest",
    "precision_recall",
    "proportion",
    "psnr",
    "sharpness",
    "ssim",
    "trace_of_root",
    "train_judge",
    "wilson",
]


def __getattr__(name: str):
    """What trains a network loads Keras, which the other metrics do without until they are given images."""
    if name in ("Conditionality", "Judge", "as_judge", "class_coverage", "conditionality", "train_judge"):
        from facelib.metrics import judge

        return getattr(judge, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
