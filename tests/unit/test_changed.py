"""What `make changed` takes to depend on what."""

import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import changed


@pytest.mark.parametrize(
    ("test", "file", "expected"),
    [
        ("test_latent", "facelib/latent/paths.py", True),  # through facelib/latent/__init__.py
        ("test_latent", "facelib/latent/completion.py", False),  # which the same file names, but the test does not
        ("test_completion", "facelib/latent/completion.py", True),  # through its __getattr__
        ("test_vae", "facelib/latent/paths.py", False),
        ("test_vae", "facelib/models/autoencoder.py", True),  # imported by what it imports
        ("test_adversarial", "tests/unit/one_step.py", True),  # by its bare name
        ("test_vae", "tests/unit/one_step.py", False),
        ("test_vae", "tests/unit/conftest.py", True),  # nobody imports it, all use it
        ("test_weights", "facelib/weights/vae-synthetic-80.npz", True),  # read, not imported
        ("test_latent", "facelib/weights/vae-synthetic-80.npz", False),
        ("test_latent", "README.md", False),
        ("test_portraits", "facelib/data/portraits.csv", True),
        ("test_latent", "facelib/data/portraits.csv", False),
        ("test_latent", "facelib/data/crop.py", False),
        ("test_fuzz", "tests/fuzz/mutate.py", True),  # by its bare name
        ("test_fuzz", "tests/fuzz/readers.py", True),
        ("test_fuzz", "tests/fuzz/run.py", True),  # not benchmarks/run.py
        ("test_fuzz", "benchmarks/run.py", False),
        ("test_fuzz", "facelib/metrics/pth.py", True),  # which a reader reads
        ("test_latent", "tests/fuzz/run.py", False),
        ("../faults/test_faults", "tests/faults/faults.toml", True),  # by import_module
        ("../faults/test_faults", "tests/faults/plant.py", True),
        ("../chapters/test_committed", "tests/chapters/conftest.py", True),
        ("../chapters/test_replay", "tests/chapters/replay.py", True),
        ("../chapters/test_committed", "tests/faults/plant.py", False),
        ("../chapters/test_committed", "chapters/02_accordion.ipynb", False),
    ],
)
def test_a_file_of_tests_is_run_when_what_it_needs_has_changed(root, test, file, expected):
    assert (root / file).exists()
    path = (root / "tests" / "unit" / f"{test}.py").resolve()
    assert changed.touched(path, {root / file}) is expected


def test_of_a_module_that_is_gone_nobody_can_say_what_depends_on_it(root):
    gone = {root / "facelib" / "training" / "gone.py"}
    assert changed.touched(root / "tests" / "unit" / "test_cyclegan.py", gone)
    assert not changed.touched(root / "tests" / "unit" / "test_latent.py", {root / "gone.md"})


def test_a_file_that_broke_a_reader_is_read_again(root):
    found = root / "tests" / "fuzz" / "found" / "photo-0-photo.png.found"
    assert changed.touched(root / "tests" / "unit" / "test_fuzz.py", {found})
    assert not changed.touched(root / "tests" / "unit" / "test_photos.py", {found})


def test_a_chapter_is_run_when_it_or_what_its_cells_import_has_changed(root):
    chapter = root / "chapters" / "02_accordion.ipynb"
    assert changed.touched(chapter, {chapter})
    assert changed.touched(chapter, {root / "facelib" / "models" / "accordion.py"})
    assert not changed.touched(chapter, {root / "facelib" / "metrics" / "inception.py"})


def test_magics_are_no_python_and_imports_inside_blocks_count(tmp_path):
    cell = nbformat.v4.new_code_cell("if True:\n    %pip install x\n    from facelib.latent import slerp\n!ls")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    assert changed.imports(tmp_path / "a.ipynb") == {changed.ROOT / "facelib" / "latent" / "paths.py"}


def test_changes_are_what_git_says_and_new_files(tmp_path, monkeypatch):
    import subprocess

    def git(*arguments):
        name = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *name, *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("kept", "edited", "deleted"):
        (tmp_path / name).write_text(name)
    git("init")
    git("add", ".")
    git("commit", "-m", "a")
    (tmp_path / "edited").write_text("b")
    (tmp_path / "deleted").unlink()
    (tmp_path / "new one").write_text("c")
    monkeypatch.setattr(changed, "ROOT", tmp_path)
    assert changed.changes("HEAD") == {tmp_path / name for name in ("edited", "deleted", "new one")}
