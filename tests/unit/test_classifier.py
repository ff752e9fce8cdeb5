"""The classifier that judges, and the judge that it becomes. Runs on TensorFlow and on JAX."""

import json

import numpy as np
import pytest
from keras import layers

from facelib import weights
from facelib.data import load_faces
from facelib.data.labels import multi_class
from facelib.metrics import as_judge
from facelib.models import Classifier


@pytest.fixture(scope="module")
def faces():
    return load_faces(n=400, size=32, seed=3)


@pytest.fixture(scope="module")
def labels(faces):
    return multi_class(faces, ["Blond_Hair"])


@pytest.fixture(scope="module")
def trained(faces, labels):
    classifier = Classifier(32, 2, width=16)
    classifier.compile()
    classifier.fit(faces, labels, epochs=8, verbose=0)
    return classifier


@pytest.mark.once
def test_it_learns_what_it_is_shown_and_comes_back_from_a_file(trained, labels, tmp_path):
    others = load_faces(n=200, size=32, seed=4)
    truth = multi_class(others, ["Blond_Hair"])
    answers = trained.classify(others)
    right = [(answers == truth.values)[truth.values == c].mean() for c in (0, 1)]
    assert min(right) > 0.6 and np.mean(right) > 0.75  # rare as the blond are
    weights.save(trained, "judge", {}, folder=tmp_path)
    again = weights.load("judge", folder=tmp_path)
    assert (
        again.get_config()
        == trained.get_config()
        == {
            "image_size": 32,
            "classes": 2,
            "architecture": "pooled",
            "width": 16,
        }
    )
    assert (again.classify(others) == answers).mean() > 0.98


@pytest.mark.once
def test_epochs_hold_whole_executions_only(faces, labels):
    classifier = Classifier(32, 2, width=8)
    classifier.compile(steps_per_execution=2)
    classifier.fit(faces, labels, epochs=2, batch_size=128, verbose=0)  # three batches in a pass
    assert int(classifier.optimizer.iterations.value) == 4


@pytest.mark.once
def test_the_usual_architecture_is_none_of_a_discriminators():
    def kinds(architecture):
        network = Classifier(32, 4, architecture=architecture).network.get_layer("trunk")
        return {type(layer) for layer in network.layers}, {
            layer.kernel_size for layer in network.layers if isinstance(layer, layers.Conv2D)
        }

    ours, kernels = kinds("pooled")
    theirs, others = kinds("discriminator")
    assert layers.MaxPooling2D in ours - theirs and layers.LeakyReLU in theirs - ours and not kernels & others
    assert Classifier(32, 4).architecture == "pooled"


@pytest.mark.once
def test_a_judge_knows_its_ceiling(trained):
    others = load_faces(n=200, size=32, seed=5)
    truth = multi_class(others, ["Blond_Hair"])
    judge = as_judge(trained, others, truth, truth.names)
    answers = trained.classify(others)
    shares = [(answers[truth.values == c] == c).mean() for c in (0, 1)]
    assert judge.ceiling.value == pytest.approx(np.mean(shares)) and judge.ceiling.n == 200
    assert judge.confusion.sum() == 200 and judge.names == truth.names


def test_its_configuration_is_plain(labels):
    config = Classifier(32, labels.values.max() + 1, width=8).get_config()
    assert json.loads(json.dumps(config)) == config


@pytest.mark.once
def test_bad_arguments_are_named(trained, faces, labels):
    for arguments, message in [
        ({"image_size": 40}, "image_size must be a positive multiple of 16, got 40"),
        ({"classes": 1}, "classes must be a whole number of at least 2"),
        ({"classes": (2, 2)}, r"classes must be one whole number, got \(2, 2\)"),
        ({"architecture": "deep"}, r"architecture must be one of \('discriminator', 'pooled'\), got 'deep'"),
        ({"width": 12}, "width must be a positive multiple of 8, got 12"),
    ]:
        with pytest.raises(ValueError, match=message):
            Classifier(**{"image_size": 32, "classes": 2, **arguments})
    values = labels.values
    for arguments, message in [
        ((load_faces(n=20, size=16), values[:20]), "faces must be 32×32, as the classifier's"),
        ((faces, values[1:]), "labels must be 400 whole numbers from 0"),
        ((faces, values + 1), r"labels must name each of the 2 classes more than 5 times"),
        ((faces, values * 0), r"more than 5 times, got \[400, 0\]"),
        ((faces, values, ("a",)), "names must be 2, one a class, got 1"),
        ((faces, 1 - values), "nothing can be judged by it"),
    ]:
        with pytest.raises(ValueError, match=message):
            as_judge(trained, *arguments)
    with pytest.raises(ValueError, match="class 1 has no face among 400"):
        trained.fit(faces, values * 0, verbose=0)
