"""The list of planted faults, kept in step with the code that they are planted in."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import plant

ROOT = Path(__file__).resolve().parents[2]
FAULTS = plant.faults()
FIELDS = {"name", "what", "file", "before", "after", "tests", "chapter"}
ROOMS = ("data", "training", "models", "metrics", "latent")


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


def test_names_and_places_are_unique():
    assert len({fault["name"] for fault in FAULTS}) == len(FAULTS)
    lines = [(fault["file"], _line(fault)) for fault in FAULTS]
    assert len(set(lines)) == len(lines), "two faults on one line"


def test_faults_are_many_and_in_all_rooms():
    assert len(FAULTS) >= 40
    rooms = [_room(fault["file"]) for fault in FAULTS]
    assert min(rooms.count(room) for room in (*ROOMS, "")) >= 4


def _line(fault) -> int:
    source = (ROOT / fault["file"]).read_text()
    return source[: source.index(fault["before"])].count("\n")


def _room(file: str) -> str:
    """The package within facelib; "" for what lies on top, the small packages of weights and results included."""
    within = Path(file).relative_to("facelib").parts[0]
    return within if within in ROOMS else ""
