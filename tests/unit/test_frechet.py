"""Fréchet distances against closed forms, against scipy, and known-bad ones that the same checks must catch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import eigvalsh, sqrtm

from facelib.metrics import Features, Statistics, frechet_distance, trace_of_root
from facelib.metrics.frechet import standard_error


def by_sqrtm(real, fake, ddof=1):
    """As most programs have it."""
    a, b = np.cov(real.T, ddof=ddof), np.cov(fake.T, ddof=ddof)
    apart = ((real.mean(axis=0) - fake.mean(axis=0)) ** 2).sum()
    return apart + np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(a @ b)).real


def with_eigvalsh_of_the_product(real, fake):
    """Known bad: the product of two symmetric matrices is not symmetric, and half of it is never read."""
    a, b = np.cov(real.T), np.cov(fake.T)
    apart = ((real.mean(axis=0) - fake.mean(axis=0)) ** 2).sum()
    roots = np.sqrt(np.clip(eigvalsh(a @ b), 0, None))
    return apart + np.trace(a) + np.trace(b) - 2 * roots.sum()


def with_the_wrong_n(real, fake):
    """Known bad: covariances divided by n."""
    return by_sqrtm(real, fake, ddof=0)


def draw(n, d, seed, scale=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    mixed = np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    return rng.normal(size=(n, d)) @ mixed * scale * np.linspace(1, 0.1, d) + shift


def with_exact_covariance(n, deviations, mean, seed):
    """Features whose sample covariance is diagonal, with these standard deviations, and whose mean is exact."""
    draws = np.random.default_rng(seed).normal(size=(n, len(deviations)))
    orthogonal, _ = np.linalg.qr(draws - draws.mean(axis=0))
    return orthogonal * np.sqrt(n - 1) * deviations + mean


def check_diagonal(distance):
    """Commuting covariances: the squared differences of the standard deviations."""
    a, b = np.linspace(0.5, 3, 6), np.linspace(2, 1, 6)
    real, fake = with_exact_covariance(40, a, 1.0, 0), with_exact_covariance(25, b, 3.0, 1)
    np.testing.assert_allclose(distance(real, fake), ((a - b) ** 2).sum() + 6 * 2.0**2, rtol=1e-9)


def check_general(distance):
    """Covariances that do not commute, against the matrix square root."""
    for n, m in ((300, 200), (40, 500)):
        real, fake = draw(n, 20, 0), draw(m, 20, 1, scale=1.3, shift=0.2) @ np.diag(np.linspace(0.2, 2, 20))
        np.testing.assert_allclose(distance(real, fake), by_sqrtm(real, fake), rtol=1e-7)


def test_closed_forms():
    check_diagonal(frechet_distance)
    check_general(frechet_distance)
    real = draw(50, 8, 0)
    np.testing.assert_allclose(frechet_distance(real, real + 2.0), 8 * 2.0**2, rtol=1e-9)


@pytest.mark.parametrize(
    ("bad", "check"), [(with_eigvalsh_of_the_product, check_general), (with_the_wrong_n, check_diagonal)]
)
def test_the_checks_catch_what_is_known_to_be_bad(bad, check):
    with pytest.raises(AssertionError):
        check(bad)


@pytest.mark.parametrize(
    ("n", "m"), [(5, 2000), (30, 25), (30, 400), (400, 30), (400, 300), (64, 65), (2, 2), (2, 400)]
)
def test_all_routes_agree(n, m):
    """Few rows or many, on either side, as features or as statistics; 64 columns."""
    real, fake = draw(n, 64, 0), draw(m, 64, 1, scale=1.2, shift=0.1)
    from_features = frechet_distance(real, fake)
    for a, b in ((Statistics.of(real), fake), (real, Statistics.of(fake)), (Statistics.of(real), Statistics.of(fake))):
        np.testing.assert_allclose(frechet_distance(a, b), from_features, rtol=1e-6)
    np.testing.assert_allclose(frechet_distance(fake, real), from_features, rtol=1e-6)


def test_fewer_images_than_features_has_a_closed_form_too():
    real = draw(20, 200, 0)
    trace, mean = np.cov(real.T).trace(), (real.mean(axis=0) ** 2).sum()
    np.testing.assert_allclose(frechet_distance(real, 3 * real), (3 - 1) ** 2 * (trace + mean), rtol=1e-9)


def test_it_is_never_negative_complex_or_nan():
    rng = np.random.default_rng(0)
    for n, d in ((2, 1), (5, 50), (50, 5), (60, 60)):
        real = rng.normal(size=(n, d))
        for fake in (real, real[:2], np.zeros((3, d)), real[:, :1].repeat(d, axis=1), 1e8 * real, 1e-8 * real):
            distance = frechet_distance(real, fake)
            assert isinstance(distance, float) and distance >= 0 and np.isfinite(distance)
        assert frechet_distance(real, real) < 1e-6


def test_the_trace_term_equals_the_matrix_root():
    a, b = np.cov(draw(400, 96, 0).T), np.cov(draw(300, 96, 1, scale=1.5).T)
    np.testing.assert_allclose(trace_of_root(a, b), np.trace(sqrtm(a @ b)).real, rtol=1e-6)
    for bad, message in [
        (b[:5, :5], "a and b must have as many columns, got 96 and 5"),
        (b[:5], r"b must be a square matrix, got shape \(5, 96\)"),
        (np.zeros((0, 0)), "b must be a square matrix"),
        (-b, "b must have no negative eigenvalue, as a covariance"),
    ]:
        with pytest.raises(ValueError, match=message):
            trace_of_root(a, bad)
    assert trace_of_root([[4.0]], [[9.0]]) == 6.0
    with pytest.raises(ValueError, match="a must be finite and symmetric"):
        trace_of_root(a + np.triu(np.ones_like(a), 1), b)


def test_streaming_is_the_whole_whatever_the_batches():
    features = draw(500, 12, 0, shift=100.0)
    whole = Statistics.of(features)
    np.testing.assert_allclose(whole.covariance, np.cov(features.T), rtol=1e-10)
    for cuts in ([250], [1, 2, 3], [499], list(range(7, 500, 7))):
        parts = Statistics()
        for part in np.split(features, cuts):
            parts.update(part)
        merged = Statistics()
        for part in reversed(np.split(features, cuts)):
            merged.merge(Statistics.of(part))
        for other in (parts, merged):
            assert other.n == 500
            np.testing.assert_allclose(other.mean, whole.mean, rtol=1e-12)
            np.testing.assert_allclose(other.covariance, whole.covariance, rtol=1e-9)


def test_statistics_are_kept_with_their_protocol(tmp_path):
    statistics = Statistics.of(Features(draw(50, 6, 0).astype("float32"), "onet", "80×80 → 48×48"))
    statistics.save(tmp_path / "faces.npz")
    opened = Statistics.open(tmp_path / "faces.npz")
    assert (opened.n, opened.extractor, opened.resize) == (50, "onet", "80×80 → 48×48")
    np.testing.assert_allclose(opened.covariance, statistics.covariance, rtol=1e-12)
    opened.update(draw(5, 6, 1))
    assert opened.n == 55
    np.savez(tmp_path / "foreign.npz", mu=statistics.mean, sigma=statistics.covariance)
    kept = {"extractor": "onet", "resize": "", "n": 50}
    np.savez(tmp_path / "odd.npz", mu=np.zeros(3), sigma=np.eye(2), **kept)
    np.savez(tmp_path / "nan.npz", mu=np.zeros(2), sigma=np.eye(2) * np.nan, **kept)
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("no statistics")
    for name, message in {
        "foreign.npz": "has no extractor, n, resize",
        "odd.npz": r"must hold a finite mean .*got shapes \(3,\) and \(2, 2\), n = 50",
        "nan.npz": "must hold a finite mean",
        "array.npy": "is no .npz file",
        "text.npz": "is no .npz file",
    }.items():
        with pytest.raises(ValueError, match=f"{name} {message}"):
            Statistics.open(tmp_path / name)


def test_protocols_do_not_mix():
    values = draw(30, 4, 0).astype("float32")
    onet, other = Features(values, "onet", "80×80 → 48×48"), Features(values, "onet", "64×64 → 48×48")
    with pytest.raises(ValueError, match="real and fake must be made in one way"):
        frechet_distance(onet, other)
    with pytest.raises(ValueError, match="statistics and other must be made in one way"):
        Statistics.of(onet).merge(Statistics.of(other))
    with pytest.raises(ValueError, match="statistics and features must be made in one way"):
        Statistics.of(onet).update(other)
    assert frechet_distance(onet, values) < 1e-9  # a bare array has no protocol


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((5, 3, 2)), r"fake must be numbers of shape .n, d., got float64 of shape \(5, 3, 2\)"),
        (np.array([["a"] * 4] * 4), "fake must be numbers"),
        (np.zeros((1, 4)), "fake must have at least 2 rows, one an image, got 1"),
        (np.full((5, 4), np.nan), "fake must be finite, but 5 of 5 rows hold NaN, infinity"),
        (np.full((5, 4), 1e200), "fake must be finite, but 5 of 5 rows hold NaN, infinity or numbers past 1e.30"),
        (Statistics(), "fake must have seen at least two images, got 0"),
        (np.zeros((5, 3)), "real and fake must have as many columns, got 4 and 3"),
    ],
)
def test_bad_features_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(draw(10, 4, 0), bad)
    if "columns" not in message:
        with pytest.raises(ValueError, match=message.replace("fake", "real")):
            frechet_distance(bad, draw(10, 4, 0))


def test_the_standard_error_is_the_spread_over_samples():
    """About as wide as what 300 pairs of samples show, and not by accident of the resamples."""
    spread = np.std([frechet_distance(draw(150, 8, 2 * i), draw(150, 8, 2 * i + 1, 1.3, 0.2)) for i in range(300)])
    pairs = [(draw(150, 8, 1000 + i), draw(150, 8, 2000 + i, 1.3, 0.2)) for i in range(20)]
    errors = [standard_error(*pair, resamples=30, seed=i) for i, pair in enumerate(pairs)]
    assert 0.8 < np.mean(errors) / spread < 1.5
    real, fake = pairs[0]
    fixed = standard_error(Statistics.of(real), fake)
    assert 0 < fixed < errors[0] * 1.1
    with pytest.raises(ValueError, match="resamples must be a whole number of at least 2, got 1"):
        standard_error(real, fake, resamples=1)
    with pytest.raises(ValueError, match="real must be numbers of shape"):
        standard_error([], fake)


def test_the_standard_error_is_not_too_small_for_few_images():
    """Fewer images than features: too large, as the docstring says, never too small."""
    spread = np.std([frechet_distance(draw(50, 60, 2 * i), draw(50, 60, 2 * i + 1, 1.3, 0.2)) for i in range(150)])
    errors = [standard_error(draw(50, 60, 1000 + i), draw(50, 60, 2000 + i, 1.3, 0.2), 30, i) for i in range(15)]
    assert 1 < np.mean(errors) / spread < 2.5


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux")
@pytest.mark.parametrize(("n", "d"), [(200_000, 256), (6_000, 2048)])
def test_statistics_of_200_000_images_need_little_memory(n, d):
    """As many as CelebA has; and as many features as Inception, where memory no longer grows after some thousands."""
    code = r"""
