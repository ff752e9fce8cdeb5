"""CycleGAN: its networks, its step, its history of pictures, the two sets. Runs on TensorFlow and on JAX."""

import keras
import numpy as np
import pandas as pd
import pytest
from interrupt import CopyAfter
from keras import ops

from facelib import weights
from facelib.data import FaceSet, load_faces, to_uint8
from facelib.data.batches import PairBatches
from facelib.data.domains import colourfulness, domains
from facelib.data.portraits import FRONTAL
from facelib.models import CycleGAN
from facelib.models.cyclegan import build_patch_discriminator, build_translator
from facelib.models.layers import ReflectionPadding
from facelib.training import Checkpoint, TranslationGrid
from facelib.training.buffer import ImageBuffer


@pytest.fixture(scope="module")
def pair():
    return domains(load_faces("synthetic", n=60, size=16), "colour")


def small(**settings):
    how = {"width": 4, "blocks": 1, "judge_width": 4, "seed": 3}
    return CycleGAN(16, ("grey", "colour"), **how | settings)


def arrays(variables):
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def gap(before, after):
    return max(np.abs(a - b).max() for a, b in zip(before, after, strict=True))


def test_a_translator_has_the_papers_layers():
    # c7s1-64, d128, d256, six R256, u128, u64, c7s1-3: kernels, and two numbers a channel for each normalization.
    kernels = (
        49 * 3 * 64 + 9 * 64 * 128 + 9 * 128 * 256 + 12 * 9 * 256 * 256 + 9 * 256 * 128 + 9 * 128 * 64 + 49 * 64 * 3
    )
    channels = 64 + 128 + 256 + 12 * 256 + 128 + 64
    assert build_translator(128, width=64, blocks=6).count_params() == kernels + 2 * channels + 3


