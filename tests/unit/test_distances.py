"""Scores of images: FID, FID∞ and KID by any network, precision and recall, copies of the training set."""

import numpy as np
import pytest
import sklearn
from scipy.ndimage import gaussian_filter

from facelib.data import load_faces
from facelib.metrics import (
    Features,
    Score,
    Statistics,
    expected_coverage,
    extract,
    fid,
    fid_infinity,
    frechet_distance,
    kernel_distance,
    kid,
    memorization,
    nearest,
    precision_recall,
)

ONE, OTHER = ("onet", "80×80 → 48×48 bicubic antialiased"), ("onet", "64×64 → 48×48 bicubic antialiased")


def draw(n, d=8, seed=0, fake=False):
    values = np.random.default_rng(seed).normal(size=(n, d)) * np.linspace(1, 0.2, d)
    return values * 1.1 + 0.15 if fake else values


@pytest.fixture(scope="module")
def faces():
    return load_faces(n=160, size=80, seed=1), load_faces(n=160, size=80, seed=2)


@pytest.fixture(scope="module")
def features(faces):
    return [extract(images, "onet", progress=False) for images in faces]


def test_the_face_distance_rises_with_what_is_done_to_the_faces(faces, features):
    """And is not called FID: Inception made none of it."""
    distances = [fid(*features, progress=False)]
    for sigma in (1, 2, 4):
        blurred = gaussian_filter(faces[1].images, (0, sigma, sigma, 0))
        distances.append(fid(features[0], blurred, "onet", progress=False))
    assert distances == sorted(distances, key=float) and float(distances[-1]) > 5 * float(distances[0])
    assert all(after.low > before.high for before, after in zip(distances, distances[1:], strict=False))
    assert distances[0].name == "Fréchet face distance" and "FID" not in str(distances[0])
    assert str(distances[0]).endswith("(160 real and 160 generated, onet, 80×80 → 48×48 bicubic antialiased)")
    assert float(distances[0]) == frechet_distance(*features)


def test_images_features_and_statistics_give_one_value(faces, features):
    value = float(fid(*features, resamples=0))
    for real in (faces[0], features[0], Statistics.of(features[0])):
        for batch_size in (16, 64):
            score = fid(real, faces[1].images, "onet", resamples=0, batch_size=batch_size, progress=False)
            np.testing.assert_allclose(float(score), value, rtol=1e-4)
            assert (score.n_real, score.n_fake) == (160, 160) and np.isnan(score.low) and np.isnan(score.high)
    assert "[" not in str(score)


def test_fid_says_what_does_not_fit(faces, features):
    with pytest.raises(ValueError, match="real must be uint8 images"):
        fid(faces[0].scaled(), faces[1], "onet", progress=False)
    with pytest.raises(ValueError, match="fake must be pictures, but all pixels"):
        fid(features[0], np.zeros((9, 80, 80, 3), np.uint8), "onet", progress=False)
    with pytest.raises(ValueError, match="fake must have at least 2 rows, one an image, got 1"):
        fid(features[0], faces[1][:1], "onet", progress=False)
    with pytest.raises(ValueError, match=r"made in one way, got onet \(80×80 .*\) and onet \(64×64"):
        fid(features[0], load_faces(n=20, size=64), "onet", progress=False)

    def never(images):
        raise AssertionError("the network worked before the check")

    with pytest.raises(ValueError, match="real was made by 'onet', but extractor is 'never'"):
        fid(features[0], faces[1], never, progress=False)
    with pytest.raises(ValueError, match="resamples must be a whole number of at least 2, got 1"):
        fid(*features, resamples=1)


def test_intervals_do_not_pass_zero(features):
    some = features[0][:40]
    score = fid(some, some, progress=False)
    assert score.value < 1e-6 and score.low == 0 and score.high > 0


def test_what_has_no_bias_is_compared_at_any_n(features):
    for score in (fid_infinity, kid):
        few, many = (score(features[0], features[1][:n], progress=False) for n in (60, 160))
        assert isinstance(few - many, float)
        with pytest.raises(ValueError, match="cannot be compared: .* against"):
            few - fid(*features, resamples=0)


def test_coverage_knows_its_protocol_and_has_no_order(features):
    few, many = (precision_recall(features[0], features[1][:n]) for n in (60, 160))
    assert (few.k, few.n_real, few.n_fake, few.extractor, few.resize) == (5, 160, 60, *features[0].protocol)
    assert str(few).endswith("(k = 5, 160 real and 60 generated, onet, 80×80 → 48×48 bicubic antialiased)")
    with pytest.raises(TypeError):
        few > many  # noqa: B015
    bare = precision_recall(draw(20), draw(20))
    assert str(bare).endswith("20 real and 20 generated, features of unknown make)")


