"""The notebooks as they are committed: executed, checked somewhere, clean."""

import json
import re

import notebooks
import pytest
from notebooks import CHAPTERS, CHECKED, WIDGETS, code_cells, read, tags

pytestmark = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def test_every_cell_was_executed_in_order_without_errors(path):
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run `make refresh`"
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert "error" not in kinds


def test_checked_cells_check_something(path):
    """nbval passes a checked cell without count or output whatever it prints."""
    checked = [cell for cell in code_cells(read(path)) if CHECKED in tags(cell)]
    assert checked, f"no cell of {path.name} is tagged {CHECKED}"
    for cell in checked:
        assert cell.execution_count, f"checked cell {cell.id} has no execution count"
        text = "".join(output.get("text", "") for output in cell.outputs)
        assert text.strip(), f"checked cell {cell.id} has no stored output"
        assert not re.search(r"\d\.\d{3,}", text), f"checked cell {cell.id} prints more digits than machines agree on"


def test_what_an_unstable_picture_shows_is_checked(path):
    cells = code_cells(read(path))
    for cell, after in zip(cells, cells[1:], strict=False):
        if "unstable" in tags(cell):
            assert CHECKED in tags(after), (
                f"behind {cell.id}, whose picture is not compared, a cell must check its claim"
            )


def test_numbers_and_pictures_are_there_to_compare(path):
    notebook = read(path)
    assert notebooks.numbers(notebook)
    assert len(notebooks.pictures(notebook)) >= 5


def test_key_figures_lie_where_other_seeds_have_them(path):
    """So that what a refresh commits may differ, and not become another result."""
    assert not notebooks.outside(read(path), path.stem)


def test_profile_and_data_set_are_parameters(path):
    cells = code_cells(read(path))
    (parameters,) = [cell for cell in cells if "parameters" in tags(cell)]
    assert 'profile = "quick"' in parameters.source and 'dataset = "synthetic"' in parameters.source


def test_outputs_are_clean(path):
    notebook = read(path)
    outputs = json.dumps([cell.outputs for cell in code_cells(notebook)])
    assert not re.search(r"/(root|home|tmp|work|Users)/", outputs), "a machine's path"
    assert not re.search(r"Warning|[IWE]0000 ", outputs), "a warning or log line"
    assert "papermill" not in notebook.metadata
    assert path.stat().st_size < 3e6


def test_figures_have_alt_text(path):
    for cell in code_cells(read(path)):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) > 20, f"figure of cell {cell.id} has no alt text"


def test_a_slider_is_stored_with_its_state(path):
    state = read(path).metadata["widgets"][WIDGETS]["state"]
    names = {widget["model_name"] for widget in state.values()}
    assert {"SelectionSliderModel", "StackModel", "LinkModel"} <= names


def test_exercises_have_solutions_that_are_hidden_and_run(path):
    notebook = read(path)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "## Exercises" in prose and "## Summary" in prose and "```{bibliography}" in prose
    solutions = [cell for cell in code_cells(notebook) if cell.source.startswith("# @title Solution")]
    assert len(solutions) >= 2
    for cell in solutions:
        assert "hide-cell" in tags(cell) and cell.metadata["jupyter"]["source_hidden"]
        assert cell.outputs, f"solution {cell.id} shows nothing"
