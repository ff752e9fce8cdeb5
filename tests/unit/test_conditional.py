"""The conditional DCGAN: seed 002's networks, labels that must fit, and that it listens. On TensorFlow and on JAX."""

import functools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from interrupt import CopyAfter
from keras import layers, ops

from facelib import weights
from facelib.data import load_faces
from facelib.data.labels import Labels, combined, independent
from facelib.models import ConditionalDCGAN
from facelib.models.classes import check_labels
from facelib.training import Checkpoint, DiscriminatorAccuracy, SampleGrid, recipe
from facelib.training.gradients import value_and_gradients


@pytest.fixture(scope="module")
def faces():
    return load_faces(n=96, size=16)


@pytest.fixture(scope="module")
def labels(faces):
    return combined(faces)


def small(classes=4, **settings):
    return ConditionalDCGAN(16, 8, classes, **{"width": 8, "light": True, "seed": 3, **settings})


@pytest.fixture(scope="module")
def trained(faces, labels):
    """One epoch: before it, BatchNorm's statistics make every picture grey."""
    gan = small()
    gan.compile(**recipe("modern", "conditional", learning_rate=2e-3, ema=0.5))
    gan.fit(faces, labels, batch_size=16, verbose=0)
    return gan


@pytest.mark.once
def test_the_parameters_are_those_of_the_seeds_networks():
    gan = ConditionalDCGAN(image_size=64, latent_dim=100, classes=4)
    assert gan.generator.count_params() == 1_267_923 and gan.discriminator.count_params() == 1_723_585
    larger = ConditionalDCGAN(image_size=80, latent_dim=100, classes=4)
    # 5×5 instead of 4×4, and 80×80 instead of 64×64.
    assert larger.generator.count_params() == 1_381_891 + 4 * 16 + 17 * 25 + 128 * 4 * 4
    assert larger.discriminator.count_params() == 1_651_841 + 4 * 16 + 17 * 80**2 + 128 * 5 * 5


@pytest.mark.parametrize(("size", "side"), [(64, 4), (80, 5)])
def test_a_label_is_one_more_channel(size, side):
    gan = ConditionalDCGAN(size, classes=4)

    def shapes(network):
        return {layer.name: tuple(layer.output.shape[1:]) for layer in network.layers}

    for network, here, of in ((gan.generator, side, 128), (gan.discriminator, size, 3)):
        found = shapes(network)
        assert found["label_embedding"] == (16,) and found["label_dense"] == (here * here,)
        assert found["label_map"] == (here, here, 1) and found["with_labels"] == (here, here, of + 1)
    slopes = {layer.negative_slope for layer in gan.discriminator.layers if isinstance(layer, layers.LeakyReLU)}
    assert slopes == {0.2} and gan.generator.layers[-1].activation is keras.activations.tanh
    adamax = recipe("faithful", "conditional")
    assert adamax["half_batches"] and isinstance(adamax["generator_optimizer"], keras.optimizers.Adamax)
    assert float(ops.convert_to_numpy(adamax["discriminator_optimizer"].learning_rate)) == pytest.approx(7e-4)


def test_a_label_is_as_loud_as_the_picture():
    gan = ConditionalDCGAN(64, classes=40)
    channel = keras.Model(gan.discriminator.input, gan.discriminator.get_layer("label_map").output)
    maps = ops.convert_to_numpy(channel([np.zeros((40, 64, 64, 3), np.float32), np.arange(40)]))
    assert 0.8 < maps.std() < 1.25 and np.abs(np.corrcoef(maps.reshape(40, -1))[0, 1:]).max() < 0.8


@pytest.mark.once
def test_several_inputs_have_a_channel_each(faces):
    labels = independent(faces, ["Male", "Smiling", "Eyeglasses"])
    gan = small(labels.classes)
    assert gan.classes == (2, 2, 2) and gan.discriminator.get_layer("with_labels").output.shape[1:] == (16, 16, 6)
    gan.compile(**recipe("modern", "conditional"))
    gan.fit(faces, labels, batch_size=16, verbose=0)
    assert gan.sample_grid(3).shape == (8, 3, 16, 16, 3)
    assert gan.judge(faces, labels).shape == (96,)


