"""The chapters as papermill has just executed them, against what is committed: numbers and pictures, with tolerance."""

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
    assert not notebooks.other_numbers(read(path), executed)


def test_key_figures_lie_where_other_seeds_have_them(path, executed):
    assert not notebooks.outside(executed, path.stem)


def test_pictures_agree(path, executed, pytestconfig):
    assert not notebooks.other_pictures(read(path), executed, resampled=pytestconfig.getoption("--elsewhere"))


def test_nothing_warns(executed):
    """Pages and committed notebooks leave stderr out, so this is where a warning is seen."""
    outputs = [output for cell in notebooks.code_cells(executed) for output in cell.outputs]
    errors = "".join(output.text for output in outputs if output.get("name") == "stderr")
    assert "Warning:" not in errors and "Exception ignored" not in errors, errors
