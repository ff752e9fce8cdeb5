"""The list of planted faults, kept in step with the code that they are planted in."""

import re
import shutil
import sys
from copy import deepcopy
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "faults"), str(ROOT / "tools")]
page, execute, plant = import_module("faults"), import_module("execute"), import_module("plant")

FAULTS = plant.faults()
FIELDS = {"name", "what", "file", "before", "after", "tests", "chapter"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["name"])
def test_a_fault_can_be_planted(fault):
    assert set(fault) == FIELDS
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fault["name"])
    assert fault["what"].endswith(".") and "\n" not in fault["what"]
    source = (ROOT / fault["file"]).read_text()
    assert source.count(fault["before"]) == 1, f"what {fault['name']} replaces must occur once in {fault['file']}"
    planted = source.replace(fault["before"], fault["after"])
    assert planted != source
    compile(planted, fault["file"], "exec")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["name"])
def test_what_should_catch_a_fault_exists(fault):
    assert 1 <= len(fault["tests"]) <= 3
    for path in fault["tests"]:
        assert (ROOT / path).is_file(), path
    assert (ROOT / "chapters" / f"{fault['chapter']}.ipynb").is_file()


def test_a_fault_is_in_the_copy_alone_and_leaves_it_again(tmp_path):
    (fault,) = [fault for fault in FAULTS if fault["file"] == "facelib/latent/paths.py"][:1]
    copy, there = plant.Copy(tmp_path), tmp_path / fault["file"]
    whole = there.read_text()
    copy.plant(fault)
    assert there.read_text() == whole.replace(fault["before"], fault["after"]) != whole
    copy.heal(fault)
    assert there.read_text() == whole == (ROOT / fault["file"]).read_text()
    with pytest.raises(ValueError, match="its text occurs 0 times"):
        copy.plant(fault | {"before": "no such text"})


@pytest.mark.parametrize(
    ("status", "said", "first"),
    [
        (0, "2 passed", ""),
        (1, "x\nFAILED tests/unit/a.py::test_b[c d] - assert 1", "tests/unit/a.py::test_b[c"),
        (1, "FAILED chapters/03_dcgan.ipynb::Cell 10 - differs", "chapters/03_dcgan.ipynb::Cell 10"),
        (2, "ERROR tests/unit/a.py - ImportError", "tests/unit/a.py"),
        (124, "", "the tests do not end"),
        (3, "Segmentation fault", "pytest stops with status 3"),
    ],
)
def test_what_fails_first_is_read_from_what_pytest_says(status, said, first):
    assert plant._first_failure(status, said) == first


def test_a_chapter_is_executed_to_the_first_cell_that_differs(tmp_path):
    count = "from facelib.show import NUMBERS; from IPython.display import display\n"
    count += "display({'text/plain': ''}, metadata={NUMBERS: {'n': %s}}, raw=True)"
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python"}})
    for i, source in enumerate(("print(1)", count % 1, "open('ran', 'w').close()")):
        tags = {"tags": [execute.notebooks.CHECKED]}
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata=tags, id=f"cell-{i}"))
    where = {"resources": {"metadata": {"path": str(tmp_path)}}}
    NotebookClient(notebook, **where).execute()
    committed, executed, ran = tmp_path / "01_a.ipynb", tmp_path / "executed.ipynb", tmp_path / "ran"
    nbformat.write(notebook, committed)
    execute.execute(committed, executed)
    assert execute.notebooks.numbers(execute.notebooks.read(executed)) == {"cell-1/0": {"n": 1}}
    executed.unlink()
    ran.unlink()
    for number, source, error, test in (
        (0, "print(2)", execute.DiffersError, "chapters/01_a.ipynb::Cell 0 - cell-0"),
        (1, count % 1.2, execute.DiffersError, r"test_executed.py::test_numbers_agree\[01_a\] - cell-1"),
        (1, "1", execute.DiffersError, r"test_executed.py::test_numbers_agree\[01_a\] - cell-1"),
        (1, "1 / 0", CellExecutionError, "ZeroDivisionError"),
    ):
        changed = deepcopy(notebook)
        changed.cells[number].source = source
        nbformat.write(changed, committed)
        with pytest.raises(error, match=test):
            execute.execute(committed, executed)
    assert not ran.exists(), "cells behind it were executed"
    assert not executed.exists()


def test_names_and_places_are_unique():
    assert len({fault["name"] for fault in FAULTS}) == len(FAULTS)
    lines = [(fault["file"], _line(fault)) for fault in FAULTS]
    assert len(set(lines)) == len(lines), "two faults on one line"


def test_faults_are_many_and_in_all_rooms():
    assert len(FAULTS) >= 40
    rooms = [page.room_of(fault["file"]) for fault in FAULTS]
    assert min(rooms.count(room) for room in page.ROOMS) >= 4


def _line(fault) -> int:
    source = (ROOT / fault["file"]).read_text()
    return source[: source.index(fault["before"])].count("\n")


def test_what_was_planted_is_listed_and_nearly_all_of_it_was_noticed():
    found = plant.found()
    listed = {plant.key_of(fault) for fault in FAULTS}
    rows = list(found[[*plant.KEYS]].itertuples(index=False, name=None))
    # A fault may be listed before it is planted, but hardly any may wait for that.
    assert len(rows) >= 0.95 * len(listed)
    assert set(rows) <= listed, "run `make faults`: the table has faults that were changed or are no more"
    seen = found[[*plant.SEEN]] != ""
    assert seen.any(axis=1).mean() >= 0.95
    assert seen.chapter.mean() >= 0.5


def test_the_page_has_a_row_a_fault(tmp_path):
    shutil.copy(ROOT / "book" / "faults.md", tmp_path)
    page.write(tmp_path)
    text = (tmp_path / "faults.md").read_text()
    assert "{{" not in text
    for fault in FAULTS:
        if fault["name"] in set(plant.found().name):
            assert fault["what"] in text


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        ("", "not in [chapter 7]"),
        ("tests/chapters/test_executed.py::test_numbers_agree[07_arithmetic]", "a number"),
        ("chapters/07_arithmetic.ipynb::Cell 3", "a checked cell"),
        ("a cell stops: ValueError: x", "a cell stops"),
    ],
)
def test_the_page_says_what_in_a_chapter_noticed(seen, word):
    assert word in page.in_chapter(seen, "07_arithmetic")


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ("tests/unit/test_x.py::test_that_this_holds[a]", "*that this holds* (`test_x`)"),
        ("tests/unit/test_x.py::TestY::test_that", "*that* (`test_x`)"),
        ("facelib/data/domains.py::facelib.data.domains.grey", "a doctest of `data/domains.py`"),
        ("the tests do not end", "the tests do not end"),
    ],
)
def test_the_page_says_which_test_noticed(seen, text):
    assert page.words(seen) == text
