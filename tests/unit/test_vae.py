"""The VAE against its seed, against closed forms, and against numpy. Runs on TensorFlow and on JAX."""

import keras
import numpy as np
import pytest

from facelib.data import load_faces
from facelib.models import VAE
from facelib.models.vae import kl_divergence


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=96, size=32)


@pytest.fixture(scope="module")
def seed_vae():
    return VAE(image_size=80, latent_dim=256)


def small(**settings):
    model = VAE(32, 8, width=16, **settings)
    model.compile(keras.optimizers.Adam(2e-3))
    return model


def test_parameters_and_layers_are_those_of_the_seed(seed_vae):
    encoder, decoder = seed_vae.encoder, seed_vae.decoder
    assert encoder.count_params() == 305_840
    assert sum(int(np.prod(w.shape)) for w in encoder.trainable_weights) == 305_808
    assert decoder.count_params() == 203_251

    def table(model):
        return [(type(x).__name__, x.output.shape[1:], x.count_params()) for x in model.layers[1:]]

    assert table(encoder) == [
        ("Conv2D", (40, 40, 128), 3584),
        ("Conv2D", (20, 20, 64), 73792),
        ("Conv2D", (10, 10, 32), 18464),
        ("Conv2D", (5, 5, 16), 4624),
        ("BatchNormalization", (5, 5, 16), 64),
        ("Flatten", (400,), 0),
        ("Dense", (256,), 102656),
        ("Dense", (256,), 102656),
    ]
    assert table(decoder) == [
        ("Dense", (400,), 102800),
        ("Reshape", (5, 5, 16), 0),
        ("Conv2DTranspose", (10, 10, 32), 4640),
        ("Conv2DTranspose", (20, 20, 64), 18496),
        ("Conv2DTranspose", (40, 40, 128), 73856),
        ("Conv2DTranspose", (80, 80, 3), 3459),
    ]


def test_kl_has_its_closed_form_and_its_meaning():
    rng = np.random.default_rng(0)
    mean, log_var = rng.normal(size=(3, 5)).astype("float32"), rng.normal(size=(3, 5)).astype("float32")
    ours = keras.ops.convert_to_numpy(kl_divergence(mean, log_var))
    # Monte Carlo: the mean of log q(z) - log p(z) under q.
    sigma = np.exp(0.5 * log_var)
    z = mean + sigma * rng.standard_normal((200_000, 3, 5))
    log_q = -0.5 * ((z - mean) / sigma) ** 2 - 0.5 * log_var
    np.testing.assert_allclose(ours, (log_q + 0.5 * z**2).sum(axis=2).mean(axis=0), rtol=0.02)
    zero = np.zeros((2, 5), "float32")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(kl_divergence(zero, zero)), [0, 0])


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_loss_is_error_summed_over_pixels_plus_beta_kl(faces, beta):
    model = small(beta=beta)
    x = faces.scaled()[:6]
    rng = np.random.default_rng(1)
    y = rng.uniform(-1, 1, x.shape).astype("float32")
    mean, log_var = (rng.normal(size=(6, 8)).astype("float32") for _ in range(2))
    kl = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)
    expected = (((x - y) ** 2).sum(axis=(1, 2, 3)) + beta * kl).mean()
    np.testing.assert_allclose(float(model.compute_loss(x=x, y_pred=(y, mean, log_var))), expected, rtol=1e-5)


def test_draws_scatter_as_the_variance_says():
    model = small()
    mean = np.full((4000, 2), 3.0, "float32")
    log_var = np.tile(np.log([0.25, 4.0]).astype("float32"), (4000, 1))
    z = keras.ops.convert_to_numpy(model.draw(mean, log_var))
    np.testing.assert_allclose(z.mean(axis=0), [3, 3], atol=0.15)
    np.testing.assert_allclose(z.std(axis=0), [0.5, 2.0], rtol=0.08)


def test_training_lowers_the_loss_and_moves_every_weight(faces):
    model = small(beta=0.3)
    before = [keras.ops.convert_to_numpy(w) for w in model.trainable_weights]
    history = model.fit(faces, epochs=10, batch_size=32, verbose=0).history
    assert set(history) == {"loss", "reconstruction", "kl"}
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    total = np.add(history["reconstruction"], np.multiply(0.3, history["kl"]))
    np.testing.assert_allclose(history["loss"], total, rtol=1e-3)
    for old, weight in zip(before, model.trainable_weights, strict=True):
        assert not np.array_equal(old, keras.ops.convert_to_numpy(weight)), weight.path


@pytest.mark.once
def test_beta_trades_information_for_error(faces):
    history = {}
    for beta in (0.02, 20.0):
        model = small(beta=beta)
        history[beta] = model.fit(faces, epochs=8, batch_size=32, verbose=0).history
    assert history[0.02]["kl"][-1] > 2 * history[20.0]["kl"][-1]


def test_equal_seeds_train_equally(faces):
    runs = [small(seed=s).fit(faces, epochs=2, batch_size=32, verbose=0).history["loss"] for s in (3, 3, 4)]
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-4)
    assert abs(runs[0][0] - runs[2][0]) > 1e-5 * runs[0][0]


def test_encode_is_the_mean_and_needs_no_training_mode(faces):
    model = small()
    model.fit(faces, epochs=1, batch_size=32, verbose=0)
    z = model.encode(faces)
    assert z.shape == (96, 8) and z.dtype == np.float32
    # Alone or in a crowd, a face has one code: BatchNorm must not look at the batch.
    np.testing.assert_allclose(model.encode(faces.images[5:6])[0], z[5], rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(model.reconstruct(faces[:4]), model.decode(z[:4]))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"image_size": 50}, "image_size must be a positive multiple of 16.*got 50"),
        ({"latent_dim": 0}, "latent_dim must be at least 1, got 0"),
        ({"width": 12}, "width must be a positive multiple of 8, got 12"),
        ({"beta": -1}, "beta must not be negative, got -1"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        VAE(**settings)


@pytest.mark.once
def test_epochs_hold_whole_executions_only(faces):
    model = VAE(32, 8, width=8)
    model.compile(steps_per_execution=2)
    model.fit(faces, epochs=2, batch_size=32, verbose=0)  # three batches in a pass
    assert int(model.optimizer.iterations.value) == 4


def test_bad_faces_are_refused_before_training(faces):
    model = small()
    for taken in ("shuffle", "steps_per_epoch"):
        with pytest.raises(ValueError, match=f"leave out {taken}: this model's fit makes the batches"):
            model.fit(faces, batch_size=32, **{taken: 1})
    for seed in (-1, None):
        with pytest.raises(ValueError, match=f"seed must be a whole number of at least 0, got {seed}"):
            model.fit(faces, batch_size=32, seed=seed)
    with pytest.raises(ValueError, match="faces must be uint8 images of shape .n, 32, 32, 3.*float32"):
        model.fit(faces.scaled())
    with pytest.raises(ValueError, match="load them with size=32"):
        model.fit(load_faces(n=4, size=48))
    with pytest.raises(ValueError, match="batch_size must lie between 1 and the 96 faces, got 500"):
        model.fit(faces, batch_size=500)
