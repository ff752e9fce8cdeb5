"""What is known of a damaged picture: masks of pixels, or a copy of it that was made smaller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Mask:
    """What is known of square pictures.

    Attributes:
        known: bool (side, side), or (n, side, side) with a mask a picture; True where something is known.
        block: side in pixels of the squares that `known` speaks of. Where it is more than 1, a square's mean is known,
            and none of its pixels.
    """

    known: np.ndarray
    block: int = 1

    def __post_init__(self):
        known = np.asarray(self.known)
        if known.dtype != bool or known.ndim not in (2, 3) or known.shape[-1] != known.shape[-2]:
            raise ValueError(
                f"mask must be bool (side, side) or (n, side, side), True where known, got {known.dtype} {known.shape}."
            )
        if not known.any(axis=(-2, -1)).all():
            raise ValueError("mask leaves nothing known of a picture: there is nothing to complete it from.")
        if self.block < 1:
            raise ValueError(f"block must be at least 1 pixel, got {self.block}.")
        object.__setattr__(self, "known", known)

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return self.known.shape[-1] * self.block

    def of(self, n: int) -> np.ndarray:
        """bool (n, side, side): a mask for each of n pictures."""
        if self.known.ndim == 3 and len(self.known) != n:
            raise ValueError(f"mask must be one for all or one for each of the {n} images, got {len(self.known)}.")
        return np.broadcast_to(self.known, (n, *self.known.shape[-2:]))

    def applied(self, images: np.ndarray, fill: int = 128) -> np.ndarray:
        """What is left of uint8 images (n, size, size, 3): `fill` where nothing is known, squares of their means."""
        if images.shape[1:] != (self.size, self.size, 3):
            raise ValueError(f"images must have {self.size}×{self.size} pixels as the mask has, got {images.shape}.")
        known, b = self.of(len(images)), self.block
        shown = images if b == 1 else np.round(self.means(images)).astype(np.uint8).repeat(b, 1).repeat(b, 2)
        return np.where(known.repeat(b, 1).repeat(b, 2)[..., None], shown, np.uint8(fill))

    def means(self, images: np.ndarray) -> np.ndarray:
        """Mean colour of each square: (n, size, size, 3) → float64 (n, side, side, 3)."""
        n, b, side = len(images), self.block, self.known.shape[-1]
        return images.reshape(n, side, b, side, b, 3).mean(axis=(2, 4), dtype=np.float64)


def centre(size: int, share: float = 0.25) -> Mask:
    """A square in the middle is missing, this share of the area.

    >>> int((~centre(64).known).sum()), 32 * 32
    (1024, 1024)
    """
    _check_share(share)
    side = round(size * share**0.5)
    start = (size - side) // 2
    known = np.ones((size, size), bool)
    known[start : start + side, start : start + side] = False
    return Mask(known)


def scattered(size: int, share: float = 0.8, seed: int = 0) -> Mask:
    """Pixels at random are missing, this share of them."""
    _check_share(share)
    return Mask(np.random.default_rng(seed).random((size, size)) >= share)


def half(size: int, missing: str = "right") -> Mask:
    """One half is missing: "left", "right", "top" or "bottom"."""
    known = np.ones((size, size), bool)
    middle = size // 2
    parts = {
        "left": np.s_[:, :middle],
        "right": np.s_[:, middle:],
        "top": np.s_[:middle],
        "bottom": np.s_[middle:],
    }
    if missing not in parts:
        raise ValueError(f"missing must be one of {sorted(parts)}, got {missing!r}.")
    known[parts[missing]] = False
    return Mask(known)


def grid(size: int, every: int = 4) -> Mask:
    """Of every square of so many pixels a side one pixel is known."""
    if not 1 <= every <= size:
        raise ValueError(f"every must lie between 1 and {size} pixels, got {every}.")
    known = np.zeros((size, size), bool)
    known[every // 2 :: every, every // 2 :: every] = True
    return Mask(known)


def low_resolution(size: int, block: int = 4) -> Mask:
    """Of every square of so many pixels a side the mean is known: a picture that was made smaller."""
    if block < 1 or size % block:
        raise ValueError(f"block must divide the {size} pixels, got {block}.")
    return Mask(np.ones((size // block, size // block), bool), block)


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, got {share}.")