@pytest.mark.once
def test_labels_are_needed_and_may_be_one_for_all(trained):
    gan = trained
    z = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)
    pictures = gan.decode(z, labels=[2, 2, 2])
    assert pictures.shape == (3, 16, 16, 3) and pictures.dtype == np.uint8
    np.testing.assert_array_equal(gan.decode(z, labels=2), pictures)
    one, other = (ops.convert_to_numpy(gan((z, np.full(3, label)))) for label in (1, 2))
    assert np.abs(one - other).max() > 1e-4
    np.testing.assert_array_equal(gan.sample(3, seed=5, labels=[0, 1, 2]), gan.sample(3, seed=5, labels=[0, 1, 2]))
    for draw in (lambda: gan.decode(z), lambda: gan.sample(3), lambda: gan.judge(pictures)):
        with pytest.raises(ValueError, match="labels are missing: this model is conditional"):
            draw()


@pytest.mark.once
def test_a_grid_has_a_class_a_row_and_the_same_z_down_each_column(trained):
    gan, grid = trained, trained.sample_grid(5, seed=7)
    assert grid.shape == (4, 5, 16, 16, 3) and grid.std(axis=0).max() > 0 and grid.std(axis=1).max() > 0
    for label in range(4):
        np.testing.assert_array_equal(grid[label], gan.sample(5, seed=7, labels=label))
    np.testing.assert_array_equal(gan.sample_grid(5, seed=7, labels=2), grid[2:3])
    some = Labels(np.array([3, 1]), ("a", "b", "c", "d"))
    np.testing.assert_array_equal(gan.sample_grid(5, seed=7, labels=some), grid[[3, 1]])
    two = small((2, 2))
    np.testing.assert_array_equal(two.sample_grid(2, labels=(1, 0))[0], two.sample_grid(2)[2])
    with pytest.raises(ValueError, match="labels must lie below its 4 classes, got 4"):
        gan.sample_grid(2, labels=[4])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (None, "labels are missing: this model is conditional"),
        ([0, 1, 2, 3], r"labels must be one a picture, of shape \(96,\) \(0 to 3\), got \(4,\)"),
        (np.arange(96)[:, None] % 4, r"labels must be one a picture, of shape \(96,\)"),
        (np.arange(96) % 5, "labels must lie below its 4 classes, got 4"),
        (np.arange(96) % 4 - 1, "labels must not be negative, got -1.*labels.kept"),
        (np.arange(96) % 4 / 1.0, r"labels must be whole numbers \(0 to 3\), got float64"),
        (np.array(["man"] * 96), "labels must be whole numbers"),
        (np.arange(96) % 3, "labels: class 3 has no face among 96"),
        (np.zeros(96, int), "labels: class 1, 2, 3 has no face among 96"),
        (0, "labels: class 1, 2, 3 has no face among 96"),
    ],
)
def test_bad_labels_are_refused_before_training(faces, bad, message):
    gan = small()
    gan.compile(**recipe("modern", "conditional"))
    before = gan.generator.get_weights()
    with pytest.raises(ValueError, match=message):
        gan.fit(faces, bad, batch_size=16, verbose=0)
    for was, now in zip(before, gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


def test_bad_labels_of_several_inputs_are_named(faces):
    gan = small((2, 3))
    gan.compile(**recipe("modern", "conditional"))
    good = np.stack([np.arange(96) % 2, np.arange(96) % 3], axis=1)
    for bad, message in [
        (good[:, :1], r"of shape \(96, 2\) \(2 columns for \(2, 3\) classes\), got \(96, 1\)"),
        (good[:, ::-1], "labels of input 0 must lie below its 2 classes, got 2"),
        (np.minimum(good, 1), "class 2 of input 1 has no face among 96"),
    ]:
        with pytest.raises(ValueError, match=message):
            gan.fit(faces, bad, batch_size=16, verbose=0)


@pytest.mark.parametrize("classes", [1, 0, (2, 1), (), 2.5, "four"])
def test_fewer_than_two_classes_are_refused(classes):
    with pytest.raises(ValueError, match="classes must be a whole number of at least 2, or one for each input"):
        ConditionalDCGAN(16, 8, classes)


@pytest.mark.once
def test_labels_without_a_class_are_for_models_with_classes(faces, labels):
    from facelib.models import DCGAN

    gan = DCGAN(16, 8, width=8)
    with pytest.raises(ValueError, match="mismatched is for models whose discriminator is given the label"):
        gan.compile(**recipe("modern", "conditional"))
    with pytest.raises(ValueError, match=r"mismatched must lie in \[0, 1\), got 1"):
        small().compile(**recipe("modern", "conditional", mismatched=1))


def black_and_white(n):
    """Black pictures are of class 0, white ones of class 1."""
    labels = np.arange(n) % 2
    return np.broadcast_to(np.uint8(255 * labels)[:, None, None, None], (n, 16, 16, 3)), labels


@pytest.mark.once
@pytest.mark.parametrize(
    "way", [{"separate_passes": True}, {"separate_passes": False}, {"half_batches": True}], ids=["two", "one", "half"]
)
def test_wrong_labels_teach_the_discriminator_which_one_goes_with_a_picture(way):
    """Even with a generator at rest, and whichever way it is shown the pictures."""
    heard, unheard = margin(0.5, **way), without_wrong_labels()
    assert heard > 2 * abs(unheard) and heard > 2, (heard, unheard)


def margin(mismatched, **way):
    """By how much the discriminator prefers the right label."""
    images, labels = black_and_white(128)
    gan, slow, fast = small(2), keras.optimizers.SGD(0.0), keras.optimizers.Adam(2e-3)
    gan.compile(slow, fast, mismatched=mismatched, **way)
    gan.fit(images, labels, epochs=12, batch_size=16, verbose=0)
    return float((gan.judge(images, labels) - gan.judge(images, 1 - labels)).mean())


@functools.cache
def without_wrong_labels():
    return margin(0.0)


@pytest.mark.once
def test_the_generator_draws_what_it_is_asked_for():
    images, labels = black_and_white(128)
    gan = small(2)
    gan.compile(**recipe("modern", "conditional", learning_rate=2e-3, augment=(), ema=0.9))
    gan.fit(images, labels, epochs=30, batch_size=16, verbose=0)
    black, white = (gan.sample(50, labels=label).mean() for label in (0, 1))
    assert white - black > 40, (black, white)


def test_wrong_labels_are_any_other_ones():
    labels = np.repeat(np.arange(4), 300).astype(np.int32)
    wrong = ops.convert_to_numpy(small().wrong(ops.convert_to_tensor(labels)))
    assert wrong.dtype == np.int32
    counts = np.array([np.bincount(wrong[labels == c], minlength=4) for c in range(4)])
    assert (counts.diagonal() == 0).all() and counts[~np.eye(4, dtype=bool)].min() > 60  # 100 expected


def test_of_several_labels_one_is_wrong():
    labels = np.tile([[0, 2], [1, 0]], (300, 1)).astype(np.int32)
    wrong = ops.convert_to_numpy(small((2, 3)).wrong(ops.convert_to_tensor(labels)))
    changed = wrong != labels
    assert (changed.sum(axis=1) == 1).all() and 0.4 < changed[:, 0].mean() < 0.6
    assert ((wrong >= 0) & (wrong < [2, 3])).all() and len(np.unique(wrong[labels[:, 1] == 2][:, 1])) == 3


def test_real_pictures_with_wrong_labels_are_paid_for_like_generated_ones(faces):
    gan = small(dropout=0.0)
    gan.compile(**recipe("modern", "conditional", augment=(), r1=0, mismatched=0.25))
    real, wrong = ops.convert_to_tensor(faces.scaled()[:8]), np.array([0, 1, 2, 3] * 2, np.int32)
    expected = 0.75 * 3.0 + 0.25 * np.logaddexp(0, gan.judge(faces.images[:8], wrong)).mean()
    assert float(gan._with_mismatched(3.0, real, ops.convert_to_tensor(wrong))) == pytest.approx(expected, rel=1e-4)


def test_a_label_that_comes_often_counts_once_in_a_step():
    """TensorFlow gives an embedding's gradient row by row, and Adam would take each row for a step of its own."""
    labels = np.array([0] * 6 + [1, 2], np.int32)
    gan = small()
    table = gan.discriminator.get_layer("label_embedding").embeddings
    image = ops.convert_to_tensor(np.random.default_rng(0).standard_normal((8, 16, 16, 3)).astype(np.float32))

    def loss():
        return ops.sum(ops.square(gan.discriminate(image, ops.convert_to_tensor(labels), training=False))), []

    every = [*gan.trainable_variables, *gan.non_trainable_variables]
    adam = keras.optimizers.Adam(1e-2)
    adam.build([table])
    expected, moment = np.array(ops.convert_to_numpy(table)), 0.0
    for _ in range(3):
        _, (gradient,) = value_and_gradients(loss, [table], every)
        assert tuple(gradient.shape) == (4, 16)
        adam.apply([gradient], [table])
    moment = ops.convert_to_numpy(next(v for v in adam.variables if "momentum" in v.path))
    assert np.abs(moment[3]).max() == 0 and np.abs(moment[:3]).min(axis=1).max() > 0
    moved = np.abs(ops.convert_to_numpy(table) - expected).max(axis=1)
    assert moved[3] == 0 and (moved[:3] <= 0.0301).all() and (moved[:3] > 0.02).all()


@pytest.mark.parametrize("name", ["faithful", "modern"])
def test_generated_pictures_are_asked_for_the_classes_of_the_batch(faces, labels, name):
    gan, asked = small(), []
    generate = gan.generate
    gan.generate = lambda z, drawn: asked.append((z.shape[0], np.array(drawn))) or generate(z, drawn)
    gan.compile(**recipe(name, "conditional", run_eagerly=True))
    if keras.backend.backend() == "jax":
        pytest.skip("JAX traces the step")
    gan.fit(faces, labels, batch_size=16, steps_per_epoch=1, verbose=0)
    first, second = (8, 16) if name == "faithful" else (16, 16)
    assert [n for n, _ in asked] == [len(drawn) for _, drawn in asked] == [first, second]
    batch = asked[0][1]
    np.testing.assert_array_equal(asked[1][1], np.tile(batch, second // first))


def test_it_resumes_exactly(faces, labels, tmp_path):
    def run(path, *more):
        gan = small()
        gan.compile(**recipe("modern", "conditional"))
        accuracy = DiscriminatorAccuracy(faces, labels, every=1, n=20, verbose=False)
        checkpoint = Checkpoint(path, {}, also=[accuracy])
        done = checkpoint.restore(gan)
        how = {"epochs": 3, "initial_epoch": done, "batch_size": 16, "verbose": 0}
        gan.fit(faces, labels, callbacks=[accuracy, checkpoint, *more], **how)
        return done, gan.sample_grid(2), accuracy.summaries

    path, left = tmp_path / "whole.npz", tmp_path / "left.npz"
    _, whole, summaries = run(path, CopyAfter(1, path, left))
    done, again, resumed = run(left)
    assert done == 1
    np.testing.assert_array_equal(whole, again)
    assert summaries == resumed and sorted(summaries) == [1, 2, 3]


def test_the_average_is_what_draws_and_weights_come_back(trained, tmp_path):
    gan = trained
    assert gan.sampler is gan.average.network and gan.sampler is not gan.generator
    weights.save(gan, "some", {}, folder=tmp_path)
    again = weights.load("some", folder=tmp_path)
    assert again.classes == 4
    assert np.abs(again.sample_grid(4).astype(int) - gan.sample_grid(4)).max() <= 3


@pytest.mark.once
def test_sheets_have_a_class_a_row(faces, labels):
    gan, grid = small(), SampleGrid(4, 3, labels=range(4), seed=2)
    gan.compile(**recipe("modern", "conditional"))
    gan.fit(faces, labels, batch_size=16, verbose=0, callbacks=[grid])
    assert grid.frames[-1].shape == (64, 48, 3)
    expected = gan.sample_grid(3, seed=2).transpose(0, 2, 1, 3, 4).reshape(64, 48, 3)
    np.testing.assert_array_equal(grid.frames[-1], expected)


@pytest.mark.graph
@pytest.mark.once
def test_the_discriminators_accuracy_every_five_epochs(faces, labels, capsys):
    gan = small()
    gan.compile(**recipe("faithful", "conditional"))
    accuracy = DiscriminatorAccuracy(faces, labels, n=40)
    gan.fit(faces, labels, batch_size=16, steps_per_epoch=1, epochs=11, verbose=0, callbacks=[accuracy])
    assert sorted(accuracy.summaries) == [5, 10, 11]
    assert capsys.readouterr().out.count("the discriminator is right about") == 3
    for bias, shares in ((1e3, (1, 0)), (-1e3, (0, 1))):  # one that calls everything real, one that calls nothing so
        gan.discriminator.get_layer("logit").bias.assign([bias])
        accuracy.model.optimizer.learning_rate.assign(0)
        gan.discriminator_optimizer.learning_rate.assign(0)
        gan.fit(faces, labels, batch_size=16, steps_per_epoch=1, verbose=0, callbacks=[accuracy])
        assert accuracy.summaries == {1: shares}
    for bad, message in [({"every": 0}, "every must be at least 1"), ({"n": 97}, "between 1 and the 96 faces")]:
        with pytest.raises(ValueError, match=message):
            DiscriminatorAccuracy(faces, labels, **bad)
    for watch, message in [
        (DiscriminatorAccuracy(faces, n=40), "labels are missing: this model is conditional"),
        (DiscriminatorAccuracy(faces, labels.values + 9, n=40), "labels must lie below its 4 classes"),
        (DiscriminatorAccuracy(load_faces(n=40, size=32), np.arange(40) % 4, n=40), "load them with size=16"),
    ]:
        before = gan.generator.get_weights()[0]
        with pytest.raises(ValueError, match=message):
            gan.fit(faces, labels, batch_size=16, verbose=0, callbacks=[watch])
        np.testing.assert_array_equal(gan.generator.get_weights()[0], before)
    with pytest.raises(ValueError, match="got 95 labels for 96 faces"):
        DiscriminatorAccuracy(faces, labels.values[1:], n=20)


@pytest.mark.once
def test_the_accuracy_is_of_faces_with_their_own_labels():
    numbered = np.arange(96, dtype=np.uint8)[:, None, None, None] * np.ones((16, 16, 3), np.uint8)
    watch, asked = DiscriminatorAccuracy(numbered, np.arange(96) % 4, n=20), []
    watch.set_model(SimpleNamespace(conditional=True, judge=lambda images, labels: asked.append((images, labels))))
    watch.on_train_begin()
    ((images, given),) = asked
    drawn = images[:, 0, 0, 0]
    assert len(set(drawn)) == 20 and drawn.max() > 20
    np.testing.assert_array_equal(given, drawn % 4)


def test_labels_are_checked_whatever_holds_them(labels):
    np.testing.assert_array_equal(check_labels(labels, 96, 4), labels.values)
    assert check_labels(True, 3, 2).tolist() == [1, 1, 1]
    assert check_labels([1, 0], 3, (2, 2)).tolist() == [[1, 0]] * 3
    assert check_labels(np.zeros(0, int), 0, 4).shape == (0,)
