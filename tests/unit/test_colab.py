"""The first cell of the chapters, which installs the library on Colab. `make test-colab` tries it for real."""

import contextlib
import importlib.util
import io
import re
import subprocess
import sys
import tomllib
from types import SimpleNamespace

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement

from facelib import colab
from facelib.profiles import PROFILES, RUN_TIMES

LACKS = {"mtcnn", "lz4"}


@pytest.fixture(scope="module")
def pin(root):
    sys.path.insert(0, str(root / "tools"))
    try:
        import pin
    finally:
        sys.path.remove(str(root / "tools"))
    return pin


@pytest.fixture(scope="module")
def chapters(root):
    paths = sorted((root / "chapters").glob("[0-9]*.ipynb"))
    return {path.stem: nbformat.read(path, as_version=4) for path in paths}


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def pinned(chapters):
    """The commit that the first cells install."""
    (commit,) = {re.search(r"@(\w+)$", code_cells(nb)[0].source, flags=re.M).group(1) for nb in chapters.values()}
    return commit


def run(source):
    """Run a cell's source, magics included; returns the magics that it called and what it printed."""
    magics, printed = [], io.StringIO()
    shell = SimpleNamespace(run_line_magic=lambda name, line, **_: magics.append((name, line)))
    with contextlib.redirect_stdout(printed):
        exec(TransformerManager().transform_cell(source), {"get_ipython": lambda: shell})
    return magics, printed.getvalue()


def test_all_first_cells_are_the_same_but_for_the_name(chapters, pin, pinned):
    assert len(pinned) == 40
    for name, notebook in chapters.items():
        assert code_cells(notebook)[0].source == pin.cell(name, pinned), f"{name}: run `make pin`"


def test_the_first_cell_does_nothing_where_the_library_is(chapters):
    for notebook in chapters.values():
        assert run(code_cells(notebook)[0].source) == ([], "")


@pytest.mark.tensorflow
@pytest.mark.parametrize("chapter", ["03_dcgan", "09_cyclegan"])
def test_elsewhere_it_installs_the_library_and_says_what_to_expect(chapters, pin, pinned, chapter, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    magics, printed = run(code_cells(chapters[chapter])[0].source)
    assert magics == [("pip", f"install -q git+{pin.address()}@{pinned}")]
    device, times = printed.splitlines()
    assert "CPU" in device or "GPU" in device or "NVIDIA" in device or "Tesla" in device
    for profile in PROFILES:
        assert f"{profile}: {RUN_TIMES[chapter][profile]}" in times


def test_only_a_runtime_without_gpu_is_advised_to_change(monkeypatch, capsys):
    for device, advised in (("Tesla T4", False), ("CPU (x86_64, 2 cores)", True)):
        monkeypatch.setattr("facelib.backend.device", lambda device=device: device)
        colab.greet("03_dcgan")
        said = capsys.readouterr().out
        assert device in said and ("Change runtime type" in said) == advised


def test_an_unknown_chapter_is_named():
    with pytest.raises(ValueError, match="'03_dcgan'.*got '3'"):
        colab.greet("3")


def test_expected_run_times_are_those_of_the_chapters(chapters):
    for name, notebook in chapters.items():
        head = notebook.cells[0].source
        table = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", head, flags=re.M))
        assert table == RUN_TIMES[name], f"{name}: facelib.profiles.RUN_TIMES has other times than the chapter's table"
    assert RUN_TIMES.keys() == chapters.keys()


def test_the_profile_is_chosen_in_one_line_that_everybody_sees(chapters):
    """On Colab the comment makes a menu of it."""
    for notebook in chapters.values():
        (cell,) = [cell for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])]
        line = f'profile = "quick"  # @param {list(PROFILES)}'.replace("'", '"')
        assert line in cell.source.splitlines()
        assert cell.metadata["tags"] == ["parameters"] and not cell.metadata.get("jupyter")


@pytest.fixture(scope="module")
def history(root, pinned):
    """Whether git knows the pinned commit; a shallow clone, or an archive without git, cannot say."""

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)

    if git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("no git history here (an archive or a shallow clone), so the pinned commit cannot be looked at")
    return git


def test_the_pinned_commit_is_part_of_the_history(history, pinned):
    """Otherwise nobody can install it once this branch is published."""
    asked = history("merge-base", "--is-ancestor", pinned, "HEAD")
    assert asked.returncode == 0, f"{pinned} is not behind HEAD: run `make pin`, and commit the notebooks"


@pytest.mark.tensorflow
def test_the_pinned_library_has_all_that_chapters_import(history, root, pinned, chapters, tmp_path):
    archive = subprocess.run(
        ["git", "archive", pinned, "--", ":(glob)facelib/**/*.py"], cwd=root, capture_output=True, check=True
    )
    subprocess.run(["tar", "x", "-C", str(tmp_path)], input=archive.stdout, check=True)
    statements = set()
    for notebook in chapters.values():
        for cell in code_cells(notebook)[1:]:
            statements |= set(re.findall(r"^from facelib[\w.]* import (?:\([^)]*\)|.*)", cell.source, flags=re.M))
    code = "import facelib; print(facelib.__file__)\n" + "\n".join(sorted(statements))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, f"chapters need a newer library than they install: run `make pin`\n{done.stderr}"
    assert str(tmp_path) in done.stdout


@pytest.fixture(scope="module")
def preinstalled(root):
    (path,) = (root / "tests" / "colab").glob("constraints-*.txt")
    lines = [line.split(" #")[0].strip() for line in path.read_text().splitlines()]
    return {r.name: r.specifier for r in map(Requirement, (line for line in lines if line and line[0] != "#"))}


def test_lower_bounds_are_met_by_what_colab_preinstalls(root, preinstalled):
    """So pip leaves it alone. Nothing but MTCNN and what it needs is missing."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for requirement in map(Requirement, project["dependencies"]):
        (bound,) = requirement.specifier
        assert bound.operator == ">=", f"{requirement} is no plain lower bound"
        if requirement.name in LACKS:
            assert requirement.name not in preinstalled
            continue
        (there,) = preinstalled[requirement.name]
        assert bound.contains(there.version), f"{requirement} is newer than Colab's {there.version}"


def test_the_widgets_do_without_what_ipywidgets_7_lacks(root):
    """`Stack` came with ipywidgets 8; tests of `facelib.show` take it away and move the sliders."""
    uses = [path.name for path in (root / "facelib").rglob("*.py") if "ipywidgets.Stack" in path.read_text()]
    assert uses == ["widgets.py"]
    assert (root / "facelib" / "widgets.py").read_text().count("ipywidgets.Stack(") == 1
