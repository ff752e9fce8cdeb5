"""The search for z, on tiny generators: what it finds, what it leaves alone, and what it refuses."""

import keras
import numpy as np
import pytest
from keras import ops

from facelib import weights
from facelib.data.faceset import to_float, to_uint8
from facelib.latent import discriminator_features, project, projection
from facelib.latent.projection import RECIPES, Recipe
from facelib.metrics import psnr
from facelib.models import DCGAN, VAE, Accordion, ConditionalDCGAN, InfoGAN

QUICK = {"steps": 30, "progress": False}


class Linear:
    """A generator whose gradients can be written down: a picture is z times a matrix. It notes what it is asked for."""

    image_size, latent_dim = 4, 6

    def __init__(self, scale: float = 0.15):
        self.matrix = scale * np.random.default_rng(3).standard_normal((6, 48)).astype(np.float32)
        self.rows = []

    def render(self, z, labels=None):
        self.rows.append(z.shape[0])
        return ops.reshape(ops.matmul(z, self.matrix), (-1, 4, 4, 3))

    def decode(self, z, labels=None):
        return to_uint8((np.asarray(z) @ self.matrix).reshape(-1, 4, 4, 3))

    def latent(self, n, seed=0):
        return np.random.default_rng(seed).standard_normal((n, 6), dtype=np.float32)


@pytest.fixture(scope="module")
def gan():
    """Untrained, but neither grey nor blind."""
    return DCGAN(16, 8, width=16, initializer="he", seed=1)


@pytest.fixture(scope="module")
def faces(gan):
    return gan.sample(5, seed=7)


def test_faces_that_the_generator_made_are_found_again(gan, faces):
    found = project(gan, faces, steps=200, perceptual=0.0, progress=False)
    error = ((to_float(found.images) - to_float(faces)) ** 2).mean(axis=(1, 2, 3))
    assert (error < 0.01).all()
    assert np.abs(found.z - gan.latent(5, 7)).mean() < 0.2


@pytest.mark.once
def test_what_is_returned(gan, faces):
    found = project(gan, faces, positions=4, restarts=3, **QUICK)
    assert found.z.shape == (5, 8) and found.z.dtype == np.float32
    assert np.array_equal(found.images, gan.decode(found.z))
    assert found.contextual.shape == found.perceptual.shape == (31, 5)
    assert found.contextual[-1].mean() < found.contextual[0].mean()
    assert found.path_steps.tolist() == [0, 3, 13, 30] and found.path.shape == (4, 5, 8)
    assert np.array_equal(found.path[-1], found.z)
    assert found.losses.shape == (3, 5) and np.array_equal(found.restart, found.losses.argmin(axis=0))
    frames = found.frames([2, 0])
    assert frames.shape == (4, 2, 16, 16, 3)
    assert np.array_equal(frames[-1], found.images[[2, 0]])


@pytest.mark.once
def test_frames_of_one_image_and_of_none(gan, faces):
    found = project(gan, faces[:2], positions=3, steps=2, progress=False)
    np.testing.assert_array_equal(found.frames(0), found.frames()[:, :1])
    np.testing.assert_array_equal(found.frames([False, True]), found.frames()[:, 1:])
    for none in ([], [False, False]):
        with pytest.raises(ValueError, match="rows must name at least one of the 2 images, got none"):
            found.frames(none)


@pytest.mark.once
def test_curves_are_those_of_the_restart_that_was_taken(gan, faces):
    found = project(gan, faces, restarts=3, noise=0.0, prior=0.0, **QUICK)
    first = gan.decode(found.path[0])
    assert np.allclose(np.abs(to_float(first) - to_float(faces)).mean(axis=(1, 2, 3)), found.contextual[0], atol=4e-3)
    total = found.contextual[-1] + found.recipe.perceptual * found.perceptual[-1]
    assert np.allclose(total, found.losses.min(axis=0), rtol=1e-5)


