"""Conditionality: a classifier of real faces judges generated ones."""

import numpy as np
import pytest

from facelib.data import load_faces
from facelib.metrics import conditionality, train_judge
from facelib.metrics.judge import Judge, class_coverage

NAMES = ("plain", "glasses", "blond", "blond with glasses")


def classes_of(faces):
    return 2 * faces.attributes["Blond_Hair"].to_numpy(int) + faces.attributes["Eyeglasses"].to_numpy(int)


@pytest.fixture(scope="module")
def faces():
    return load_faces(n=1600, size=32, seed=5)


@pytest.fixture(scope="module")
def judge(faces):
    return train_judge(faces, classes_of(faces), NAMES, epochs=12)


@pytest.fixture(scope="module")
def fresh():
    faces = load_faces(n=600, size=32, seed=6)
    return faces.images, classes_of(faces)


def test_real_faces_reach_the_ceiling(judge, fresh):
    result = conditionality(*fresh, judge)
    assert judge.ceiling.value > 0.7 and judge.ceiling.n == len(judge.images)
    assert result.accuracy.low < judge.ceiling.high and judge.ceiling.low < result.accuracy.high
    assert (0.85 < result.coverage).all() and (result.coverage <= 1).all()
    np.testing.assert_allclose(result.coverage, result.coverage_ceiling, atol=0.12)
    assert (result.coverage_ceiling < 1).all()
    assert result.value == pytest.approx(result.accuracy.value, abs=0.1)
    assert result.confusion.sum() == 600
    assert result.confusion.diagonal().sum() > 0.6 * 600
    assert "of a ceiling of" in str(result) and "(600 images, 4 classes)" in str(result)


def test_one_perfect_face_a_class_does_not_win(judge, fresh):
    """Nor does it with noise on it, in other light or elsewhere; nor do two."""
    images, labels = fresh
    answers = judge.network.predict(images, verbose=0).argmax(axis=1)
    perfect = np.array([np.flatnonzero((labels == c) & (answers == c))[:2] for c in range(4)])
    asked, rng = np.repeat(np.arange(4), 50), np.random.default_rng(0)
    one, two = images[perfect[asked, 0]], images[perfect[asked, rng.integers(0, 2, 200)]]

    def plus(offsets):
        return np.clip(one + offsets, 0, 255).astype(np.uint8)

    assert conditionality(one, asked, judge).accuracy.value == 1.0
    for trick in (
        one,
        two,
        plus(rng.normal(0, 40, one.shape)),
        plus(rng.normal(0, 40, (200, 1, 1, 1))),
        np.stack([np.roll(face, tuple(rng.integers(-4, 5, 2)), (0, 1)) for face in one]),
    ):
        result = conditionality(trick, asked, judge)
        assert result.value < 0.3 < 0.6 < conditionality(images, labels, judge).value


def test_rare_classes_make_the_interval_wider(judge, fresh):
    """The mean over classes knows no more than its rarest class tells."""
    images, labels = fresh
    even = np.concatenate([np.flatnonzero(labels == c)[:24] for c in range(4)])
    uneven = np.concatenate([np.flatnonzero(labels == c)[: 6 if c else 78] for c in range(4)])
    widths = [
        result.accuracy.high - result.accuracy.low
        for result in (conditionality(images[rows], labels[rows], judge) for rows in (even, uneven))
    ]
    assert len(even) == len(uneven) and widths[1] > 1.4 * widths[0]


def test_a_generator_that_does_not_listen_is_at_chance(judge, fresh):
    images, labels = fresh
    deaf = conditionality(images, np.random.default_rng(0).permutation(labels), judge)
    assert deaf.accuracy.low < 0.25 < deaf.accuracy.high
    # One that always draws the commonest class is right for that one, and a quarter in the mean over classes.
    always = conditionality(images[labels == 0][:200], np.repeat(np.arange(4), 50), judge)
    assert always.accuracy.value < 0.35


