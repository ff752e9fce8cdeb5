"""The chapters as papermill has just executed them, against what is committed: numbers and pictures, with tolerance."""

import re

import notebooks
import pytest
from notebooks import CHAPTERS, read

pytestmark = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@pytest.fixture
def executed(path, pytestconfig):
    fresh = pytestconfig.getoption("--executed") / path.name
    assert fresh.exists(), "run `make chapters`, which executes them first"
    return read(fresh)


def test_the_same_cells_were_executed(path, executed):
    sources = [[cell.source for cell in notebooks.code_cells(nb)] for nb in (read(path), executed)]
    assert sources[0] == sources[1]


def test_numbers_agree(path, executed):
    stored, fresh = notebooks.numbers(read(path)), notebooks.numbers(executed)
    assert stored.keys() == fresh.keys()
    for cell, values in stored.items():
        assert values.keys() == fresh[cell].keys()
        for name, value in values.items():
            assert notebooks.close(fresh[cell][name], value), (cell, name, value, fresh[cell][name])


def test_key_figures_lie_where_other_seeds_have_them(path, executed):
    assert not notebooks.outside(executed, path.stem)


def test_pictures_agree(path, executed, pytestconfig):
    stored, fresh = notebooks.pictures(read(path)), notebooks.pictures(executed)
    # Without `Stack` (ipywidgets 7) the frames of a slider do not lie in it, and so miss what their cell is tagged.
    fresh = {untagged(name): picture for name, picture in fresh.items()}
    assert {untagged(name) for name in stored} == fresh.keys()
    for name, picture in stored.items():
        kinds = {kind: f".{kind}" in name for kind in ("plot", "unstable")}
        kinds["resampled"] = pytestconfig.getoption("--elsewhere")
        reason = notebooks.differs(picture, fresh[untagged(name)], **kinds)
        assert reason is None, f"{name}: {reason}"


def untagged(name):
    return re.sub(r"(\.plot|\.unstable)+$", "", name)


def test_nothing_warns(executed):
    """Pages and committed notebooks leave stderr out, so this is where a warning is seen."""
    outputs = [output for cell in notebooks.code_cells(executed) for output in cell.outputs]
    errors = "".join(output.text for output in outputs if output.get("name") == "stderr")
    assert "Warning:" not in errors, errors