@pytest.mark.once
def test_no_image_is_changed_by_the_others(gan, faces):
    together = project(gan, faces, **QUICK)
    in_twos = project(gan, faces, batch_size=4, **QUICK)
    alone = project(gan, faces[:1], **QUICK)
    assert np.allclose(together.z, in_twos.z, atol=1e-3)
    assert np.allclose(together.z[:1], alone.z, atol=1e-3)


def test_steps_get_smaller():
    """White is out of reach: what is far away pulls as hard in the end as at the start."""
    model = Linear(0.01)
    white = np.full((2, 4, 4, 3), 255, np.uint8)
    found = project(model, white, positions=31, prior=0.0, noise=0.0, perceptual=0.0, **QUICK)
    assert found.path_steps[1] == 1 and found.path_steps[-2] == 28
    step = np.abs(np.diff(found.path, axis=0)).max(axis=(1, 2))
    assert step[0] == pytest.approx(found.recipe.learning_rate, rel=1e-3)
    assert step[-1] < 0.03 * step[0]


@pytest.mark.once
def test_never_more_than_a_batch_is_rendered():
    model = Linear()
    found = project(model, model.decode(model.latent(11, 1)), batch_size=4, restarts=2, **QUICK)
    assert len(found.z) == 11
    assert max(model.rows) == 4


@pytest.mark.once
def test_more_restarts_are_never_worse(gan, faces):
    losses = [project(gan, faces, restarts=k, noise=0.0, **QUICK).losses for k in (1, 4)]
    assert np.allclose(losses[0][0], losses[1][0], rtol=1e-3)
    assert (losses[1].min(axis=0) <= losses[0][0] * 1.001).all()


def test_equal_seeds_give_equal_results_and_others_do_not(gan, faces):
    one, same, other = (project(gan, faces[:2], seed=seed, steps=8, progress=False) for seed in (0, 0, 5))
    assert np.array_equal(one.z, same.z)
    assert not np.allclose(one.z, other.z, atol=0.1)


def test_the_model_stays_as_it_was(faces):
    model = DCGAN(16, 8, width=16, light=True)  # with BatchNorm
    before = [w.copy() for w in model.get_weights()]
    found = project(model, faces, **QUICK)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert np.isfinite(found.z).all()  # though it was never trained


# The loss.


def test_the_faithful_recipe_takes_the_steps_of_the_original():
    model = Linear()
    images = model.decode(model.latent(2, 4))
    for contextual, slope in (("l1", np.sign), ("l2", lambda error: 2 * error)):
        found = project(model, images, "faithful", contextual=contextual, steps=3, positions=4, progress=False)
        z, velocity = found.path[0], np.zeros((2, 6))
        for _ in range(3):
            error = z @ model.matrix - to_float(images).reshape(2, 48)
            before, velocity = velocity, 0.75 * velocity - 5e-4 * slope(error) @ model.matrix.T
            z = z - 0.75 * before + 1.75 * velocity
        assert np.allclose(found.z, z, atol=1e-5)
    assert RECIPES["faithful"].perceptual == 0.1 and RECIPES["faithful"].steps == 2000


@pytest.mark.once
def test_lambda_turns_from_pixels_to_the_discriminator(gan, faces):
    upside_down = faces[:, ::-1]
    strong, none = (project(gan, upside_down, perceptual=weight, steps=100, progress=False) for weight in (10.0, 0.0))
    assert gan.judge(strong.images).mean() > gan.judge(none.images).mean()
    assert strong.contextual[-1].mean() > none.contextual[-1].mean()
    assert none.perceptual is None


def test_the_prior_keeps_z_at_the_usual_length():
    model = Linear(scale=0.01)  # which would need a long z
    white = np.full((3, 4, 4, 3), 255, np.uint8)
    free, kept = (project(model, white, prior=weight, progress=False) for weight in (0.0, 100.0))
    assert np.linalg.norm(free.z, axis=1).min() > 4
    assert np.allclose(np.linalg.norm(kept.z, axis=1), np.sqrt(6), rtol=0.05)


