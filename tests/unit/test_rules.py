"""Rules for engravings and profiles, on drawn faces."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from facelib.data import load_faces
from facelib.data.crop import LANDMARK_COLUMNS
from facelib.data.rules import ENGRAVING_ABOVE, PROFILE_ABOVE, hatching, turned


def engraved(images):
    """Grey faces drawn with lines whose width follows the shade, as an engraver would."""
    grey = images.mean(axis=3)
    smooth = gaussian_filter(grey, (0, 2, 2))
    rows = np.arange(80)[:, None]
    lines = (np.sin(rows * 2 * np.pi / 3 + np.arange(80) / 9) + 1) * 128
    return np.repeat(np.where(lines > smooth, 40, 235)[..., None], 3, axis=3).astype(np.uint8)


def test_engravings_stand_out():
    faces = load_faces(n=40, size=80, seed=5).images
    grey = np.repeat(faces.mean(axis=3, keepdims=True), 3, axis=3).astype(np.uint8)
    assert (hatching(engraved(faces)) > ENGRAVING_ABOVE).mean() > 0.9
    assert (hatching(grey) > ENGRAVING_ABOVE).mean() < 0.1
    assert (hatching(faces) == 0).mean() > 0.9  # more than one hue


def test_tinted_paper_changes_nothing():
    drawn = engraved(load_faces(n=10, size=80, seed=5).images)
    tinted = (drawn * np.array([1.0, 0.9, 0.75])).astype(np.uint8)
    assert (hatching(tinted) > ENGRAVING_ABOVE).all()


def test_hatching_needs_its_scale():
    with pytest.raises(ValueError, match=r"images must have shape \(n, 80, 80, 3\), got \(3, 64, 64, 3\)"):
        hatching(np.zeros((3, 64, 64, 3), np.uint8))
    assert hatching(np.zeros((0, 80, 80, 3), np.uint8)).shape == (0,)


def landmarks(nose, angle=0.0):
    places = np.array([(-15, -10), (15, -10), (nose, 5), (-10, 20), (10, 20)], float)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return pd.DataFrame([(places @ turn.T + 50).ravel()], columns=LANDMARK_COLUMNS)


@pytest.mark.parametrize("angle", [0.0, 0.5, -0.8])
def test_turned_heads_by_the_nose(angle):
    assert turned(landmarks(0, angle))[0] == pytest.approx(0, abs=1e-9)
    assert turned(landmarks(9, angle))[0] == pytest.approx(0.3)
    assert turned(landmarks(-18, angle))[0] > PROFILE_ABOVE


def test_no_face_is_not_turned():
    report = pd.concat([landmarks(3), pd.DataFrame([[np.nan] * 10], columns=LANDMARK_COLUMNS)])
    assert turned(report).isna().tolist() == [False, True]
