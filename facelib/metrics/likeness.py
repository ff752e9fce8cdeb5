"""How alike two faces are to a network that was trained on faces."""

from __future__ import annotations

import numpy as np

from facelib.metrics.features import check_columns, check_features, check_pair, check_protocols


def likeness(a, b, reference=None) -> np.ndarray:
    """Cosine between the features of faces, row by row, each feature counted from its mean in its standard deviations.

    1 for equal faces, about 0 between strangers. Without counting from the mean, what all faces have in common would
    make every pair alike.

    >>> one, other = np.eye(4), np.eye(4)[[0, 1, 3, 2]]
    >>> likeness(one, other).round(2).tolist()
    [1.0, 1.0, -0.33, -0.33]

    Args:
        a, b: (n, d) each, such as `extract(images, "onet")`. MTCNN's features were never taught who is who.
        reference: features (m, d) that mean and standard deviation are taken from; `a` by default, if it has two rows
            or more. A feature that is the same in all of them is left out: in its units any change would be endless.

    Raises:
        ValueError: for features of other shapes, that are not finite or made in different ways.
    """
    like = a
    a, b = check_pair(a, b, "a", "b", rows=1)
    if len(a) != len(b):
        raise ValueError(f"a and b must have as many rows, got {len(a)} and {len(b)}.")
    if reference is None:
        if len(a) < 2:
            raise ValueError("reference is missing: how much faces differ cannot be told from a single one.")
        reference = a
    else:
        check_protocols(like, reference, "a", "reference")
        reference = check_features(reference, "reference")
        check_columns(a.shape[1], reference.shape[1], "a", "reference")
    mean, spread = reference.mean(axis=0), reference.std(axis=0)
    varies = spread > 1e-6 * spread.max()
    a, b = ((x[:, varies] - mean[varies]) / (spread[varies] + 1e-6) for x in (a, b))
    return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1) + 1e-12)
