"""Images into features: what is refused, the resize, O-Net."""

import functools
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

from facelib.data import load_faces
from facelib.data.mtcnn_weights import mtcnn_weights
from facelib.metrics import (
    Extractor,
    Features,
    Statistics,
    attribute_extractor,
    extract,
    extractors,
    fid,
    first_extractor,
    inception_score,
)
from facelib.metrics.onet import build_onet
from facelib.metrics.resize import antialiased, bilinear_2015
from facelib.models import AttributeClassifier

# Mean feature of O-Net for the first four synthetic faces.
FINGERPRINT = [0.050622, 0.065100, 0.060110, 0.050683]


def colours(images):
    return images.reshape(len(images), -1, 3).mean(axis=1)


@pytest.fixture(scope="module")
def faces():
    return load_faces(n=20, size=80)


def quietly(images, extractor=colours, **options):
    return extract(images, extractor, progress=False, **options)


def test_features_know_how_they_were_made(faces):
    features = quietly(faces)
    assert features.values.shape == (20, 3) and features.values.dtype == np.float32
    assert (features.extractor, features.resize) == ("colours", "80×80")
    np.testing.assert_allclose(features, colours(faces.images), rtol=1e-6)
    assert features[3:7].protocol == features.protocol and len(features[3:7]) == 4


def test_arrays_sets_and_batches_give_the_same(faces, tmp_path):
    faces.save(tmp_path / "faces")
    mapped = type(faces).open(tmp_path / "faces")
    whole = quietly(faces.images).values
    for images in (
        faces,
        mapped,
        (faces.images[i : i + 6] for i in range(0, 20, 6)),
        [faces.images[:1], faces.images[1:]],
    ):
        np.testing.assert_array_equal(quietly(images).values, whole)
    for batch_size in (1, 7, 20):
        np.testing.assert_allclose(quietly(faces, batch_size=batch_size).values, whole, rtol=1e-6)
    streamed = Statistics.of_images(faces, colours, batch_size=3, progress=False)
    np.testing.assert_allclose(streamed.covariance, np.cov(whole.T), rtol=1e-5)
    assert (streamed.extractor, streamed.resize) == ("colours", "80×80")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 8, 8, 3)), r"photos must be uint8 images .* got float64 of shape \(4, 8, 8, 3\).*to_uint8"),
        (np.full((4, 8, 8, 3), np.nan, "float32"), "photos must be uint8 images .* got float32"),
        (np.zeros((8, 8, 3), np.uint8), r"photos must have shape \(n, height, width, 3\), got \(8, 8, 3\)"),
        (np.zeros((4, 8, 8, 1), np.uint8), r"photos must have shape .* got \(4, 8, 8, 1\)"),
        (np.zeros((0, 8, 8, 3), np.uint8), "photos must hold at least one image"),
        ([], "photos must hold at least one image"),
        (np.zeros((4, 8, 8, 3), np.uint8), "photos must be pictures, but all pixels of each one are the same"),
        (np.arange(4, dtype=np.uint8)[:, None, None, None].repeat(8, 1).repeat(8, 2).repeat(3, 3), "must be pictures"),
        ([[1, 2], [3]], "photos must be uint8 images .* got list"),
        (np.arange(768).reshape(4, 8, 8, 3).astype(np.uint8) % 2, "photos must have values from 0 to 255, got only 0"),
        (
            [np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 9, 8, 3), np.uint8)],
            "photos must all have one size, got 8×8",
        ),
        ([np.zeros((8, 8, 3), np.uint8)], "Single images are stacked by np.stack"),
        ("photos/", "photos must be uint8 images .* got str"),
        (None, "photos must be uint8 images .* got NoneType"),
    ],
)
def test_bad_images_are_named(images, message):
    with pytest.raises(ValueError, match=message):
        quietly(images, name="photos")


def test_bad_extractors_are_named(faces):
    with pytest.raises(
        ValueError, match="extractor must be one of .'inception', 'inception-2015', 'onet'. or a function"
    ):
        quietly(faces, "vgg")
    with pytest.raises(ValueError, match="features of whole must be numbers of shape"):
        quietly(faces, Extractor("whole", lambda images: images))
    with pytest.raises(ValueError, match="halved must return one row an image, got 10 for 20"):
        quietly(faces, Extractor("halved", lambda images: colours(images)[::2]))
    with pytest.raises(ValueError, match="features of broken must be finite"):
        quietly(faces, Extractor("broken", lambda images: colours(images) * np.nan))
    with pytest.raises(ValueError, match="features of huge must be finite"):
        quietly(faces, Extractor("huge", lambda images: colours(images) * 1e40))
    for unnamed in (lambda images: colours(images), functools.partial(colours)):
        with pytest.raises(ValueError, match="extractor must have a name, by which"):
            quietly(faces, unnamed)
    with pytest.raises(ValueError, match="extractor must be one of"):
        quietly(faces, [])
    assert quietly(faces, Extractor("mine", colours, side=16)).resize == "80×80 → 16×16 bicubic antialiased"
    for how, message in [({"side": 0}, "side must be a whole number"), ({"side": 9, "method": "a"}, "method must be")]:
        with pytest.raises(ValueError, match=message):
            Extractor("mine", colours, **how)

    def inception(images):
        return colours(images)

    for taken in (lambda: quietly(faces, inception), lambda: Extractor("onet", colours)):
        with pytest.raises(ValueError, match="extractor must not be called '(inception|onet)': the name belongs to"):
            taken()
    for size in (0, 2.5, "8"):
        with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1, got"):
            quietly(faces, batch_size=size)


