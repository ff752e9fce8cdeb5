"""A running average of a network's weights, which draws better faces than the weights of any one step."""

from __future__ import annotations

import keras
from keras import ops


class Average:
    """Exponential moving average (Yazıcı et al. 2019) of *all* weights, BatchNorm's statistics among them.

    Keras' own averages belong to an optimizer: they leave out what is not trained, and `fit` swaps only those of
    `model.optimizer`.

    Args:
        network: a functional model.
        decay: what is kept of the average at each step, in [0, 1). It starts lower, so that the first, random
            weights are soon forgotten: at step t at most (1 + t) / (10 + t).

    Attributes:
        network: a copy of the network, with the averaged weights.

    Raises:
        ValueError: if decay is out of range.
    """

    def __init__(self, network: keras.Model, decay: float):
        if not 0 <= decay < 1:
            raise ValueError(f"ema must lie in [0, 1), got {decay}; 0.999 averages over about a thousand steps.")
        self.source, self.decay = network, decay
        self.network = keras.models.clone_model(network)
        self.network.set_weights(network.get_weights())

    @property
    def variables(self) -> list[keras.Variable]:
        return self.network.weights

    def update(self, step) -> None:
        """Move towards the source's weights after step number `step` (from 1)."""
        step = ops.cast(step, "float32")
        decay = ops.minimum(self.decay, (1.0 + step) / (10.0 + step))
        for average, source in zip(self.network.weights, self.source.weights, strict=True):
            average.assign(source + decay * (average - source))
