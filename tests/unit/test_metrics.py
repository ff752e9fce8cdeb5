import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from facelib.data import load_faces
from facelib.metrics import (
    bootstrap,
    face_rate,
    grid_power,
    likeness,
    proportion,
    psnr,
    reconstruction,
    sharpness,
    ssim,
    wilson,
)


@pytest.fixture(scope="module")
def images():
    return load_faces(n=5, size=48).images


def test_sets_of_faces_are_measured_as_their_images(images):
    faces, others = load_faces(n=5, size=48), images[::-1]
    for measure in (psnr, ssim, grid_power):
        np.testing.assert_array_equal(measure(faces, others), measure(images, others))
    np.testing.assert_array_equal(sharpness(faces), sharpness(images))


def test_psnr_has_its_closed_form():
    zeros = np.zeros((2, 8, 8, 3), np.uint8)
    tens = np.full_like(zeros, 10)
    np.testing.assert_allclose(psnr(zeros, tens), 20 * np.log10(255 / 10))
    assert np.isinf(psnr(zeros, zeros)).all()
    np.testing.assert_array_equal(psnr(zeros, tens), psnr(tens, zeros))


def test_psnr_needs_little_memory():
    """Of 24 MB of pictures, not eight times as much."""
    images = np.zeros((500, 128, 128, 3), np.uint8)
    tracemalloc.start()
    try:
        assert len(psnr(images, images[::-1])) == 500
        assert tracemalloc.get_traced_memory()[1] < 10 * images[:256].nbytes + 10e6
    finally:
        tracemalloc.stop()
    assert psnr(images[:0], images[:0]).shape == (0,)


def test_ssim_is_one_for_equals_and_falls_with_noise(images):
    np.testing.assert_allclose(ssim(images, images), 1)
    rng = np.random.default_rng(0)
    scores = [
        ssim(images, np.clip(images + rng.normal(0, s, images.shape), 0, 255).astype(np.uint8)).mean() for s in (5, 40)
    ]
    assert 1 > scores[0] > scores[1] > 0


def test_sharpness_falls_with_blur_and_has_known_values(images):
    blurred = gaussian_filter(images, (0, 2, 2, 0))
    assert (sharpness(blurred) < 0.7 * sharpness(images)).all()
    stripes = np.zeros((1, 8, 8, 3), np.uint8)
    stripes[:, :, ::2] = 100  # every horizontal step is 100, every vertical one 0
    np.testing.assert_allclose(sharpness(stripes), 50, rtol=1e-5)


def test_bootstrap_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        estimate = bootstrap(rng.normal(3.0, 2.0, 60), resamples=500, seed=seed)
        hits += estimate.low <= 3.0 <= estimate.high
    assert 0.88 <= hits / 200 <= 0.99


def test_bootstrap_is_the_mean_and_prints_itself():
    estimate = bootstrap([1.0, 2.0, 3.0])
    assert float(estimate) == 2.0 and estimate.n == 3
    assert str(estimate).startswith("2.00 [")


def test_long_bootstraps_are_drawn_in_parts_of_one_sequence(monkeypatch):
    values = np.random.default_rng(0).normal(size=50)
    at_once = bootstrap(values)
    monkeypatch.setattr("facelib.metrics.intervals.DRAWN", 333)
    assert bootstrap(values) == at_once


