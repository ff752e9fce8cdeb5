"""The weights that ship."""

import numpy as np
import pytest

from facelib import weights
from facelib.data import twelve_faces
from facelib.metrics import psnr

CARDS = weights.catalog()


def test_there_are_weights_and_they_are_small():
    assert {"vae-synthetic-80", "vae-portraits-80"} <= set(CARDS)
    assert sum(card["bytes"] for card in CARDS.values()) <= 25e6


@pytest.mark.parametrize("name", sorted(CARDS))
def test_card_says_how_the_weights_came_about_and_they_load(name):
    card = CARDS[name]
    wanted = {"model", "config", "dataset", "recipe", "epochs", "steps", "hardware", "seconds", "command", "scores"}
    assert wanted | {"backend", "known_failures", "sha256", "bytes", "facelib"} <= set(card)
    assert card["name"] == name and card["seconds"] > 0
    model = weights.load(name)
    assert model.get_config() == card["config"]
    for low, value, high in [(s[1], s[0], s[2]) for s in card["scores"].values()]:
        assert low <= value <= high


def test_the_synthetic_vae_is_as_good_as_its_card_says():
    name = "vae-synthetic-80"
    twelve = twelve_faces("synthetic", size=80)
    measured = psnr(twelve.images, weights.load(name).reconstruct(twelve)).mean()
    assert abs(measured - CARDS[name]["scores"]["psnr_db"][0]) < 1.5
    # A model that had learned nothing would give the mean face.
    mean = np.broadcast_to(twelve.images.mean(axis=0).astype(np.uint8), twelve.images.shape)
    assert measured > psnr(twelve.images, mean).mean() + 4
