"""Real images against generated ones: FID, FID∞ and KID, or what they are called under another network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tqdm.auto import tqdm

from facelib.checks import whole_number
from facelib.metrics.extractors import Extractor, get_extractor
from facelib.metrics.features import Features, check_protocols, extract
from facelib.metrics.frechet import frechet_distance, standard_error
from facelib.metrics.images import Images, check_images
from facelib.metrics.kernel import kernel_distance
from facelib.metrics.score import Score, named
from facelib.metrics.statistics import Statistics

NORMAL = 1.96  # standard errors to each side of a 95 % interval
LEAST, SMALLEST = 30, 1 / 3  # images, and the share of them, that FID∞ is measured on

Sample = Images | Features | Statistics


def fid(
    real: Sample,
    fake: Sample,
    extractor: str | Callable | Extractor = "inception",
    *,
    resamples: int = 30,
    seed: int = 0,
    batch_size: int = 64,
    progress: bool = True,
) -> Score:
    """Fréchet distance between the features of real and generated images (Heusel et al. 2017).

    It is called FID if Inception made the features, Fréchet face distance for MTCNN's, and Fréchet distance otherwise.
    It falls as n grows, for models and for real images alike: compare at equal n, or use `fid_infinity`.

    Args:
        real, fake: uint8 images (n, height, width, 3), a FaceSet, batches, the `Features` that `extract` made, or
            `Statistics`. Images of the two sides must have one size.
        extractor: see `extract`; for the sides that are still images.
        resamples: bootstrap samples behind the interval; 0 for none. Both sides are drawn anew, statistics are not. The
            interval errs to the wide side, the more the fewer images there are (see `standard_error`).
        seed: of the bootstrap.
        batch_size: images in the network at a time; it does not change the result.
        progress: whether to show bars.

    Raises:
        ValueError: for images or features that `extract` or `frechet_distance` refuses, or sides of two protocols.
        OSError: if the network's weights cannot be had.
    """
    _check_resamples(resamples)
    real, fake = _measured(real, fake, extractor, batch_size, progress)
    value = frechet_distance(real, fake)
    error = _bootstrapped(real, fake, resamples, seed, progress)
    return _score("FID", "Fréchet distance", value, error, real, fake, floor=0.0)


def fid_infinity(
    real: Sample,
    fake: Sample,
    extractor: str | Callable | Extractor = "inception",
    *,
    points: int = 8,
    resamples: int = 30,
    seed: int = 0,
    batch_size: int = 64,
    progress: bool = True,
) -> Score:
    """The Fréchet distance of infinitely many images (Chong & Forsyth 2020): a line in 1/n, read where 1/n is 0.

    The distance is measured on all images and on random parts of them, down to a third. That its bias is a line in 1/n
    holds where there are several times as many images as features.

    Args:
        real, fake, extractor, seed, batch_size, progress: as for `fid`; statistics are not enough.
        points: shares of the images on the line.
        resamples: bootstrap samples behind the interval, to which the line's own error is added; 0 for none.

    Raises:
        ValueError: as `fid`; for fewer than 3 points or 30 images, or statistics.
    """
    whole_number(points, "points", 3)
    _refuse_statistics(real, fake)
    _check_resamples(resamples)
    real, fake = _measured(real, fake, extractor, batch_size, progress)
    if min(len(real), len(fake)) < LEAST:
        raise ValueError(f"FID∞ needs at least {LEAST} images a side, got {len(real)} real and {len(fake)} generated.")
    rng = np.random.default_rng(seed)

    def part(side: Features, share: float) -> Features:
        return side[rng.permutation(len(side))[: round(share * len(side))]]

    shares = np.linspace(SMALLEST, 1, points)
    shares = np.append(shares[:-1].repeat(2), 1)  # two parts of each, for one alone is a matter of luck
    distances = [
        frechet_distance(part(real, share), part(fake, share))
        for share in tqdm(shares, desc="parts of the images", disable=not progress)
    ]
    (_, value), covariance = np.polyfit(1 / shares, distances, 1, cov=True)
    error = np.hypot(_bootstrapped(real, fake, resamples, seed, progress), np.sqrt(covariance[1, 1]))
    return _score("FID∞", "Fréchet distance∞", float(value), error, real, fake, biased=False)


def kid(
    real: Sample,
    fake: Sample,
    extractor: str | Callable | Extractor = "inception",
    *,
    batch_size: int = 64,
    progress: bool = True,
) -> Score:
    """Kernel distance between the features of real and generated images (Bińkowski et al. 2018), without bias.

    Its mean is the same for few images and for many, and 0 for two halves of one set, so it may come out negative. It
    is called KID if Inception made the features. Many programs print it times 100 or 1,000; here it is as defined.

    Args, Raises: as for `fid`; statistics are not enough.
    """
    _refuse_statistics(real, fake)
    real, fake = _measured(real, fake, extractor, batch_size, progress)
    value, error = kernel_distance(real, fake)
    return _score("KID", "Kernel distance", value, error, real, fake, biased=False)


def _measured(real: Sample, fake: Sample, extractor, batch_size: int, progress: bool) -> list[Features | Statistics]:
    sides = {"real": real, "fake": fake}
    ready = {name: isinstance(side, (Features, Statistics)) for name, side in sides.items()}
    for name, side in sides.items():
        if not ready[name]:
            check_images(side, name)  # before a network is downloaded
    if not all(ready.values()):
        extractor = get_extractor(extractor)
        for name in sides:
            # Before the network has worked on the other side for an hour.
            if ready[name] and sides[name].extractor != extractor.name:
                raise ValueError(
                    f"{name} was made by {sides[name].extractor!r}, but extractor is {extractor.name!r}: "
                    "both sides must be made by one."
                )
    measured = [
        side if ready[name] else extract(side, extractor, batch_size=batch_size, progress=progress, name=name)
        for name, side in sides.items()
    ]
    check_protocols(*measured)
    return measured


def _refuse_statistics(real: Sample, fake: Sample) -> None:
    for name, side in {"real": real, "fake": fake}.items():
        if isinstance(side, Statistics):
            raise ValueError(f"{name} must be images or features: statistics do not say what single images are like.")


def _check_resamples(resamples: int) -> None:
    if resamples != 0:
        whole_number(resamples, "resamples", 2)


def _bootstrapped(real, fake, resamples: int, seed: int, progress: bool) -> float:
    if resamples == 0 or (isinstance(real, Statistics) and isinstance(fake, Statistics)):
        return float("nan")
    return standard_error(real, fake, resamples, seed, progress=progress)


def _score(
    published: str,
    otherwise: str,
    value: float,
    error: float,
    real: Features | Statistics,
    fake: Features | Statistics,
    floor: float = -np.inf,
    biased: bool = True,
) -> Score:
    n_real, n_fake = (side.n if isinstance(side, Statistics) else len(side) for side in (real, fake))
    low, high = np.maximum(floor, value - NORMAL * error), value + NORMAL * error  # NaN where error is
    name = named(real.extractor, published, otherwise)
    return Score(name, value, float(low), float(high), n_real, n_fake, real.extractor, real.resize, biased)
