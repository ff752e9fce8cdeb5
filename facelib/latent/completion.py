"""Missing parts of pictures, drawn by a generator that has been fitted to what is known (Yeh et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from facelib.data.faceset import FaceSet
from facelib.latent.masks import Mask
from facelib.latent.projection import Projection, as_mask, check_model, project
from facelib.models.latent import check_images

AT_A_TIME = 256  # pictures that are blended: as float64 they need eight times their room
NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True, eq=False)
class Completion:
    """What `complete` made.

    Attributes:
        images: uint8 (n, size, size, 3), known pixels as they were.
        projection: the fit, whose `images` are what the generator drew.
        mask: what was known.
    """

    images: np.ndarray
    projection: Projection
    mask: Mask


def complete(
    model,
    images: np.ndarray | FaceSet,
    mask: Mask | np.ndarray,
    *,
    recipe="modern",
    blend: bool = True,
    **kwargs,
) -> Completion:
    """Draw what is missing: find the z whose picture fits what is known, and take the rest from it.

    Known pixels stay as they were, to the bit. Of a picture made smaller no pixel is known, but the mean of each
    square: blended, the result keeps these to within half a level.

    Args:
        model: as of `project`.
        images: uint8 (n, size, size, 3), or a FaceSet; what is missing in them is not looked at.
        mask: what is known: a `Mask` from `facelib.latent.masks`, or bool (size, size), True where known, or one an
            image.
        recipe: as of `project`.
        blend: let the border disappear: what is drawn keeps its gradients and takes its level from the known pixels
            around it (Pérez et al. 2003).
        **kwargs: as of `project`.

    Raises:
        ValueError: as `project` does, and for a mask of another size or one that leaves nothing known.
        FloatingPointError: as `project` does.
    """
    check_model(model)
    images = check_images(images, model.image_size)
    mask = as_mask(mask, model.image_size)
    hidden = mask.applied(images)  # so that nothing can leak from what is missing
    projection = project(model, hidden, recipe, mask=mask, **kwargs)
    completed = np.empty_like(images)
    known = mask.of(len(images))
    for begin in range(0, len(images), AT_A_TIME):
        rows = slice(begin, begin + AT_A_TIME)
        completed[rows] = _merged(images[rows], projection.images[rows], known[rows], mask, blend)
    return Completion(completed, projection, mask)


def _merged(images: np.ndarray, drawn: np.ndarray, known: np.ndarray, mask: Mask, blend: bool) -> np.ndarray:
    """Known and drawn as one, uint8; `known` are the rows of the mask."""
    drawn = drawn.astype(np.float64)
    if mask.block > 1:
        return _rounded(_with_means(drawn, mask.means(images), known, mask) if blend else drawn)
    if blend:
        drawn += _membrane(np.where(known[..., None], images - drawn, 0.0), known, mask.known.ndim == 2)
    return np.where(known[..., None], images, _rounded(drawn))


def _membrane(error: np.ndarray, known: np.ndarray, one_mask: bool) -> np.ndarray:
    """What to add to drawn pictures, (n, size, size, 3): their error where it is known, as smooth as can be elsewhere.

    Adding it to a picture is Poisson blending: where pixels are missing, its Laplacian is zero. At the picture's edge
    it goes on level.
    """
    if one_mask:
        return _filled(error, known[0])
    return np.stack([_filled(e[None], k)[0] for e, k in zip(error, known, strict=True)])


def _filled(error: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Solve the Laplace equation in the missing pixels of pictures that share a mask."""
    missing = np.flatnonzero(~known)
    if not len(missing):
        return error
    n, size = len(error), known.shape[0]
    numbers = np.full(known.shape, -1)
    numbers.ravel()[missing] = np.arange(len(missing))
    y, x = np.divmod(missing, size)
    degree = np.zeros(len(missing))
    around = np.zeros((len(missing), n * 3))
    rows, columns = [], []
    values = error.transpose(1, 2, 0, 3).reshape(size, size, n * 3)
    for dy, dx in NEIGHBOURS:
        inside = (y + dy >= 0) & (y + dy < size) & (x + dx >= 0) & (x + dx < size)
        degree += inside
        at = np.flatnonzero(inside)
        there = y[at] + dy, x[at] + dx
        is_known = known[there]
        around[at[is_known]] += values[there][is_known]
        rows.append(at[~is_known])
        columns.append(numbers[there][~is_known])
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    laplacian = sparse.diags(degree) - sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), (len(degree),) * 2)
    values[y, x] = splu(laplacian.tocsc()).solve(around)
    return values.reshape(size, size, n, 3).transpose(2, 0, 1, 3)


def _with_means(drawn: np.ndarray, means: np.ndarray, known: np.ndarray, mask: Mask, steps: int = 30) -> np.ndarray:
    """Drawn pictures with the known means of squares: what is wrong with them is added, without steps at borders."""
    known, b = known[..., None], mask.block
    for _ in range(steps):
        drawn = np.clip(drawn + _enlarged(np.where(known, means - mask.means(drawn), 0.0), b), 0, 255)
    # What is left is less than a level, but where pixels are black or white: there the others of their square make up
    # for it.
    for _ in range(steps):
        left = np.where(known, means - mask.means(drawn), 0.0).repeat(b, 1).repeat(b, 2)
        free = np.where(left > 0, drawn < 255, drawn > 0)
        share = np.maximum(mask.means(free), 1 / b**2).repeat(b, 1).repeat(b, 2)
        drawn = np.clip(drawn + free * left / share, 0, 255)
    return drawn


def _enlarged(squares: np.ndarray, block: int) -> np.ndarray:
    """(n, side, side, 3) → (n, size, size, 3), linear between the middles of squares."""
    side = squares.shape[1]
    at = np.clip((np.arange(side * block) + 0.5) / block - 0.5, 0, side - 1)
    low = np.minimum(at.astype(int), side - 2) if side > 1 else np.zeros(len(at), int)
    weight = np.zeros((len(at), side))
    weight[np.arange(len(at)), low] = 1 - (at - low)
    weight[np.arange(len(at)), np.minimum(low + 1, side - 1)] += at - low
    return np.einsum("yi,xj,nijc->nyxc", weight, weight, squares, optimize=True)


def _rounded(pictures: np.ndarray) -> np.ndarray:
    return np.clip(np.round(pictures), 0, 255).astype(np.uint8)
