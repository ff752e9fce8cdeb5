"""Conditionality: a classifier of real faces judges generated ones."""

import numpy as np
import pytest

from facelib.data import load_faces
from facelib.metrics import conditionality, train_judge

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
    assert judge.ceiling.value > 0.7 and judge.ceiling.n == 400
    assert result.accuracy.low < judge.ceiling.high and judge.ceiling.low < result.accuracy.high
    assert (0.85 < result.variety).all() and (result.variety < 1.15).all()
    assert result.value == pytest.approx(result.accuracy.value, abs=0.1)
    assert result.confusion.sum() == 600
    assert result.confusion.diagonal().sum() > 0.6 * 600
    assert "of a ceiling of" in str(result) and "(600 images, 4 classes)" in str(result)


def test_one_perfect_face_a_class_does_not_win(judge, fresh):
    images, labels = fresh
    answers = judge.network.predict(images, verbose=0).argmax(axis=1)
    perfect = [np.flatnonzero((labels == c) & (answers == c))[0] for c in range(4)]
    asked = np.repeat(np.arange(4), 50)
    result = conditionality(images[perfect][asked], asked, judge)
    assert result.accuracy.value == 1.0
    assert result.variety.max() == 0 and result.value == 0


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


def test_equal_seeds_hold_out_the_same(faces, judge):
    again = train_judge(faces, classes_of(faces), epochs=1, seed=0, width=16)
    np.testing.assert_array_equal(again.images, judge.images)
    assert again.names == ("0", "1", "2", "3")
    seen = {image.tobytes() for image in judge.images}
    assert len(seen) == 400 and sum(image.tobytes() in seen for image in faces.images) == 400


def test_bad_arguments_are_named(faces, judge, fresh):
    images, labels = fresh
    for arguments, message in [
        ((faces.scaled(), classes_of(faces)), "faces must be uint8"),
        ((faces, classes_of(faces)[:-1]), "labels must be 1600 whole numbers from 0"),
        ((faces, classes_of(faces) * 0.5), "labels must be 1600 whole numbers from 0, one an image, got float64"),
        ((faces, classes_of(faces) * 0), "labels must name at least 2 classes of 10 faces"),
        ((faces, np.arange(1600) // 1599), r"at least 2 classes of 10 faces or more each, got \[1599, 1\]"),
        ((faces, classes_of(faces), ("a", "b")), "names must be 4, one a class, got 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            train_judge(*arguments)
    with pytest.raises(ValueError, match="held_out must lie between 0 and 1, got 1"):
        train_judge(faces, classes_of(faces), held_out=1)
    for arguments, message in [
        ((images[:, :16], labels), "generated must be images .* as the judge's"),
        ((images, labels - 1), "asked must be 600 whole numbers from 0"),
        ((images, labels + 1), "asked must name each of the 4 classes at least twice"),
        ((images[:4], np.arange(4)), r"at least twice, got \[1, 1, 1, 1\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            conditionality(*arguments, judge)
