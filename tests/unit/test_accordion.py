"""The accordion against its seed and against numpy. Runs on TensorFlow and on JAX."""

import keras
import numpy as np
import pytest

from facelib.data import load_faces
from facelib.metrics import psnr
from facelib.models import Accordion


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=64, size=32)


def small(**settings):
    model = Accordion(32, width=16, **settings)
    model.compile(keras.optimizers.Adam(4e-3))
    return model


def test_parameters_and_layers_are_those_of_the_seed():
    model = Accordion(image_size=128)
    assert model.count_params() == 1_635_846
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == 1_634_822
    fold = [
        ("Conv2D", (64, 64, 128), 3584),
        ("Conv2D", (32, 32, 128), 147_584),
        ("Conv2D", (16, 16, 256), 295_168),
        ("BatchNormalization", (16, 16, 256), 1024),
        ("Conv2DTranspose", (32, 32, 128), 295_040),
        ("Conv2DTranspose", (64, 64, 64), 73_792),
        ("Conv2DTranspose", (128, 128, 3), 1731),
    ]
    layers = [layer for network in model.folds for layer in network.layers if layer.weights]
    assert [(type(x).__name__, x.output.shape[1:], x.count_params()) for x in layers] == fold * 2


@pytest.mark.once
def test_resized_pictures_need_as_many_weights():
    assert Accordion(64, upsampling="resized").count_params() == Accordion(64).count_params() == 1_635_846
    fold = Accordion(32, folds=1, width=2, upsampling="resized").folds[0]
    assert [fold.get_layer(f"deconv_{i}").output.shape[1] for i in (4, 5, 6)] == [8, 16, 32]


def written(kernel_size):
    """How often a transposed convolution of stride 2 writes each pixel: all weights 1, one channel, no bias."""
    fold = Accordion(32, folds=1, width=2, kernel_size=kernel_size).folds[0]
    layer = fold.get_layer("deconv_4")
    layer.set_weights([np.ones(w.shape) if w.path.endswith("kernel") else np.zeros(w.shape) for w in layer.weights])
    return keras.ops.convert_to_numpy(layer(np.ones((1, 8, 8, 4), "float32")))[0, 2:-2, 2:-2, 0]


def test_a_kernel_that_the_stride_divides_writes_every_pixel_equally_often():
    assert len(np.unique(written(4))) == 1 and len(np.unique(written(3))) == 3


def test_the_loss_is_the_mean_squared_error_of_the_last_picture(faces):
    model = small()
    history = model.fit(faces.images, batch_size=64, verbose=0)
    untrained = small()
    wanted = keras.ops.convert_to_numpy(untrained(faces.scaled(), training=True)) - faces.scaled()
    assert history.history["loss"][0] == pytest.approx((wanted**2).mean(), rel=1e-4)


@pytest.mark.once
def test_it_learns_faces_that_it_has_not_seen(faces):
    others = load_faces("synthetic", n=32, size=32, seed=1)
    model = small()
    model.fit(faces, epochs=30, batch_size=8, verbose=0)
    mean_face = np.broadcast_to(faces.images.mean(axis=0).round().astype(np.uint8), others.images.shape)
    assert psnr(others.images, model.reconstruct(others)).mean() > psnr(others.images, mean_face).mean() + 3


def test_statistics_for_use_are_gathered_while_it_learns(faces):
    model = small()
    means = [weight for weight in model.non_trainable_weights if weight.path.endswith("moving_mean")]
    assert means and all(np.allclose(mean, 0) for mean in means)
    model.fit(faces.images, batch_size=64, verbose=0)
    assert all(np.abs(mean).max() > 0 for mean in means)


def test_unfold_gives_the_picture_after_each_fold(faces):
    model = small(folds=3)
    pictures = model.unfold(faces)
    assert [p.shape for p in pictures] == [(64, 32, 32, 3)] * 3 and all(p.dtype == np.uint8 for p in pictures)
    np.testing.assert_array_equal(pictures[-1], model.reconstruct(faces.images))
    first = keras.ops.convert_to_numpy(model.folds[0](faces.scaled(), training=False))
    assert np.abs(pictures[0] - 127.5 * (first + 1)).max() <= 1


def test_nothing_can_be_drawn_from_it():
    model = Accordion(16, width=4)
    assert not any(hasattr(model, name) for name in ("latent_dim", "decode", "sample", "encode"))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"image_size": 100}, "image_size must be a positive multiple of 8.*got 100"),
        ({"folds": 0}, "folds must be at least 1, got 0"),
        ({"width": 3}, "width must be positive and even, got 3"),
        ({"upsampling": "bigger"}, "upsampling must be one of .*got 'bigger'"),
        ({"kernel_size": 1}, r"kernel_size must be at least 2 \(the stride\), got 1"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Accordion(**settings)


def test_images_of_another_size_are_named(faces):
    with pytest.raises(ValueError, match=r"images must be uint8 of shape \(n, 16, 16, 3\), got uint8"):
        Accordion(16, width=4).reconstruct(faces)