@pytest.mark.once
def test_features_have_their_part_in_the_loss(gan):
    """Those that see the upper half only: it fits better, and the lower half worse."""
    noise = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3)).astype(np.uint8)

    def top(images):
        return ops.reshape(images[:, :8], (-1, 8 * 16 * 3))

    def cosine(images, part):
        a, b = (to_float(side)[:, part].reshape(4, -1) for side in (images, noise))
        return ((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean()

    how = {"steps": 150, "perceptual": 0.0, "restarts": 1, "progress": False}
    with_, without = project(gan, noise, features=top, feature_weight=10.0, **how), project(gan, noise, **how)
    assert cosine(with_.images, slice(0, 8)) > cosine(without.images, slice(0, 8)) + 0.02
    assert cosine(with_.images, slice(8, 16)) < cosine(without.images, slice(8, 16))


def test_features_of_the_discriminator(gan, faces):
    features, how = discriminator_features(gan), {"steps": 8, "progress": False}
    assert features(to_float(faces)).shape == (5, gan.discriminator.get_layer("flatten").output.shape[1])
    found = project(gan, faces, features=features, feature_weight=1.0, **how)
    assert not np.allclose(found.z, project(gan, faces, **how).z, atol=1e-2)


@pytest.mark.once
def test_only_z_of_a_cube_is_clipped():
    white = np.full((4, 16, 16, 3), 255, np.uint8)
    models = {prior: DCGAN(16, 8, width=16, initializer="he", prior=prior, seed=1) for prior in ("uniform", "normal")}
    how = {"steps": 20, "learning_rate": 1.0, "progress": False}
    for recipe in ("faithful", "modern"):
        inside, free = (project(models[prior], white, recipe, **how) for prior in ("uniform", "normal"))
        assert np.abs(inside.path).max() <= 1
        assert np.abs(free.path).max() > 1
    hard, anew = (
        project(models["uniform"], white, "faithful", stochastic_clipping=redrawn, **how) for redrawn in (False, True)
    )
    half = (0 < hard.path_steps) & (hard.path_steps <= 10)
    assert half.sum() > 2 and (np.abs(hard.path[half]) == 1).any() and not (np.abs(anew.path[half]) == 1).any()


@pytest.mark.once
def test_z_of_a_cube_is_found_again():
    """What is drawn anew near the end would stay where chance put it."""
    gan = DCGAN(16, 8, width=16, initializer="he", prior="uniform", seed=1)
    faces = gan.sample(8, seed=7)
    found = project(gan, faces, steps=200, perceptual=0.0, restarts=1, progress=False)
    assert (((to_float(found.images) - to_float(faces)) ** 2).mean(axis=(1, 2, 3)) < 0.001).all()


# Models.


@pytest.mark.once
def test_a_vae_has_no_discriminator():
    vae = VAE(16, 4, width=8)
    images = vae.sample(2)
    assert project(vae, images, **QUICK).perceptual is None
    with pytest.raises(ValueError, match="perceptual must be 0 for this VAE, which has no trained"):
        project(vae, images, perceptual=0.1, **QUICK)


@pytest.mark.once
def test_a_discriminator_that_was_not_kept_says_nothing(tmp_path, faces):
    weights.save(DCGAN(16, 8, width=8, seed=1), "small", {}, tmp_path, networks=["generator"])
    model = weights.load("small", tmp_path)
    assert project(model, faces, steps=2, progress=False).perceptual is None
    with pytest.raises(ValueError, match="perceptual must be 0 for this DCGAN, which has no trained discriminator"):
        project(model, faces, perceptual=0.1, **QUICK)
    with pytest.raises(ValueError, match="model must have a trained discriminator of images alone; DCGAN has none"):
        discriminator_features(model)
    model.compile("sgd", "sgd", run_eagerly=True)
    model.fit(faces, batch_size=4, verbose=0)
    assert project(model, faces, steps=2, progress=False).perceptual is not None


def test_a_conditional_model_is_told_the_labels():
    model = ConditionalDCGAN(16, 8, classes=3, width=16, initializer="he")
    labels = np.array([0, 2, 1])
    images = model.sample(3, seed=1, labels=labels)
    found = project(model, images, labels=labels, batch_size=4, steps=8, progress=False)
    assert np.array_equal(found.images, model.decode(found.z, labels))
    # One picture, or three at once: a value halfway between two may be rounded to the other.
    assert np.abs(found.frames([1])[-1, 0] - found.images[1].astype(int)).max() <= 1
    for wrong in (None, [0, 1], [0, 1, 3]):
        with pytest.raises(ValueError, match="labels"):
            project(model, images, labels=wrong, **QUICK)


@pytest.mark.once
def test_infogan_starts_with_its_codes():
    model = InfoGAN(16, 12, categories=(3,), codes=1, width=8)
    found = project(model, model.sample(2), **QUICK)
    assert np.allclose(found.path[0][:, 8:11].sum(axis=1), 1)


def test_labels_are_refused_where_there_are_no_classes(gan, faces):
    with pytest.raises(ValueError, match="not conditional"):
        project(gan, faces, labels=0, **QUICK)


def test_what_cannot_draw_from_z_is_refused():
    with pytest.raises(ValueError, match="model must have latent_dim"):
        project(Accordion(16, folds=1, width=8), np.zeros((1, 16, 16, 3), np.uint8))


# Starts.


@pytest.mark.once
def test_the_first_restart_begins_where_it_is_told(gan, faces):
    start = gan.latent(5, 7)
    found = project(gan, faces, start=start, restarts=1, noise=0.0, **QUICK)
    assert np.array_equal(found.path[0], start)
    assert psnr(found.frames()[0], faces).min() > 40
    far = project(gan, faces, start=start + 50, restarts=2, **QUICK)
    assert (far.restart == 1).all()


@pytest.mark.parametrize("start", [np.zeros(8), np.zeros((5, 9)), np.full((5, 8), np.nan)])
def test_starts_that_do_not_fit(gan, faces, start):
    with pytest.raises(ValueError, match=r"start must be finite and of shape \(5, 8\)"):
        project(gan, faces, start=start, **QUICK)


@pytest.mark.once
def test_a_search_for_samples_does_not_begin_at_their_own_z(gan):
    for seed in (0, 1):
        found = project(gan, gan.sample(4), seed=seed, **QUICK)
        assert found.contextual[0].min() > 0.05


# Refusals.


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 32, 32, 3), np.uint8), "size=16"),
        (np.zeros((16, 16, 3), np.uint8), "images must be uint8"),
        (np.full((1, 16, 16, 3), np.nan), "images must be uint8"),
        (np.zeros((0, 16, 16, 3), np.uint8), "images is empty"),
    ],
)
def test_images_that_do_not_fit(gan, images, words):
    with pytest.raises(ValueError, match=words):
        project(gan, images)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"perceptual": -0.1}, "perceptual must be at least 0"),
        ({"perceptual": np.nan}, "perceptual must be at least 0"),
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"restarts": 0}, "restarts must be a whole number of at least 1"),
        ({"learning_rate": 0}, "learning_rate must be positive"),
        ({"contextual": "l3"}, "contextual must be one of"),
        ({"recipe": "new"}, "recipe must be one of"),
        ({"lamda": 1}, "lamda is no argument, nor a field"),
        ({"positions": 1}, "positions must be at least 2"),
        ({"batch_size": 1}, "batch_size must be at least the 2 restarts"),
        ({"feature_weight": 1.0}, "give both, or neither"),
        ({"features": abs}, "give both, or neither"),
        ({"mask": np.ones((8, 8), bool)}, "mask must be for 16×16"),
        ({"mask": np.ones((16, 16))}, "mask must be bool"),
        ({"file": "found.txt"}, "must end in .npz"),
    ],
)
def test_arguments_out_of_range(gan, faces, wrong, words):
    with pytest.raises(ValueError, match=words):
        project(gan, faces, progress=False, **wrong)