def test_long_sets_are_looked_at_in_parts(monkeypatch):
    """With the same result as at once."""
    real, fake = draw(700, 4, 0), 1.5 * draw(600, 4, 1)
    at_once = precision_recall(real, fake), nearest(fake, real), kernel_distance(real, fake)
    monkeypatch.setattr("facelib.metrics.kernel.ROWS", 7)
    with sklearn.config_context(working_memory=0.1):
        in_parts = precision_recall(real, fake), nearest(fake, real), kernel_distance(real, fake)
    assert str(at_once[0]) == str(in_parts[0]) and at_once[0].recall == in_parts[0].recall
    np.testing.assert_allclose(in_parts[1], at_once[1])
    np.testing.assert_allclose(in_parts[2], at_once[2], rtol=1e-9)


def test_scores_of_two_protocols_are_not_compared():
    score = Score("FID", 20.0, 19.0, 21.0, 500, 500, *ONE)
    assert score < Score("FID", 21.0, 20.0, 22.0, 500, 500, *ONE) and score - score == 0
    assert score >= score and not score > score and score <= score
    for other, what in [
        (Score("FID", 20.0, 19.0, 21.0, 500, 1000, *ONE), "500 against 1,000 generated images"),
        (Score("FID", 20.0, 19.0, 21.0, 400, 500, *ONE), "500 against 400 real images"),
        (Score("FID", 20.0, 19.0, 21.0, 500, 500, *OTHER), "80×80 .* against 64×64"),
        (Score("KID", 20.0, 19.0, 21.0, 500, 500, *ONE), "FID against KID"),
    ]:
        for compare in (lambda a, b: a < b, lambda a, b: a > b, lambda a, b: a <= b, lambda a, b: a >= b):
            with pytest.raises(ValueError, match=f"cannot be compared: {what}"):
                compare(score, other)
        with pytest.raises(ValueError, match="cannot be compared"):
            score - other
    with pytest.raises(TypeError):
        score < 20.0  # noqa: B015


def test_scores_print_as_many_digits_as_are_known():
    assert str(Score("FID", 21.3614, 20.9, 21.8, 10_000, 10_000, "inception", "x")).startswith(
        "FID 21.36 [20.90, 21.80]"
    )
    assert str(Score("FID", 21.3614, np.nan, np.nan, 9, 9, "inception", "x")).startswith("FID 21.4 (9 real")
    assert str(Score("KID", -0.00012, -0.0005, 0.00026, 9, 9, "inception", "x")).startswith("KID -0.00012 [-0.0005")
    assert str(Score("FID", 0.0, 0.0, 0.0, 9, 9, "inception", "x")).startswith("FID 0.0 [0.0, 0.0]")


def test_names_belong_to_networks(features):
    def named(extractor):
        pair = [Features(side.values[:40], extractor, "x") for side in features]
        return [score(*pair, progress=False).name for score in (fid, fid_infinity, kid)]

    assert named("inception") == named("inception-2015") == ["FID", "FID∞", "KID"]
    assert named("onet") == ["Fréchet face distance", "Fréchet face distance∞", "Kernel face distance"]
    assert named("mine") == ["Fréchet distance", "Fréchet distance∞", "Kernel distance"]


def test_fid_infinity_takes_the_bias_away():
    """The distance of the distributions themselves is known; that of 200 samples is far above it."""
    spreads = np.linspace(1, 0.2, 16)
    truth = 16 * 0.15**2 + (0.1**2 * spreads**2).sum()
    at_n, limits, covered = [], [], 0
    for i in range(15):
        pair = Features(draw(200, 16, 2 * i), *ONE), Features(draw(200, 16, 2 * i + 1, fake=True), *ONE)
        limit = fid_infinity(*pair, progress=False, seed=i)
        at_n.append(frechet_distance(*pair))
        limits.append(float(limit))
        covered += limit.low <= truth <= limit.high
    assert np.mean(at_n) > 1.5 * truth
    assert abs(np.mean(limits) - truth) < 3 * np.std(limits) / np.sqrt(15)
    assert covered >= 12


def test_fid_infinity_says_what_it_needs(features):
    whole = [Statistics.of(side) for side in features]
    with pytest.raises(ValueError, match="real must be images or features: statistics do not say"):
        fid_infinity(whole[0], features[1])
    with pytest.raises(ValueError, match="at least 30 images a side, got 160 real and 20 generated"):
        fid_infinity(features[0], features[1][:20])
    for points in (2, 3.5):
        with pytest.raises(ValueError, match=f"points must be a whole number of at least 3, got {points}"):
            fid_infinity(*features, points=points)


