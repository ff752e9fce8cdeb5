import itertools

import numpy as np
import pytest

from facelib.data import crop_faces, draw_faces, drawing, load_faces, twelve_faces
from facelib.data.synthetic import COINS, FREE, sample_people

# Pairs of which one excludes or needs the other, or both need a third (see the module's docstring).
NEED_MALE = ["Male", "Bald", "Mustache", "No_Beard", "Wearing_Lipstick"]
COLOURS = ["Black_Hair", "Brown_Hair", "Blond_Hair", "Gray_Hair"]
RELATED = {
    *itertools.combinations(sorted(NEED_MALE), 2),
    *itertools.combinations(sorted(COLOURS), 2),
    *(("Bald", other) for other in ("Bangs", "Wavy_Hair", "Wearing_Hat", *COLOURS)),
    ("Bangs", "Wearing_Hat"),
    ("Gray_Hair", "Young"),
}


def test_same_seed_same_bytes_and_the_first_of_more():
    few, many = load_faces(n=7, size=40, seed=5), load_faces(n=30, size=40, seed=5)
    np.testing.assert_array_equal(few.images, many.images[:7])
    assert few.names.tolist() == many.names[:7].tolist()
    assert not np.array_equal(few.images, load_faces(n=7, size=40, seed=6).images)


@pytest.mark.parametrize("framing", ["face", "background"])
@pytest.mark.parametrize("size", [48, 80])
def test_nobodys_picture_depends_on_who_is_drawn_beside_them(framing, size):
    people = load_faces(n=32, size=16, seed=3, framing=framing).factors
    alone = np.concatenate([draw_faces(people[i : i + 1], size) for i in range(32)])
    np.testing.assert_array_equal(draw_faces(people, size), alone)


def test_no_skin_lies_beside_the_head(monkeypatch):
    """The formula of an angular jaw is less than 1 far beside the chin as well."""
    people = load_faces(n=60, size=16, seed=3, framing="background").factors.assign(masculinity=1.0, jaw=1.0, roll=18.0)
    places = []

    def only_the_head(canvas, f, g, hair):
        before = canvas.copy()
        head(canvas, f, g, hair)
        painted = (canvas != before).any(axis=0)
        places.append(np.abs(np.broadcast_to(g.side, painted.shape)[painted]).max())

    head = drawing.head
    monkeypatch.setattr(drawing, "head", only_the_head)
    draw_faces(people, 64)
    assert max(places) < 1.5


def test_pictures_are_those_of_the_reference(root):
    """Drawn on another machine; a level of difference is rounding."""
    reference = np.load(root / "tests" / "unit" / "reference_faces.npz")["images"]
    drawn = load_faces(n=len(reference), size=reference.shape[1], seed=42).images
    assert np.abs(drawn.astype(int) - reference).max() <= 1


def test_the_same_person_at_every_size():
    small, large = (load_faces(n=8, size=size, seed=1).images.astype(float) for size in (40, 80))
    halved = large.reshape(8, 40, 2, 40, 2, 3).mean(axis=(2, 4))
    assert np.abs(halved - small).mean() < 6


def test_attributes_are_independent_where_nothing_relates_them():
    _, attributes = sample_people(20_000, seed=0)
    assert attributes.shape[1] >= 12
    correlation = attributes.corr()
    for a, b in itertools.combinations(sorted(attributes.columns), 2):
        if (a, b) not in RELATED:
            assert abs(correlation.loc[a, b]) < 0.1, (a, b, correlation.loc[a, b])


def test_exclusions_hold():
    _, has = sample_people(20_000, seed=1)
    hair = has[["Black_Hair", "Brown_Hair", "Blond_Hair", "Gray_Hair"]].sum(axis=1)
    assert hair.max() == 1 and not (has["Bald"] & (hair > 0)).any()
    assert not (has["Gray_Hair"] & has["Young"]).any()
    assert not ((has["Mustache"] | has["Bald"] | ~has["No_Beard"]) & ~has["Male"]).any()
    assert not (has["Wearing_Lipstick"] & has["Male"]).any()
    assert not (has["Wearing_Hat"] & (has["Bald"] | has["Bangs"])).any()
    assert has.mean().between(0.05, 0.95).all()


def test_factors_lie_on_the_side_that_the_attribute_says():
    factors, has = sample_people(5000, seed=2)
    for name, (_, factor, absent, present) in COINS.items():
        truth = ~has["No_Beard"] if name == "Beard" else has[name]
        low, high = factors[factor][truth].min(), factors[factor][truth].max()
        assert present[0] - 1e-6 <= low and high <= present[1] + 1e-6, name
        low, high = factors[factor][~truth].min(), factors[factor][~truth].max()
        assert absent[0] - 1e-6 <= low and high <= absent[1] + 1e-6, name
    for name, (low, high) in FREE.items():
        assert factors[name].between(low - 1e-4, high + 1e-4).all()
        assert factors[name].std() > 0.2 * (high - low), name


