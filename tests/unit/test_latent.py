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


@pytest.mark.parametrize("other", [1.0, 2.0, 1 + 1e-7])
def test_slerp_of_parallel_points_is_the_straight_line(ends, other):
    points = slerp(ends[0], ends[0] * np.float32(other), 5)
    np.testing.assert_allclose(points, lerp(ends[0], ends[0] * np.float32(other), 5), atol=1e-5)


@pytest.mark.parametrize("other", [-1.0, -0.5, -1 - 1e-7])
@pytest.mark.parametrize("noise", [0.0, 1e-7, 1e-4])
def test_slerp_of_opposite_points_keeps_its_length(ends, other, noise):
    """The straight line goes through the origin; rounding must not decide where the arc goes."""
    end = ends[0] * other + noise * ends[1]
    points = slerp(ends[0], end, 5).astype(float)
    lengths = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], 5), rtol=1e-4)
    angles = np.arccos(np.sum(points[1:] * points[:-1], axis=1) / (lengths[1:] * lengths[:-1]))
    np.testing.assert_allclose(angles, np.pi / 4, rtol=1e-3)
    # Which of the half circles is settled: over the axis that is least along the start.
    if not noise:
        least = np.abs(ends[0]).argmin()
        assert np.abs(points[2]).argmax() == least and points[2][least] > 0.9 * lengths[2]


def test_slerp_on_a_line_is_the_straight_one():
    """One number has no way round the origin."""
    a, b = np.array([1.0]), np.array([-2.0])
    np.testing.assert_allclose(slerp(a, b, 5), lerp(a, b, 5))


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
    with pytest.raises(ValueError, match="z must differ from each other, got 9 that are all alike"):
        mean_direction(np.zeros((9, 2)), np.arange(9) < 4)
    only_held_out = np.zeros((9, 2))
    only_held_out[np.random.default_rng(0).permutation(4)[0]] = 1  # the one that finds no direction
    with pytest.raises(ValueError, match="the same mean z"):
        mean_direction(only_held_out, np.arange(9) < 4)
