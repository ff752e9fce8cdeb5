import numpy as np
import pytest

from facelib.latent import arithmetic, lerp, mean_direction, slerp, walk


@pytest.fixture
def ends():
    return np.random.default_rng(0).standard_normal((2, 64)).astype(np.float32)


@pytest.mark.parametrize("path", [lerp, slerp])
def test_both_ends_are_exact(path, ends):
    points = path(*ends, 7)
    assert points.shape == (7, 64) and points.dtype == np.float32
    np.testing.assert_array_equal(points[[0, -1]], ends)


def test_lerp_steps_are_equal(ends):
    steps = np.diff(lerp(*ends, 9), axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to((ends[1] - ends[0]) / 8, steps.shape), atol=1e-6)


def test_slerp_keeps_to_the_arc(ends):
    points = slerp(*ends, 9)
    lengths = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], 9), rtol=1e-5)
    unit = points / lengths[:, None]
    angles = np.arccos(np.sum(unit[1:] * unit[:-1], axis=1))
    np.testing.assert_allclose(angles, angles[0], rtol=1e-4)
    # The straight line cuts through the inside of the sphere.
    assert np.linalg.norm(lerp(*ends, 9)[4]) < lengths[4]


@pytest.mark.parametrize("other", [1.0, 2.0, -1.0, -0.5, 1 + 1e-7])
def test_slerp_of_parallel_and_opposite_points_is_finite(ends, other):
    points = slerp(ends[0], ends[0] * np.float32(other), 5)
    assert np.isfinite(points).all()
    np.testing.assert_allclose(points[2], ends[0] * (1 + other) / 2, atol=1e-3)


def test_slerp_from_the_origin(ends):
    np.testing.assert_allclose(slerp(np.zeros(64), ends[0], 3)[1], ends[0] / 2, rtol=1e-6)


def test_walk_visits_every_point_once(ends):
    points = np.stack([*ends, np.zeros(64)])
    path = walk(points, 5)
    assert path.shape == (9, 64)
    np.testing.assert_array_equal(path[[0, 4, 8]], points)
    np.testing.assert_array_equal(walk(points, 5, path=slerp)[:5], slerp(*ends, 5))


def test_arithmetic_adds_and_averages():
    a, b, c = np.arange(3.0), np.ones(3), np.array([5.0, 0, 0])
    np.testing.assert_array_equal(arithmetic([a, c], [b]), a - b + c)
    group = np.stack([a, a + 2])
    np.testing.assert_array_equal(arithmetic([group], [b]), a + 1 - b)
    assert arithmetic([a]).dtype == np.float32


def test_mean_direction_finds_a_planted_one():
    rng = np.random.default_rng(1)
    planted = rng.standard_normal(20)
    planted /= np.linalg.norm(planted)
    has = rng.random(600) < 0.3
    z = rng.standard_normal((600, 20)) + 2.0 + np.where(has, 3.0, 0.0)[:, None] * planted
    found = mean_direction(z, has, seed=4)
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-6)
    assert found.vector @ planted > 0.98
    assert found.spread == pytest.approx(3.0, rel=0.1)
    # Two unit Gaussians three apart: Φ(1.5) = 0.933.
    assert found.accuracy == pytest.approx(0.933, abs=0.05)
    assert ((z @ found.vector > found.intercept) == has).mean() > 0.85
    assert mean_direction(z, has, seed=4).accuracy == found.accuracy


def test_mean_direction_is_judged_on_faces_that_did_not_find_it():
    """With more values than faces the finders can always be told apart; the judges cannot."""
    rng = np.random.default_rng(2)
    accuracies = []
    for seed in range(10):
        z, has = rng.standard_normal((40, 500)), np.arange(40) < 20
        accuracies.append(mean_direction(z, has, seed=seed).accuracy)
    assert 0.3 < np.mean(accuracies) < 0.7


def test_bad_arguments_are_named(ends):
    with pytest.raises(ValueError, match="n must be at least 2, both ends included, got 1"):
        lerp(*ends, 1)
    with pytest.raises(ValueError, match="a and b must be two z of one shape"):
        slerp(ends[0], ends[1][:3], 4)
    with pytest.raises(ValueError, match="points must have shape"):
        walk(ends[:1], 3)
    with pytest.raises(ValueError, match="plus is empty"):
        arithmetic([])
    with pytest.raises(ValueError, match=r"terms must have one latent_dim, got \[2, 3\]"):
        arithmetic([np.zeros(2)], [np.zeros(3)])
    with pytest.raises(ValueError, match="a term must be z of shape"):
        arithmetic([np.zeros((0, 3))])
    with pytest.raises(ValueError, match="both classes need at least 4 faces, got 1 with"):
        mean_direction(np.zeros((9, 2)), np.arange(9) == 0)
    with pytest.raises(ValueError, match="the same mean z"):
        mean_direction(np.zeros((9, 2)), np.arange(9) < 4)