# Where in the picture (rows, columns as shares) an attribute must be seen.
PLACES = {
    "smile": (0.65, 0.90),
    "mouth_open": (0.65, 0.95),
    "lip_fullness": (0.65, 0.95),
    "mustache": (0.60, 0.85),
    "glasses": (0.35, 0.65),
    "eye_narrowness": (0.40, 0.60),
    "brow_thickness": (0.30, 0.55),
    "bangs": (0.10, 0.50),
    "hat": (0.0, 0.45),
    "blush": (0.45, 0.80),
    "nose_size": (0.45, 0.75),
    "lipstick": (0.65, 0.95),
    "cheekbones": (0.40, 0.95),
    "beard": (0.5, 1.0),
    "baldness": (0.0, 0.7),
    "skin_tone": (0.2, 1.0),
    "age": (0.2, 0.95),
    "masculinity": (0.1, 1.0),
    "hair_waves": (0.0, 1.0),
}


@pytest.mark.parametrize("factor", sorted(PLACES))
def test_each_cause_shows_where_it_should_and_nowhere_else(factor):
    factors, _ = sample_people(12, seed=3)
    for hidden in ("baldness", "hat", "beard", "mustache", "glasses", "bangs"):
        factors[hidden] = 0.0
    factors["hair_length"] = 0.0
    low, high = factors.copy(), factors.copy()
    low[factor], high[factor] = 0.0, 1.0
    change = np.abs(draw_faces(high, 80).astype(int) - draw_faces(low, 80)).max(axis=3)
    rows = np.arange(80) / 80
    top, bottom = PLACES[factor]
    there = (rows >= top) & (rows <= bottom)
    assert (change[:, there].max(axis=(1, 2)) > 8).all(), "not visible in every face"
    assert change[:, ~there].size == 0 or change[:, ~there].mean() < 1.5, "it changes other places too"


def test_light_comes_from_its_side():
    factors, _ = sample_people(8, seed=4)
    factors[["baldness", "hat", "yaw", "roll", "shift_x"]] = [1.0, 0.0, 0.0, 0.0, 0.0]
    factors["light_contrast"] = 0.85
    left, right = factors.assign(light_azimuth=-60.0), factors.assign(light_azimuth=60.0)
    cheeks = [draw_faces(f, 80).astype(float)[:, 40:60] for f in (left, right)]
    assert (cheeks[0][:, :, 22:34].mean((1, 2, 3)) > cheeks[1][:, :, 22:34].mean((1, 2, 3))).all()
    assert (cheeks[0][:, :, 46:58].mean((1, 2, 3)) < cheeks[1][:, :, 46:58].mean((1, 2, 3))).all()


def test_the_twelve_are_balanced_and_nobody_trains_on_them():
    twelve = twelve_faces("synthetic", size=32)
    counts = twelve.attributes.groupby(["Male", "Smiling"]).size()
    assert counts.tolist() == [3, 3, 3, 3]
    train = load_faces(n=20, size=16, subset="train")
    test = load_faces(n=20, size=16, subset="test")
    assert not set(train.names) & (set(test.names) | set(twelve.names))
    for seed in (1_000_000, 10_727):
        with pytest.raises(ValueError, match=f"seed must be less than 1,000,000, and not 10727 .*, got {seed}: those"):
            load_faces(n=20, size=16, seed=seed, subset="train")
    with pytest.raises(ValueError, match="root is for portraits"):
        twelve_faces("synthetic", root="photos")


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        load_faces(n=0)
    with pytest.raises(ValueError, match="size must be at least 16 pixels, got 8"):
        load_faces(n=1, size=8)
    factors, _ = sample_people(2, 0)
    with pytest.raises(ValueError, match="factors has no rows"):
        draw_faces(factors[:0])
    with pytest.raises(ValueError, match="factors lack 'smile'"):
        draw_faces(factors.drop(columns="smile"))


@pytest.mark.tensorflow
def test_mtcnn_finds_nine_in_ten():
    faces = load_faces(n=120, size=160, seed=9)
    _, report = crop_faces(list(faces.images), size=32, min_confidence=0.9, progress=False)
    assert report["found"].mean() >= 0.9


def test_a_wider_framing_draws_the_same_people_from_further_away():
    near, far = (load_faces(n=40, size=64, framing=framing) for framing in ("face", "background"))
    assert near.attributes.equals(far.attributes)
    np.testing.assert_allclose(far.factors["scale"], near.factors["scale"] * 0.6, rtol=1e-6)
    np.testing.assert_array_equal(draw_faces(far.factors, 64), far.images)
    # The corners are background in both, the upper edge only from further away.
    spread = [faces.images[:, :6, 20:44].astype(float).std(axis=(1, 2)).mean() for faces in (near, far)]
    assert spread[1] < 0.5 * spread[0]
