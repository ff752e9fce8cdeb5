"""What the latent explorer's page is made from fits the weights that ship: new weights want new measurements."""

import sys
from pathlib import Path

import numpy as np
import pytest

from facelib import results, weights
from facelib.metrics.resize import antialiased

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "experiments"))
import explorer
import live

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def table():
    return results.load("explorer")


def test_the_page_and_its_measurements_speak_of_the_same():
    """The order of kinds is that of the faces on a shelf."""
    assert live.KINDS == tuple(explorer.KINDS)
    assert set(live.MODELS) == {name for names in explorer.MODELS.values() for name in names.values()}
    assert all(kind in live.KINDS for kinds in live.SUMS.values() for kind in kinds)


@pytest.mark.parametrize("name", live.MODELS)
def test_measurements_fit_the_model(table, name):
    card, kept = weights.catalog()[name], live.arrays(name)
    latent_dim = card["config"]["latent_dim"]
    rows = table[table["model"] == name]
    assert kept["directions"].shape == (len(rows), latent_dim)
    np.testing.assert_allclose(np.linalg.norm(kept["directions"].astype(float), axis=1), 1, atol=2e-3)
    assert sorted(kept["axes"].tolist()) == list(range(latent_dim))
    assert kept["shelf"].shape[1] == latent_dim and len(kept["shelf"]) == explorer.EACH * len(live.KINDS)
    assert (rows["low"] < rows["middle"]).all() and (rows["middle"] < rows["high"]).all()
    assert rows["accuracy"].between(0.6, 1).all()
    assert ("mean" in kept) == name.startswith("vae")


@pytest.mark.parametrize("name", live.MODELS)
@pytest.mark.parametrize(("slider", "attribute"), [("smile", "Smiling"), ("man", "Male")])
def test_sliders_still_do_what_they_say(table, name, slider, attribute):
    """Judged by the scorer, which had no part in finding the directions."""
    model, kept = weights.load(name), live.arrays(name)
    scorer = weights.load(f"scorer-{weights.catalog()[name]['dataset']['name']}-64")
    rows = table[table["model"] == name].reset_index(drop=True)
    row = rows[rows["slider"] == slider].iloc[0]
    vector, shelf = kept["directions"][row.name].astype(np.float32), kept["shelf"].astype(np.float32)

    def share(position):
        moved = shelf + (position - shelf @ vector)[:, None] * vector
        pictures = antialiased(model.decode(moved), 64).round().clip(0, 255).astype(np.uint8)
        return (scorer.probabilities(pictures)[:, scorer.attributes.index(attribute)] > 0.5).mean()

    low, high = share(row["low"]), share(row["high"])
    # Women are so few among the portraits that the weakest slider, its DCGAN's "man", moves a quarter of the faces.
    assert high - low >= 0.2, (low, high)


def test_the_page_has_a_row_a_slider(table):
    lines = live.table().splitlines()
    assert len(lines) == 2 + len(table)
    assert all(line.count("|") == 6 for line in lines)
