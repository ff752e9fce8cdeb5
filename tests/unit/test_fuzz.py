"""Readers of files that others may have made: what broke them once, and a few files of a fixed seed."""

import random
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parent.parent / "fuzz"
sys.path.insert(0, str(FUZZ))

import run  # noqa: E402
from mutate import mutate  # noqa: E402
from readers import DOCUMENTED, readers  # noqa: E402

pytestmark = pytest.mark.tensorflow
NAMES = (
    *("faces", "faces-folder", "photo", "pth", "celeba", "portraits", "folder", "toy", "results", "crops"),
    *("statistics", "search", "weights", "card", "checkpoint"),
)
FILES = 40  # of each reader that is quick


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return readers(tmp_path_factory.mktemp("fuzz") / "seeds")


def test_every_reader_is_here(known):
    assert set(known) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_whole_files_are_read(known, name, tmp_path):
    reader = known[name]
    for file, content in reader.seeds.items():
        reader.read(reader.put(tmp_path / "case", file, content))


@pytest.mark.parametrize("name", NAMES)
def test_changed_files_are_read_or_refused_in_a_line(known, name, tmp_path):
    reader, rng = known[name], random.Random(f"{name} 2")
    for _ in range(max(4, FILES // reader.cost)):
        file = rng.choice(sorted(reader.seeds))
        content = mutate(reader.seeds[file], rng, list(reader.seeds.values()))
        path = reader.put(tmp_path / "case", file, content)
        assert run.problem(reader.read, path, DOCUMENTED) is None


@pytest.mark.parametrize("found", sorted(run.FOUND.glob("*.found")), ids=lambda path: path.name)
def test_what_broke_a_reader_once_does_so_no_more(known, found, tmp_path):
    name = max((name for name in NAMES if found.name.startswith(f"{name}-")), key=len)
    file = found.name.removeprefix(f"{name}-").removesuffix(".found").split("-", 1)[1].replace("@", "/")
    path = known[name].put(tmp_path / "case", file, found.read_bytes())
    assert run.problem(known[name].read, path, DOCUMENTED) is None


def test_a_reader_that_breaks_is_seen(known, tmp_path):
    """The rule itself: other exceptions, many lines, waiting and too much memory are problems."""

    def wrong(error):
        def read(path):
            raise error

        return run.problem(read, tmp_path, DOCUMENTED)

    assert wrong(KeyError("images")) == "KeyError: 'images'"
    assert wrong(ValueError("two\nlines")).startswith("no single line")
    assert wrong(ValueError("x is damaged: Unable to allocate 3 TiB.")).startswith("memory")
    assert wrong(ValueError("x is damaged.")) is None
    for _ in range(2):  # also of a process that was as large before
        assert run.problem(lambda path: bytearray(900_000_000).count(1), tmp_path, DOCUMENTED).endswith("MB")
