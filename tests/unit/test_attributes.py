"""The classifier of attributes. Runs on TensorFlow and on JAX."""

import numpy as np
import pytest

from facelib import weights
from facelib.data import load_faces
from facelib.models import AttributeClassifier

NAMES = ("Blond_Hair", "Bald", "Wearing_Hat")


@pytest.fixture(scope="module")
def faces():
    return load_faces(n=400, size=32, seed=3)


@pytest.fixture(scope="module")
def trained(faces):
    classifier = AttributeClassifier(NAMES, 32, width=16)
    classifier.compile()
    classifier.fit(faces, epochs=8, verbose=0)
    return classifier


@pytest.mark.once
def test_it_learns_each_attribute_of_the_table(trained):
    others = load_faces(n=300, size=32, seed=4)
    accuracy = trained.balanced_accuracy(others)
    assert list(accuracy) == list(NAMES) and min(accuracy.values()) > 0.65
    probabilities = trained.probabilities(others)
    assert probabilities.shape == (300, 3) and probabilities.min() >= 0 and probabilities.max() <= 1
    bald = others.attributes["Bald"].to_numpy()
    says = probabilities[:, 1] > 0.5
    assert accuracy["Bald"] == pytest.approx((says[bald].mean() + (~says[~bald]).mean()) / 2)
    # A table in another order, under the same names, is the same table.
    assert trained.balanced_accuracy(others.images, others.attributes[::1].iloc[:, ::-1]) == accuracy


@pytest.mark.once
def test_pictures_of_any_size_are_read(trained):
    small, large = (load_faces(n=100, size=size, seed=4) for size in (32, 80))
    agree = (trained.probabilities(small) > 0.5) == (trained.probabilities(large) > 0.5)
    assert agree.mean() > 0.85


def test_it_comes_back_from_a_file(trained, faces, tmp_path):
    weights.save(trained, "reader", {}, folder=tmp_path)
    again = weights.load("reader", folder=tmp_path)
    assert again.attributes == NAMES and again.get_config() == trained.get_config()
    np.testing.assert_allclose(again.probabilities(faces[:50]), trained.probabilities(faces[:50]), atol=0.02)


@pytest.mark.once
def test_epochs_hold_whole_executions_only(faces):
    classifier = AttributeClassifier(NAMES, 32, width=8)
    classifier.compile(steps_per_execution=2)
    classifier.fit(faces, epochs=2, batch_size=128, verbose=0)  # three batches in a pass
    assert int(classifier.optimizer.iterations.value) == 4


@pytest.mark.once
@pytest.mark.parametrize("answers", [[1, -1], [0.9, 0.2], [np.nan, 1.0], ["yes", "no"], [True, None]])
def test_only_true_and_false_are_answers(trained, faces, answers):
    table = faces.attributes[list(NAMES)].astype(object)
    table["Bald"] = (answers * len(faces))[: len(faces)]
    for method in (trained.fit, trained.balanced_accuracy):
        with pytest.raises(ValueError, match="table must say true or false of each face, not so in Bald: of prob"):
            method(faces, table)
    numbers = faces.attributes[list(NAMES)].astype(float)
    assert trained.balanced_accuracy(faces, numbers) == trained.balanced_accuracy(faces)


@pytest.mark.once
def test_rare_answers_weigh_as_much_as_common_ones(faces):
    """Where nothing can be seen, the answer is one half, however rare the attribute."""
    blank = np.full((200, 16, 16, 3), 128, np.uint8)
    table = faces.attributes.iloc[:200].copy()
    table["Bald"] = np.arange(200) < 20
    classifier = AttributeClassifier(["Bald"], 16, width=8)
    classifier.compile()
    classifier.fit(blank, table, epochs=15, verbose=0)
    assert classifier.probabilities(blank[:1])[0, 0] == pytest.approx(0.5, abs=0.1)


@pytest.mark.once
def test_bad_arguments_are_named(trained, faces):
    for arguments, message in [
        ({"attributes": ()}, r"attributes must be different names, at least one, got \(\)"),
        ({"attributes": ("a", "a")}, "attributes must be different names"),
        ({"attributes": "Bald"}, "attributes must be different names, at least one, got 'Bald'"),
        ({"image_size": 40}, "image_size must be a positive multiple of 16, got 40"),
        ({"architecture": "deep"}, "architecture must be one of"),
        ({"width": 12}, "width must be a positive multiple of 8, got 12"),
    ]:
        with pytest.raises(ValueError, match=message):
            AttributeClassifier(**{"attributes": NAMES, "image_size": 32, **arguments})
    with pytest.raises(ValueError, match="table is missing: images need a table of attributes"):
        trained.fit(faces.images)
    with pytest.raises(ValueError, match="400 faces and a column for each attribute, got 400 rows and no Bald."):
        trained.fit(faces, faces.attributes.drop(columns="Bald"))
    with pytest.raises(ValueError, match="400 faces and a column for each attribute, got 3 rows."):
        trained.fit(faces, faces.attributes[:3])
    with pytest.raises(ValueError, match="all faces or none have Bald: nothing would teach the difference"):
        trained.fit(faces.where(Bald=False), verbose=0)
    with pytest.raises(ValueError, match="faces must be uint8 images"):
        trained.probabilities(faces.scaled())
