"""Ranges of key figures: how they are found, read, and shown beside a run's own."""

import numpy as np
import pandas as pd
import pytest

from facelib import expectations, results, show
from facelib.expectations import Range, prediction_interval


def test_a_further_value_lies_inside_nineteen_times_of_twenty():
    rng = np.random.default_rng(0)
    for n in (3, 4, 10):
        draws = rng.normal(5.0, 2.0, (4000, n + 1))  # a deviation that no hundredth of the mean covers
        inside = [low <= new <= high for *old, new in draws for low, high in [prediction_interval(np.array(old))]]
        assert 0.94 < np.mean(inside) < 0.965


def test_what_no_seed_changes_may_move_by_a_margin():
    assert prediction_interval(np.full(4, -20.0), margin=0.2) == pytest.approx((-20.2, -19.8))
    low, high = prediction_interval(np.array([1.0, 3.0, 2.0]), margin=0.2)
    assert (low, high) == prediction_interval(np.array([1.0, 3.0, 2.0])), "wider than the margin"


def test_what_varies_by_factors_stays_positive():
    values = np.array([1.0, 10.0, 100.0])
    assert prediction_interval(values)[0] < 0
    low, high = prediction_interval(values, logarithmic=True)
    assert 0 < low < 1 and high > 100 and low * high == pytest.approx(100)


@pytest.mark.parametrize("values", [[1.0], [], [1.0, np.nan], [1.0, np.inf]])
def test_too_few_values_or_none_are_refused(values):
    with pytest.raises(ValueError, match="values must be at least two finite numbers"):
        prediction_interval(np.array(values))


def test_what_has_no_logarithm_is_refused():
    with pytest.raises(ValueError, match="at least two positive numbers, got"):
        prediction_interval(np.array([1.0, 0.0]), logarithmic=True)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (24.123, 25.987, "24.1 to 26.0"),
        (0.8712, 0.9523, "0.871 to 0.952"),
        (61, 212, "61 to 212"),
        (-1, 1, "-1.0 to 1.0"),
        (0.7732, 16.04, "0.77 to 16"),
        (12.35, 258.7, "12 to 259"),
        (0.0, 0.231, "0.00 to 0.23"),
    ],
)
def test_a_range_has_as_many_digits_as_it_deserves(low, high, words):
    assert str(Range("", low, high)) == words


@pytest.mark.parametrize("known", [Range("", 0.7732, 16.04), Range("", 24.1, 26.0), Range("", np.nan, np.nan)])
def test_what_is_no_number_is_written_as_it_is(known):
    assert [known.written(value) for value in (np.nan, np.inf, -np.inf)] == ["nan", "inf", "-inf"]
    assert np.nan not in known and np.inf not in known


@pytest.fixture
def table(monkeypatch, tmp_path):
    rows = {"chapter": "01_vae", "figure": ["psnr", "kl"], "what": ["PSNR, dB", "KL, nats"]}
    rows |= {"low": [24.0, 40.0], "high": [26.0, 60.0]}
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    results.save("expected", pd.DataFrame(rows).assign(commit="0"))


def shown(capsys, monkeypatch, **figures):
    kept = []
    monkeypatch.setattr(show, "display", lambda data, metadata, raw: kept.append((data["text/html"], metadata)))
    show.expected("01_vae", **figures)
    ((html, metadata),) = kept
    return html, metadata[show.KEY_FIGURES], capsys.readouterr().out


def test_a_run_stands_beside_its_ranges(table, capsys, monkeypatch):
    run = {"profile": "quick", "dataset": "synthetic"}
    html, kept, said = shown(capsys, monkeypatch, **run, psnr=25.1234, kl=61.0)
    for part in ("PSNR, dB", "25.1", "24.0 to 26.0", "KL, nats", "61", "40 to 60: outside"):
        assert f"<td>{part}</td>" in html
    assert html.count("outside") == 1
    assert kept == {"psnr": 25.1234, "kl": 61.0} and said == ""


def test_another_profile_is_not_held_against_them(table, capsys, monkeypatch):
    html, kept, said = shown(capsys, monkeypatch, profile="colab", dataset="synthetic", psnr=31.0)
    assert "24.0 to 26.0" not in html and "outside" not in html and kept == {"psnr": 31.0}
    assert said == "Ranges were measured in the quick profile with drawn faces; this is another run.\n"


def test_a_figure_without_a_range_is_shown_alone(table, capsys, monkeypatch):
    html, kept, _ = shown(capsys, monkeypatch, profile="quick", dataset="synthetic", psnr=25.0, new=0.12345)
    assert "<td>new</td>" in html and "<td>0.123</td>" in html and kept["new"] == 0.12345


def test_before_the_first_table_there_is_nothing_to_expect(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    html, kept, said = shown(capsys, monkeypatch, profile="quick", dataset="synthetic", psnr=25.0)
    assert "<td>25</td>" in html and kept == {"psnr": 25.0} and said == ""


def test_ranges_hold_the_values_that_they_were_found_from():
    found = pd.read_csv(results.FOLDER / "expected.csv")
    seeds = [column for column in found.columns if column.startswith("seed_")]
    assert len(seeds) >= 3 and found.groupby("chapter").size().min() >= 5
    for row in found.itertuples():
        values = [getattr(row, seed) for seed in seeds]
        known = expectations.of_chapter(row.chapter)[row.figure]
        assert all(value in known for value in values), row
        assert known.low < known.high
        if row.what.endswith("share"):
            assert 0 <= known.low and known.high <= 1
