"""The weights that ship."""

import functools
import json

import numpy as np
import pytest

from facelib import results, weights
from facelib.data import load_faces, twelve_faces
from facelib.data.domains import colourfulness, domains, grey
from facelib.metrics import face_rate, psnr, train_judge
from facelib.models import DCGAN, VAE
from facelib.training import variety_of

CARDS = weights.catalog()
GANS = sorted(name for name, card in CARDS.items() if "DCGAN" in card["model"] and "facelib.train" in card["command"])
# Small ones, for the comparison of chapter 05.
FAMILY = sorted(name for name, card in CARDS.items() if "experiments/family.py" in card["command"])


def test_there_are_weights_and_they_are_small():
    wanted = {"vae-synthetic-80", "vae-portraits-80", "accordion-synthetic-128", "autoencoder-synthetic-128"}
    wanted |= {"dcgan-light-synthetic-80", "dcgan-light-faithful-synthetic-80", "dcgan-small-synthetic-32"}
    wanted |= {f"{model}-digits-16" for model in ("dcgan", "cdcgan", "acgan", "2n-gan", "infogan")}
    wanted |= {"dcgan-light-portraits-64", "dcgan-light-portraits-80"}
    wanted |= {"cdcgan-light-synthetic-64", "cdcgan-light-unlabelled-synthetic-64", "cdcgan-light-portraits-64"}
    wanted |= {"cyclegan-smiling-synthetic-64", "cyclegan-colour-portraits-64", "cyclegan-colour-synthetic-32"}
    assert wanted <= set(CARDS)
    assert sum(card["bytes"] for card in CARDS.values()) <= 25e6


@pytest.mark.parametrize("name", sorted(CARDS))
def test_card_says_how_the_weights_came_about_and_they_load(name):
    card = CARDS[name]
    wanted = {"model", "config", "dataset", "recipe", "epochs", "steps", "hardware", "seconds", "command", "scores"}
    assert wanted | {"backend", "known_failures", "sha256", "bytes", "facelib"} <= set(card)
    assert card["name"] == name and card["seconds"] > 0
    model = weights.load(name)
    assert model.get_config() == card["config"]
    assert card["scores"]
    for score in {"psnr_db", "ssim", "face_rate"} & set(card["scores"]):
        value, low, high = card["scores"][score]
        assert low <= value <= high


def test_a_time_lapse_keeps_every_sheet_and_its_epoch(tmp_path):
    """Sheets that hardly differ, too: those of a collapsed generator."""
    first = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    sheets = {0: first, 1: first, 5: 255 - first}
    weights.save(DCGAN(16, 4, width=4), "small", {}, folder=tmp_path)
    weights.save_timelapse(sheets, "small", folder=tmp_path)
    film = weights.timelapse("small", folder=tmp_path)
    assert list(film) == [0, 1, 5]
    for epoch, sheet in sheets.items():
        assert film[epoch].dtype == np.uint8 and film[epoch].shape == sheet.shape
        assert np.abs(film[epoch].astype(int) - sheet).mean() < 20  # JPEG


@pytest.mark.parametrize("name", GANS)
def test_a_gan_ships_its_time_lapse_with_the_chosen_epoch(name):
    card = CARDS[name]
    film = weights.timelapse(name)
    assert min(film) == 0 and max(film) == card["epochs"] and card["chosen_epoch"] in film
    rates = card["scores"]["face_rate_by_epoch"]
    assert rates[str(card["chosen_epoch"])] == max(rates.values())


@functools.cache
def drawn_once(size, framing):
    return load_faces("synthetic", 500, size, subset="train", framing=framing, progress=False)


# Real photos are not everywhere at hand.
@pytest.mark.parametrize("name", [name for name in GANS if CARDS[name]["dataset"]["name"] == "synthetic"])
def test_a_gan_is_as_varied_as_its_card_says(name):
    card = CARDS[name]
    framing = card["dataset"].get("framing", "face")  # which cards say since there were two
    size = card["config"]["image_size"]
    faces = drawn_once(size, framing)
    labels = None
    if "labels" in card:
        classes, counts = zip(*((json.loads(label), n) for label, n in card["labels"]["faces"].items()), strict=True)
        frequent = np.array(counts) / sum(counts)
        labels = np.array(classes)[np.random.default_rng(1).choice(len(classes), 500, p=frequent)]
    samples = weights.load(name).sample(500, seed=1, labels=labels)
    assert variety_of(samples, faces.images) == pytest.approx(card["scores"]["variety"], abs=0.05)


def test_what_the_page_of_weights_shows_is_of_these_files():
    """Whoever replaces a file runs `experiments/cards.py` again."""
    measured = results.load("cards").set_index("weights")
    assert {name: card["sha256"][:12] for name, card in CARDS.items()} == measured["sha256"].to_dict()
    pictures = {name for name, card in CARDS.items() if "Classifier" not in card["model"]}
    # Of portraits, the nearest training faces are photos, and stay out.
    faces = measured["faces"].dropna().index
    pictures |= {f"{name} nearest" for name in faces if CARDS[name]["dataset"]["name"] == "synthetic"}
    assert set(results.sheets("cards")) == pictures
    scored = results.load("fid_models").query("model != 'real faces'")
    assert set(faces) <= set(scored["model"])
    for row in scored.itertuples():
        assert row.sha256 == CARDS[row.model]["sha256"][:12], f"{row.model}: run experiments/fid.py --tables models"