def test_a_recipe_of_ones_own(gan, faces):
    own = Recipe(10, "adam", 0.1, contextual="l2")
    found = project(gan, faces, own, progress=False)
    assert found.recipe == own and found.contextual.shape == (11, 5)


def test_weights_that_are_no_numbers_are_said(faces):
    broken = DCGAN(16, 8, width=8)
    broken.generator.set_weights([np.full_like(w, np.nan) for w in broken.generator.get_weights()])
    with pytest.raises(FloatingPointError, match="weights of the model, or features, hold NaN"):
        project(broken, faces, **QUICK)


@pytest.mark.once
def test_a_discriminator_that_gives_no_numbers_is_said(faces):
    broken = DCGAN(16, 8, width=8)
    broken.discriminator.set_weights([np.full_like(w, np.nan) for w in broken.discriminator.get_weights()])
    with pytest.raises(FloatingPointError, match="after 0 steps: the weights of the model"):
        project(broken, faces, **QUICK)
    project(broken, faces, perceptual=0.0, **QUICK)


def test_steps_that_are_too_long_are_said():
    model = Linear(scale=1.0)
    images = model.decode(model.latent(2, 4))
    with pytest.raises(FloatingPointError, match="learning_rate is too high"):
        project(model, images, "faithful", contextual="l2", learning_rate=10.0, steps=100, progress=False)


