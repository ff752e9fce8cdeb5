"""Tables of experiments: what made them stands in every row."""

import subprocess

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


def test_every_table_says_what_made_it():
    for path in results.FOLDER.glob("*.csv"):
        assert list(results.load(path.stem).columns[-3:]) == ["command", "commit", "device"]
