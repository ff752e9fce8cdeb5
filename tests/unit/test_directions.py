"""Directions and their scorecard, on a toy world in which everything about them is known."""

import numpy as np
import pytest

from facelib.latent import (
    Given,
    as_direction,
    conditioned,
    mean_direction,
    pca_directions,
    random_direction,
    read_samples,
    scorecard,
    sefa_directions,
    svm_direction,
    tails,
)
from facelib.models import DCGAN, VAE, ConditionalDCGAN, InfoGAN

DIM = 6


class Bars:
    """Draws six grey bars, each as bright as one value of z says, mixed by `mixing`."""

    latent_dim = DIM

    def __init__(self, mixing=None):
        self.mixing = np.eye(DIM) if mixing is None else mixing

    def decode(self, z):
        bright = np.clip(128 + 30 * z @ self.mixing, 0, 255)
        return np.repeat(np.repeat(bright[:, None, :, None], DIM, axis=1), 3, axis=3).round().astype(np.uint8)


class Reader:
    """Reads the first three bars."""

    attributes = ("a", "b", "c")

    def probabilities(self, images):
        return 1 / (1 + np.exp(-(images[:, 0, :3, 0] - 127.5) / 5))


def bars_of(images):
    return images[:, 0, :, 0].astype(np.float32)


@pytest.fixture(scope="module")
def labelled():
    return read_samples(Bars(), Reader(), 1000, seed=3)


@pytest.fixture(scope="module")
def z():
    return np.random.default_rng(9).standard_normal((200, DIM)).astype(np.float32)


def planted(n=600, seed=1):
    rng = np.random.default_rng(seed)
    axis = rng.standard_normal(20)
    axis /= np.linalg.norm(axis)
    has = rng.random(n) < 0.3
    return rng.standard_normal((n, 20)) + 2.0 + np.where(has, 3.0, 0.0)[:, None] * axis, has, axis


@pytest.mark.parametrize("find", [mean_direction, svm_direction])
def test_a_planted_direction_is_found(find):
    z, has, axis = planted()
    found = find(z, has, seed=4)
    assert found.vector.dtype == np.float32 and np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-6)
    assert found.vector @ axis > 0.95
    assert found.spread == pytest.approx(3.0, rel=0.1)
    # Two unit Gaussians three apart: Φ(1.5) = 0.933.
    assert found.accuracy == pytest.approx(0.933, abs=0.06)
    rule = z @ found.vector > found.intercept
    assert (rule[has].mean() + (~rule)[~has].mean()) / 2 > 0.85
    again = find(z, has, seed=4)
    assert again.seed == 4 and again.accuracy == found.accuracy and (again.vector == found.vector).all()


@pytest.mark.parametrize("find", [mean_direction, svm_direction])
def test_accuracy_is_of_faces_that_did_not_find_it(find):
    """With more values than faces the finders can always be told apart; the judges cannot."""
    rng = np.random.default_rng(2)
    accuracies = [find(rng.standard_normal((40, 500)), np.arange(40) < 20, seed=seed).accuracy for seed in range(10)]
    assert 0.3 < np.mean(accuracies) < 0.7


def test_the_svm_does_not_mind_what_the_classes_share():
    """Where the classes differ in one value and vary much in others, means go astray and the plane does not."""
    rng = np.random.default_rng(0)
    has = np.arange(400) < 200
    z = rng.standard_normal((400, 20)) * np.r_[0.2, np.full(19, 5.0)]
    z[:, 0] += np.where(has, 0.5, -0.5)
    assert abs(svm_direction(z, has, penalty=1.0).vector[0]) > 0.99 > 0.9 > abs(mean_direction(z, has).vector[0])


def test_any_vector_can_be_judged_and_is_turned_the_right_way():
    z, has, axis = planted()
    judged = as_direction(-7 * axis, z, has)
    assert judged != as_direction(axis, z, has)  # compared as objects: arrays have no single answer
    np.testing.assert_allclose(judged.vector, axis, atol=1e-6)
    assert judged.accuracy > 0.88
    assert as_direction(random_direction(20, seed=77), z, has).accuracy < 0.75


def test_conditioning_leaves_a_right_angle_to_all_others():
    z, has, axis = planted()
    rng = np.random.default_rng(5)
    direction = mean_direction(z, has)
    # Others that lean on each other, the last on both: one after the other would not do.
    first, second = axis + rng.standard_normal((2, 20)) * 0.3
    others = [first, second, first + second, mean_direction(z, rng.random(600) < 0.5)]
    new = conditioned(direction, others, z, has)
    assert max(abs(new.vector @ getattr(o, "vector", o)) for o in others) < 1e-6
    assert np.linalg.norm(new.vector) == pytest.approx(1, abs=1e-6)
    assert new.accuracy < direction.accuracy and new.seed == direction.seed
    np.testing.assert_array_equal(conditioned(direction, [], z, has).vector, direction.vector)
    with pytest.raises(ValueError, match="nothing is left of the direction at right angles to the 2 others"):
        conditioned(direction, [direction, first], z, has)


