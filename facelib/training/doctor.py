"""A training doctor: what the curves of a GAN show, in plain words, and what to try.

Losses of two players do not fall as they learn, so they are read against landmarks. A discriminator that tosses coins
pays ln 2 = 0.69 for real and for generated images, and the generator pays as much; one that is never wrong pays 0, and
the generator more and more. The limits below are rules of thumb: those of seed 002 where it has them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

COIN = math.log(2)  # what a coin toss pays, in nats
LOSSES = ("d_loss_real", "d_loss_fake", "g_loss")


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor sees.

    Attributes:
        name: of the condition, for programs.
        seen: what the curves show, with numbers.
        advice: what to try.
    """

    name: str
    seen: str
    advice: str

    def __str__(self) -> str:
        return f"{self.seen} {self.advice}"


def diagnose(
    history: Mapping[str, Sequence[float]] | object,
    variety: Sequence[float] | None = None,
    recent: float = 0.25,
    grid: Sequence[float] | None = None,
) -> list[Finding]:
    """Read the curves of a GAN whose players pay for real-or-not alone: DCGAN, ConditionalDCGAN.

    ACGAN, 2N-GAN and InfoGAN add what classes and codes cost to the same losses, so theirs lie higher than a coin toss
    from the beginning, and these verdicts are not for them.

    Args:
        history: losses by epoch (or by step) under `d_loss_real`, `d_loss_fake` and `g_loss`: what `fit` returned, or
            the dictionary in it.
        variety: for as many epochs, how much samples differ from each other as a share of how much real faces do
            (`variety_of`); without it mode collapse cannot be told from learning.
        recent: the share of the curves that the verdict is about, from the end; at least three values.
        grid: for as many epochs, how much of a grid samples carry (`facelib.metrics.grid_power`).

    Returns:
        findings, the gravest first; one named "healthy" if nothing is wrong.

    Raises:
        ValueError: if a loss is missing, there are fewer than four values, or variety or grid has another length or
            gaps.
    """
    history = getattr(history, "history", history)
    missing = [loss for loss in LOSSES if loss not in history]
    if missing:
        raise ValueError(f"history must have {', '.join(LOSSES)}; {', '.join(missing)} is missing.")
    real, fake, generator = (np.asarray(history[loss], float) for loss in LOSSES)
    if len(real) < 4:
        raise ValueError(f"the doctor needs at least 4 epochs, got {len(real)}: train longer, or give losses by step.")
    broken = np.flatnonzero(~np.isfinite(real + fake + generator))
    if broken.size:
        return [
            Finding(
                "broken",
                f"From epoch {broken[0] + 1} on a loss is not a number: the weights are lost from there on.",
                "Go back to a checkpoint before it, lower the learning rates, and train with a CollapseGuard.",
            )
        ]
    for name, values in {"variety": variety, "grid": grid}.items():
        if values is not None and (len(values) != len(real) or not np.isfinite(values).all()):
            raise ValueError(f"{name} must be one number an epoch, {len(real)} in all, got {list(values)}.")
    last = max(3, round(recent * len(real)))
    checks = [
        _collapse(variety),
        _balance(real[-last:], fake[-last:], generator[-last:]),
        _swings(generator, last),
        _checkerboard(grid, last),
    ]
    findings = [finding for finding in checks if finding]
    return findings or [_healthy(real[-last:].mean(), fake[-last:].mean(), generator[-last:].mean())]


def variety_of(samples: np.ndarray, faces: np.ndarray) -> float:
    """How much samples differ from each other, as a share of how much faces do: 1 for equal, 0 for one face only.

    The measure is the standard deviation of each pixel over the set, averaged. Both arrays uint8 (n, size, size, 3).

    >>> faces = np.random.default_rng(0).integers(0, 255, (8, 4, 4, 3), np.uint8)
    >>> variety_of(faces, faces), variety_of(faces[:1].repeat(8, axis=0), faces)
    (1.0, 0.0)
    """
    spreads = [np.asarray(images, np.float32).std(axis=0).mean() for images in (samples, faces)]
    return float(spreads[0] / spreads[1])