def test_kernel_distances_have_no_bias_and_honest_errors():
    """Two samples of one distribution: 0 on average, at any n, and within two errors about as often as that means."""
    for n in (20, 100):
        results = [kernel_distance(draw(n, seed=2 * i), draw(n, seed=2 * i + 1)) for i in range(150)]
        values, errors = np.array(results).T
        assert abs(values.mean()) < 3 * values.std() / np.sqrt(150)
        assert 0.9 <= (np.abs(values) < 1.96 * errors).mean()
        assert (values < 0).any()
    apart = [kernel_distance(draw(100, seed=2 * i), draw(100, seed=2 * i + 1, fake=True)) for i in range(60)]
    values, errors = np.array(apart).T
    assert 0.8 < errors.mean() / values.std() < 1.4
    assert (np.abs(values - values.mean()) < 1.96 * errors).mean() > 0.85


def test_kernel_distance_has_its_closed_form():
    """Four points on a line, by hand: k(x, y) = (x y + 1)³."""
    real, fake = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    within = (0 * 1 + 1) ** 3 + (2 * 3 + 1) ** 3
    between = (1 + 1 + (1 * 2 + 1) ** 3 + (1 * 3 + 1) ** 3) / 4
    np.testing.assert_allclose(kernel_distance(real, fake)[0], within - 2 * between)


def test_kid_wants_features(features):
    score = kid(*features)
    assert score.low < 0 < score.high and score.name == "Kernel face distance"
    with pytest.raises(ValueError, match="fake must be images or features: statistics do not say"):
        kid(features[0], Statistics.of(features[1]))
    with pytest.raises(ValueError, match="as many columns, got 256 and 8"):
        kernel_distance(features[0], draw(10))


def test_precision_and_recall_tell_quality_from_variety():
    real = draw(400, 4, 0)
    same = precision_recall(real, draw(400, 4, 1))
    assert min(same.precision, same.recall, same.coverage) > 0.8 and same.density == pytest.approx(1, abs=0.1)
    # Half of what is real: as good, less varied.
    some = precision_recall(real, draw(800, 4, 1)[draw(800, 4, 1)[:, 0] > 0][:400])
    assert some.precision > 0.9 and some.recall < 0.75 and some.coverage < 0.75
    # All of it and much else: as varied, less good.
    wide = precision_recall(real, 3 * draw(400, 4, 1))
    assert wide.precision < 0.5 and wide.recall > 0.9
    # One perfect picture: precise, and nothing else.
    one = precision_recall(real, real[:1].repeat(400, axis=0))
    assert one.precision == 1 and one.recall < 0.01 and one.coverage < 0.05
    assert str(one).startswith("precision 1.00, recall 0.00, density ")


def test_few_of_the_same_distribution_cover_as_much_as_expected():
    pool = draw(24_000, 4, 2)
    for n_real, n_fake, k in ((600, 200, 5), (200, 600, 3), (400, 20, 5)):
        parts = (pool[np.random.default_rng(i).permutation(len(pool))[: n_real + n_fake]] for i in range(30))
        measured = np.mean([precision_recall(part[:n_real], part[n_real:], k).coverage for part in parts])
        assert measured == pytest.approx(expected_coverage(n_real, n_fake, k), abs=0.02)
    with pytest.raises(ValueError, match="n_real must be a whole number of at least 6, got 5"):
        expected_coverage(5, 10)
    with pytest.raises(ValueError, match="n_fake must be a whole number of at least 1, got 0"):
        expected_coverage(10, 0)


def test_neighbours_have_known_answers():
    line = np.arange(5.0)[:, None]
    distances, rows = nearest(np.array([[0.2], [3.9]]), line)
    np.testing.assert_allclose(distances, [0.2, 0.1])
    assert rows.tolist() == [0, 4]
    assert nearest(np.array([[2.4]]), line)[1].tolist() == [2]
    with pytest.raises(ValueError, match="k must be below the number of images, 5, got 5"):
        precision_recall(line, line, k=5)
    with pytest.raises(ValueError, match="k must be a whole number of at least 1, got 2.5"):
        precision_recall(line, line, k=2.5)
    with pytest.raises(ValueError, match="features and training must have as many columns, got 2 and 1"):
        nearest(np.zeros((3, 2)), line)


def test_copies_of_the_training_set_are_seen():
    training, held_out, fresh = draw(300, seed=0), draw(300, seed=1), draw(300, seed=2)
    assert memorization(training[:50], training, held_out).high < 0.01
    usual = memorization(fresh, training, held_out)
    assert usual.low < 1 < usual.high
    half = memorization(np.concatenate([training[:50], fresh[:50]]), training, held_out)
    assert half.high < usual.low and 0.3 < half.value < 0.7
    tiny = memorization(1e-7 * fresh, 1e-7 * training, 1e-7 * held_out)
    np.testing.assert_allclose(tiny.value, usual.value, rtol=1e-3)
    with pytest.raises(ValueError, match="held_out must be images that are not in training"):
        memorization(fresh, training, training[:50])
    with pytest.raises(ValueError, match="fake must have at least 2 rows, one an image, got 1"):
        memorization(fresh[:1], training, held_out)
    with pytest.raises(ValueError, match="held_out and training must have as many columns"):
        memorization(fresh, training, held_out[:, :3])