def test_conditioning_is_judged_by_faces_that_did_not_find():
    """Split as the direction was, whatever share was held out."""
    rng = np.random.default_rng(3)
    accuracies = []
    for seed in range(10):
        z, has = rng.standard_normal((40, 500)), np.arange(40) < 20
        direction = mean_direction(z, has, held_out=0.1 + 0.05 * seed, seed=seed)
        accuracies.append(conditioned(direction, [random_direction(500, seed=1)], z, has).accuracy)
    assert 0.3 < np.mean(accuracies) < 0.7


def test_random_directions_are_unit_and_differ():
    a, b = random_direction(50, seed=0), random_direction(50, seed=1)
    assert a.dtype == np.float32 and np.linalg.norm(a) == pytest.approx(1, abs=1e-6) and abs(a @ b) < 0.5
    np.testing.assert_array_equal(a, random_direction(50, seed=0))


@pytest.mark.parametrize(
    "model", [DCGAN(16, 12, width=16), VAE(16, 12, width=16), ConditionalDCGAN(16, 12, 3, width=16)]
)
def test_sefa_stretches_most(model):
    network = model.decoder if isinstance(model, VAE) else model.generator
    kernel = np.asarray(next(layer for layer in network.layers if layer.name == "dense").kernel)
    found = sefa_directions(model, 4)
    np.testing.assert_allclose(found @ found.T, np.eye(4), atol=1e-5)
    stretched = np.linalg.norm(found @ kernel, axis=1)
    assert (np.diff(stretched) <= 1e-6).all()
    others = np.stack([random_direction(12, seed=i) for i in range(200)])
    assert stretched[0] >= np.linalg.norm(others @ kernel, axis=1).max()
    assert (np.take_along_axis(found, np.abs(found).argmax(1)[:, None], 1) > 0).all()


@pytest.mark.once
def test_sefa_is_of_the_average_that_draws():
    model = DCGAN(16, 12, width=16)
    model.compile("sgd", "sgd", ema=0.9)
    before, kernel = sefa_directions(model, 4), model.generator.get_layer("dense").kernel
    kernel.assign(np.random.default_rng(0).standard_normal(kernel.shape))
    np.testing.assert_array_equal(sefa_directions(model, 4), before)


def test_pca_of_encoded_faces_and_of_what_a_model_makes_of_them():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((500, DIM)) * np.array([1, 5, 1, 1, 3, 1])
    assert np.abs(pca_directions(z, k=2)).argmax(1).tolist() == [1, 4]
    # z is alike in all directions, but the third value moves three pixels and the first moves one.
    z = rng.standard_normal((500, DIM))
    features = np.concatenate([z[:, [2, 2, 2, 0]], 0.01 * rng.standard_normal((500, 4))], axis=1).reshape(500, 2, 4)
    found = pca_directions(z, features, k=2)
    assert np.abs(found).argmax(1).tolist() == [2, 0] and found[0, 2] > 0.97
    with pytest.raises(ValueError, match="k must lie between 1 and 6, got 7"):
        pca_directions(z, k=7)
    with pytest.raises(ValueError, match="features must be one row for each of the 500 z"):
        pca_directions(z, features[:3])


def test_samples_are_read_and_their_tails_taken(labelled):
    z, table = labelled
    assert z.shape == (1000, DIM) and z.dtype == np.float32 and list(table) == ["a", "b", "c"]
    assert ((table["b"] > 0.5) == (z[:, 1] > 0)).mean() > 0.98  # but for rounding
    np.testing.assert_array_equal(read_samples(Bars(), Reader(), 10, seed=3)[0], z[:10])
    rows, has = tails(table["b"], 0.1)
    assert len(rows) == 200 and (z[rows[has], 1] > 1).all() and (z[rows[~has], 1] < -1).all()
    assert svm_direction(z[rows], has).vector[1] > 0.98
    for share in (0, 0.6):
        with pytest.raises(ValueError, match="share must lie in"):
            tails(table["b"], share)


@pytest.mark.parametrize("model", [DCGAN(16, 6, width=8, prior="uniform"), InfoGAN(16, 6, categories=(3,), width=8)])
def test_samples_are_of_the_models_own_z(model):
    np.testing.assert_array_equal(read_samples(model, Reader(), 10, seed=3)[0], model.latent(10, 3))
    normal = DCGAN(16, 6, width=8)
    drawn = np.random.default_rng(3).standard_normal((10, 6), dtype=np.float32)
    np.testing.assert_array_equal(read_samples(normal, Reader(), 10, seed=3)[0], drawn)


