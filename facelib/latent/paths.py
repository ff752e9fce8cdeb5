"""Ways from one latent vector to another. Both ends are included, exactly."""

from __future__ import annotations

import numpy as np


def lerp(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """`n` points on the straight line from a to b: (latent_dim,) twice → float32 (n, latent_dim).

    >>> lerp(np.zeros(2), np.array([2.0, 4.0]), 3).tolist()
    [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]

    Raises:
        ValueError: for n below 2, or points of different shape.
    """
    a, b, t = _checked(a, b, n)
    return _exact_ends((1 - t) * a + t * b, a, b)


def slerp(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """`n` points from a to b along the arc between their directions, the length going evenly from |a| to |b|.

    Gaussian z lie near a sphere; the straight line cuts through its inside, the arc does not (Shoemake 1985).
    Between opposite directions all half circles are equally short: one of them is taken, always the same. Between
    parallel ones, and from the origin, it is the straight line.

    >>> slerp(np.array([0.0, 3.0]), np.array([0.0, -1.0]), 3).round(6).tolist()
    [[0.0, 3.0], [2.0, 0.0], [0.0, -1.0]]

    Raises:
        ValueError: for n below 2, or points of different shape.
    """
    a, b, t = _checked(a, b, n)
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    if length_a == 0 or length_b == 0:
        return lerp(a, b, n)
    from_, to = a / length_a, b / length_b
    # atan2 keeps its precision where arccos of a dot product near ±1 has none.
    angle = 2 * np.arctan2(np.linalg.norm(from_ - to), np.linalg.norm(from_ + to))
    # At a right angle to the start, towards the end. Between opposite ends it is nothing but rounding; there it becomes
    # the axis that is least along the start, made perpendicular.
    across = to - (to @ from_) * from_
    if np.linalg.norm(across) < 1e-6:
        if angle < 1 or len(from_) == 1:  # nor is there another way round on a line
            return lerp(a, b, n)
        across = -from_ * from_[np.argmin(np.abs(from_))]
        across[np.argmin(np.abs(from_))] += 1
    across /= np.linalg.norm(across)
    arc = np.cos(t * angle) * from_ + np.sin(t * angle) * across
    return _exact_ends(arc * ((1 - t) * length_a + t * length_b), a, b)


def walk(points: np.ndarray, n: int, path=lerp) -> np.ndarray:
    """Visit several points (k, latent_dim), `n` positions a leg, each point once.

    Returns:
        float32 ((k - 1) * (n - 1) + 1, latent_dim).

    Raises:
        ValueError: for fewer than two points.
    """
    points = np.asarray(points)
    if points.ndim != 2 or len(points) < 2:
        raise ValueError(f"points must have shape (k, latent_dim) with k of at least 2, got {points.shape}.")
    legs = [path(a, b, n)[:-1] for a, b in zip(points[:-1], points[1:], strict=True)]
    return np.concatenate([*legs, points[-1:].astype(np.float32)])


def _checked(a, b, n):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"a and b must be two z of one shape (latent_dim,), got {a.shape} and {b.shape}.")
    if n < 2:
        raise ValueError(f"n must be at least 2, both ends included, got {n}.")
    return a, b, np.linspace(0, 1, n)[:, None]


def _exact_ends(points, a, b):
    points[0], points[-1] = a, b
    return points.astype(np.float32)
