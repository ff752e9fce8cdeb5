"""`facelib.doctor()`: it sees what is missing, and nothing that is broken breaks it."""

import json
import re
import shutil
import subprocess
import sys
from importlib import metadata

import pytest

import facelib
from facelib import checkup, weights


def states(report):
    return {line.what: line.state for line in report.lines}


def found(report, what):
    return next(line.found for line in report.lines if line.what == what)


@pytest.fixture
def no_backend(monkeypatch):
    """Without starting another Keras."""
    import keras  # noqa: F401


@pytest.mark.tensorflow
def test_where_all_is_there_nothing_is_missing(no_backend, cache):
    cache.mkdir()
    (cache / "crops").write_bytes(bytes(3_000_000))
    report = facelib.doctor()
    assert report.ok and "Nothing is missing." in str(report)
    assert found(report, "tensorflow") == metadata.version("tensorflow")
    assert found(report, "backend, device").startswith("tensorflow, ")
    assert found(report, "cache") == f"{cache}, 3 MB in 1 files"
    assert [line.found for line in report.lines if line.what in checkup.CHAPTERS] == ["can run"] * 11
    assert not (cache / "crops.tmp").exists() and [path.name for path in cache.iterdir()] == ["crops"]


def test_packages_that_lack_or_are_old_are_named_with_their_chapters(no_backend, monkeypatch):
    version = metadata.version

    def other(name):
        if name == "mtcnn":
            raise metadata.PackageNotFoundError(name)
        return "2.1.9" if name == "pandas" else version(name)

    monkeypatch.setattr(metadata, "version", other)
    report = facelib.doctor()
    assert not report.ok and found(report, "mtcnn") == "is not installed: pip install 'mtcnn>=1.0'"
    assert found(report, "pandas") == "2.1.9, and 2.2 or later is needed: pip install -U pandas"
    assert found(report, "03_dcgan") == found(report, "07_arithmetic") == "lacks mtcnn, pandas"
    assert found(report, "01_vae") == "lacks pandas"


def test_a_cache_that_cannot_be_written_and_a_disk_without_room(no_backend, monkeypatch, cache):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 10**6))
    report = facelib.doctor()
    assert states(report)["free space"] == checkup.NOTE and "make room" in found(report, "free space")
    assert not cache.exists()
    monkeypatch.setenv("FACELIB_CACHE", "/dev/null/cache")
    report = facelib.doctor()
    assert not report.ok
    assert re.search("/dev/null/cache cannot be written .*set FACELIB_CACHE", found(report, "cache"))


def test_weights_that_are_damaged_or_gone_stop_their_chapters(no_backend, monkeypatch, tmp_path):
    for path in weights.FOLDER.iterdir():
        if path.suffix in (".json", ".npz"):
            (tmp_path / path.name).symlink_to(path)
    harmed = {"judge-synthetic-64.npz": b"other", "vae-synthetic-80.json": b"{", "finder-synthetic-64.npz": None}
    for name, content in harmed.items():
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    monkeypatch.setattr(weights.check, "__defaults__", (tmp_path,))
    report = facelib.doctor()
    for name, why in {
        "judge-synthetic-64": "is damaged: its SHA-256",
        "vae-synthetic-80": "is no card, or damaged",
        "finder-synthetic-64": "is missing",
    }.items():
        assert why in found(report, name) and "git" in found(report, name)
    assert found(report, "06_fid") == "lacks judge-synthetic-64"
    assert found(report, "07_arithmetic") == "lacks vae-synthetic-80, finder-synthetic-64"
    assert states(report)["03_dcgan"] == checkup.GOOD


def test_nothing_that_breaks_breaks_the_report(no_backend, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("broken\nin two lines")

    for name in ("_python", "_packages", "_cache", "_data", "_weights", "_exporting", "_backend", "_chapters"):
        with monkeypatch.context() as patch:
            patch.setattr(checkup, name, broken)
            report = facelib.doctor()
        assert not report.ok and "could not be found out: RuntimeError: broken" in str(report)


def test_data_sets_are_looked_for_where_loaders_look(no_backend, monkeypatch, tmp_path):
    monkeypatch.setenv("FACELIB_DATA", str(tmp_path))
    assert states(facelib.doctor())["portraits"] == checkup.NOTE
    (tmp_path / "portraits").mkdir()
    (tmp_path / "celeba" / "img_align_celeba").mkdir(parents=True)
    report = facelib.doctor()
    assert states(report)["portraits"] == states(report)["celeba"] == checkup.NOTE
    assert "holds neither photos/ nor images/" in found(report, "portraits")
    assert "lacks photos or their table" in found(report, "celeba")
    (tmp_path / "portraits" / "images").mkdir()
    (tmp_path / "celeba" / "list_attr_celeba.csv").write_text("")
    report = facelib.doctor()
    assert found(report, "portraits") == f"in {tmp_path / 'portraits'}"
    assert found(report, "celeba") == f"in {tmp_path / 'celeba'}"


def test_the_command_says_what_is_broken_and_its_status_is_not_zero(tmp_path):
    """Keras cannot be imported, and the cache cannot be written; in a process that has not imported it."""
    (tmp_path / "keras.py").write_text("raise SystemError('no Keras today')")
    code = f"import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); runpy.run_module('facelib', run_name='__main__')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 1 and told.stderr == ""
    assert re.search("MISSING  backend, device +Keras does not start: SystemError: no Keras today", told.stdout)
    assert re.search("MISSING  01_vae +lacks backend, device", told.stdout)


def test_on_jax_chapters_that_find_faces_lack_tensorflow(no_backend, monkeypatch):
    monkeypatch.setattr(checkup, "_backend", lambda *_: iter([checkup.Line("ok", "backend, device", "jax, CPU")]))
    report = facelib.doctor()
    assert found(report, "00_faces") == "lacks KERAS_BACKEND=tensorflow, on which MTCNN runs"
    assert found(report, "01_vae") == found(report, "07_arithmetic") == "can run"


def test_chapters_take_no_other_weights(root):
    """Every name of weights that stands in a chapter, for the synthetic faces, is looked at for that chapter."""
    names = set(weights.catalog())
    assert set(checkup.CHAPTERS) == {path.stem for path in (root / "chapters").glob("[0-9]*.ipynb")}
    for chapter, needed in checkup.CHAPTERS.items():
        assert set(needed) <= names and len(set(needed)) == len(needed)
        cells = json.loads((root / "chapters" / f"{chapter}.ipynb").read_text())["cells"]
        source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        texts = set()
        for text in re.findall(r'"([^"\n]*)"', source):
            text = re.sub(r"\{(dataset|trained_on|)\}", "synthetic", text)
            texts |= {re.sub(r"\{role\}", role, text) for role in ("finder", "scorer")}
        if 'replace("digits-16", "synthetic-32")' in source:
            texts |= {text.replace("digits-16", "synthetic-32") for text in texts}
        assert texts & names <= set(needed), chapter
        finds = re.search(r"(face_rate|face_confidence|find_faces|crop_faces)\(", source)
        assert bool(finds) == (chapter in checkup.FINDS_FACES), chapter
        compares = not finds and re.search(r"scorecard\(|onet", source)
        assert bool(compares) == (chapter in checkup.COMPARES_FACES), chapter
