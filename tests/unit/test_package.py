"""Importing, packaging, and the promises about both."""

import re
import subprocess
import sys
import tomllib

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def test_importing_facelib_loads_nothing_heavy():
    code = "import facelib, sys; print([m for m in ('numpy', 'keras', 'tensorflow', 'jax') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_loading_synthetic_faces_needs_no_keras():
    code = "from facelib.data import load_faces; import sys; load_faces(n=2, size=16); print('keras' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_lock_and_environment_list_the_same_packages(root):
    locked = {line for line in (root / "requirements.lock").read_text().splitlines() if line.strip()}
    listed = re.findall(r"^      - (.*)$", (root / "environment.yml").read_text(), flags=re.M)
    assert listed[-1] == "-e ."
    assert set(listed[:-1]) == locked and len(listed) - 1 == len(locked)
    assert all("==" in pin for pin in locked)


def test_lock_pins_every_dependency(root, project):
    names = {re.split(r"==", line)[0] for line in (root / "requirements.lock").read_text().splitlines()}
    wanted = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    assert {re.split(r"[><=]", requirement)[0] for requirement in wanted} <= names


def test_the_address_stands_once(root):
    """In _config.yml. Notebooks have to repeat it for Colab, which sees nothing else, and must agree."""
    files = subprocess.check_output(["git", "ls-files"], cwd=root, text=True).split()
    address = re.search(r"url: (https://\S+)", (root / "_config.yml").read_text()).group(1)
    texts = [f for f in files if f.endswith((".md", ".py", ".yml", ".toml", ".cff"))]
    assert [f for f in texts if address in (root / f).read_text()] == ["_config.yml"]
    for notebook in (root / "chapters").glob("*.ipynb"):
        installs = re.findall(r"pip install -q git\+(\S+?)@", notebook.read_text())
        assert installs == [address], notebook.name


def test_no_photos_in_the_repository(root):
    files = subprocess.check_output(["git", "ls-files"], cwd=root, text=True).split()
    assert not [f for f in files if f.lower().endswith((".jpg", ".jpeg", ".webp"))]


@pytest.mark.tensorflow
@pytest.mark.tensorflow
def test_the_examples_of_the_readme_run(root, drawn, tmp_path, monkeypatch):
    (tmp_path / "my_photos").mkdir()
    Image.fromarray(drawn[0]).save(tmp_path / "my_photos" / "me.jpg", quality=95)
    monkeypatch.chdir(tmp_path)
    names = {}
    for example in re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), flags=re.S):
        exec(example, names)
    assert names["smiling_man"].shape == (1, 80, 80, 3) and names["smiling_man"].dtype == "uint8"
    assert len(names["faces"]) == 1 and names["report"]["found"].all()
