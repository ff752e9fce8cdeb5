"""The contract of every model, found by introspection. Runs on TensorFlow and on JAX."""

import random
import tracemalloc

import keras
import numpy as np
import pytest

import facelib.models
from facelib import weights
from facelib.data.faceset import to_float, to_uint8

# Small enough to build in a moment.
SMALL = {
    "ACGAN": {"image_size": 32, "latent_dim": 8, "classes": 3, "width": 8},
    "Accordion": {"image_size": 32, "width": 8},
    "AttributeClassifier": {"attributes": ["Smiling", "Male"], "image_size": 32, "width": 8},
    "Classifier": {"image_size": 32, "classes": 3, "width": 8},
    "ConditionalDCGAN": {"image_size": 32, "latent_dim": 8, "classes": 3, "width": 8},
    "CycleGAN": {"image_size": 32, "width": 4, "blocks": 1, "judge_width": 4},
    "DCGAN": {"image_size": 32, "latent_dim": 8, "width": 8},
    "InfoGAN": {"image_size": 32, "latent_dim": 8, "categories": (3, 2), "codes": 1, "width": 8},
    "LatentEncoder": {"image_size": 32, "latent_dim": 8, "width": 8},
    "TwoNGAN": {"image_size": 32, "latent_dim": 8, "classes": 3, "width": 8},
    "VAE": {"image_size": 32, "latent_dim": 8, "width": 16},
}
MODELS = [getattr(facelib.models, name) for name in facelib.models.__all__]


# Those with a latent space to draw from; the accordion reconstructs only, the others draw nothing.
WITHOUT = (
    facelib.models.Accordion,
    facelib.models.AttributeClassifier,
    facelib.models.Classifier,
    facelib.models.CycleGAN,
    facelib.models.LatentEncoder,
)
LATENT = [model for model in MODELS if model not in WITHOUT]


@pytest.fixture(params=MODELS, ids=lambda model: model.__name__)
def any_model(request):
    return request.param(**SMALL[request.param.__name__], seed=1)


@pytest.fixture(params=LATENT, ids=lambda model: model.__name__)
def model(request):
    return request.param(**SMALL[request.param.__name__], seed=1)


def asked(model):
    """What else it has to be told before it draws."""
    return {"labels": 1} if getattr(model, "conditional", False) else {}


DRAWING = {
    "Accordion": (lambda model, x: model.reconstruct(x), lambda model, x: model(to_float(x))),
    "ConditionalDCGAN": (lambda model, x: model.decode(x, 1), lambda model, x: model((x, np.ones(len(x), int)))),
    "CycleGAN": (lambda model, x: model.translate(x, "b"), lambda model, x: model(to_float(x))),
    "DCGAN": (lambda model, x: model.decode(x), lambda model, x: model(x)),
    "VAE": (lambda model, x: model.decode(x), lambda model, x: model.decoder(x)),
}


@pytest.mark.once
@pytest.mark.parametrize("name", DRAWING)
def test_pictures_take_the_room_of_bytes(name):
    """As float32, of four times their size, there is no more than a batch of them."""
    model, (drawn, tensors) = getattr(facelib.models, name)(**SMALL[name], seed=1), DRAWING[name]
    rng, n = np.random.default_rng(0), 1024
    reads = name in ("Accordion", "CycleGAN")
    given = rng.integers(0, 256, (n, 32, 32, 3), np.uint8) if reads else rng.standard_normal((n, 8), np.float32)
    expected = to_uint8(np.concatenate([tensors(model, given[i : i + 128]) for i in range(0, n, 128)]))
    tracemalloc.start()
    pictures = drawn(model, given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(pictures, expected)
    assert peak < (5 if name == "Accordion" else 4) * pictures.nbytes  # with each of its two folds


def draw(model):
    """What it makes of the same numbers every time."""
    if hasattr(model, "sample"):
        return model.sample(4, **asked(model))
    images = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3), np.uint8)
    if hasattr(model, "translate"):
        return model.translate(images, "b")
    answer = next(name for name in ("reconstruct", "probabilities", "classify", "encode") if hasattr(model, name))
    return getattr(model, answer)(images)


def test_it_is_a_keras_model_built_on_construction(any_model):
    assert isinstance(any_model, keras.Model) and any_model.count_params() > 0


def test_it_knows_its_latent_space(model):
    assert model.latent_dim == 8


def test_decode_gives_uint8_images_in_any_batch(model):
    z = np.random.default_rng(0).standard_normal((200, 8)).astype("float32")
    images = model.decode(z, **asked(model))
    assert images.dtype == np.uint8 and images.shape == (200, 32, 32, 3)
    alone = model.decode(z[150:151], **asked(model))[0].astype(int)
    assert np.abs(images[150] - alone).max() <= 1


def test_render_is_decode_as_tensors(model):
    z = model.latent(5, seed=2)
    labels = (np.ones(5, np.int32),) if asked(model) else ()
    pictures = keras.ops.convert_to_numpy(model.render(z, *labels))
    assert np.abs(pictures).max() <= 1
    assert np.abs(to_uint8(pictures).astype(int) - model.decode(z, **asked(model))).max() <= 1


def test_samples_are_seeded(model):
    first, again, other = (model.sample(3, seed=seed, **asked(model)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_bad_z_and_n_are_named(model):
    with pytest.raises(ValueError, match=r"z must have shape \(n, 8\), got \(8,\)"):
        model.decode(np.zeros(8))
    with pytest.raises(ValueError, match=r"z must have shape \(n, 8\), got \(2, 9\)"):
        model.decode(np.zeros((2, 9)))
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        model.sample(0)


def test_no_faces_decode_to_no_images(model):
    assert model.decode(np.zeros((0, 8)), **asked(model)).shape == (0, 32, 32, 3)


def test_building_and_loading_leave_global_random_state_alone(tmp_path):
    random.seed(7)
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    weights.save(MODELS[0](**SMALL[MODELS[0].__name__]), "small", {}, folder=tmp_path)
    weights.load("small", folder=tmp_path)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_saved_weights_give_the_same_pictures(any_model, tmp_path):
    card = weights.save(any_model, "small", {"dataset": "none"}, folder=tmp_path)
    assert card["model"] == type(any_model).__name__ and card["bytes"] == (tmp_path / "small.npz").stat().st_size
    again = weights.load("small", folder=tmp_path)
    difference = np.abs(draw(again).astype(int) - draw(any_model))
    assert difference.max() <= 2  # float16 on disk


def test_damaged_and_foreign_weights_are_refused(any_model, tmp_path):
    weights.save(any_model, "small", {}, folder=tmp_path)
    path = tmp_path / "small.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged: its SHA-256"):
        weights.load("small", folder=tmp_path)
    with pytest.raises(ValueError, match="no weights named 'large'.*small"):
        weights.load("large", folder=tmp_path)


def test_weights_that_are_not_finite_are_not_saved(any_model, tmp_path):
    network = next(iter(any_model.networks.values()))
    network.weights[0].assign(np.full(network.weights[0].shape, 1e6, "float32"))
    with pytest.raises(ValueError, match="not finite in float16"):
        weights.save(any_model, "broken", {}, folder=tmp_path)
    assert not list(tmp_path.iterdir())