def test_what_is_no_number_and_what_does_not_vary_is_refused(z):
    broken, alike, has = z.copy(), np.full((40, DIM), 0.1), np.arange(40) < 20
    broken[3, 2] = np.nan
    for find in (mean_direction, svm_direction, lambda z, has: as_direction(np.ones(DIM), z, has)):
        with pytest.raises(ValueError, match="z must be finite, got 1 of 1,200 values that are NaN or infinite"):
            find(broken, z[:, 0] > 0)
        with pytest.raises(ValueError, match="z must differ from each other, got 40 that are all alike"):
            find(alike, has)
    with pytest.raises(ValueError, match="z must be finite, got 1 of"):
        pca_directions(broken)
    with pytest.raises(ValueError, match="features must be finite, got 1 of"):
        pca_directions(z, broken)
    for features in (None, z[:40]):
        with pytest.raises(ValueError, match="z must differ from each other"):
            pca_directions(alike, features)
    with pytest.raises(ValueError, match="probability must be finite, got 1 of 3"):
        tails(np.array([0.1, np.nan, 0.9]), 0.4)


def test_a_conditional_model_with_its_label_given():
    model = ConditionalDCGAN(16, 12, 3, width=16)
    z = model.latent(4, seed=0)
    np.testing.assert_array_equal(Given(model, 2).decode(z), model.decode(z, 2))
    each = [0, 1, 2, 0]
    np.testing.assert_array_equal(Given(model, each).decode(z), model.decode(z, each))
    assert Given(model, 2).latent_dim == 12 and sefa_directions(Given(model, 2), 1).shape == (1, 12)


def test_a_perfect_direction_changes_one_thing(z):
    axis = np.eye(DIM, dtype=np.float32)[1]
    card = scorecard(Bars(), z, {"b": axis}, Reader(), [1.0, 8.0], features=bars_of, real=Bars().decode(z), seed=1)
    rows = card.rows.set_index(["direction", "step"])
    near, far = rows.loc[("b", 1.0)], rows.loc[("b", 8.0)]
    # A step of one flips those that lie within one of the border: P(|z| < 1) = 0.683.
    assert near["success"] == pytest.approx(0.683, abs=0.1) and near["success_low"] < 0.683 < near["success_high"]
    assert far["success"] == 1 and far["leakage"] == 0 and far["leakage_high"] > 0
    # Eight in a random direction: the value along b changes by 8 / √6 times a number that is about normal.
    assert 0.2 < far["random"] < 0.6 and rows.loc[("random", 8.0), "leakage"] > 0.2
    assert near["kept"] > far["kept"] and rows.loc[("random", 1.0), "kept"] < 1
    # Both ways are alike likely, so that the spread of b grows: the mean stays where it is, the variance does not.
    assert far["frechet"] > near["frechet"] and far["frechet_low"] < far["frechet"] < far["frechet_high"]
    moved = z - 8 * np.sign(z[:, [1]]) * axis
    assert far["length"] == pytest.approx((np.linalg.norm(moved, axis=1) - np.linalg.norm(z, axis=1)).mean(), rel=1e-4)
    assert card.n == 200 and card.best("b")["step"] == 8.0


def test_a_direction_of_the_wrong_sign_changes_nothing_that_it_should(z):
    card = scorecard(Bars(), z, {"b": -np.eye(DIM)[1]}, Reader(), [2.0], features=bars_of)
    assert card.best("b")["success"] < 0.02 and card.best("b")["leakage"] == 0


def test_a_classifier_of_one_attribute_sees_no_leakage(z):
    class One(Reader):
        attributes = ("a",)

        def probabilities(self, images):
            return super().probabilities(images)[:, :1]

    best = scorecard(Bars(), z, {"a": np.eye(DIM)[0]}, One(), [2.0], features=bars_of).best("a")
    assert best["leakage"] == 0 and best["leaks_to"] == "" and best["success"] > 0.8


def test_intervals_narrow_with_the_faces(z):
    def width(n):
        row = scorecard(Bars(), z[:n], {"b": np.eye(DIM)[1]}, Reader(), [1.0], features=bars_of).best("b")
        return [row[f"{name}_high"] - row[f"{name}_low"] for name in ("success", "kept", "length")]

    assert (np.array(width(200)) < 0.8 * np.array(width(50))).all()


def test_a_conditional_models_faces_keep_their_labels(z):
    class Asked(Bars):
        def decode(self, z, labels):
            return super().decode(z + 4 * np.eye(DIM)[0] * (2 * np.asarray(labels)[:, None] - 1))

    labels = np.arange(len(z)) % 2
    card = scorecard(Given(Asked(), labels), z, {"b": np.eye(DIM)[1]}, Reader(), [1.0], features=bars_of)
    assert card.flips.loc[("b", 1.0), "a"] == 0  # what the label says stays
    unlabelled = scorecard(Bars(), z, {"b": np.eye(DIM)[1]}, Reader(), [1.0], features=bars_of)
    assert card.best("b")["success"] == unlabelled.best("b")["success"]


