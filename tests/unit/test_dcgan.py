"""DCGAN's networks are those of seed 000, and they learn. Runs on TensorFlow and on JAX."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from facelib import weights
from facelib.data.faceset import to_float, to_uint8
from facelib.metrics import grid_power
from facelib.models import DCGAN
from facelib.models.layers import ToRGB


def table(network):
    """Layer type, output shape and parameters as in the seed's tables; the input has no line there."""
    kinds = {layers.Conv2D: "Conv2D", ToRGB: "Conv2D", layers.Conv2DTranspose: "Conv2DTranspose"}
    return [
        (kinds.get(type(layer), type(layer).__name__), tuple(layer.output.shape[1:]), layer.count_params())
        for layer in network.layers
        if not isinstance(layer, layers.InputLayer)
    ]


def test_the_layers_are_the_seeds_tables():
    gan = DCGAN(image_size=80, latent_dim=100)
    doubled = [(side, side, 128) for side in (10, 20, 40, 80)]
    ups = [line for s in doubled for line in (("Conv2DTranspose", s, 262_272), ("LeakyReLU", s, 0))]
    assert table(gan.generator) == [
        ("Dense", (3200,), 323_200),
        ("LeakyReLU", (3200,), 0),
        ("Reshape", (5, 5, 128), 0),
        *ups,
        ("Conv2D", (80, 80, 3), 9603),
    ]
    halved = [((side, side, 128), n) for side, n in ((80, 9728), *((s, 409_728) for s in (40, 20, 10, 5)))]
    downs = [line for s, n in halved for line in (("Conv2D", s, n), ("LeakyReLU", s, 0))]
    assert table(gan.discriminator) == [
        *downs,
        ("Flatten", (3200,), 0),
        ("Dropout", (3200,), 0),
        ("Dense", (1,), 3201),
    ]
    assert gan.generator.count_params() == 1_381_891 and gan.discriminator.count_params() == 1_651_841
    assert gan.count_params() == 3_033_732


def test_light_networks_halve_their_channels_where_the_side_doubles():
    gan = DCGAN(image_size=80, latent_dim=100, width=256, light=True)
    maps = [layer.output.shape[1:] for layer in gan.generator.layers if isinstance(layer, layers.Conv2DTranspose)]
    assert maps == [(10, 10, 128), (20, 20, 64), (40, 40, 32), (80, 80, 3)]
    maps = [layer.output.shape[1:] for layer in gan.discriminator.layers if isinstance(layer, layers.Conv2D)]
    assert maps == [(40, 40, 32), (20, 20, 64), (10, 10, 128), (5, 5, 256)]
    assert (gan.generator.count_params(), gan.discriminator.count_params()) == (1_331_587, 696_545)


def test_light_networks_train_with_the_statistics_of_batch_norm():
    gan = DCGAN(16, 8, width=8, light=True)
    gan.compile("adam", "adam", ema=0.5)
    means = [w for w in gan.sampler.weights if w.path.endswith("moving_mean")]
    before = [np.array(keras.ops.convert_to_numpy(w)) for w in means]
    gan.fit(np.random.default_rng(0).integers(0, 255, (16, 16, 16, 3), np.uint8), batch_size=8, verbose=0)
    assert len(means) == 4
    for was, now in zip(before, means, strict=True):
        assert np.abs(was - keras.ops.convert_to_numpy(now)).max() > 0


def test_a_face_does_not_depend_on_the_others_in_its_batch():
    gan = DCGAN(16, 8, width=16, light=True, seed=1)
    z = 3 * gan.latent(6, seed=2)
    # Untrained, statistics of use are 0 and 1, and those of a batch are not: what varies would vary far more.
    together, alone = gan.decode(z), np.concatenate([gan.decode(z[i : i + 1]) for i in range(6)])
    np.testing.assert_allclose(together.astype(int), alone, atol=1)
    with_the_batch = to_uint8(keras.ops.convert_to_numpy(gan.sampler(z, training=True)))
    assert np.abs(with_the_batch.astype(int) - together).max() > 20


def test_to_rgb_is_a_convolution():
    x = np.random.default_rng(0).standard_normal((2, 9, 9, 5), dtype="float32")
    ours, plain = ToRGB(3, 5, 1, "same", activation="tanh"), layers.Conv2D(3, 5, 1, "same", activation="tanh")
    for layer in (ours, plain):
        layer.build(x.shape)
    kernel, bias = (np.random.default_rng(1).standard_normal(w.shape) / 10 for w in plain.weights)
    ours.set_weights([kernel, bias])
    plain.set_weights([kernel, bias])
    to_numpy = keras.ops.convert_to_numpy
    np.testing.assert_allclose(to_numpy(ours(x)), to_numpy(plain(x)), atol=1e-5)


