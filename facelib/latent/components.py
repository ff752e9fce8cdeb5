"""Directions that nobody named: along which a model's pictures change most."""

from __future__ import annotations

import numpy as np

from facelib.latent.directions import check_finite, check_varies


def sefa_directions(model, k: int = 5) -> np.ndarray:
    """The `k` directions of z that its first dense layer stretches most, the most first (SeFa, Shen & Zhou 2021).

    They are eigenvectors of A Aᵀ, where z ↦ z A is that layer: no sample, no label and no training is needed.

    Args:
        model: with a `sampler` (what a GAN draws by: the average where it keeps one), `generator` or `decoder` whose
            first layer on z is dense.
        k: how many, at most latent_dim.

    Returns:
        float32 (k, latent_dim), of length 1, at right angles to each other. Of each and its opposite the one is
        returned whose largest value is positive.

    Raises:
        ValueError: for a model without such a layer, or k out of range.
    """
    kernel = first_dense(model)
    _check_k(k, len(kernel))
    _, vectors = np.linalg.eigh(kernel @ kernel.T)
    return _signed(vectors.T[::-1][:k])


def pca_directions(z: np.ndarray, features: np.ndarray | None = None, k: int = 5) -> np.ndarray:
    """Principal components of faces as directions of z, those of the largest variance first.

    Of encoded faces it is the components of z itself. The z of a GAN has none, it is drawn alike in all directions:
    there it is the components of `features`, and the z that goes with each by least squares, as GANSpace does with
    activations (Härkönen et al. 2020).

    Args:
        z: (n, latent_dim).
        features: (n, ...), what the model makes of each z: activations, or pictures.
        k: how many, at most latent_dim and n - 1. Memory grows with n², where there are features.

    Returns:
        float32 (k, latent_dim), of length 1; signs as of `sefa_directions`.

    Raises:
        ValueError: for shapes that do not fit, values that are no numbers, z that are all alike, or k out of range.
    """
    z = check_finite(z, "z")
    if z.ndim != 2 or len(z) < 2:
        raise ValueError(f"z must have shape (n, latent_dim) with n of at least 2, got {z.shape}.")
    if features is not None and len(features) != len(z):
        raise ValueError(f"features must be one row for each of the {len(z)} z, got {len(features)}.")
    check_varies(z)
    _check_k(k, min(len(z) - 1, z.shape[1]))
    centred = z - z.mean(axis=0)
    if features is None:
        return _signed(np.linalg.svd(centred, full_matrices=False)[2][:k])
    features = check_finite(features, "features").reshape(len(z), -1)
    features = features - features.mean(axis=0)
    # Rows by rows: pictures have more values than there are of them.
    values, vectors = np.linalg.eigh(features @ features.T)
    _check_k(k, int((values > max(values[-1] * 1e-10, 0)).sum()), "the features vary in no more ways")
    coordinates = vectors[:, ::-1][:, :k]
    return _signed(np.linalg.lstsq(coordinates, centred, rcond=None)[0])


def first_dense(model) -> np.ndarray:
    """The matrix that z is multiplied with first: float64 (latent_dim, units).

    Raises:
        ValueError: for a model without one.
    """
    from keras import layers

    networks = (getattr(model, name, None) for name in ("sampler", "generator", "decoder"))
    network = next((network for network in networks if network is not None), None)
    for layer in network.layers if network is not None else ():
        if isinstance(layer, layers.Dense) and layer.kernel.shape[0] == model.latent_dim:
            return np.asarray(layer.kernel, np.float64)
    raise ValueError(
        f"model must have a generator or decoder whose first layer on z is dense, got {type(model).__name__}."
    )


def _check_k(k: int, most: int, why: str = "") -> None:
    if not 1 <= k <= most:
        raise ValueError(f"k must lie between 1 and {most}, got {k}{why and f': {why}'}.")


def _signed(vectors: np.ndarray) -> np.ndarray:
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return (vectors * np.sign(largest)).astype(np.float32)
