"""Inception's two trainings, as far as can be seen without their weights, and the score that is named after it."""

import functools
import hashlib
import http.server
import os
import pickle
import threading
import zipfile

import keras
import numpy as np
import pytest
from write_pth import write_pth

from facelib.data import load_faces
from facelib.metrics import extract, extractors, fid, inception, inception_score
from facelib.metrics.pth import read_pth
from facelib.metrics.resize import antialiased, bilinear_2015


@pytest.fixture
def faces():
    return load_faces(n=6, size=32, seed=1).images, load_faces(n=5, size=32, seed=2).images


@pytest.fixture
def untrained(monkeypatch):
    """Keras' network with the weights that it begins with."""
    build = keras.applications.InceptionV3
    monkeypatch.setattr(keras.applications, "InceptionV3", lambda **options: build(**{**options, "weights": None}))
    extractors._named.cache_clear()
    yield
    extractors._named.cache_clear()


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_fid_by_keras_inception(faces, untrained):
    score = fid(*faces, progress=False, resamples=2)
    assert (score.name, score.extractor, score.n_real, score.n_fake) == ("FID", "inception", 6, 5)
    assert score.resize == "32×32 → 299×299 bicubic antialiased" and score.value > 0


def test_offline_there_is_a_way_out(faces, monkeypatch, tmp_path):
    from keras.src.applications import inception_v3

    monkeypatch.setattr(inception_v3, "WEIGHTS_PATH_NO_TOP", "http://127.0.0.1:9/none.h5")
    monkeypatch.setattr(keras.config, "keras_home", lambda: str(tmp_path), raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    with pytest.raises(OSError, match='could not be downloaded .*extractor="onet" never needs one'):
        fid(*faces, progress=False)


class Spy:
    """Keeps what a network would be given."""

    def predict_on_batch(self, pixels):
        self.seen = pixels
        return np.zeros((len(pixels), 4), np.float32)


def test_networks_see_pixels_as_they_were_trained(faces, monkeypatch):
    """Keras' from -1 to 1, bicubic; that of 2015 by (x - 128) / 128, by the resize of 2015."""
    spy = Spy()
    monkeypatch.setattr(keras.applications, "InceptionV3", lambda **options: spy)
    monkeypatch.setattr(inception, "build_inception_2015", lambda: spy)
    monkeypatch.setattr(inception, "assign", lambda network, weights: None)
    monkeypatch.setattr(inception, "fetch_2015", lambda url, sha256: None)
    monkeypatch.setattr(inception, "read_pth", lambda path: {})
    for name, wanted in {
        "inception": antialiased(faces[0], 299) / 127.5 - 1,
        "inception-2015": (bilinear_2015(faces[0], 299) - 128) / 128,
    }.items():
        extractors._named.cache_clear()
        extract(faces[0], name, progress=False)
        np.testing.assert_allclose(spy.seen, wanted, atol=1e-5)
    inception_score.__globals__["_inception"].cache_clear()
    with pytest.raises(ValueError, match="probabilities of inception have 1000 classes, got 4"):
        inception_score(faces[0], 1, progress=False)
    np.testing.assert_allclose(spy.seen, antialiased(faces[0], 299) / 127.5 - 1, atol=1e-5)
    inception_score.__globals__["_inception"].cache_clear()
    extractors._named.cache_clear()


@pytest.fixture(scope="module")
def network():
    return inception.build_inception_2015()


def test_the_network_of_2015_has_another_last_pooling(network):
    usual = keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg", input_shape=(299, 299, 3))
    kinds = [[type(layer).__name__ for layer in net.layers] for net in (usual, network)]
    changed = [(a, b) for a, b in zip(*kinds, strict=True) if a != b]
    assert changed == [("AveragePooling2D", "MaxPooling2D")]
    assert network.count_params() == usual.count_params() and network.output_shape == (None, 2048)


@pytest.fixture(scope="module")
def weights(network):
    """Random ones, by the names and axes of PyTorch."""
    rng, found = np.random.default_rng(0), {}
    for i, layer in enumerate(inception._in_order(network, keras.layers.Conv2D)):
        height, width, inputs, outputs = layer.kernel.shape
        scale = np.sqrt(2 / (height * width * inputs))
        found[f"block{i}.conv.weight"] = rng.normal(0, scale, (outputs, inputs, height, width)).astype("float32")
        for part, values in {
            "weight": rng.uniform(0.5, 1.5, outputs),
            "bias": rng.normal(0, 0.1, outputs),
            "running_mean": rng.normal(0, 0.1, outputs),
            "running_var": rng.uniform(0.5, 1.5, outputs),
        }.items():
            found[f"block{i}.bn.{part}"] = values.astype("float32")
    return found


def test_weights_of_pytorch_find_their_places(network, weights):
    inception.assign(network, weights)
    first = keras.Model(network.input, inception._in_order(network, keras.layers.BatchNormalization)[0].output)
    images = np.random.default_rng(1).uniform(-1, 1, (1, 299, 299, 3)).astype("float32")
    patch = images[0, :3, :3].transpose(2, 0, 1)  # the first step of stride 2, without padding
    sums = (weights["block0.conv.weight"] * patch).sum(axis=(1, 2, 3))
    norm = {part: weights[f"block0.bn.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
    wanted = (sums - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-3) * norm["weight"] + norm["bias"]
    np.testing.assert_allclose(first.predict_on_batch(images)[0, 0, 0], wanted, rtol=1e-3, atol=1e-4)
    norms = inception._in_order(network, keras.layers.BatchNormalization)
    for i in (1, 40, 93):
        block = {part: weights[f"block{i}.bn.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
        wanted = [block["bias"], block["running_mean"] * block["weight"], block["running_var"]]
        for value, right in zip(norms[i].get_weights(), wanted, strict=True):
            np.testing.assert_allclose(value, right, rtol=1e-6)
    with pytest.raises(ValueError, match="weights must be of 94 convolutions, got 0"):
        inception.assign(network, {})


def test_fid_as_published(faces, weights, monkeypatch, tmp_path):
    monkeypatch.setattr(inception, "fetch_2015", lambda url, sha256: tmp_path / "file.pth")
    monkeypatch.setattr(inception, "read_pth", lambda path: weights)
    score = fid(*faces, "inception-2015", progress=False, resamples=0)
    assert (score.name, score.extractor) == ("FID", "inception-2015")
    assert score.resize == "32×32 → 299×299 bilinear of 2015"
    extractors._named.cache_clear()


def test_weights_are_fetched_once_and_checked(server, cache):
    folder, url = server
    content = b"weights" * 1000
    (folder / "x.pth").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    path = inception.fetch_2015(f"{url}/x.pth", sha256)
    assert path.parent == cache and path.read_bytes() == content
    (folder / "x.pth").unlink()
    assert inception.fetch_2015(f"{url}/x.pth", sha256) == path
    path.write_bytes(content[:100])  # damaged: fetched again, and refused if the server has nothing better
    (folder / "x.pth").write_bytes(content[:500])
    with pytest.raises(OSError, match=f"has SHA-256 .*, not {sha256}: it is another file, or was cut off"):
        inception.fetch_2015(f"{url}/x.pth", sha256)
    assert not path.exists()
    with pytest.raises(OSError, match="could not be downloaded: .*404.* put the file at .*missing.pth"):
        inception.fetch_2015(f"{url}/missing.pth", sha256)
    assert list(cache.iterdir()) == []


def test_the_hash_is_the_one_in_the_name():
    url, sha256 = inception.WEIGHTS_2015
    assert url.endswith(f"-{sha256[:8]}.pth") and len(sha256) == 64


@pytest.mark.parametrize("old", [True, False])
def test_pytorch_files_are_read_without_pytorch(tmp_path, old):
    rng = np.random.default_rng(0)
    arrays = {"a.weight": rng.normal(size=(3, 2, 4)).astype("<f4"), "b.bias": rng.normal(size=5).astype("<f4")}
    arrays["turned"] = np.asfortranarray(rng.normal(size=(4, 3)).astype("<f4"))
    write_pth(tmp_path / "weights.pth", arrays, old)
    read = read_pth(tmp_path / "weights.pth")
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)


def test_files_that_hold_anything_else_are_refused(tmp_path):
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harmed"),)

    for name, content in {"pickle": pickle.dumps(Harm()), "text": b"no weights", "empty": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} is no file of PyTorch weights"):
            read_pth(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"a": Harm()}))
    with pytest.raises(ValueError, match="mkdir is none of the things that a weight file needs"):
        read_pth(tmp_path / "zip")
    assert not (tmp_path / "harmed").exists()


def test_inception_scores_have_their_closed_forms():
    uniform, certain = np.full((40, 10), 0.1), np.eye(10).repeat(20, axis=0)
    assert float(inception_score(uniform)) == pytest.approx(1)
    assert float(inception_score(certain, splits=1)) == pytest.approx(10)
    many = np.eye(10).repeat(200, axis=0)
    for order in (np.arange(2000), np.arange(2000).reshape(10, 200).T.ravel()):  # class after class, and in turn
        for splits in (4, 10):
            # Not quite 10: by chance a part has more of one class than of another.
            assert 9.5 < float(inception_score(many[order], splits=splits)) < 10
    assert float(inception_score(certain[:20], splits=1)) == pytest.approx(1)  # sure of it, but all one class
    some = inception_score(np.array([[0.9, 0.1], [0.1, 0.9]]), splits=1)
    assert float(some) == pytest.approx(np.exp(0.9 * np.log(1.8) + 0.1 * np.log(0.2)))


def test_only_inception_gives_its_name(faces, untrained):
    inception_score.__globals__["_inception"].cache_clear()
    by_inception = inception_score(faces[0], splits=2, progress=False)
    assert by_inception.name == "Inception Score" and (by_inception.n, by_inception.classifier) == (6, "inception")
    assert 1 <= by_inception.value < 1.5  # untrained: hardly any picture differs from the others
    inception_score.__globals__["_inception"].cache_clear()

    def brightness(images):
        share = images.mean(axis=(1, 2, 3)) / 255
        return np.stack([share, 1 - share], axis=1)

    score = inception_score(faces[0], splits=2, classifier=brightness, progress=False)
    assert score.name == "classifier score" and str(score).endswith("(6 images, 2 splits, brightness)")
    assert inception_score(np.eye(3), splits=1).name == "classifier score"
    for name, classes in {"inception": 1000, "inception-2015": 1008}.items():
        by_name = inception_score(np.full((4, classes), 1 / classes), splits=2, classifier=name)
        assert by_name.name == "Inception Score" and by_name.classifier == name
    with pytest.raises(TypeError):
        score < by_name  # noqa: B015


def one_row(images):
    return np.array([[0.3, 0.7]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.eye(4), 5), "splits must be at most the number of images, 4, got 5"),
        ((np.eye(4), 0), "splits must be a whole number of at least 1, got 0"),
        ((np.array([[3.0, -1.0]] * 4), 1), "must be at least 0 and sum to one in each row, but 4 of 4 rows do not"),
        ((np.full((4, 2), np.nan), 1), "but 4 of 4 rows do not"),
        ((np.ones((4, 1)), 1), r"probabilities must be \(n, classes\)"),
        ((np.eye(4), 2.5), "splits must be a whole number of at least 1, got 2.5"),
        ((np.eye(4), 1, "inception"), "probabilities of inception have 1000 classes, got 4"),
        (
            (np.full((4, 1000), 1e-3), 1, "inception-2015"),
            "probabilities of inception-2015 have 1008 classes, got 1000",
        ),
        ((np.eye(12, dtype=np.uint8).reshape(4, 6, 2, 3), 1, one_row), "one_row must return one row of prob"),
        ((np.eye(4), 1, np.mean), "classifier must be a name where images are probabilities already"),
        ((np.zeros((4, 8, 8, 3), np.uint8), 1, "vgg"), 'classifier must be "inception" or a function'),
        ((np.zeros((4, 8, 8, 3)), 1, np.mean), "images must be uint8"),
    ],
)
def test_bad_arguments_of_the_inception_score(arguments, message):
    with pytest.raises(ValueError, match=message):
        inception_score(*arguments, progress=False)
