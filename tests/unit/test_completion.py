"""Masks, and what a generator puts where nothing was known."""

import numpy as np
import pytest

from facelib.data.faceset import to_uint8
from facelib.latent import Recipe, complete, completion, discriminator_features, masks, project
from facelib.models import DCGAN, Accordion

QUICK = {"steps": 30, "progress": False}
MASKS = {
    "centre": masks.centre(16),
    "scattered": masks.scattered(16),
    "half": masks.half(16, "left"),
    "grid": masks.grid(16),
    "bool": np.arange(256).reshape(16, 16) % 7 > 2,
    "one each": np.random.default_rng(0).random((4, 16, 16)) > 0.5,
}


class Off:
    """Draws the same picture whatever z is, a little too dark: what blending has to hide."""

    image_size, latent_dim = 16, 3

    def __init__(self, picture):
        self.picture = picture

    def render(self, z, labels=None):
        return self.picture[None] + 0.0 * z[:, :1, None, None]

    def decode(self, z, labels=None):
        return to_uint8(np.repeat(self.picture[None], len(z), axis=0))

    def latent(self, n, seed=0):
        return np.zeros((n, 3), np.float32)


@pytest.fixture(scope="module")
def gan():
    return DCGAN(16, 8, width=16, initializer="he", seed=1)


@pytest.fixture(scope="module")
def faces(gan):
    return gan.sample(4, seed=7)


@pytest.mark.parametrize("blend", [True, False])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_known_pixels_are_untouched_to_the_bit(gan, mask, blend):
    noise = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    done = complete(gan, noise, mask, blend=blend, **QUICK)
    known = done.mask.of(4)
    assert np.array_equal(done.images[known], noise[known])
    assert not np.array_equal(done.images[~known], noise[~known])
    if not blend:
        assert np.array_equal(done.images[~known], done.projection.images[~known])


def unseen(faces, mask):
    """Other faces, of which this mask shows the same."""
    other = faces.copy()
    if mask.block == 1:
        other[~mask.of(4)] = 7
    else:  # other pixels of the same means
        other = faces.reshape(4, 4, 4, 4, 4, 3)[:, :, ::-1].reshape(faces.shape)
    return other


@pytest.mark.parametrize("mask", [*MASKS.values(), masks.low_resolution(16)], ids=[*MASKS, "low resolution"])
def test_what_is_missing_is_not_looked_at(gan, faces, mask):
    mask = mask if isinstance(mask, masks.Mask) else masks.Mask(mask)
    one, two = (complete(gan, images, mask, **QUICK) for images in (faces, unseen(faces, mask)))
    assert np.array_equal(one.projection.z, two.projection.z)
    drawn = ~mask.of(4) if mask.block == 1 else slice(None)
    assert np.array_equal(one.images[drawn], two.images[drawn])


@pytest.mark.parametrize("mask", [masks.scattered(16), masks.low_resolution(16)], ids=["scattered", "low resolution"])
def test_features_do_not_look_at_it_either(gan, faces, mask):
    how = {"mask": mask, "steps": 4, "restarts": 1, "progress": False}
    features = {"features": discriminator_features(gan), "feature_weight": 1.0}
    one, two = (project(gan, images, **how, **features) for images in (faces, unseen(faces, mask)))
    np.testing.assert_allclose(one.z, two.z, atol=1e-4)  # means of other pixels are rounded otherwise
    assert not np.allclose(one.z, project(gan, faces, **how).z, atol=1e-2)


def test_a_mask_changes_what_is_found(gan, faces):
    halves = [project(gan, faces[:, ::-1], mask=masks.half(16, side), **QUICK) for side in ("top", "bottom")]
    assert not np.allclose(halves[0].z, halves[1].z, atol=0.1)


@pytest.mark.parametrize("mask", [masks.centre(16), masks.half(16), masks.grid(16), masks.scattered(16, 0.5)])
def test_a_picture_of_the_wrong_level_is_blended_in_without_a_trace(mask):
    truth = np.random.default_rng(2).uniform(-0.5, 0.5, (16, 16, 3)).astype(np.float32)
    images = to_uint8(truth)[None]
    done = complete(Off(truth - 0.3), images, mask, **QUICK)
    assert np.abs(done.images.astype(int) - images).max() <= 1
    raw = complete(Off(truth - 0.3), images, mask, blend=False, **QUICK)
    assert np.abs(raw.images.astype(int) - images)[:, ~mask.known].min() > 30


@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_the_loss_does_not_depend_on_how_much_is_missing(loss):
    truth = np.random.default_rng(2).uniform(-0.5, 0.5, (16, 16, 3)).astype(np.float32)
    images, recipe = to_uint8(truth)[None], Recipe(2, "adam", 0.1, contextual=loss)
    found = [
        project(Off(truth - 0.25), images, recipe, mask=masks.scattered(16, share), progress=False)
        for share in (0.1, 0.5, 0.95)
    ]
    for projection in found:
        np.testing.assert_allclose(projection.contextual, 0.25 if loss == "l1" else 0.0625, rtol=0.02)


