"""MTCNN's output network (Zhang et al. 2016) without TensorFlow: 48×48 pixels → 256 features of a face.

It was trained to tell faces from other things, to find eyes, nose and mouth, and nothing else; what these need is what
its features hold.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from facelib.data.mtcnn_weights import mtcnn_weights

SIDE = 48


def build_onet() -> keras.Model:
    """RGB in [-1, 1], (48, 48, 3) → features (256,), with the weights of the mtcnn package."""
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = image
    for i, (filters, kernel, pool, padding) in enumerate(
        [(32, 3, 3, "same"), (64, 3, 3, "valid"), (64, 3, 2, "same"), (128, 2, None, None)], start=1
    ):
        x = layers.Conv2D(filters, kernel, name=f"conv_{i}")(x)
        x = layers.PReLU(shared_axes=(1, 2), name=f"prelu_{i}")(x)
        if pool:
            x = layers.MaxPooling2D(pool, 2, padding, name=f"pool_{i}")(x)
        # (23, 23, 32), (10, 10, 64), (4, 4, 64), (3, 3, 128)
    x = layers.Permute((2, 1, 3), name="columns_first")(x)  # the order in which its weights were trained
    x = layers.Flatten(name="flatten")(x)  # (1152,)
    x = layers.Dense(256, name="dense")(x)
    x = layers.PReLU(name="prelu_5")(x)  # (256,)
    network = keras.Model(image, x, name="onet")
    # The last six are the heads: box, landmarks, face or not.
    network.set_weights(mtcnn_weights("onet")[:-6])
    return network


def onet() -> Callable[[np.ndarray], np.ndarray]:
    """RGB in [0, 255], float32 (n, 48, 48, 3) → (n, 256)."""
    network = build_onet()
    return lambda pixels: network.predict_on_batch((pixels - 127.5) / 128)
