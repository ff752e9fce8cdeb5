"""The bugs that chapter 08 exhibits, in the order of its museum: facelib has none of them."""

import numpy as np
import pytest

from facelib.data.faceset import to_float
from facelib.latent import arithmetic, complete, lerp, masks, project, walk
from facelib.models import DCGAN

QUICK = {"steps": 15, "progress": False}


def test_1_batchnorm_does_not_mix_faces():
    gan = DCGAN(16, 8, width=16, light=True)
    faces = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    together, alone = project(gan, faces, **QUICK), project(gan, faces[:1], **QUICK)
    assert np.allclose(together.z[:1], alone.z, atol=1e-2)
    # What the search saw is what is decoded afterwards, with statistics that one batch does not have.
    gan.sampler(gan.latent(64, 1), training=True)
    found = project(gan, faces, **QUICK)
    error = np.abs(to_float(gan.decode(found.z)) - to_float(faces)).mean(axis=(1, 2, 3))
    assert np.allclose(found.contextual[-1], error, atol=5e-3)
    assert np.allclose(
        found.contextual[0], np.abs(to_float(found.frames()[0]) - to_float(faces)).mean((1, 2, 3)), atol=0.02
    )


def test_2_clipping_is_not_dropped_in_completion():
    gan = DCGAN(16, 8, width=16, initializer="he", prior="uniform")
    white = np.full((3, 16, 16, 3), 255, np.uint8)
    for recipe in ("faithful", "modern"):
        done = complete(gan, white, masks.half(16), recipe=recipe, learning_rate=1.0, **QUICK)
        assert np.abs(done.projection.path).max() <= 1


def test_3_paths_arrive():
    a, b = np.zeros(3, np.float32), np.arange(3, dtype=np.float32)
    assert np.array_equal(lerp(a, b, 5)[-1], b)
    assert np.array_equal(walk([a, b, -b], 4)[-1], -b)


def test_4_averages_take_z_as_networks_do():
    stored = [np.full((1, 3), value, np.float32) for value in (1, 2, 6)]
    assert arithmetic([np.concatenate(stored)]).tolist() == [3, 3, 3]
    assert arithmetic(stored).tolist() == [9, 9, 9]
    with pytest.raises(ValueError, match=r"z must have shape \(n, 3\), got \(3,\); for one face use z\[None\]"):
        DCGAN(16, 3, width=8).decode(np.concatenate(stored).mean(axis=0))


def test_5_mean_losses_do_not_depend_on_the_size():
    values = {}
    for reduction in ("mean", "sum"):
        for size in (16, 32):
            model = DCGAN(size, 8, width=8)  # grey, as is every untrained one
            white = np.full((1, size, size, 3), 255, np.uint8)
            found = project(model, white, "faithful", reduction=reduction, steps=1, progress=False)
            values[reduction, size] = float(found.contextual[0, 0])
    assert values["mean", 16] == pytest.approx(values["mean", 32], rel=0.05)
    assert values["sum", 32] == pytest.approx(4 * values["sum", 16], rel=0.05)


def test_6_the_loss_is_the_one_that_was_asked_for():
    gan = DCGAN(16, 8, width=16, initializer="he", seed=1)
    faces = gan.sample(2, seed=7)[:, ::-1]
    for loss, of in (("l1", np.abs), ("l2", np.square)):
        found = project(gan, faces, contextual=loss, **QUICK)
        error = of(to_float(found.images) - to_float(faces)).mean(axis=(1, 2, 3))
        assert np.allclose(found.contextual[-1], error, atol=5e-3)