import re, sys, numpy as np
from facelib.metrics import Statistics
rng = np.random.default_rng(0)
images = rng.integers(0, 256, (1000, 32, 32, 3), np.uint8)
n, d = map(int, sys.argv[1:])
project = rng.normal(size=(3072, d)).astype("float32")
def pixels(batch): return batch.reshape(len(batch), -1).astype("float32") @ project
statistics = Statistics.of_images((images for _ in range(n // 1000)), pixels, batch_size=500, progress=False)
assert statistics.n == n
# Not getrusage's peak, which counts the process that started this one.
print(int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1]) // 1024)
"""
    megabytes = int(subprocess.check_output([sys.executable, "-c", code, str(n), str(d)], text=True))
    assert megabytes < 500 < 200_000 * 3072 / 1e6  # all images at once would be 614 MB


def test_what_others_kept_in_float32_may_have_negative_eigenvalues_by_rounding():
    few, more = draw(100, 256, 0), draw(600, 256, 1)
    rounded = Statistics.of(few)
    rounded._scatter = rounded._scatter.astype("float32").astype("float64")
    assert frechet_distance(rounded, more) == pytest.approx(frechet_distance(few, more), rel=1e-3)
    rounded._scatter -= np.eye(256)
    with pytest.raises(ValueError, match="the covariance of real must have no negative eigenvalue"):
        frechet_distance(rounded, more)


def test_what_others_kept_in_float32_is_added_to_in_float64(tmp_path):
    first, second = draw(40, 3, 0).astype("float32"), 1e4 + draw(40, 3, 1).astype("float32")
    half, whole = Statistics.of(first), Statistics.of(np.concatenate([first, second]))
    entries = {"mu": half.mean.astype("float32"), "sigma": half.covariance.astype("float32")}
    np.savez(tmp_path / "half.npz", **entries, n=40, extractor=half.extractor, resize=half.resize)
    opened = Statistics.open(tmp_path / "half.npz")
    opened.update(second)
    assert opened.mean.dtype == opened.covariance.dtype == np.float64
    np.testing.assert_allclose(opened.covariance, whole.covariance, rtol=1e-6)