def test_each_image_is_blended_by_its_own_mask():
    truth = np.random.default_rng(2).uniform(-0.5, 0.5, (16, 16, 3)).astype(np.float32)
    images = np.repeat(to_uint8(truth)[None], 2, axis=0)
    known = np.stack([masks.half(16).known, masks.centre(16).known])
    done = complete(Off(truth - 0.3), images, known, **QUICK)
    assert np.abs(done.images.astype(int) - images).max() <= 1


@pytest.mark.parametrize("block", [2, 4, 8])
def test_a_small_picture_is_what_the_large_one_is_made_small(gan, faces, block):
    mask = masks.low_resolution(16, block)
    done = complete(gan, faces[:, ::-1], mask, **QUICK)
    assert np.abs(mask.means(done.images) - mask.means(faces[:, ::-1])).max() <= 0.5
    assert done.images.std() > mask.means(faces[:, ::-1]).std() * 0.9


def test_means_are_kept_where_pixels_are_black_or_white(gan):
    """There some pixels of a square cannot go further; the others have to."""
    images = np.random.default_rng(5).choice([0, 3, 128, 255], (4, 16, 16, 3)).astype(np.uint8)
    images[:, :8] = images[:, :8] // 64
    mask = masks.low_resolution(16, 4)
    done = complete(gan, images, mask, **QUICK)
    assert np.abs(mask.means(done.images) - mask.means(images)).max() <= 0.5


def test_means_are_kept_though_hardly_a_pixel_can_move():
    """Drawn in black and white, of grey squares: the few that are not yet at an end have to do it all."""
    drawn = np.where(np.random.default_rng(3).random((16, 16, 3)) > 0.9, 1.0, -1.0).astype(np.float32)
    images = np.random.default_rng(4).choice([0, 40, 255], (1, 4, 4, 3)).astype(np.uint8).repeat(4, 1).repeat(4, 2)
    mask = masks.low_resolution(16, 4)
    done = complete(Off(drawn), images, mask, **QUICK)
    assert np.abs(mask.means(done.images) - mask.means(images)).max() <= 0.5


def test_pictures_are_blended_some_at_a_time(gan, faces, monkeypatch):
    for mask in (masks.centre(16), masks.low_resolution(16), masks.Mask(MASKS["one each"])):
        whole = complete(gan, faces, mask, **QUICK)
        with monkeypatch.context() as patch:
            patch.setattr(completion, "AT_A_TIME", 3)
            parts = complete(gan, faces, mask, **QUICK)
        assert np.array_equal(whole.images, parts.images)


def test_what_cannot_draw_is_refused(faces):
    with pytest.raises(ValueError, match="model must have latent_dim"):
        complete(Accordion(16, folds=1, width=8), faces, masks.half(16))


def test_nothing_missing_changes_nothing(gan, faces):
    done = complete(gan, faces, np.ones((16, 16), bool), **QUICK)
    assert np.array_equal(done.images, faces)


def test_what_masks_know():
    assert not masks.centre(16).known[4:12, 4:12].any() and masks.centre(16).known.sum() == 192
    assert masks.half(16, "top").known[8:].all() and not masks.half(16, "top").known[:8].any()
    assert masks.grid(16, 4).known.sum() == 16
    assert masks.scattered(64, 0.8).known.mean() == pytest.approx(0.2, abs=0.03)
    assert not np.array_equal(masks.scattered(16, seed=0).known, masks.scattered(16, seed=1).known)
    low = masks.low_resolution(16, 4)
    assert low.known.shape == (4, 4) and low.size == 16


def test_what_is_left_of_a_picture(faces):
    left = masks.half(16, "right").applied(faces, fill=9)
    assert np.array_equal(left[:, :, :8], faces[:, :, :8]) and (left[:, :, 8:] == 9).all()
    small = masks.low_resolution(16, 8).applied(faces)
    assert (small[:, :8, :8] == small[:, :1, :1]).all()
    assert abs(small[0, 0, 0, 0] - faces[0, :8, :8, 0].mean()) <= 0.5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: masks.centre(16, 1.0), "share must lie between"),
        (lambda: masks.scattered(16, 0), "share must lie between"),
        (lambda: masks.half(16, "upper"), "missing must be one of"),
        (lambda: masks.grid(16, 0), "every must lie between"),
        (lambda: masks.low_resolution(16, 3), "block must divide"),
        (lambda: masks.Mask(np.zeros((16, 16), bool)), "leaves nothing known"),
        (lambda: masks.Mask(np.ones((16, 8), bool)), "mask must be bool"),
        (lambda: masks.Mask(np.ones((16, 16), int)), "mask must be bool"),
        (lambda: masks.half(8).applied(np.zeros((1, 16, 16, 3), np.uint8)), "must have 8×8 pixels"),
    ],
)
def test_masks_that_make_no_sense(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_masks_that_do_not_fit(gan, faces):
    with pytest.raises(ValueError, match="mask must be for 16×16"):
        complete(gan, faces, masks.half(32), **QUICK)
    with pytest.raises(ValueError, match="one for each of the 4 images"):
        complete(gan, faces, np.ones((3, 16, 16), bool), **QUICK)
    with pytest.raises(ValueError, match="size=16"):
        complete(gan, np.zeros((1, 32, 32, 3), np.uint8), masks.half(16), **QUICK)