def test_labels_that_cannot_be_seen_make_no_judge(faces):
    noise = np.random.default_rng(0).integers(0, 2, len(faces))
    with pytest.raises(ValueError, match="nothing can be judged by it"):
        train_judge(faces[:400], noise[:400], epochs=2)


def test_equal_seeds_give_the_same_judge(faces, judge):
    again = train_judge(faces, classes_of(faces), epochs=2, seed=0, width=32)
    np.testing.assert_array_equal(again.images, judge.images)
    rerun = train_judge(faces, classes_of(faces), epochs=2, seed=0, width=32)
    for one, other in zip(again.network.get_weights(), rerun.network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert again.names == ("0", "1", "2", "3")
    seen = {image.tobytes() for image in judge.images}
    assert 380 < len(judge.images) < 420
    assert sum(image.tobytes() in seen for image in faces.images) == len(judge.images)


def test_bad_arguments_are_named(faces, judge, fresh):
    images, labels = fresh
    for arguments, message in [
        ((faces.scaled(), classes_of(faces)), "faces must be uint8"),
        ((faces, classes_of(faces)[:-1]), "labels must be 1600 whole numbers from 0"),
        (
            (faces, np.arange(1600) % 3 - 1),
            r"got -1, which marks a face without a class: .* faces\[labels.kept\]",
        ),
        ((faces, classes_of(faces) * 0.5), "labels must be 1600 whole numbers from 0, one an image, got float64"),
        ((faces, classes_of(faces) * 0), r"labels must name at least 2 classes, each with faces, got \[1600\] faces"),
        ((faces, 2 * (classes_of(faces) > 0)), "at least 2 classes, each with faces, got"),
        ((faces, classes_of(faces) * 10**12), "labels must be 1600 whole numbers from 0"),
        ((faces, np.arange(1600) // 1590), "held_out = 0.25 leaves 2 faces of the rarest class to judge by and 8 to"),
        ((load_faces(n=40, size=24), np.arange(40) % 2), "faces must be square, with a side that is a multiple of 16"),
        ((faces, classes_of(faces), ("a", "b")), "names must be 4, one a class, got 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            train_judge(*arguments)
    with pytest.raises(ValueError, match="held_out must lie between 0 and 1, got 1"):
        train_judge(faces, classes_of(faces), held_out=1)
    for arguments, message in [
        ((images[:, :16], labels), "generated must be images .* as the judge's"),
        ((images, labels - 1), "asked must be 600 whole numbers from 0"),
        ((images, labels + 1), "asked must name each of the 4 classes more than 5 times"),
        ((images[:4], np.arange(4)), r"more than 5 times, got \[1, 1, 1, 1\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            conditionality(*arguments, judge)


def test_coverage_of_classes_takes_lists_and_sets_and_names_what_does_not_fit(faces):
    real, drawn = faces[:40], faces[40:80]
    judge = Judge(None, ("a", "b"), None, None, real.images, np.arange(40) % 2)
    shown = [0, 1] * 15 + [1] * 10
    coverage = class_coverage(drawn.images, np.array(shown), judge)
    assert coverage.shape == (2,) and (coverage > 0.2).all()
    np.testing.assert_array_equal(class_coverage(drawn, shown, judge), coverage)
    for arguments, message in [
        ((drawn.scaled(), shown), "generated must be uint8 images .* got float32"),
        ((drawn.images[0], shown), r"generated must have shape \(n, height, width, 3\), got \(32, 32, 3\)"),
        ((drawn.images[:, :16], shown), r"generated must be images \(32, 32, 3\) as the judge's, got \(16, 32, 3\)"),
        ((drawn, shown[1:]), r"shown must be 40 whole numbers from 0 to 1, one an image, got int64 of shape \(39,\)"),
        ((drawn, [2, *shown[1:]]), "shown must be 40 whole numbers from 0 to 1"),
        ((drawn, [0.5] * 40), "shown must be 40 whole numbers from 0 to 1, one an image, got float64"),
    ]:
        with pytest.raises(ValueError, match=message):
            class_coverage(*arguments, judge)