def _collapse(variety: Sequence[float] | None) -> Finding | None:
    if variety is not None and variety[-1] > 1.5:
        return Finding(
            "noise",
            f"Samples differ from each other by {variety[-1]:.0%} of what faces do: that is no variety but noise.",
            "Go back to an earlier epoch and lower the learning rates.",
        )
    if variety is None or variety[-1] >= 0.5:
        return None
    before = max(variety)
    fell = f", after {before:.0%} at best" if before > 1.5 * variety[-1] else ""
    return Finding(
        "mode collapse",
        f"Samples differ from each other by {variety[-1]:.0%} of what faces do{fell}: the generator draws a few faces "
        "over and over.",
        "Go back to an earlier epoch. Try DiffAugment, R1, a slower generator, or a larger batch.",
    )


def _balance(real: np.ndarray, fake: np.ndarray, generator: np.ndarray) -> Finding | None:
    d, g = (real.mean() + fake.mean()) / 2, generator.mean()
    if d < 0.15 and g > 2.5:
        return Finding(
            "overpowering discriminator",
            f"The discriminator is almost never wrong (loss {d:.2f}, a coin toss pays {COIN:.2f}), the generator pays "
            f"{g:.1f} and hardly learns from it.",
            "Slow the discriminator: a lower learning rate, more dropout, R1, DiffAugment, or fewer channels.",
        )
    worst = max((real.mean(), "d_loss_real"), (fake.mean(), "d_loss_fake"))
    if g > 4.5 or worst[0] > 2.0:
        loss, value = ("g_loss", g) if g > 4.5 else (worst[1], worst[0])
        return Finding(
            "runaway",
            f"{loss} is {value:.1f}, far beyond what a game between equals costs (seed 002 gives up at 4.5 for the "
            "generator and at 2.0 for the discriminator).",
            "Go back to a checkpoint before it ran away, and lower the learning rates; β1 = 0.5 helps too.",
        )
    if d > 0.95 or g < 0.4:
        return Finding(
            "overpowered discriminator",
            f"The discriminator is wrong more often than a coin (loss {d:.2f} against {COIN:.2f}), the generator pays "
            f"{g:.2f}: nobody teaches it.",
            "Strengthen the discriminator: a higher learning rate, more channels, less R1 and dropout, or a slower "
            "generator.",
        )
    if abs(real.mean() - COIN) < 0.02 and abs(fake.mean() - COIN) < 0.02 and abs(g - COIN) < 0.03:
        return Finding(
            "coin toss",
            f"All three losses rest at {COIN:.2f}: the discriminator tosses a coin. At the start that means that "
            "nobody has learnt yet, at the end that samples cannot be told from faces: look at them.",
            "If they are no faces, give it more steps, a higher learning rate, or less R1 and augmentation.",
        )
    return None


def _swings(generator: np.ndarray, last: int) -> Finding | None:
    steps = np.abs(np.diff(generator[-last:]))
    if len(steps) < 2 or steps.mean() < 0.5 * generator[-last:].mean():
        return None
    return Finding(
        "oscillation",
        f"The generator's loss jumps by {steps.mean():.1f} from one epoch to the next, around "
        f"{generator[-last:].mean():.1f}: the players chase each other.",
        "Lower both learning rates, take β1 = 0.5 instead of 0.9, or average the generator (ema).",
    )


def _checkerboard(grid: Sequence[float] | None, last: int) -> Finding | None:
    if grid is None or (power := float(np.mean(grid[-last:]))) < 2:
        return None
    return Finding(
        "checkerboard",
        f"Samples carry a grid: {power:.1f} times as much power at its frequencies as beside them.",
        "Train on: most of it is unlearnt. What stays goes when pictures are enlarged first and convolved then.",
    )


def _healthy(real: float, fake: float, generator: float) -> Finding:
    return Finding(
        "healthy",
        f"Neither player runs away: the discriminator pays {real:.2f} for real and {fake:.2f} for generated images, "
        f"the generator {generator:.2f}.",
        "Losses do not say how good the faces are: look at samples, and choose the epoch by a score.",
    )
