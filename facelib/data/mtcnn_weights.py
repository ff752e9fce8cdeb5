"""Weights of MTCNN's three networks (Zhang et al. 2016), as the mtcnn package brings them (MIT licence)."""

from __future__ import annotations

import io
from importlib.resources import files

import joblib
import lz4.frame
import numpy as np


def mtcnn_weights(network: str) -> list[np.ndarray]:
    """The arrays of "pnet", "rnet" or "onet", in the order in which Keras sets them.

    Joblib, given the file itself, closes it before the decompressor that reads it, which the package leaves as it is;
    from Python 3.13 on that prints an error for each network.
    """
    compressed = (files("mtcnn.assets.weights") / f"{network}.lz4").read_bytes()
    return joblib.load(io.BytesIO(lz4.frame.decompress(compressed)))
