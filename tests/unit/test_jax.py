"""What works on TensorFlow only says so."""

import keras
import numpy as np
import pytest

from facelib.data import crop_faces


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="about the other backends")
def test_cropping_needs_tensorflow():
    with pytest.raises(RuntimeError, match="crop with KERAS_BACKEND=tensorflow"):
        crop_faces([np.zeros((64, 64, 3), np.uint8)])
