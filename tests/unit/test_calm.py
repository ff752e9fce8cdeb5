"""What `make calm` counts: green runs in a row, of one committed tree."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import calm

# Writes a report as pytest does, and fails while there is a file "broken".
MAKEFILE = """unit:
\t@mkdir -p _build/reports
\t@echo '<testsuites><testsuite tests="7"></testsuite></testsuites>' > _build/reports/unit-jax.xml
\t@echo $$TF_ENABLE_ONEDNN_OPTS >> _build/kernels
\t@echo it ran; test ! -e _build/broken
\t@test ! -e _build/edit || touch more
\t@test ! -e _build/empty || rm _build/reports/*
"""


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / ".gitignore").write_text("_build\n")
    commit(tmp_path)
    return tmp_path


def commit(root):
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=root, check=True)


def rows(root):
    return [line.split(",")[5:] for line in (root / "_build" / "calm.csv").read_text().splitlines()[1:]]


def test_green_runs_of_this_tree_count_earlier_ones_too(repository, capsys):
    assert calm.main({"unit": 2}, repository) == 0
    assert capsys.readouterr().out.count("green, 7 tests") == 2
    assert calm.main({"unit": 3, "chapters": 0}, repository) == 0
    assert rows(repository) == [["7", "1"]] * 3
    (repository / "more").touch()
    commit(repository)
    assert calm.main({"unit": 1}, repository) == 0
    assert len(rows(repository)) == 4


def test_runs_take_turns_with_the_kernels_of_either_kind_of_processor(repository):
    assert calm.main({"unit": 2}, repository) == calm.main({"unit": 3}, repository) == 0
    assert (repository / "_build" / "kernels").read_text().split() == ["0", "1", "0"]
    table = (repository / "_build" / "calm.csv").read_text().splitlines()
    assert [dict(zip(table[0].split(","), row.split(","), strict=True))["onednn"] for row in table[1:]] == list("010")


def test_a_table_with_other_columns_is_kept_and_not_counted(repository):
    (repository / "_build").mkdir()
    (repository / "_build" / "calm.csv").write_text("tree,part,green\n")
    assert calm.main({"unit": 1}, repository) == 0
    assert (repository / "_build" / "calm-earlier.csv").read_text() == "tree,part,green\n"
    assert rows(repository) == [["7", "1"]]


def test_a_failure_ends_it_is_shown_and_the_count_begins_again(repository, capsys):
    assert calm.main({"unit": 2}, repository) == 0
    (repository / "_build" / "broken").touch()
    assert calm.main({"unit": 5}, repository) == 1
    assert "it ran" in capsys.readouterr().out
    (repository / "_build" / "broken").unlink()
    assert calm.main({"unit": 2}, repository) == 0
    assert [green for _, green in rows(repository)] == ["1", "1", "0", "1", "1"]


def test_chapters_are_executed_anew(repository):
    old = repository / "_build" / "executed" / "00.ipynb"
    old.parent.mkdir(parents=True)
    old.touch()
    assert calm.main({"chapters": 1}, repository) == 1  # this Makefile makes none
    assert not old.exists() and rows(repository) == [["0", "0"]]


def test_what_is_not_committed_is_not_counted(repository, capsys):
    (repository / "more").touch()
    assert calm.main({"unit": 1}, repository) == 2
    assert "commit or stash" in capsys.readouterr().err


def test_a_run_is_not_counted_when_files_changed_meanwhile(repository, capsys):
    assert calm.main({"unit": 1}, repository) == 0
    (repository / "_build" / "edit").touch()
    assert calm.main({"unit": 2}, repository) == 2
    assert "not counted" in capsys.readouterr().err
    assert rows(repository) == [["7", "1"]]


def test_a_run_without_tests_is_not_green(repository):
    (repository / "_build").mkdir()
    (repository / "_build" / "empty").touch()
    assert calm.main({"unit": 1}, repository) == 1
    assert rows(repository) == [["0", "0"]]
