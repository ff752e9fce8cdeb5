"""Known harm: each dose does what it says, and more of it is farther away."""

import numpy as np
import pytest

from facelib.data import load_faces
from facelib.metrics import extract, frechet_distance, precision_recall, psnr
from facelib.metrics.degradations import DEGRADATIONS, blur, duplicates, jpeg, mode_dropping, noise, resize


@pytest.fixture(scope="module")
def images():
    return load_faces(n=12, size=64, seed=3).images


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_each_dose_takes_more_away(images, kind):
    degradation, before = DEGRADATIONS[kind], images.copy()
    worse = [degradation.function(images, strength) for strength in degradation.strengths]
    assert all(w.dtype == np.uint8 and w.shape == images.shape for w in worse)
    np.testing.assert_array_equal(images, before)  # the caller's own stay as they are
    kept = [psnr(images, w).mean() for w in worse]
    assert kept == sorted(kept, reverse=True) and kept[-1] < kept[0] - 5
    assert all(f"{strength:g}" in degradation.unit.format(strength) for strength in degradation.strengths)


def test_face_sets_are_taken_too(images):
    faces = load_faces(n=12, size=64, seed=3)
    for degradation in DEGRADATIONS.values():
        strength = degradation.strengths[2]
        np.testing.assert_array_equal(degradation.function(faces, strength), degradation.function(images, strength))


def test_no_harm_is_none(images):
    np.testing.assert_array_equal(blur(images, 0), images)
    np.testing.assert_array_equal(noise(images, 0), images)
    np.testing.assert_array_equal(resize(images, 64), images)


def test_blur_keeps_to_its_image_and_channel():
    """A white pixel spreads in its own image and channel only, and symmetrically."""
    image = np.zeros((3, 17, 17, 3), np.uint8)
    image[1, 8, 8, 2] = 255
    blurred = blur(image, 2.0)
    assert not blurred[[0, 2]].any() and not blurred[..., :2].any()
    np.testing.assert_array_equal(blurred[1], blurred[1].transpose(1, 0, 2))
    assert blurred[1, 8, 8, 2] == round(255 / (2 * np.pi * 4))


def test_noise_has_the_spread_it_says_and_follows_its_seed():
    grey = np.full((4, 64, 64, 3), 128, np.uint8)
    added = noise(grey, 10.0).astype(float) - 128
    assert abs(added.std() - 10) < 0.15 and abs(added.mean()) < 0.2
    np.testing.assert_array_equal(noise(grey, 10.0, seed=4), noise(grey, 10.0, seed=4))
    assert (noise(grey, 10.0, seed=4) != noise(grey, 10.0, seed=5)).mean() > 0.9
    for end in (0, 255):  # no pixel turns from white to black, none from black to white
        from_end = np.abs(noise(np.full((1, 8, 8, 3), end, np.uint8), 30.0).astype(int) - end)
        assert from_end.min() == 0 and from_end.max() < 150


def test_a_wrong_resize_picks_pixels_and_a_right_one_averages():
    """A board of single black and white pixels is grey from afar; with every fourth pixel it is one or the other."""
    board = np.zeros((1, 64, 64, 3), np.uint8)
    board[:, ::2, ::2] = board[:, 1::2, 1::2] = 255
    assert set(np.unique(resize(board, 16, "nearest"))) <= {0, 255}
    assert np.abs(resize(board, 16, "antialiased").astype(int) - 128).max() <= 2


def test_a_dropped_mode_makes_way_for_others():
    has = np.arange(1000) % 4 == 0
    for share, left in ((0.0, 250), (0.4, 150), (1.0, 0)):
        rows = mode_dropping(has, share, 750 if share == 1 else 1000 - round(250 * share))
        assert len(set(rows.tolist())) == len(rows) and has[rows].sum() == left
    few = mode_dropping(has, 0.5, 400)
    assert abs(has[few].mean() - 125 / 875) < 0.05  # whichever rows are taken, it is as rare as it should be
    np.testing.assert_array_equal(few, mode_dropping(has, 0.5, 400))
    assert (few != mode_dropping(has, 0.5, 400, seed=1)).any()
    with pytest.raises(ValueError, match="n must be at most the 750 rows that are left, got 751"):
        mode_dropping(has, 1.0, 751)
    with pytest.raises(ValueError, match="share must lie between 0 and 1, got 1.5"):
        mode_dropping(has, 1.5, 10)
    with pytest.raises(ValueError, match="has must be bool"):
        mode_dropping(has.astype(int), 0.5, 10)


def test_duplicates_are_as_frequent_as_each_other():
    rows = duplicates(1000, 30)
    counts = np.bincount(rows)
    assert len(counts) == 30 and counts.min() == 33 and counts.max() == 34
    with pytest.raises(ValueError, match="different must be at most n = 5, got 6"):
        duplicates(5, 6)


def test_recall_sees_what_precision_does_not():
    """Of few faces many times over, each one is real: only variety is missing."""
    real, others = (extract(load_faces(n=300, size=64, seed=s), "onet", progress=False) for s in (1, 2))
    poor = others[duplicates(300, 20)]
    rich, poor_seen = precision_recall(real, others), precision_recall(real, poor)
    assert poor_seen.precision > rich.precision - 0.1 and poor_seen.recall < rich.recall / 2
    assert frechet_distance(real, poor) > 2 * frechet_distance(real, others)


@pytest.mark.parametrize(
    ("degrade", "message"),
    [
        (lambda x: blur(x / 255, 1), "images must be uint8 images"),
        (lambda x: blur(x, -1), "sigma must be a finite number of at least 0, got -1"),
        (lambda x: noise(x, float("nan")), "sigma must be a finite number of at least 0, got nan"),
        (lambda x: noise(x[0], 1), "images must have shape"),
        (lambda x: jpeg(x, 0), "quality must be a whole number of at least 1, got 0"),
        (lambda x: jpeg(x, 100), "quality must be at most 95, got 100"),
        (lambda x: resize(x, 65), "side must be at most that of the images, 64, got 65"),
        (lambda x: resize(x, 32, "area"), "method must be one of"),
    ],
)
def test_bad_doses_are_refused(images, degrade, message):
    with pytest.raises(ValueError, match=message):
        degrade(images)
