"""The sum that gave the course its name (Radford et al. 2015, seed 000)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def arithmetic(plus: Sequence[np.ndarray], minus: Sequence[np.ndarray] = ()) -> np.ndarray:
    """Add and subtract faces as points of a latent space.

    Args:
        plus, minus: the terms, each one face's z of shape (latent_dim,) or several faces' (n, latent_dim), which
            stand for their average.

    Returns:
        float32 (latent_dim,).

    >>> smiling_women, neutral_woman, neutral_man = [[3.0, 1.0], [1.0, 1.0]], [0.0, 0.0], [0.0, 5.0]
    >>> arithmetic([smiling_women, neutral_man], [neutral_woman]).tolist()
    [2.0, 6.0]

    Raises:
        ValueError: if there is nothing to add, a term is empty, or the terms differ in length.
    """
    if not len(plus):
        raise ValueError("plus is empty; pass at least one z, e.g. arithmetic([a, c], [b]) for a - b + c.")
    terms = [_average(term) for term in (*plus, *minus)]
    if len({term.shape for term in terms}) > 1:
        raise ValueError(f"terms must have one latent_dim, got {[term.shape[0] for term in terms]}.")
    signs = np.array([1] * len(plus) + [-1] * len(minus), np.float64)
    return (signs @ np.stack(terms)).astype(np.float32)


def _average(term: np.ndarray) -> np.ndarray:
    term = np.asarray(term, np.float64)
    if term.ndim not in (1, 2) or not term.size:
        raise ValueError(f"a term must be z of shape (latent_dim,) or (n, latent_dim), got {term.shape}.")
    return term.mean(axis=0) if term.ndim == 2 else term