@pytest.mark.parametrize(("halvings", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_judge_looks_at_patches(halvings, patch):
    judge = build_patch_discriminator(64, width=4, halvings=halvings)
    assert judge.output_shape == (None, 64 // 2**halvings, 64 // 2**halvings, 1)
    seen = 1
    for layer in reversed([layer for layer in judge.layers if isinstance(layer, keras.layers.Conv2D)]):
        seen = (seen - 1) * layer.strides[0] + layer.kernel_size[0]
    assert seen == patch


def test_padding_mirrors_what_lies_inside():
    row = np.arange(4, dtype="float32")[None, None, :, None].repeat(4, axis=1)
    padded = ops.convert_to_numpy(ReflectionPadding(2)(row))
    assert padded.shape == (1, 8, 8, 1) and padded[0, 3, :, 0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


@pytest.mark.once
def test_a_residual_translator_begins_with_no_change(pair):
    gan = small(residual=True)
    np.testing.assert_array_equal(gan.translate(pair[0], "colour"), pair[0].images)
    assert gap([small().translate(pair[0], "colour").astype(float)], [pair[0].images]) > 10


def test_a_step_teaches_all_four_networks(pair):
    gan = small()
    # JAX would compile each operation alone, a minute's work; TensorFlow saves the tracing.
    gan.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    networks = (gan.to_a, gan.to_b, gan.judge_a, gan.judge_b)
    before = [arrays(network.trainable_variables) for network in networks]
    history = gan.fit(pair, batch_size=4, steps_per_epoch=3, verbose=0).history
    assert set(history) == {"d_loss", "g_loss", "cycle", "identity"}
    assert all(gap(b, arrays(n.trainable_variables)) > 0 for b, n in zip(before, networks, strict=True))


@pytest.mark.once
def test_losses_are_those_of_the_definition(pair):
    """Of one step with all pictures, so that their order has no part in it."""
    images = [half.images[:30] for half in pair]
    gan = small()
    gan.compile(buffer=0, flip=False, run_eagerly=True)

    def through(network, pictures):
        return ops.convert_to_numpy(network(pictures))

    a, b = (half.astype("float32") / 127.5 - 1 for half in images)
    fake_a, fake_b = through(gan.to_a, b), through(gan.to_b, a)
    judged = (gan.judge_a, a, fake_a), (gan.judge_b, b, fake_b)
    real, fake = (np.stack([through(judge, shown[i]) for judge, *shown in judged]) for i in (0, 1))
    wanted = {
        "g_loss": 2 * ((fake - 1) ** 2).mean(),
        "d_loss": ((real - 1) ** 2).mean() + (fake**2).mean(),
        "cycle": np.abs(through(gan.to_a, fake_b) - a).mean() + np.abs(through(gan.to_b, fake_a) - b).mean(),
        "identity": np.abs(through(gan.to_a, a) - a).mean() + np.abs(through(gan.to_b, b) - b).mean(),
    }
    history = gan.fit(images, batch_size=30, steps_per_epoch=1, verbose=0).history
    assert {name: values[0] for name, values in history.items()} == pytest.approx(wanted, rel=1e-3)


def step(pair, rate=1e-2, **losses):
    """The translators' weights after a step of plain descent."""
    gan = small()
    players = keras.optimizers.SGD(rate), keras.optimizers.SGD(1e-2)
    gan.compile(*players, buffer=0, flip=False, run_eagerly=True, **losses)
    gan.fit(pair, batch_size=4, steps_per_epoch=1, verbose=0)
    return arrays(gan.generator_variables)


@pytest.fixture(scope="module")
def whole(pair):
    return step(pair)


@pytest.mark.once
@pytest.mark.parametrize("off", ["adversarial", "cycle", "identity"])
def test_a_loss_of_weight_nought_has_no_say(pair, whole, off):
    without = step(pair, **{off: 0.0})
    assert gap(whole, without) > 1e-6
    # Twice the weights at half the rate is the same step.
    doubled = {"adversarial": 2.0, "cycle": 20.0, "identity": 10.0} | {off: 0.0}
    assert gap(without, step(pair, rate=5e-3, **doubled)) < 1e-5


@pytest.mark.once
def test_without_an_adversary_doing_nothing_is_best(pair):
    gan = small(residual=True)
    # Compiled: op by op, JAX leaves rounding errors where a picture comes back, and an absolute difference has a slope
    # next to zero, however small it is.
    gan.compile(adversarial=0.0)
    gan.fit(pair, batch_size=4, steps_per_epoch=5, verbose=0)
    np.testing.assert_allclose(gan.translate(pair[0], "colour").astype(int), pair[0].images, atol=1)


@pytest.mark.once
def test_it_learns_to_make_grey(pair):
    """From colour to grey is a rule of one line."""
    gan = small(residual=True, judge_width=8)
    gan.compile(keras.optimizers.Adam(4e-3, beta_1=0.5), keras.optimizers.Adam(4e-3, beta_1=0.5), identity=1.0)
    gan.fit(pair, epochs=1, batch_size=8, steps_per_epoch=100, verbose=0)

    colour = pair[1]
    assert colourfulness(gan.translate(colour, "grey")).mean() < 0.8 * colourfulness(colour.images).mean()


@pytest.mark.once
def test_epochs_hold_whole_executions_only(pair):
    gan = small()
    gan.compile(steps_per_execution=2)
    gan.fit(pair, epochs=2, batch_size=4, steps_per_epoch=3, verbose=0)
    assert int(gan.optimizer.iterations.value) == 4


@pytest.mark.graph
def test_a_resumed_run_ends_as_an_uninterrupted_one(pair, tmp_path):
    def fresh():
        gan = small()
        gan.compile(buffer=8)
        return gan

    how = {"batch_size": 4, "steps_per_epoch": 3, "verbose": 0}
    whole, resumed = fresh(), fresh()
    path, left, settings = tmp_path / "x.npz", tmp_path / "left.npz", whole.settings
    whole.fit(pair, epochs=4, callbacks=[Checkpoint(path, settings), CopyAfter(2, path, left)], **how)
    done = Checkpoint(left, settings).restore(resumed)
    assert arrays(resumed.carried)[1] == 8, "the buffer is full"
    assert done == 2
    resumed.fit(pair, epochs=4, initial_epoch=2, **how)
    assert gap(arrays(whole.weights), arrays(resumed.weights)) < 1e-5
    assert gap(arrays(whole.carried), arrays(resumed.carried)) < 1e-5


def test_weights_and_settings_survive_the_disk(pair, tmp_path):
    gan = small(halvings=2)
    weights.save(gan, "small", {}, folder=tmp_path)
    again = weights.load("small", folder=tmp_path)
    assert again.domains == ("grey", "colour") and again.halvings == 2
    made, remade = (x.translate(pair[0], "colour").astype(int) for x in (gan, again))
    assert np.abs(made - remade).max() <= 1


def test_render_is_translate_as_tensors(pair):
    gan = small()
    for to, other in (("colour", pair[0]), ("grey", pair[1])):
        rendered = ops.convert_to_numpy(gan.render(other.scaled(), to))
        assert np.abs(to_uint8(rendered).astype(int) - gan.translate(other, to)).max() <= 1


@pytest.mark.once
def test_the_grid_shows_each_picture_above_its_translation(pair):
    gan, grid = small(), TranslationGrid(*(images.images[:5] for images in pair))
    gan.compile(adversarial=0.0, run_eagerly=True)
    gan.fit(pair, batch_size=4, steps_per_epoch=1, callbacks=[grid], verbose=0)
    assert grid.epochs == [0, 1]
    rows = grid.frames[0].reshape(4, 16, 5, 16, 3).swapaxes(1, 2)
    a, b = (images.images[:5] for images in pair)
    first = small()  # the grid's first sheet is from before training
    for row, expected in zip(rows, (a, first.translate(a, "colour"), b, first.translate(b, "grey")), strict=True):
        np.testing.assert_array_equal(row, expected)


class TestBuffer:
    def numbered(self, *numbers):
        return np.array(numbers, "float32")[:, None, None, None].repeat(2, axis=1).repeat(2, axis=2).repeat(3, axis=3)

    def test_hands_on_what_is_new_until_it_is_full(self):
        buffer = ImageBuffer(6, (2, 2, 3), keras.random.SeedGenerator(0))
        for start in (1, 5):  # 6 is no multiple of 4
            batch = self.numbered(*range(start, start + 4))
            np.testing.assert_array_equal(ops.convert_to_numpy(buffer(batch)), batch)
        assert arrays([buffer.count])[0] == 6

    def test_then_half_of_it_is_old_and_nothing_is_lost(self):
        buffer = ImageBuffer(8, (2, 2, 3), keras.random.SeedGenerator(0))
        buffer(self.numbered(*range(8)))
        handed, new = [], 8
        for _ in range(100):
            batch = self.numbered(*range(new, new + 4))
            out = ops.convert_to_numpy(buffer(batch))[:, 0, 0, 0]
            old = out < new
            np.testing.assert_array_equal(out[~old], batch[~old, 0, 0, 0])
            handed.append(out)
            new += 4
        out = np.concatenate(handed)
        assert len(set(out)) == len(out), "an old picture makes room when it is handed on"
        inside = ops.convert_to_numpy(buffer.images)[:, 0, 0, 0]
        assert sorted([*out, *inside]) == list(range(new)), "what went in is inside or was handed on"
        share = np.mean([np.mean(o < 8 + 4 * i) for i, o in enumerate(handed)])
        assert 0.4 < share < 0.6

    def test_of_size_nought_hands_everything_on(self):
        batch = self.numbered(1, 2)
        buffer = ImageBuffer(0, (2, 2, 3), keras.random.SeedGenerator(0))
        assert buffer(batch) is batch and not buffer.variables


class TestPairs:
    def test_each_set_is_seen_once_a_pass_in_an_order_of_its_own(self):
        a, b = np.zeros((12, 8, 8, 3), np.uint8), np.zeros((12, 8, 8, 3), np.uint8)
        a[:, 0, 0, 0] = b[:, 0, 0, 0] = np.arange(12)
        batches = PairBatches(a, b, 4)
        seen = [[x[:, 0, 0, 0] for x in batches[step]] for step in range(3)]
        first, second = (np.concatenate(part) for part in zip(*seen, strict=True))
        assert sorted(first) == sorted(second) == list(range(12)) and (first != second).any()

    def test_an_epoch_is_a_pass_over_the_larger_set(self, pair):
        a, b = pair
        assert PairBatches(a[:10], b, 5).steps_per_epoch == 6

    def test_a_batch_depends_on_seed_and_step_alone(self, pair):
        late = PairBatches(*pair, 4, seed=1, epoch=2, steps_per_epoch=3)[1]
        steps = PairBatches(*pair, 4, seed=1, steps_per_epoch=3)
        for x, y in zip(late, steps[7], strict=True):
            np.testing.assert_array_equal(x, y)


class TestDomains:
    def test_nobody_is_in_both(self):
        faces = load_faces("synthetic", n=100, size=16)
        for kind in ("smiling", "colour"):
            a, b = domains(faces, kind)
            assert not set(a.names) & set(b.names) and len(a) + len(b) == 100

    def test_grey_has_no_colour(self, pair):
        assert (np.ptp(pair[0].images, axis=3) == 0).all() and np.ptp(pair[1].images, axis=3).mean() > 10

    def test_both_have_to_be_there(self):
        faces = load_faces("synthetic", n=20, size=16)
        with pytest.raises(ValueError, match="both neutral and smiling, got 0 and"):
            domains(faces.where(Smiling=True), "smiling")
        with pytest.raises(ValueError, match="kind must be one of .* got 'age'"):
            domains(faces, "age")

    def test_portraits_are_told_apart_by_congress_and_by_the_crop(self):
        grey_, tinted, colour = (np.full((4, 4, 3), level, np.uint8) for level in (90, 90, 90))
        tinted[..., 0], colour[..., 0] = 100, 150
        rows = [  # picture, Congress, what it is, pile
            (grey_, 40, {}, "a"),
            (grey_, 81, {}, "a"),
            (grey_, 82, {}, ""),
            (tinted, 40, {}, ""),
            (colour, 40, {}, ""),
            (colour, 107, {}, "b"),
            (tinted, 110, {}, ""),
            (grey_, 110, {}, ""),
            (colour, 119, {"Profile": True}, ""),
            (grey_, 40, {"Engraving": True}, ""),
        ]
        table = pd.DataFrame([dict.fromkeys(FRONTAL, False) | what for _, _, what, _ in rows])
        names = np.array([f"{i}{pile}" for i, (*_, pile) in enumerate(rows)])
        info = pd.DataFrame({"congress": [congress for _, congress, *_ in rows]})
        faces = FaceSet(np.stack([picture for picture, *_ in rows]), names, table, info=info)
        a, b = domains(faces, "colour", "portraits")
        assert a.names.tolist() == ["0a", "1a"] and b.names.tolist() == ["5b"]
        with pytest.raises(ValueError, match="faces must be portraits"):
            domains(FaceSet(faces.images, names, table), "colour", "portraits")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 30}, "image_size must be a multiple of 4"),
        ({"domains": ("x", "x")}, "domains must be two different names"),
        ({"domains": "xy"}, "domains must be two different names"),
        ({"blocks": 0}, "blocks must be at least 1, got 0"),
        ({"image_size": 20}, "3 halvings must leave a whole number of pixels above 1 of 20"),
        ({"image_size": 16, "halvings": 4}, "4 halvings must leave"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        CycleGAN(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cycle": -1}, "cycle must not be negative"),
        ({"adversarial": 0, "cycle": 0, "identity": 0}, "must not all be 0"),
        ({"buffer": -1}, "buffer must be at least 0"),
    ],
)
def test_wrong_weights_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        small().compile(**settings)


def test_wrong_pictures_are_named(pair):
    gan = small()
    with pytest.raises(ValueError, match="call compile"):
        gan.fit(pair)
    gan.compile(buffer=8)
    a, b = pair
    with pytest.raises(ValueError, match="steps_per_epoch must be at least 1, got 0"):
        gan.fit(pair, steps_per_epoch=0)
    with pytest.raises(ValueError, match=r"two sets, fit\(\(a, b\)\), got FaceSet"):
        gan.fit(a)
    with pytest.raises(ValueError, match="load them with size=16"):
        gan.fit((a, load_faces("synthetic", n=4, size=32)))
    for batch_size in (0, 9, 31):
        with pytest.raises(ValueError, match=f"batch_size must lie .* got {batch_size}"):
            gan.fit(pair, batch_size=batch_size)
    with pytest.raises(ValueError, match="to must be one of .*, got 'blue'"):
        gan.translate(a, "blue")
    with pytest.raises(ValueError, match="images must be uint8"):
        gan.translate(a.scaled(), "grey")