def test_features_of_a_discriminator_that_needs_labels_are_refused():
    with pytest.raises(ValueError, match="a trained discriminator of images alone"):
        discriminator_features(ConditionalDCGAN(16, 8, classes=3, width=8))


# Interruptions.


def test_an_interrupted_search_goes_on(tmp_path, monkeypatch):
    model, file = Linear(), tmp_path / "found.npz"
    images = model.decode(model.latent(10, 1))
    how = {"batch_size": 4, "restarts": 1, "file": file, **QUICK}
    run, batches = projection._Descent.run, []

    def counting(self, images, *arguments):
        if len(batches) == 2:
            batches.append("broken")
            raise KeyboardInterrupt
        batches.append(len(images))
        return run(self, images, *arguments)

    monkeypatch.setattr(projection._Descent, "run", counting)
    with pytest.raises(KeyboardInterrupt):
        project(model, images, **how)
    assert batches == [4, 4, "broken"] and [path.name for path in tmp_path.iterdir()] == ["found.npz"]
    found = project(model, images, **how)
    assert batches[3:] == [2]
    again = project(model, images, **how)  # nothing is left to do
    assert len(batches) == 4
    whole = project(model, images, **{**how, "file": None, "batch_size": 64})
    for name in ("z", "images", "contextual", "path", "losses", "restart"):
        assert np.allclose(getattr(found, name), getattr(whole, name), atol=1e-3), name
        assert np.array_equal(getattr(found, name), getattr(again, name))


def test_a_file_of_another_search_is_not_mixed_up(tmp_path):
    model, file = Linear(), tmp_path / "found.npz"
    images = model.decode(model.latent(3, 1))
    project(model, images, file=file, **QUICK)
    for other in ({"images": images[::-1]}, {"seed": 1}, {"prior": 0.5}, {"start": np.ones((3, 6))}):
        with pytest.raises(ValueError, match="is of another search"):
            project(model, **{"images": images, "file": file, **QUICK, **other})
    np.savez(file, numbers=np.ones(3))
    with pytest.raises(ValueError, match="is of another search"):
        project(model, images, file=file, **QUICK)


def test_a_file_of_another_model_is_not_mixed_up(tmp_path, faces):
    file, how = tmp_path / "found.npz", {"steps": 2, "progress": False}
    project(DCGAN(16, 8, width=8, seed=1), faces, file=file, **how)
    with pytest.raises(ValueError, match="is of another search"):
        project(DCGAN(16, 8, width=8, seed=2), faces, file=file, **how)


@pytest.mark.once
def test_a_file_of_another_average_is_not_mixed_up(tmp_path, faces):
    file, model = tmp_path / "found.npz", DCGAN(16, 8, width=8, seed=1)
    model.compile("sgd", "sgd", ema=0.9)
    project(model, faces, file=file, steps=2, progress=False)
    weight = model.sampler.weights[0]
    weight.assign(2 * weight)
    with pytest.raises(ValueError, match="is of another search"):
        project(model, faces, file=file, steps=2, progress=False)


def test_keras_backend_is_one_that_can_differentiate(gan, faces, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(RuntimeError, match="tensorflow and jax"):
        project(gan, faces)