def test_portraits_of_80_pixels_show_faces():
    name = "dcgan-light-portraits-80"
    found = face_rate(weights.load(name).sample(64, seed=3)).value
    assert found == pytest.approx(results.load("cards").set_index("weights")["faces"][name], abs=0.05)
    assert found >= 0.9


def test_portraits_of_our_time_have_colours():
    """That label is heard: most photos of the oldest era are black and white."""
    of_era = weights.load("cdcgan-light-portraits-64")
    first, last = (of_era.sample(100, seed=1, labels=era).astype(float) for era in (0, 3))
    colour = [np.median((images.max(-1) - images.min(-1)).mean(axis=(1, 2))) for images in (first, last)]
    assert colour[1] > 2 * colour[0], colour


@pytest.fixture(scope="module")
def judge_of_digits():
    others = load_faces("digits", None, 16).split(0.5, seed=0)[1]
    return train_judge(others, others.info["label"].to_numpy(), tuple("0123456789"), held_out=0.5, epochs=60)


@pytest.mark.parametrize("name", [name for name in FAMILY if "digits" in name])
def test_the_family_draws_digits_as_its_cards_say(name, judge_of_digits):
    model, scores, asked = weights.load(name), CARDS[name]["scores"], np.arange(500) % 10
    if model.conditional:
        images = model.sample(500, seed=1, labels=asked)
        right = (judge_of_digits.network.classify(images) == asked).mean()
        assert right == pytest.approx(scores["right"], abs=0.05)
    else:
        images = model.sample(500, seed=1)
    if name.startswith("infogan"):
        z = model.latent(500, seed=1, categories=asked[:, None])
        images = model.decode(z)
        categories, _ = model.recognise(images)
        assert (categories[:, 0] == asked).mean() == pytest.approx(scores["categories_read"], abs=0.05)
    assert variety_of(images, judge_of_digits.images) == pytest.approx(scores["variety"], abs=0.05)


def test_no_time_lapse_is_an_error():
    with pytest.raises(ValueError, match="'vae-synthetic-80' has no time-lapse"):
        weights.timelapse("vae-synthetic-80")


def test_the_synthetic_vae_is_as_good_as_its_card_says():
    name = "vae-synthetic-80"
    twelve = twelve_faces("synthetic", size=80)
    measured = psnr(twelve.images, weights.load(name).reconstruct(twelve)).mean()
    assert abs(measured - CARDS[name]["scores"]["psnr_db"][0]) < 1.5
    # A model that had learned nothing would give the mean face.
    mean = np.broadcast_to(twelve.images.mean(axis=0).astype(np.uint8), twelve.images.shape)
    assert measured > psnr(twelve.images, mean).mean() + 4


def test_networks_that_are_not_kept_begin_anew(tmp_path):
    gan = DCGAN(16, 8, width=4, seed=5)
    with pytest.raises(ValueError, match=r"networks must be among \['generator', 'discriminator'\], got \['critic'\]"):
        weights.save(gan, "small", {}, folder=tmp_path, networks=["critic"])
    card = weights.save(gan, "small", {}, folder=tmp_path, networks=["generator"])
    assert card["networks"] == ["generator"]
    again = weights.load("small", folder=tmp_path)
    faces = gan.sample(3)
    assert np.abs(again.sample(3).astype(int) - faces).max() <= 1
    assert np.abs(again.judge(faces) - gan.judge(faces)).max() > 1e-4


def test_a_card_of_other_weights_says_nothing_of_these(tmp_path):
    old = weights.save(DCGAN(16, 8, width=4), "old", {"seed": 1}, tmp_path, networks=["generator"])
    new = weights.save(VAE(16, 4, width=8), "new", old, tmp_path)
    assert (new["name"], new["model"], new["config"]) == ("new", "VAE", VAE(16, 4, width=8).get_config())
    assert new["seed"] == 1 and "networks" not in new and list(new)[:3] == ["name", "model", "config"]
    assert weights.load("new", tmp_path).latent_dim == 4
    assert weights.load("old", tmp_path).untrained == {"discriminator"}


def test_other_json_in_a_folder_is_no_card(tmp_path):
    weights.save(DCGAN(16, 8, width=4), "small", {}, tmp_path)
    (tmp_path / "other.json").write_text("[1, 2]")
    assert list(weights.catalog(tmp_path)) == ["small"]
    with pytest.raises(ValueError, match="other.json is no card of a model, or damaged: it holds a list, not a map"):
        weights.load("other", tmp_path)


def test_translators_are_small_and_do_what_they_are_called():
    smiler, colourist, small = (
        weights.load(f"cyclegan-{name}")
        for name in ("smiling-synthetic-64", "colour-portraits-64", "colour-synthetic-32")
    )
    for gan in (smiler, colourist, small):
        assert max(gan.to_a.count_params(), gan.to_b.count_params()) <= 2e6
    faces = load_faces("synthetic", 120, 64, seed=3, subset="test")
    scorer = weights.load("scorer-synthetic-64")
    smile = scorer.attributes.index("Smiling")
    for pile, to in zip(domains(faces, "smiling"), ("smiling", "neutral"), strict=True):
        translated = smiler.translate(pile, to)
        sees = scorer.probabilities(translated)[:, smile] > 0.5
        assert (sees == (to == "smiling")).mean() > 0.9
        assert psnr(translated, pile.images).mean() > 25
    drawn = grey(weights.load("dcgan-light-portraits-64").sample(40, seed=2))
    assert colourfulness(colourist.translate(drawn, "colour")).mean() > 15
    assert colourfulness(small.translate(grey(load_faces("synthetic", 40, 32)), "colour")).mean() > 15
