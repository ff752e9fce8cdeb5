"""nbval on what papermill has executed: it must see what nbval on a kernel would."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebooks import CHECKED, ROOT


def notebook(folder, said, source="print(said)"):
    checked = new_code_cell(source, metadata={"tags": [CHECKED]}, execution_count=1)
    checked.outputs = [new_output("stream", name="stdout", text=piece) for piece in said]
    injected = new_code_cell("profile = 'quick'", metadata={"tags": ["injected-parameters"]}, execution_count=1)
    folder.mkdir(exist_ok=True)
    cells = [injected, checked] if folder.name == "executed" else [checked]
    nbformat.write(new_notebook(cells=cells), folder / "chapter.ipynb")


def nbval(folder):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--ignore-glob=*.py"]
    command += ["--executed", folder / "executed", ROOT / "tests" / "chapters", folder / "chapter.ipynb"]
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_same_words_pass_in_whatever_pieces_they_come(tmp_path):
    notebook(tmp_path, ["all twelve agree\n"])
    notebook(tmp_path / "executed", ["all twelve", " agree\n"])
    status, said = nbval(tmp_path)
    assert status == 0 and "1 passed" in said, said


@pytest.mark.parametrize(
    ("executed", "why"),
    [
        ({"said": ["eleven agree\n"]}, "eleven agree"),
        ({"said": []}, "Missing output fields"),
        ({"said": ["all twelve agree\n"], "source": "print(other)"}, "was made from another notebook"),
        (None, "run `make chapters`"),
    ],
)
def test_other_words_none_another_notebook_and_no_notebook_fail(tmp_path, executed, why):
    notebook(tmp_path, ["all twelve agree\n"])
    if executed:
        notebook(tmp_path / "executed", **executed)
    status, said = nbval(tmp_path)
    assert status == 1 and why in said, said
