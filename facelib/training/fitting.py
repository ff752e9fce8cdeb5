"""Keras' `fit` as every model here calls it: endless batches, NaN noticed, and a word on what is left when it stops."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np

from facelib.data.batches import FaceBatches, PairBatches
from facelib.data.faceset import FaceSet
from facelib.training.checkpoint import saying_what_is_left
from facelib.training.guard import CollapseGuard, StopOnNaN


def whole_executions(model: keras.Model, steps: int) -> int:
    """Steps of an epoch without what would not fill an execution: Keras would go past the end to complete it.

    Raises:
        ValueError: if an execution of the compiled model has more steps than an epoch.
    """
    if steps < 1:
        raise ValueError(f"steps_per_epoch must be at least 1, got {steps}.")
    if steps < model.steps_per_execution:
        raise ValueError(
            f"steps_per_execution must be at most the {steps} steps of an epoch, got {model.steps_per_execution}."
        )
    return steps - steps % model.steps_per_execution


def face_batches(model: keras.Model, faces: FaceSet | np.ndarray, batch_size: int, **how) -> FaceBatches:
    """`FaceBatches` with epochs of one pass over the faces, in whole executions; how: its other arguments."""
    steps = FaceBatches(faces, batch_size, **how).steps_per_epoch
    return FaceBatches(faces, batch_size, steps_per_epoch=whole_executions(model, steps), **how)


def fit_batches(
    fit: Callable,
    batches: FaceBatches | PairBatches,
    callbacks: Iterable[keras.callbacks.Callback] | None,
    **kwargs,
):
    """Call a model's inherited `fit` on batches; kwargs go through. Returns Keras' `History`.

    Raises:
        ValueError: for `shuffle` or `steps_per_epoch` among kwargs, which the batches decide.
    """
    if taken := sorted({"shuffle", "steps_per_epoch"} & set(kwargs)):
        raise ValueError(
            f"leave out {' and '.join(taken)}: this model's fit makes the batches, in an order that seed decides."
        )
    callbacks = list(callbacks or [])
    if not any(isinstance(callback, (CollapseGuard, StopOnNaN)) for callback in callbacks):
        callbacks.append(StopOnNaN())
    try:
        with saying_what_is_left(callbacks):
            # Keras' own shuffle would reorder batches by a random state that no checkpoint holds.
            return fit(batches, steps_per_epoch=batches.steps_per_epoch, shuffle=False, callbacks=callbacks, **kwargs)
    finally:
        batches.let_go()