def test_leakage_is_found_where_it_goes(z):
    mixing = np.eye(DIM)
    mixing[1, 2] = 1.0  # what draws b draws c as well
    card = scorecard(Bars(mixing), z, {"b": np.eye(DIM)[1], "a": np.eye(DIM)[0]}, Reader(), [2.0], features=bars_of)
    rows = card.rows.set_index("direction")
    assert rows.loc["b", "leaks_to"] == "c" and rows.loc["b", "leakage"] > 0.3 and rows.loc["a", "leakage"] == 0
    matrix = card.matrix(2.0)
    assert matrix.loc["b", "c"] == rows.loc["b", "leakage"] and matrix.loc["a", "a"] == rows.loc["a", "success"]
    assert "frechet" not in card.rows
    # At right angles to c in z is where b changes and c does not.
    direction = conditioned(as_direction(np.eye(DIM)[1], z, z[:, 1] > 0), [mixing[:, 2]], z, z[:, 1] > 0)
    tidy = scorecard(Bars(mixing), z, {"b": direction}, Reader(), [2.0], features=bars_of)
    assert tidy.best("b")["leakage"] == 0 and tidy.best("b")["leaks_to"] in ("a", "c")
    named = scorecard(
        Bars(mixing), z, {"one": direction, "other": np.eye(DIM)[1]}, Reader(), [2.0], attribute="b", features=bars_of
    )
    assert named.best("one")["success"] == tidy.best("b")["success"] and named.matrix(2.0).index[-1] == "other"
    assert named.best("other")["leaks_to"] == "c"


def test_bad_arguments_are_named(z):
    axis = np.eye(DIM)[0]
    for arguments, message in [
        ((z[:, :3], {"a": axis}, [1]), r"z must have shape \(n, 6\)"),
        ((z, {"d": axis}, [1]), r"directions must be of attributes that the classifier knows, .* got \['d'\]"),
        ((z, {}, [1]), r"directions must be at least one, none of them called 'random', got \[\]"),
        ((z, {"random": axis}, [1]), "none of them called 'random'"),
        ((z, {"a": axis * np.nan}, [1]), r"directions\['a'\] must have 6 values and length 1"),
        ((z, {"a": axis}, [np.nan]), "steps must be positive"),
        ((z, {"a": 2 * axis}, [1]), r"directions\['a'\] must have 6 values and length 1, got .* length 2.000"),
        ((z, {"a": axis}, [0, 1]), r"steps must be positive, at least one, got \[0.0, 1.0\]"),
        ((z, {"a": axis}, []), "steps must be positive, at least one"),
    ]:
        with pytest.raises(ValueError, match=message):
            scorecard(Bars(), arguments[0], arguments[1], Reader(), arguments[2], features=bars_of)
    card = scorecard(Bars(), z, {"a": axis}, Reader(), [1.0], features=bars_of)
    with pytest.raises(ValueError, match=r"direction must be one of those measured, \['a'\], got 'random'"):
        card.best("random")
    with pytest.raises(ValueError, match=r"step must be one of those measured, \[1.0\], got 3"):
        card.matrix(3)
    with pytest.raises(ValueError, match=r"has must be true or false for each face; of probabilities, pass"):
        mean_direction(z, np.linspace(0.1, 0.9, len(z)))
    with pytest.raises(ValueError, match="k must lie between 1 and 0, got 2: the features vary in no more ways"):
        pca_directions(z, np.ones((len(z), 4)), k=2)
    with pytest.raises(ValueError, match="model must have a generator or decoder whose first layer on z is dense"):
        sefa_directions(Bars())
    with pytest.raises(ValueError, match="k must lie between 1 and 12, got 13"):
        sefa_directions(DCGAN(16, 12, width=16), 13)
    with pytest.raises(ValueError, match="penalty must be positive, got 0"):
        svm_direction(z, z[:, 0] > 0, penalty=0)
    with pytest.raises(ValueError, match="vector must be 6 finite numbers, not all zero"):
        as_direction(np.zeros(6), z, z[:, 0] > 0)
    with pytest.raises(ValueError, match="z and others must have the direction's 6 values"):
        conditioned(mean_direction(z, z[:, 0] > 0), [np.ones(4)], z, z[:, 0] > 0)
    with pytest.raises(ValueError, match="both classes need at least 4 faces, got 1 with"):
        svm_direction(z, np.arange(len(z)) == 0)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        read_samples(Bars(), Reader(), 0)
