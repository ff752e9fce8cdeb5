"""Tables of experiments: what made them stands in every row."""

import subprocess

import numpy as np
import pandas as pd
import pytest

from facelib import results


def test_a_table_is_saved_with_its_provenance(tmp_path, monkeypatch, root):
    made = results.provenance("python experiments/none.py")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert made["command"] == "python experiments/none.py" and head.startswith(made["commit"])
    assert "CPU" in made["device"] or "GPU" in made["device"] or "NVIDIA" in made["device"]
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    results.save("none", pd.DataFrame({"value": [0.123456]}).assign(**made))
    (row,) = results.load("none").to_dict("records")
    assert row == {"value": 0.1235} | made
    results.save("none", pd.DataFrame({"value": [0.0000123456, 1234567.0]}).assign(**made), significant=3)
    assert results.load("none")["value"].tolist() == [0.0000123, 1230000.0]
    with pytest.raises(ValueError, match=r"no results named 'other'; there are \['none'\]"):
        results.load("other")


def test_a_table_is_filled_row_by_row(tmp_path, monkeypatch):
    """What is there stays, what is asked for no longer goes, a break loses one row, and the order is the script's."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    measured = []

    def measure(key):
        measured.append(key["dose"])
        if key["dose"] == 0.5 and len(measured) < 4:
            raise KeyboardInterrupt
        return {"square": key["dose"] ** 2, "late": 1.0} if key["dose"] > 2 else {"square": key["dose"] ** 2}

    def fill(*doses, **options):
        return results.fill(
            "doses", [{"kind": "blur", "dose": d} for d in doses], measure, "python doses.py", **options
        )

    with pytest.raises(KeyboardInterrupt):
        fill(1, 2, 0.5)
    assert results.load("doses")["dose"].tolist() == [1, 2]
    table = fill(3, 1, 0.5)
    assert measured == [1, 2, 0.5, 3, 0.5]  # 1 was there
    assert table["dose"].tolist() == [3, 1, 0.5] and table["square"].tolist() == [9, 1, 0.25]
    assert list(table.columns) == ["kind", "dose", "square", "late", "command", "commit", "device"]
    some = fill(3, 1, 0.5, 4, 5, wanted=lambda key: key["dose"] != 4)
    assert some["dose"].tolist() == [3, 1, 0.5, 5]
    assert fill(5, 3)["dose"].tolist() == [5, 3]  # nothing to measure: another order, and others dropped
    assert measured == [1, 2, 0.5, 3, 0.5, 5]
    other = results.fill("doses", [{"dose": 3, "n": 10}], lambda key: {"square": 9}, "python doses.py")
    assert other.to_dict("records")[0]["n"] == 10 and len(other) == 1  # measured anew: the settings have another name


def test_two_processes_may_fill_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    todo = [{"dose": dose} for dose in range(4)]

    def measure(key):
        if key["dose"] == 2:  # meanwhile the other one measures the rest
            results.fill("doses", todo, lambda key: {"by": "b"}, "b.py", wanted=lambda key: key["dose"] < 2)
        return {"by": "a"}

    table = results.fill("doses", todo, measure, "a.py", wanted=lambda key: key["dose"] >= 2)
    assert table["dose"].tolist() == [0, 1, 2, 3] and table["by"].tolist() == list("bbaa")
    assert table["command"].tolist() == ["b.py", "b.py", "a.py", "a.py"]


def test_sheets_are_kept_one_by_one(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="no pictures of 'x'"):
        results.sheets("x")
    pictures = {name: np.full((8, 16, 3), level, np.uint8) for name, level in (("b, two", 200), ("a", 20), ("a", 90))}
    results.save_sheet("x", "a", np.full((8, 16, 3), 20, np.uint8))
    for name, picture in pictures.items():
        results.save_sheet("x", name, picture)
    kept = results.sheets("x")
    assert list(kept) == ["a", "b, two"] and sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]
    for name, picture in pictures.items():
        np.testing.assert_allclose(kept[name], picture, atol=1)


def test_no_two_doses_of_a_harm_have_the_same_scores():
    table = results.load("fid_degradations")
    assert not table.duplicated(["extractor", "kind", "n", "seed", "strength"]).any()
    scores = ["extractor", "kind", "seed", "frechet", "kernel", "precision", "density"]
    assert not table.duplicated(scores).any()


def test_every_table_says_what_made_it():
    for path in results.FOLDER.glob("*.csv"):
        assert list(results.load(path.stem).columns[-3:]) == ["command", "commit", "device"]
