"""The z whose picture is closest to a given one: a generator used as an encoder, by gradient descent on z.

The loss is that of Yeh et al. (2017), which seed 004 took over: how far the picture is from the given one (contextual),
and λ times what the discriminator has against it (perceptual).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import keras
import numpy as np
from keras import ops
from tqdm.auto import tqdm

from facelib.data.faceset import FaceSet, to_float
from facelib.latent.masks import Mask
from facelib.latent.unfinished import Unfinished
from facelib.models.classes import check_labels
from facelib.models.latent import check_images
from facelib.training.gradients import check_backend, compiled, value_and_gradients

NEEDED = ("latent_dim", "image_size", "latent", "render", "decode")  # of a model that is projected onto
DECODED = 1024  # pictures at a time
LOOK_EVERY = 50  # steps between two looks at whether the losses are still numbers


@dataclass(frozen=True)
class Recipe:
    """How to look for z; `RECIPES` has the two that come with names.

    Attributes:
        steps: of gradient descent.
        optimizer: "adam" with a cosine decay of its learning rate, or "sgd" with Nesterov momentum 0.75.
        learning_rate: in units of z.
        contextual: how far two pictures in [-1, 1] are from each other, "l1" or "l2".
        reduction: over pixels and channels, "mean" or "sum". With sums λ means another thing at each size.
        perceptual: λ, weight of what the discriminator has against the picture, -log σ(logit). 0 where a model has no
            discriminator, or came from a file without it, unless it is asked for.
        prior: weight of (‖z‖² / latent_dim - 1)², which keeps z where N(0, I) is, near √latent_dim. An InfoGAN's codes
            count as noise does; set it to 0 there if that matters.
        noise: standard deviation of what is added to z before each step, at the start; it decays to 0 over the first
            three quarters.
        restarts: how many z are tried for each picture; the one with the least loss is returned.
        stochastic_clipping: for z from a cube, draw anew what leaves it (Lipton & Tripathi 2017), instead of setting it
            back to the border; in the first half of the steps, for later ones are too small to come back from where
            chance put it. A normal z has no border.
        feature_weight: of 1 - cosine between the features of the two pictures, where `features` are given.
    """

    steps: int
    optimizer: str
    learning_rate: float
    contextual: str = "l1"
    reduction: str = "mean"
    perceptual: float = 0.0
    prior: float = 0.0
    noise: float = 0.0
    restarts: int = 1
    stochastic_clipping: bool = False
    feature_weight: float = 0.0

    def __post_init__(self):
        for name in ("steps", "restarts"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value}.")
        if not 0 < self.learning_rate < np.inf:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}.")
        for name in ("perceptual", "prior", "noise", "feature_weight"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be at least 0 and finite, got {getattr(self, name)}.")
        choices = {"optimizer": ("adam", "sgd"), "contextual": ("l1", "l2"), "reduction": ("mean", "sum")}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {known}, got {getattr(self, name)!r}.")


RECIPES = {
    # Seed 004 and the project that it extends.
    "faithful": Recipe(2000, "sgd", 5e-4, reduction="sum", perceptual=0.1),
    "modern": Recipe(300, "adam", 0.2, perceptual=0.003, prior=0.1, noise=0.05, restarts=2, stochastic_clipping=True),
}


@dataclass(frozen=True, eq=False)
class Projection:
    """What `project` found.

    Attributes:
        z: float32 (n, latent_dim).
        images: their pictures, uint8 (n, size, size, 3).
        contextual, perceptual: the two losses on the way, without their weights and with the noise on z, float32
            (steps + 1, n); the last row is that of `z`. The second is None where λ was 0.
        path: z on the way, float32 (positions, n, latent_dim), the first where it began and the last the result.
        path_steps: after how many steps, int (positions,): more of them early, where more happens.
        losses: the total of every restart at its end, float32 (restarts, n).
        restart: which of them was the best, int (n,).
        recipe: how they were looked for.
        model, labels: by which `frames` draws the path.
    """

    z: np.ndarray
    images: np.ndarray
    contextual: np.ndarray
    perceptual: np.ndarray | None
    path: np.ndarray
    path_steps: np.ndarray
    losses: np.ndarray
    restart: np.ndarray
    recipe: Recipe
    model: object
    labels: np.ndarray | None = None

    def frames(self, rows: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
        """The path as pictures: uint8 (positions, n, size, size, 3), of all images or of some rows.

        Raises:
            ValueError: for no rows at all.
        """
        rows = np.arange(len(self.z)) if rows is None else np.atleast_1d(rows)
        if not rows.size or (rows.dtype == bool and not rows.any()):
            raise ValueError(f"rows must name at least one of the {len(self.z)} images, got none.")
        path = self.path[:, rows]
        z = path.reshape(-1, path.shape[-1])
        labels = None if self.labels is None else np.concatenate([self.labels[rows]] * len(path))
        pictures = _decode(self.model, z, labels)
        return pictures.reshape(*path.shape[:2], *pictures.shape[1:])


def project(
    model,
    images: np.ndarray | FaceSet,
    recipe: str | Recipe = "modern",
    *,
    labels=None,
    mask: Mask | np.ndarray | None = None,
    start: np.ndarray | None = None,
    features: Callable | None = None,
    positions: int = 9,
    seed: int = 0,
    batch_size: int = 64,
    file: str | os.PathLike | None = None,
    progress: bool = True,
    **changes,
) -> Projection:
    """Find the z whose pictures are closest to images.

    Every image is looked for on its own: what is found does not depend on the others, nor on `batch_size` (but for
    rounding, and for an InfoGAN's codes, which begin where how many images there are says). A generator that was never
    trained gives what it can: pictures as grey as all that it draws.

    Args:
        model: with `latent_dim`, `image_size`, `latent(n, seed)`, `render(z)` and `decode(z)`, such as a DCGAN or VAE;
            for λ > 0 also `logits(images)`.
        images: uint8 (n, size, size, 3), or a FaceSet.
        recipe: "modern" (mean losses, Adam, restarts), "faithful" (the original's) or a `Recipe`.
        labels: of a conditional model, one for all or one an image.
        mask: what is known of the images, all by default: a `Mask`, or bool (size, size), or one an image. The rest of
            the pixels has no part in the loss.
        start: where the first restart begins, (n, latent_dim), such as what an encoder says; the others, and this one
            by default, begin where the model's prior draws them.
        features: a function of images (n, size, size, 3) in [-1, 1] to features (n, d), such as
            `discriminator_features(model)`; needs a `feature_weight`. Pixels that the mask hides are grey in them.
        positions: on the path that are kept, at least 2.
        seed: of starts and noise.
        batch_size: z at a time, restarts counted; what the search needs grows with it and not with n. The result has a
            picture, two curves and a path of z for each image.
        file: an .npz that keeps what has been found, every minute and when the search is interrupted: the same call
            then goes on from there. `features` are taken to be the same.
        progress: whether to show a bar.
        **changes: fields of `Recipe` that are to be others, such as `steps=100, perceptual=0.01`.

    Raises:
        ValueError: for images of another size or type, none at all, an argument out of range or a model that has not
            what it takes.
        FloatingPointError: if a loss is not finite.
    """
    check_backend()
    check_model(model)
    recipe = _recipe(recipe, changes, model, features)
    images = check_images(images, model.image_size)
    n = len(images)
    if n == 0:
        raise ValueError("images is empty: there is nothing to project.")
    if positions < 2:
        raise ValueError(f"positions must be at least 2, both ends of the path, got {positions}.")
    if not 1 <= recipe.restarts <= batch_size:
        raise ValueError(f"batch_size must be at least the {recipe.restarts} restarts of an image, got {batch_size}.")
    labels = _labels(model, labels, n)
    mask = as_mask(mask, model.image_size)
    known = mask.of(n)
    starts = _starts(model, start, n, recipe.restarts, seed)
    # Squares: early steps change more.
    path_steps = np.unique(np.round(recipe.steps * np.linspace(0, 1, positions) ** 2).astype(int))

    at_a_time, descent = batch_size // recipe.restarts, None
    asked = [images, starts, known, recipe, seed, positions, mask.block, "" if labels is None else labels]
    if file is not None:
        # Those of all that draws and judges: `model.get_weights` does not know of an average.
        networks = getattr(model, "networks", {"": model}).values()
        asked += [weight for network in networks for weight in getattr(network, "get_weights", list)()]
    found = Unfinished(file, asked, AXES)
    begins = range(found.done, n, at_a_time)
    try:
        with tqdm(total=len(begins) * recipe.steps, desc="projecting", unit="step", disable=not progress) as bar:
            for begin in begins:
                rows = np.arange(begin, min(begin + at_a_time, n))
                if descent is None or descent.images != len(rows):
                    descent = _Descent(model, recipe, mask.block, features, len(rows))
                some = None if labels is None else labels[rows]
                seeds = [[seed, row] for row in rows]
                found.add(descent.run(images[rows], known[rows], some, starts[:, rows], seeds, path_steps, bar))
    finally:
        found.save()
    whole = found.joined()
    pictures = _decode(model, whole["z"], labels)
    return Projection(images=pictures, path_steps=path_steps, recipe=recipe, model=model, labels=labels, **whole)


# Along which axis the images lie in what is found.
AXES = {"z": 0, "contextual": 1, "perceptual": 1, "path": 1, "losses": 1, "restart": 0}


def discriminator_features(model) -> Callable:
    """What the discriminator sees in images in [-1, 1] before it judges them, (n, d): a loss that knows faces.

    Raises:
        ValueError: if the model has none, one that is shown labels too, or one that its file of weights left out.
    """
    network = getattr(model, "discriminator", None)
    if network is None or len(network.inputs) > 1 or _untrained(model):
        raise ValueError(f"model must have a trained discriminator of images alone; {type(model).__name__} has none.")
    trunk = keras.Model(network.inputs[0], network.get_layer("flatten").output)
    return lambda images: trunk(images, training=False)


def check_model(model) -> None:
    """Raise a ValueError for a model that cannot be projected onto."""
    lacking = [name for name in NEEDED if not hasattr(model, name)]
    if lacking:
        raise ValueError(f"model must have {', '.join(NEEDED)}; {type(model).__name__} has no {lacking[0]}.")


def as_mask(mask: Mask | np.ndarray | None, size: int) -> Mask:
    """A checked mask of pictures of this size; everything is known where there is none."""
    if mask is None:
        return Mask(np.ones((size, size), bool))
    mask = mask if isinstance(mask, Mask) else Mask(mask)
    if mask.size != size:
        raise ValueError(f"mask must be for {size}×{size} pixels as the model's images are, got {mask.size}.")
    return mask


class _Descent:
    """Gradient descent on a batch of z, all restarts of its images at once, compiled."""

    def __init__(self, model, recipe: Recipe, block: int, features: Callable | None, images: int):
        self.model, self.recipe, self.block, self.features, self.images = model, recipe, block, features, images
        self.z = keras.Variable(np.zeros((recipe.restarts * images, model.latent_dim), np.float32), name="z")
        if recipe.optimizer == "adam":
            rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.steps)
            self.optimizer = keras.optimizers.Adam(rate)
        else:
            self.optimizer = keras.optimizers.SGD(recipe.learning_rate, momentum=0.75, nesterov=True)
        self.optimizer.build([self.z])
        self.fresh = [_numpy(variable) for variable in self.optimizer.variables]
        self.in_cube = getattr(model, "prior", "normal") == "uniform"
        self.step = compiled(self._step, [self.z, *self.optimizer.variables])

    def run(self, images, known, labels, starts, seeds, path_steps, bar) -> dict[str, np.ndarray | None]:
        recipe, restarts = self.recipe, self.recipe.restarts
        self.z.assign(starts.reshape(self.z.shape))
        for variable, value in zip(self.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)
        target = to_float(np.concatenate([images] * restarts))
        known = np.concatenate([known] * restarts)[..., None].astype(np.float32)
        labels = None if labels is None else np.concatenate([labels] * restarts)
        given = [None if part is None else ops.convert_to_tensor(part) for part in (target, known, labels)]
        draws = [np.random.default_rng(seed) for seed in seeds]
        losses, path = [], []
        for i in range(recipe.steps):
            if i in path_steps:
                path.append(_numpy(self.z))
            level = recipe.noise * max(0.0, 1 - i / (0.75 * recipe.steps)) ** 2
            noise = self._drawn(draws, "standard_normal") * np.float32(level) if level else None
            anew = self.in_cube and recipe.stochastic_clipping and i < recipe.steps / 2
            drawn_anew = 2 * self._drawn(draws, "random") - 1 if anew else None
            *parts, total = self.step(*given, noise, drawn_anew)
            losses.append(parts)
            if i % LOOK_EVERY == 0:
                self._check(total, i)
            bar.update()
        path.append(_numpy(self.z))
        *parts, total = self._losses(ops.convert_to_tensor(self.z), *given)
        losses.append(parts)
        self._check(total, recipe.steps)
        contextual, perceptual = (
            np.stack([ops.convert_to_numpy(part) for part in curve]) if curve[0] is not None else None
            for curve in zip(*losses, strict=True)
        )
        totals = ops.convert_to_numpy(total).reshape(restarts, -1)
        best = totals.argmin(axis=0)
        rows = best * self.images + np.arange(self.images)
        return {
            "z": path[-1][rows],
            "contextual": contextual[:, rows],
            "perceptual": None if perceptual is None else perceptual[:, rows],
            "path": np.stack(path)[:, rows],
            "losses": totals,
            "restart": best,
        }

    def _step(self, target, known, labels, noise, drawn_anew):
        def loss():
            z = ops.convert_to_tensor(self.z)
            losses = self._losses(z if noise is None else z + noise, target, known, labels)
            # A sum: no image's gradient depends on how many others there are.
            return ops.sum(losses[-1]), losses

        (*parts, total), gradients = value_and_gradients(loss, [self.z], [self.z])
        self.optimizer.apply(gradients, [self.z])
        if self.in_cube:
            z = ops.convert_to_tensor(self.z)
            inside = ops.clip(z, -1.0, 1.0) if drawn_anew is None else ops.where(ops.abs(z) > 1.0, drawn_anew, z)
            self.z.assign(inside)
        return *parts, total

    def _losses(self, z, target, known, labels) -> tuple:
        """Contextual, perceptual (or None) and total loss of each z, (rows,)."""
        recipe = self.recipe
        pictures = self.model.render(z) if labels is None else self.model.render(z, labels)
        error = pictures - target
        if self.block > 1:
            error = self._means(error)
        distance = known * (ops.abs(error) if recipe.contextual == "l1" else ops.square(error))
        contextual = ops.sum(distance, axis=(1, 2, 3))
        if recipe.reduction == "mean":
            contextual = contextual / (3 * ops.sum(known, axis=(1, 2, 3)))
        total, perceptual = contextual, None
        if recipe.perceptual:
            perceptual = ops.softplus(-self.model.logits(pictures, labels))
            total = total + recipe.perceptual * perceptual
        if recipe.prior and not self.in_cube:
            total = total + recipe.prior * ops.square(ops.mean(ops.square(z), axis=1) - 1.0)
        if recipe.feature_weight:
            shown = (self._shown(side, known) for side in (pictures, target))
            a, b = (ops.normalize(self.features(side), axis=1) for side in shown)
            total = total + recipe.feature_weight * (1.0 - ops.sum(a * b, axis=1))
        return contextual, perceptual, total

    def _means(self, pictures):
        """Of each block of pixels, (rows, size / block, size / block, 3)."""
        side, block = self.model.image_size // self.block, self.block
        return ops.mean(ops.reshape(pictures, (-1, side, block, side, block, 3)), axis=(2, 4))

    def _shown(self, pictures, known):
        """Pictures without what is not known of them: grey pixels, or blocks of one colour."""
        if self.block == 1:
            return known * pictures
        means = known * self._means(pictures)
        return ops.repeat(ops.repeat(means, self.block, axis=1), self.block, axis=2)

    def _drawn(self, draws: list, how: str) -> np.ndarray:
        """(rows, latent_dim), each image's from its own generator."""
        shape = (self.recipe.restarts, self.model.latent_dim)
        drawn = np.stack([getattr(rng, how)(shape, dtype=np.float32) for rng in draws], axis=1)
        return drawn.reshape(self.z.shape)

    def _check(self, total, step: int) -> None:
        if not np.isfinite(ops.convert_to_numpy(total)).all():
            raise FloatingPointError(
                f"the loss is not finite after {step} steps: "
                + (
                    "learning_rate is too high."
                    if step
                    else "the weights of the model, or features, hold NaN or infinity."
                )
            )


def _numpy(variable: keras.Variable) -> np.ndarray:
    return ops.convert_to_numpy(ops.convert_to_tensor(variable))


def _decode(model, z: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """uint8 pictures, some at a time: on their way they are float32."""
    parts = [slice(begin, begin + DECODED) for begin in range(0, len(z), DECODED)]
    return np.concatenate([model.decode(z[p]) if labels is None else model.decode(z[p], labels[p]) for p in parts])


def _untrained(model) -> bool:
    """Whether its discriminator knows nothing: some files of weights keep the generator only."""
    return "discriminator" in getattr(model, "untrained", ())


def _judges(model) -> bool:
    return hasattr(model, "logits") and not _untrained(model)


def _recipe(recipe: str | Recipe, changes: dict, model, features) -> Recipe:
    if not isinstance(recipe, Recipe):
        if recipe not in RECIPES:
            raise ValueError(f"recipe must be one of {sorted(RECIPES)} or a Recipe, got {recipe!r}.")
        recipe = RECIPES[recipe]
        if not _judges(model):
            recipe = replace(recipe, perceptual=0.0)
    names = [field.name for field in fields(Recipe)]
    unknown = sorted(set(changes) - set(names))
    if unknown:
        raise ValueError(f"{unknown[0]} is no argument, nor a field of Recipe; those are {', '.join(names)}.")
    recipe = replace(recipe, **changes)
    if recipe.perceptual and not _judges(model):
        raise ValueError(
            f"perceptual must be 0 for this {type(model).__name__}, which has no trained discriminator, got "
            f"{recipe.perceptual}."
        )
    if bool(recipe.feature_weight) != (features is not None):
        raise ValueError("features and feature_weight go together: give both, or neither.")
    return recipe


def _labels(model, labels, n: int) -> np.ndarray | None:
    if getattr(model, "conditional", False):
        return check_labels(labels, n, model.classes)
    if labels is not None:
        raise ValueError("labels were given, but this model is not conditional: leave them out.")
    return None


def _starts(model, start, n: int, restarts: int, seed: int) -> np.ndarray:
    """float32 (restarts, n, latent_dim)."""
    # Other seeds than those that `sample` is called with: a search for samples must not begin at their own z.
    seeds = [int(np.random.SeedSequence([seed, k, 8]).generate_state(1)[0]) for k in range(restarts)]
    starts = np.stack([model.latent(n, own) for own in seeds])
    if start is not None:
        start = np.asarray(start, np.float32)
        if start.shape != (n, model.latent_dim) or not np.isfinite(start).all():
            raise ValueError(f"start must be finite and of shape ({n}, {model.latent_dim}), got {start.shape}.")
        starts[0] = start
    return starts
