"""Causes read off a picture."""

import numpy as np
import pytest

from facelib.data import FaceSet, draw_faces, load_faces
from facelib.metrics import fit_factor
from facelib.metrics.degradations import noise


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=12, size=32, seed=5)


def test_the_cause_that_drew_a_picture_is_found_in_noise(faces):
    amounts = np.tile([0.0, 0.5, 1.0], 4).astype(np.float32)
    pictures = draw_faces(faces.factors.assign(smile=amounts), 32)
    found, drawn = fit_factor(noise(pictures, 2.0), faces, "smile", [0.0, 0.25, 0.5, 0.75, 1.0])
    assert found.tolist() == amounts.tolist()
    np.testing.assert_array_equal(drawn, pictures)


def test_what_does_not_fit_is_named(faces):
    with pytest.raises(ValueError, match="a cause 'grin'; they have .*smile"):
        fit_factor(faces.images, faces, "grin", [0.0])
    with pytest.raises(ValueError, match=r"images must be one of each face, \(12, 32, 32, 3\), got \(3,"):
        fit_factor(faces.images[:3], faces, "smile", [0.0])
    unknown = FaceSet(faces.images, faces.names, faces.attributes)
    with pytest.raises(ValueError, match="a cause 'smile'; they have none"):
        fit_factor(faces.images, unknown, "smile", [0.0])
    with pytest.raises(ValueError, match="values must hold at least one"):
        fit_factor(faces.images, faces, "smile", [])
