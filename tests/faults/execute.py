"""Execute a chapter as far as it prints, counts and draws what the committed one does.

    python tests/faults/execute.py chapters/01_vae.ipynb EXECUTED

The first cell that differs is named as the test that would have failed, with exit status 1; if there is none, the
executed notebook is written, for the tests to look at as a whole.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "chapters"))
import notebooks


class DiffersError(Exception):
    """A test's name, and the cell that it would fail at."""


def difference(stored, fresh, chapter: str, number: int) -> str:
    """The test that says what a cell does otherwise, or "". `number` counts cells of code."""
    one, other = (nbformat.v4.new_notebook(cells=[cell]) for cell in (stored, fresh))
    if notebooks.CHECKED in notebooks.tags(stored) and printed(stored) != printed(fresh):
        return f"chapters/{chapter}.ipynb::Cell {number}"
    if notebooks.other_numbers(one, other):
        return f"tests/chapters/test_executed.py::test_numbers_agree[{chapter}]"
    if notebooks.other_pictures(one, other):
        return f"tests/chapters/test_executed.py::test_pictures_agree[{chapter}]"
    return ""


def printed(cell) -> str:
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def execute(source: Path, target: Path) -> None:
    """Raises DiffersError, or what a cell raises."""
    stored, notebook = notebooks.read(source), notebooks.read(source)
    numbers = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            numbers[cell.id] = len(numbers)
            cell.outputs = []
    notebook.metadata.pop("widgets", None)  # a run that makes none would keep the committed ones

    def compare(cell, cell_index, execute_reply):
        if execute_reply["content"]["status"] == "error":
            return  # the client raises it next
        test = difference(stored.cells[cell_index], cell, source.stem, numbers[cell.id])
        if test:
            raise DiffersError(f"{test} - {cell.id}")

    where = {"metadata": {"path": str(source.parent)}}
    NotebookClient(notebook, timeout=None, resources=where, on_cell_executed=compare).execute()
    nbformat.write(notebook, target)


if __name__ == "__main__":
    try:
        execute(Path(sys.argv[1]), Path(sys.argv[2]))
    except DiffersError as found:
        print(f"FAILED {found}")
        sys.exit(1)
