"""Keras' `fit` as every model here calls it: endless batches, NaN noticed, and a word on what is left when it stops."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras

from facelib.data.batches import FaceBatches, PairBatches
from facelib.training.checkpoint import saying_what_is_left
from facelib.training.guard import CollapseGuard, StopOnNaN


def fit_batches(
    fit: Callable,
    batches: FaceBatches | PairBatches,
    callbacks: Iterable[keras.callbacks.Callback] | None,
    **kwargs,
):
    """Call a model's inherited `fit` on batches; kwargs go through. Returns Keras' `History`."""
    callbacks = list(callbacks or [])
    if not any(isinstance(callback, (CollapseGuard, StopOnNaN)) for callback in callbacks):
        callbacks.append(StopOnNaN())
    with saying_what_is_left(callbacks):
        # Keras' own shuffle would reorder batches by a random state that no checkpoint holds.
        return fit(batches, steps_per_epoch=batches.steps_per_epoch, shuffle=False, callbacks=callbacks, **kwargs)