def test_images_are_looked_at_before_a_network_is_fetched(faces, monkeypatch):
    def never(name):
        raise AssertionError("the network was asked for first")

    monkeypatch.setattr(extractors, "_named", never)
    bad = faces.scaled()
    for look in (
        lambda: extract(bad),
        lambda: extract([bad]),
        lambda: Statistics.of_images(bad),
        lambda: fid(faces, bad),
        lambda: inception_score(bad),
    ):
        with pytest.raises(ValueError, match="must be uint8 images"):
            look()


def without_averaging(images, side):
    """Known bad: a smaller picture that keeps some pixels and drops the others."""
    rows = (np.arange(side) + 0.5) * images.shape[1] / side
    return images[:, rows.astype(int)][:, :, rows.astype(int)].astype(np.float32)


def check_resize(resize):
    """Stripes too fine for the smaller picture become grey, and all else is as Pillow has it."""
    stripes = np.zeros((1, 96, 96, 3), np.uint8)
    stripes[:, :, ::2] = 200
    np.testing.assert_allclose(resize(stripes, 30)[:, 3:-3, 3:-3], 100, atol=5)
    images = np.random.default_rng(0).integers(0, 256, (2, 80, 64, 3), np.uint8)
    for side in (24, 48, 99):
        channels = [[Image.fromarray(i[..., c].astype("float32")) for c in range(3)] for i in images]
        pillow = np.array([[np.asarray(c.resize((side, side), Image.Resampling.BICUBIC)) for c in i] for i in channels])
        np.testing.assert_allclose(resize(images, side), pillow.transpose(0, 2, 3, 1).clip(0, 255), atol=0.05)


def test_resizing_averages_where_it_shrinks():
    check_resize(antialiased)
    same = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), np.uint8)
    np.testing.assert_array_equal(antialiased(same, 48), same)
    with pytest.raises(AssertionError):
        check_resize(without_averaging)


def test_the_resize_of_2015_takes_pixels_from_the_left_edge():
    row = np.array([0, 100, 200], np.uint8)[None, None, :, None].repeat(3, axis=3)
    resized = bilinear_2015(row, 6)[0, 0, :, 0]  # pixel i of 6 is i · 3 / 6 of 3; later versions begin at -0.25
    np.testing.assert_allclose(resized, [0, 50, 100, 150, 200, 200], atol=1e-4)


def test_onet_gives_256_features_of_a_face(faces):
    features = quietly(faces, "onet")
    assert features.values.shape == (20, 256)
    assert features.protocol == ("onet", "80×80 → 48×48 bicubic antialiased")
    # The same on every backend.
    np.testing.assert_allclose(features.values[:4].mean(axis=1), FINGERPRINT, rtol=2e-3)


@pytest.mark.tensorflow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="MTCNN runs on TensorFlow only")
def test_onet_is_the_network_of_mtcnn():
    from mtcnn.network.onet import ONet

    original = ONet()
    original.build()
    original.set_weights(mtcnn_weights("onet"))
    inputs = np.random.default_rng(0).uniform(-1, 1, (5, 48, 48, 3)).astype("float32")
    heads = [weight.numpy() for weight in original.weights[-6:]]
    features = build_onet().predict_on_batch(inputs)
    box, landmarks, scores = (output.numpy() for output in original(inputs))
    np.testing.assert_allclose(features @ heads[0] + heads[1], box, atol=1e-5)
    np.testing.assert_allclose(features @ heads[2] + heads[3], landmarks, atol=1e-5)
    logits = features @ heads[4] + heads[5]
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), scores, atol=1e-5)


def test_features_are_arrays_for_numpy(faces):
    features = Features(np.ones((2, 3), np.float32), "x", "y")
    assert np.asarray(features).shape == (2, 3) and np.mean(features) == 1.0


def test_the_first_network_that_can_be_had_is_taken(monkeypatch):
    """And a warning says why it is not the one that was wished for."""
    assert first_extractor(["onet"]).name == "onet"

    def offline(name):
        if name == "inception":
            raise OSError("no network.")
        return Extractor(name, colours, built_in=True)

    monkeypatch.setattr(extractors, "_named", offline)
    with pytest.warns(UserWarning, match="features are made by onet, for want of inception: no network"):
        assert first_extractor(("inception", "onet")).name == "onet"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert first_extractor(("onet", "inception")).name == "onet"
    with pytest.raises(OSError, match="inception: no network"):
        first_extractor(("inception",))
    for names in ((), "onet", ("vgg",)):
        with pytest.raises(ValueError, match="names must be one or more of"):
            first_extractor(names)


def test_a_classifier_of_attributes_makes_features(faces):
    """Averages of its last maps: any size of images, a name of its own, and no place in the picture."""
    classifier = AttributeClassifier(["Smiling", "Male"], 32, width=16)
    extractor = attribute_extractor(classifier, "smiles")
    features = quietly(faces, extractor)
    assert features.values.shape == (20, 16) and features.extractor == "smiles"
    assert features.resize == "80×80 → 32×32 bicubic antialiased"
    trunk = classifier.network.get_layer("trunk")
    maps = keras.Model(trunk.input, trunk.get_layer("pool_3").output)
    seen = maps.predict(antialiased(faces.images, 32) / 127.5 - 1, verbose=0)
    np.testing.assert_allclose(features, seen.mean(axis=(1, 2)), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="must not be called 'onet'"):
        attribute_extractor(classifier, "onet")