def test_wilson_intervals_are_those_of_the_literature():
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662."""
    estimate = proportion(np.arange(263) < 81)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)
    none = proportion([False] * 20)
    assert none.low == 0.0 and 0.1 < none.high < 0.2
    for share, n, message in [
        (1.5, 10, "share must lie between 0 and 1, got 1.5"),
        (np.nan, 10, "share must lie between 0 and 1, got nan"),
        (0.5, -3, "n must be more than 0, got -3"),
        (0.5, 0, "n must be more than 0, got 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            wilson(share, n)


def test_bad_arguments_are_named(images):
    with pytest.raises(ValueError, match="images and others must be uint8 of one shape"):
        psnr(images, images[:2])
    with pytest.raises(ValueError, match="images and others must be uint8"):
        ssim(images, images.astype(float))
    for wrong, message in (
        (images / 255, "images must be uint8 images .* got float64"),
        (images[0], r"images must have shape \(n, height, width, 3\), got \(48, 48, 3\)"),
        (images[..., 0], "images must have shape"),
        (list(images), "images must be uint8 images .* got list"),
        (images[:, :1], "images must be at least 2 pixels high and wide"),
    ):
        with pytest.raises(ValueError, match=message):
            sharpness(wrong)
    with pytest.raises(ValueError, match=r"images must have shape \(n, height, width, 3\), got \(48, 48, 3\)"):
        psnr(images[0], images[0])
    with pytest.raises(ValueError, match=r"at least 7 pixels high and wide, got shape \(5, 6, 48, 3\)"):
        ssim(images[:, :6], images[:, :6])
    with pytest.raises(ValueError, match=r"images must be square, got shape \(5, 24, 48, 3\)"):
        grid_power(images[:, :24])
    with pytest.raises(ValueError, match="period must be a whole number"):
        grid_power(images, period=2.0)
    with pytest.raises(ValueError, match="values must be at least two numbers"):
        bootstrap([1.0])
    with pytest.raises(ValueError, match="successes must be at least one"):
        proportion([])
    with pytest.raises(ValueError, match="values must be finite, but 1 of 3 are not"):
        bootstrap([1.0, np.nan, 2.0])
    with pytest.raises(ValueError, match="resamples must be at least 1, got 0"):
        bootstrap([1.0, 2.0], resamples=0)
    with pytest.raises(ValueError, match="successes must all be true or false"):
        proportion([0.2, np.nan, 1.0])
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        bootstrap([1.0, 2.0], level=95)


def test_face_rate_tells_faces_from_what_is_none():
    faces, rng = load_faces("synthetic", n=70, size=80).images, np.random.default_rng(0)
    found = face_rate(faces)
    assert found.value > 0.9 and found.low < found.value
    assert face_rate(load_faces("synthetic", n=70, size=32).images).value > 0.7
    upside_down, noise = faces[:, ::-1], rng.integers(0, 256, (30, 80, 80, 3), np.uint8)
    assert face_rate(noise).value == 0 and face_rate(upside_down).value < 0.3
    with pytest.raises(ValueError, match="images must be uint8 .n, size, size, 3., got float32"):
        face_rate(faces.astype("float32"))
    with pytest.raises(ValueError, match=r"images must be uint8 .*, got uint8 of shape \(70, 40, 80, 3\)"):
        face_rate(faces[:, :40])
    with pytest.raises(ValueError, match="images is empty: of none there is no share"):
        face_rate(faces[:0])
    few = load_faces("synthetic", n=2, size=80)
    assert face_rate(few).value == face_rate(few.images).value


@pytest.mark.parametrize("period", [2, 4, 8])
def test_grid_power_sees_a_grid_and_nothing_else(period, monkeypatch):
    rng = np.random.default_rng(0)
    faces = rng.integers(60, 190, (8, 32, 32, 3), np.uint8)
    noise = rng.integers(-9, 10, faces.shape)
    grid = 20 * (np.arange(32) % period == 0)[:, None, None]
    clean, marked, other = (
        np.uint8(faces + noise + extra) for extra in (0, grid, 20 * (np.arange(32) % 5 == 0)[:, None])
    )
    assert 0.8 < grid_power(clean, faces, period) < 1.25
    assert grid_power(marked, faces, period) > 3
    assert grid_power(marked.transpose(0, 2, 1, 3), faces.transpose(0, 2, 1, 3), period) > 3
    at_once = grid_power(other, faces, period)
    assert at_once < 1.5
    assert grid_power(marked, period=period) == grid_power(marked, np.zeros_like(marked), period)
    monkeypatch.setattr(reconstruction, "COMPARED", 3)  # some at a time
    assert grid_power(other, faces, period) == pytest.approx(at_once, rel=1e-9)


def test_grid_power_of_equal_pictures_and_periods_that_do_not_fit():
    faces = np.zeros((2, 32, 32, 3), np.uint8)
    assert np.isnan(grid_power(faces, faces, period=8))
    for period in (1, 3, 16):
        with pytest.raises(ValueError, match=f"divide 32 pixels into 4 parts or more, got {period}"):
            grid_power(faces, faces, period)


def test_what_is_the_same_in_all_others_is_no_likeness():
    rng = np.random.default_rng(0)
    one = rng.standard_normal((50, 64))
    one[:, 0] = 0.0  # such as a feature that no face has
    assert likeness(one, one + 0.01 * rng.standard_normal(one.shape)).min() > 0.99


def test_likeness_of_single_faces_needs_others():
    rng = np.random.default_rng(0)
    others, face = rng.standard_normal((50, 6)), rng.standard_normal((1, 6))
    assert likeness(face, face, others)[0] == pytest.approx(1)
    assert abs(likeness(others[:25], others[25:], others).mean()) < 0.3
    with pytest.raises(ValueError, match="reference is missing"):
        likeness(face, face)
    with pytest.raises(ValueError, match="as many columns"):
        likeness(face, face, others[:, :5])
    with pytest.raises(ValueError, match="as many rows"):
        likeness(face, others, others)