def test_equal_seeds_are_equal_networks_and_other_seeds_are_not():
    one, same, other = (DCGAN(16, 8, width=4, seed=seed).generator.get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_weights_are_saved_from_the_average(tmp_path):
    gan = DCGAN(16, 8, width=4)
    gan.compile("adam", "adam", ema=0.5)
    for weight in gan.generator.weights:
        weight.assign(weight + 1.0)
    weights.save(gan, "small", {}, folder=tmp_path)
    loaded = weights.load("small", folder=tmp_path)
    for saved, average in zip(loaded.generator.weights, gan.average.network.weights, strict=True):
        gap = np.abs(keras.ops.convert_to_numpy(saved) - keras.ops.convert_to_numpy(average)).max()
        assert gap < 1e-3, saved.path


def test_judge_gives_the_discriminators_logits():
    gan = DCGAN(16, 8, width=4)
    images = gan.sample(150)
    logits = gan.judge(images)
    scaled = images.astype("float32") / 127.5 - 1
    wanted = keras.ops.convert_to_numpy(gan.discriminator(scaled, training=False))[:, 0]
    assert logits.shape == (150,) and logits.dtype == np.float32
    np.testing.assert_allclose(logits, wanted, atol=1e-5)
    with pytest.raises(ValueError, match="images must be uint8 of shape"):
        gan.judge(scaled)


@pytest.mark.once
@pytest.mark.parametrize("light", [False, True])
def test_resized_pictures_need_as_many_weights_and_begin_without_a_grid(light):
    transposed, resized = (DCGAN(32, 100, width=32, light=light, upsampling=way) for way in ("transposed", "resized"))
    assert resized.count_params() == transposed.count_params()
    assert grid_power(resized.sample(50)) < 1 < 2 < grid_power(transposed.sample(50))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"image_size": 40}, "image_size must be a positive multiple of 16.*got 40"),
        ({"latent_dim": 0}, "latent_dim must be at least 1, got 0"),
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"width": 12, "light": True}, "width must be a multiple of 8.*where light, got 12"),
        ({"kernel_size": 1}, r"kernel_size must be at least 2 \(the stride\), got 1"),
        ({"upsampling": "bilinear"}, r"upsampling must be one of \('transposed', 'resized'\), got 'bilinear'"),
        ({"initializer": "zeros"}, r"initializer must be one of \('glorot', 'he'\), got 'zeros'"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\), got 1.0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        DCGAN(**settings)


@pytest.mark.once
def test_he_initializer_lets_a_young_generator_vary():
    # With Keras' usual weights what z varies is nearly gone after four doublings.
    usual, he = (DCGAN(32, 100, width=32, initializer=name).generator for name in ("glorot", "he"))
    z = np.random.default_rng(0).standard_normal((64, 100)).astype(np.float32)
    usual, he = (ops.convert_to_numpy(generator(z)).std(axis=0).mean() for generator in (usual, he))
    assert usual < 0.02 and 0.2 < he < 0.8
    for way in ("transposed", "resized"):
        generator = DCGAN(32, 100, width=32, upsampling=way, initializer="he").generator
        deepest = keras.Model(generator.input, generator.get_layer("deconv_4").output)
        # A little is lost at the borders of small maps.
        assert 0.3 < ops.convert_to_numpy(deepest(z)).std() < 1.5


def test_logits_are_the_judgement_as_tensors():
    gan = DCGAN(16, 8, width=8)
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    logits = keras.ops.convert_to_numpy(gan.logits(to_float(images)))
    assert logits.shape == (3,)
    np.testing.assert_allclose(logits, gan.judge(images), atol=1e-5)


def test_z_may_come_from_a_cube(tmp_path):
    gan = DCGAN(16, 8, width=8, prior="uniform")
    for z in (gan.latent(500, seed=1), keras.ops.convert_to_numpy(gan.draw(500)[0])):
        assert np.abs(z).max() <= 1 and abs(z.mean()) < 0.05
        assert z.std() == pytest.approx(1 / np.sqrt(3), abs=0.02)
    np.testing.assert_array_equal(gan.latent(5, seed=1), gan.latent(500, seed=1)[:5])
    weights.save(gan, "cube", {}, folder=tmp_path)
    assert weights.load("cube", tmp_path).prior == "uniform"
    assert DCGAN(16, 8, width=8).prior == "normal"
    with pytest.raises(ValueError, match="prior must be one of"):
        DCGAN(16, 8, width=8, prior="cauchy")
