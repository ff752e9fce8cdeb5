"""ACGAN, 2N-GAN and InfoGAN: losses by hand, codes that fit, and that they listen. On TensorFlow and on JAX."""

import keras
import numpy as np
import pytest
from keras import ops

from facelib.models import ACGAN, DCGAN, ConditionalDCGAN, InfoGAN, TwoNGAN
from facelib.models.acgan import class_loss
from facelib.training import CollapseGuard, recipe

WAYS = {"two": {}, "one": {"separate_passes": False}, "half": {"half_batches": True}}
MODELS = (ACGAN, TwoNGAN, InfoGAN)


def small(model, **settings):
    usual = {"width": 8, "light": True, "dropout": 0.0, "seed": 3}
    usual |= {"categories": (2,), "codes": 1} if model is InfoGAN else {"classes": 2}
    return model(16, 8, **{**usual, **settings})


def black_and_white(n=128):
    """Black pictures are of class 0, white ones of class 1."""
    labels = np.arange(n) % 2
    return np.broadcast_to(np.uint8(255 * labels)[:, None, None, None], (n, 16, 16, 3)), labels


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.fixture
def scores():
    return np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)


@pytest.mark.parametrize("model", [ACGAN, TwoNGAN], ids=lambda m: m.__name__)
def test_the_generator_is_the_conditional_dcgans(model):
    other, gan = ConditionalDCGAN(32, 20, classes=10, width=16, seed=5), model(32, 20, classes=10, width=16, seed=5)
    z, labels = gan.latent(3, 1), [0, 4, 9]
    np.testing.assert_array_equal(gan.decode(z, labels), other.decode(z, labels))
    features = DCGAN(32, width=16).discriminator.count_params() - (256 // 4 + 1)  # 16 channels of 2×2
    answers = {ACGAN: 1 + 10, TwoNGAN: 20}[model]
    assert gan.discriminator.count_params() == features + (64 + 1) * answers


def test_class_loss_is_cross_entropy(scores):
    labels = np.array([0, 5, 2, 2, 1])
    wanted = keras.losses.sparse_categorical_crossentropy(labels, scores, from_logits=True)
    assert float(class_loss(scores, labels)) == pytest.approx(float(ops.mean(wanted)), rel=1e-5)
    assert float(class_loss(np.zeros((5, 6), np.float32), labels)) == pytest.approx(np.log(6), rel=1e-5)


def test_an_acgan_pays_for_the_verdict_and_for_the_class(scores):
    gan, logit, labels = small(ACGAN), scores[:, :1], np.array([0, 1, 1, 0, 1])
    logits = scores[:, 1:3]
    of_class = -log_softmax(logits)[np.arange(5), labels].mean()
    for loss, sign in ((gan.real_loss, -1), (gan.fake_loss, 1), (gan.generator_loss, -1)):
        wanted = np.logaddexp(0, sign * logit).mean() + of_class
        assert float(loss([logit, logits], labels)) == pytest.approx(wanted, rel=1e-5)


def test_a_2n_gan_has_an_answer_for_the_real_and_the_fake_of_each_class(scores):
    gan, labels = small(TwoNGAN, classes=3), np.array([0, 2, 1, 1, 0])
    log_p, rows = log_softmax(scores), np.arange(5)
    for loss, answers in ((gan.real_loss, labels), (gan.fake_loss, labels + 3), (gan.generator_loss, labels)):
        assert float(loss(scores, labels)) == pytest.approx(-log_p[rows, answers].mean(), rel=1e-5)
    real, fake = np.exp(log_p[:, :3]).sum(axis=1), np.exp(log_p[:, 3:]).sum(axis=1)
    realness = ops.convert_to_numpy(gan.realness(scores))
    np.testing.assert_allclose(realness[:, 0], np.log(real / fake), rtol=1e-4)
    of_class = np.exp(log_p[:, :3]) + np.exp(log_p[:, 3:])
    found = ops.convert_to_numpy(gan.class_scores(scores))
    np.testing.assert_allclose(np.exp(log_softmax(found)), of_class, rtol=1e-4)


def test_an_infogan_pays_for_what_it_does_not_recognise(scores):
    gan = small(InfoGAN, categories=(3,), codes=2)
    hidden = np.concatenate([np.eye(3)[[0, 2, 1, 1, 0]], scores[:, :2]], axis=1).astype(np.float32)
    given = [scores[:, :1], scores[:, 1:4], scores[:, 4:6]]
    missed = -log_softmax(given[1])[np.arange(5), [0, 2, 1, 1, 0]].mean() + np.square(given[2] - scores[:, :2]).mean()
    assert float(gan.information_loss(given, hidden)) == pytest.approx(missed, rel=1e-5)
    assert float(gan.fake_loss(given, hidden)) == pytest.approx(np.logaddexp(0, given[0]).mean() + missed, rel=1e-5)
    # Nobody knows the codes of real pictures.
    assert float(gan.real_loss(given, None)) == pytest.approx(np.logaddexp(0, -given[0]).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("model", "way"),
    [
        # What is asked of a backend is each model's losses and each way's passes, not all pairs of them.
        pytest.param(model, WAYS[way], id=f"{model.__name__}-{way}", marks=[pytest.mark.once] if i != j else [])
        for i, model in enumerate(MODELS)
        for j, way in enumerate(WAYS)
    ],
)
def test_every_way_trains_both_players(model, way):
    images, labels = black_and_white(16)
    gan = small(model)
    before = {name: [ops.convert_to_numpy(w).copy() for w in n.trainable_weights] for name, n in gan.networks.items()}
    gan.compile("adam", "adam", r1=0.1, **way)
    given = {"labels": labels} if gan.conditional else {}
    losses = gan.fit(images, **given, batch_size=8, verbose=0, callbacks=[CollapseGuard(verbose=False)]).history
    assert all(np.isfinite(values).all() for values in losses.values())
    for name, network in gan.networks.items():
        # The embedding of a label too, every head too.
        for weight, old in zip(network.trainable_weights, before[name], strict=True):
            assert not np.array_equal(ops.convert_to_numpy(weight), old), weight.path


@pytest.mark.once
@pytest.mark.parametrize("model", [ACGAN, TwoNGAN], ids=lambda m: m.__name__)
def test_classes_are_drawn_as_asked_and_recognised(model):
    images, labels = black_and_white()
    gan = small(model)
    gan.compile(**recipe("modern", learning_rate=2e-3, augment=(), ema=0.9))
    gan.fit(images, labels, epochs=30, batch_size=16, verbose=0)
    black, white = (gan.sample(50, labels=label).mean() for label in (0, 1))
    assert white - black > 40, (black, white)
    assert (gan.classify(images[:20]) == labels[:20]).mean() > 0.9
    np.testing.assert_array_equal(gan.judge(images[:20], labels[:20]), gan.judge(images[:20]))


@pytest.mark.once
def test_an_infogan_finds_black_and_white_by_itself():
    images, _ = black_and_white()
    gan = small(InfoGAN)
    gan.compile(**recipe("modern", learning_rate=2e-3, augment=(), ema=0.9))
    gan.fit(images, epochs=40, batch_size=16, verbose=0)
    z = gan.latent(200, seed=1)
    categories, codes = gan.recognise(gan.decode(z))
    assert categories.shape == (200, 1) and codes.shape == (200, 1)
    asked = z[:, gan.noise_dim : gan.noise_dim + 2].argmax(axis=1)
    right, correlation = (categories[:, 0] == asked).mean(), np.corrcoef(codes[:, 0], z[:, -1])[0, 1]
    assert right > 0.9 or correlation > 0.9, (right, correlation)


@pytest.mark.parametrize("in_training", [True, False])
def test_codes_are_categories_and_numbers_within_one(in_training):
    gan = small(InfoGAN, categories=(3, 2), codes=2)  # 1 number is left for noise
    z = ops.convert_to_numpy(gan.draw(500)[0]) if in_training else gan.latent(500)
    assert z.shape == (500, 8) and z.dtype == np.float32
    noise, first, second, codes = np.split(z, [1, 4, 6], axis=1)
    for hot in (first, second):
        assert set(np.unique(hot)) == {0, 1} and (hot.sum(axis=1) == 1).all() and hot.mean(axis=0).min() > 0.25
    assert -1 <= codes.min() < -0.9 and 0.9 < codes.max() <= 1 and abs(codes.mean()) < 0.1
    assert 0.8 < noise.std() < 1.2
    if in_training:
        np.testing.assert_array_equal(ops.convert_to_numpy(gan.draw(5)[1]).shape, (5, 7))


def test_mixed_precision_keeps_every_head_in_float32():
    images, _ = black_and_white(16)
    gan = small(InfoGAN)
    gan.compile("adam", "adam", mixed_precision=True)
    computing = {layer.name: layer.compute_dtype for layer in gan.discriminator.layers}
    assert {name for name, dtype in computing.items() if dtype == "float32"} == {"logit", "category_0", "codes"}
    history = gan.fit(images, batch_size=8, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())


def test_codes_can_be_chosen_and_leave_the_noise_alone():
    gan = small(InfoGAN, categories=(3,), codes=2)
    free, chosen = gan.latent(6, seed=4), gan.latent(6, seed=4, categories=2, codes=[0.5, -1])
    np.testing.assert_array_equal(free[:, :3], chosen[:, :3])
    np.testing.assert_array_equal(chosen[:, 3:], np.tile([0, 0, 1, 0.5, -1], (6, 1)).astype(np.float32))
    assert not np.array_equal(gan.latent(6, seed=5), free)
    each = gan.latent(3, categories=[[0], [1], [2]])
    np.testing.assert_array_equal(each[:, 3:6], np.eye(3))
    np.testing.assert_array_equal(gan.sample(6, seed=4), gan.decode(free))
    with pytest.raises(ValueError, match=r"categories must be whole numbers below \(3,\), got 3"):
        gan.latent(6, categories=3)
    with pytest.raises(ValueError, match=r"codes must have shape \(6, 2\) or broadcast to it, got \(3,\)"):
        gan.latent(6, codes=[0, 0, 0])


@pytest.mark.once
def test_more_variables_or_only_one_kind():
    assert list(small(InfoGAN, categories=(2, 3), codes=0).heads) == ["logit", "category_0", "category_1"]
    only_codes = small(InfoGAN, categories=(), codes=3)
    images, _ = black_and_white(16)
    categories, codes = only_codes.recognise(images)
    assert categories.shape == (16, 0) and codes.shape == (16, 3)
    only_codes.compile("adam", "adam")
    only_codes.fit(images, batch_size=8, verbose=0)


def test_what_does_not_fit_is_refused():
    for bad in ({"categories": (1,)}, {"codes": -1}, {"categories": (), "codes": 0}):
        with pytest.raises(ValueError, match="categories must be numbers of at least 2, codes at least 0"):
            small(InfoGAN, **bad)
    with pytest.raises(ValueError, match=r"categories must be whole numbers in a row, such as \(10,\), got 10"):
        small(InfoGAN, categories=10)
    with pytest.raises(ValueError, match="latent_dim must be more than the 12 numbers of categories and codes, got 8"):
        small(InfoGAN, categories=(10,), codes=2)
    for model in (ACGAN, TwoNGAN):
        with pytest.raises(ValueError, match=f"classes must be one whole number for {model.__name__}, got \\(2, 2\\)"):
            small(model, classes=(2, 2))
        with pytest.raises(ValueError, match="mismatched is for models whose discriminator is given the label"):
            small(model).compile(**recipe("modern", "conditional"))
        with pytest.raises(ValueError, match="labels must lie below its 2 classes, got 2"):
            small(model).sample(3, labels=2)
    with pytest.raises(ValueError, match="labels were given, but this model is not conditional"):
        small(InfoGAN).sample(3, labels=1)


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_young_infogan_lets_codes_change_as_much_as_noise(prior):
    gan = InfoGAN(16, 100, categories=(10, 3), codes=2, width=32, initializer="he", prior=prior)
    kernel = ops.convert_to_numpy(gan.generator.get_layer("dense").kernel)
    z = gan.latent(2000, seed=1)
    first = {
        name: (z[:, part] @ kernel[part]).var(axis=0).mean()
        for name, part in {
            "noise": slice(0, 85),
            "ten": slice(85, 95),
            "three": slice(95, 98),
            "code": slice(98, 99),
            "all codes": slice(85, 100),
        }.items()
    }
    assert first["all codes"] == pytest.approx(first["noise"], rel=0.25)
    for name in ("ten", "three", "code"):
        assert first[name] == pytest.approx(first["noise"] / 4, rel=0.4), name
