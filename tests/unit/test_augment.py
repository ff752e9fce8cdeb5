"""DiffAugment's changes, each against what it is meant to do. Runs on TensorFlow and on JAX."""

import keras
import numpy as np
import pytest
from keras import ops

from facelib.data import load_faces
from facelib.training.augment import POLICIES, DiffAugment
from facelib.training.gradients import input_gradient


@pytest.fixture(scope="module")
def images():
    return load_faces("synthetic", n=40, size=16).scaled()


def changed(name, images, seed=0):
    return ops.convert_to_numpy(DiffAugment([name], keras.random.SeedGenerator(seed))(images))


@pytest.mark.parametrize("name", POLICIES)
def test_images_change_each_in_its_own_way_and_otherwise_in_the_next_call(images, name):
    augment = DiffAugment([name], keras.random.SeedGenerator(0))
    same = np.repeat(images[:1], 40, axis=0)
    first, second = (ops.convert_to_numpy(augment(same)) for _ in range(2))
    assert first.shape == same.shape and first.dtype == np.float32
    assert len({image.tobytes() for image in first}) > 1
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, changed(name, same))


@pytest.mark.parametrize("name", POLICIES)
def test_changes_are_linear_in_the_image_so_that_gradients_pass(images, name):
    """All changes are affine for a fixed draw: the gradient of a weighted sum predicts its difference exactly."""
    weights = np.random.default_rng(0).standard_normal(images.shape).astype("float32")

    def total(x):
        return ops.sum(weights * DiffAugment([name], keras.random.SeedGenerator(0))(x))

    start, end = ops.convert_to_tensor(images[:40]), ops.convert_to_tensor(images[::-1].copy())
    slope = ops.convert_to_numpy(input_gradient(total, start))
    predicted = float((slope * (images[::-1] - images)).sum())
    assert float(total(end)) - float(total(start)) == pytest.approx(predicted, rel=1e-3, abs=0.5)
    assert np.abs(slope).max() > 0


def test_flip_mirrors_about_half_of_the_images(images):
    flipped = [
        np.array_equal(after, before[:, ::-1]) for after, before in zip(changed("flip", images), images, strict=True)
    ]
    kept = [np.array_equal(after, before) for after, before in zip(changed("flip", images), images, strict=True)]
    assert all(f != k for f, k in zip(flipped, kept, strict=True)) and 10 <= sum(flipped) <= 30


def test_translation_moves_whole_pixels_up_to_an_eighth(images):
    seen = set()
    for before, after in zip(images, changed("translation", images), strict=True):
        padded = np.pad(before, ((2, 2), (2, 2), (0, 0)))
        places = [
            (y, x) for y in range(5) for x in range(5) if np.allclose(after, padded[y : y + 16, x : x + 16], atol=1e-6)
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert len({y for y, _ in seen}) == len({x for _, x in seen}) == 5


def test_cutout_covers_a_square_with_grey(images):
    bright = np.full_like(images, 0.5)
    for after in changed("cutout", bright):
        covered = (after == 0).all(axis=2)
        rows, columns = covered.any(axis=1).sum(), covered.any(axis=0).sum()
        assert covered.sum() == rows * columns and 3 <= rows <= 8 and 3 <= columns <= 8
        assert (after[~covered] == 0.5).all()


def test_color_keeps_every_edge_in_place(images):
    grey = np.full((40, 16, 16, 3), 0.2, np.float32)
    after = changed("color", grey)
    assert np.ptp(after, axis=(1, 2, 3)).max() < 1e-5  # a plain image stays plain
    assert np.ptp(after[:, 0, 0, 0]) > 0.4


def test_none_is_nothing(images):
    np.testing.assert_array_equal(DiffAugment((), keras.random.SeedGenerator(0))(images), images)
