"""What killed processes, full disks, races and crafted files leave behind: nothing half-written, one clear line."""

import errno
import http.server
import io
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from write_pth import write_pth

from facelib import archives, export, files, profiles, results, train, weights
from facelib.data import FaceSet, load_faces, store
from facelib.data.fetch import GitSource, fetch
from facelib.data.photos import PhotoError, read_photo
from facelib.metrics import inception
from facelib.metrics.pth import read_pth
from facelib.models import VAE
from facelib.training import Checkpoint

NOTHING = "http://127.0.0.1:9"  # nobody answers there


@pytest.fixture(scope="module")
def faces():
    return load_faces(n=400, size=32, seed=1)


@pytest.fixture(scope="module")
def model():
    vae = VAE(16, 4, width=8)
    vae.compile()
    return vae


@pytest.fixture
def photos(tmp_path, monkeypatch, faces):
    """Photos that are cropped without a detector."""
    paths = [tmp_path / "photos" / f"{i}.png" for i in range(len(faces))]
    paths[0].parent.mkdir()
    for path in paths[:3]:
        path.write_bytes(b"")

    def crop(photos, size, progress=True, **options):
        report = pd.DataFrame({"photo": store.photo_names(photos), "found": True, "reason": "", "faces": 1})
        return FaceSet(faces.images, faces.names, pd.DataFrame(index=range(len(faces)))), report

    monkeypatch.setattr(store, "crop_faces", crop)
    return paths


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def in_child(work, *before):
    """Run in a forked process, with a deadline; its status."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow has threads; the child uses none of them
        child = os.fork()
    if not child:
        try:
            signal.alarm(60)
            for first in before:
                first()
            work()
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
    return child


def killed(work, name, owner, half=True):
    """kill -9 of a process in the middle of a function's work, or at its next call."""
    original = getattr(owner, name)

    def dying(file, *args, **kwargs):
        if half and isinstance(file, (str, Path)):
            Path(file).write_bytes(b"half of it")
        os.kill(os.getpid(), signal.SIGKILL)

    status = os.waitpid(in_child(work, lambda: setattr(owner, name, dying)), 0)[1]
    assert getattr(owner, name) is original
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


# Kill -9.


def test_crops_killed_half_way_are_cut_again(photos, cache, monkeypatch):
    killed(lambda: store.cropped("test", photos, 32, progress=False), "savez_compressed", np)
    assert visible(cache / "crops") == [] and len(list((cache / "crops").iterdir())) == 1
    faces, report = store.cropped("test", photos, 32, progress=False)
    assert len(faces) == len(report) == 400 and len(visible(cache / "crops")) == 1
    # What was left goes when it is a day old.
    (left,) = (path for path in (cache / "crops").iterdir() if path.name.startswith("."))
    os.utime(left, (time.time() - 2 * files.DAY,) * 2)
    with pytest.raises(OSError), files.replacing(cache / "crops" / visible(cache / "crops")[0]) as partial:
        partial.mkdir()
    assert len(list((cache / "crops").iterdir())) == 1


def checkpoint_of(model, path, epochs):
    checkpoint = Checkpoint(path, {"a": 1})
    checkpoint.set_model(model)
    checkpoint.on_train_begin()
    for epoch in range(1, epochs + 1):
        checkpoint.history = {"loss": [1.0] * epoch}
        checkpoint._save(epoch)
    return checkpoint


def test_a_checkpoint_killed_half_way_is_the_one_before(model, tmp_path):
    path = tmp_path / "run.npz"
    checkpoint = checkpoint_of(model, path, 1)
    killed(lambda: checkpoint._save(2), "savez", np)
    assert visible(tmp_path) == ["run.npz"] and Checkpoint(path, {"a": 1}).restore(model) == 1
    checkpoint._save(2)
    assert Checkpoint(path, {"a": 1}).restore(model) == 2


@pytest.mark.parametrize("older", [True, False])
def test_weights_killed_half_way_are_the_ones_before(model, tmp_path, older):
    if older:
        weights.save(model, "small", {"epochs": 1}, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    killed(lambda: weights.save(model, "small", {"epochs": 2}, tmp_path), "savez_compressed", np)
    assert {name: (tmp_path / name).read_bytes() for name in visible(tmp_path)} == before
    assert list(weights.catalog(tmp_path)) == ["small"] * older  # what is left behind is no card
    assert weights.save(model, "small", {"epochs": 2}, tmp_path)["epochs"] == 2
    assert weights.load("small", tmp_path).latent_dim == 4


def test_weights_killed_between_arrays_and_card_say_so_and_can_be_saved_again(model, tmp_path, monkeypatch):
    other = VAE(16, 4, width=8, seed=5)
    weights.save(model, "small", {}, tmp_path)

    def moved_once(source, target):
        original(source, target)
        os.kill(os.getpid(), signal.SIGKILL)

    original = os.replace
    status = os.waitpid(
        in_child(lambda: weights.save(other, "small", {}, tmp_path), lambda: setattr(os, "replace", moved_once)), 0
    )[1]
    assert os.WIFSIGNALED(status)
    with pytest.raises(ValueError, match="small.npz is damaged: its SHA-256 is not the card's. Train or save again"):
        weights.load("small", tmp_path)
    weights.save(other, "small", {}, tmp_path)
    weights.load("small", tmp_path)
    assert visible(tmp_path) == ["small.json", "small.npz"]


def test_an_exception_half_way_leaves_nothing_at_all(model, faces, photos, cache, tmp_path, monkeypatch):
    def half(file, *args, **kwargs):
        Path(file).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", half)
    out = tmp_path / "out"
    for work in (
        lambda: store.cropped("test", photos, 32, progress=False),
        lambda: weights.save(model, "small", {}, out),
        lambda: faces.save(out / "faces"),
        lambda: faces.save(out / "faces.npz"),
    ):
        with pytest.raises(KeyboardInterrupt):
            work()
    assert list(out.iterdir()) == [] and list((cache / "crops").iterdir()) == []


# Two processes.


def test_what_another_process_takes_away_meanwhile_is_no_error(tmp_path, monkeypatch):
    """Between the list of what was left and the look at it."""
    (tmp_path / ".x.0000.partial.npz").symlink_to(tmp_path / "gone")
    with files.replacing(tmp_path / "x.npz") as partial:
        partial.write_bytes(b"whole")
    assert (tmp_path / "x.npz").read_bytes() == b"whole"


def test_many_processes_keep_one_copy_of_the_crops(photos, cache):
    go = time.time() + 1

    def work():
        time.sleep(max(0, go - time.time()))
        faces, report = store.cropped("test", photos, 32, progress=False)
        assert len(faces) == len(report) == 400 and faces.images.sum()

    children = [in_child(work) for _ in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert len(list((cache / "crops").iterdir())) == 1


def test_damaged_crops_are_cut_again_with_a_word(photos, cache):
    whole = store.cropped("test", photos, 32, progress=False)[0].images.copy()
    (folder,) = (cache / "crops").iterdir()
    for name, harm in {
        "images.npy": lambda content: content[: len(content) // 2],
        "tables.npz": lambda content: b"",
        "report.csv": lambda content: b"\n".join(content.splitlines()[:-1]),
    }.items():
        (folder / name).write_bytes(harm((folder / name).read_bytes()))
        with pytest.warns(UserWarning, match=f"crops in the cache are damaged and are cut again: .*{folder.name}"):
            again, report = store.cropped("test", photos, 32, progress=False)
        np.testing.assert_array_equal(again.images, whole)
        del again  # its images lie on the disk
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            store.cropped("test", photos, 32, progress=False)
    (folder / "report.csv").unlink()
    with pytest.warns(UserWarning, match="No such file"):
        store.cropped("test", photos, 32, progress=False)


# Full disks.


@contextmanager
def no_larger(size):
    """No file of this process can grow beyond so many bytes: a real error from the system."""
    before, bytecode = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    # Python would keep what fits of the bytecode of a module imported here, and nothing could import that again.
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = bytecode


@pytest.fixture(params=["limit", "disk"])
def full(request, tmp_path):
    """A folder, and a context in which nothing of more than some kilobytes can be written there."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "limit":
        yield folder, lambda: no_larger(4096)
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")

    @contextmanager
    def filled():
        with open(folder / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC
        with open(folder / "filler", "r+b") as filler:
            filler.truncate((folder / "filler").stat().st_size - 8192)
        try:
            yield
        finally:
            (folder / "filler").unlink()

    try:
        yield folder, filled
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_nothing_is_lost(full, faces, model):
    folder, filled = full
    small = faces[:5]
    small.save(folder / "faces.npz")
    small.save(folder / "faces.zip")
    weights.save(model, "small", {"epochs": 1}, folder)
    checkpoint_of(model, folder / "run.npz", 1)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name, write in {
        "faces.npz": lambda: faces.save(folder / "faces.npz"),
        "faces.zip": lambda: faces.save(folder / "faces.zip"),
        "faces": lambda: faces.save(folder / "faces"),
        "small.npz": lambda: weights.save(model, "small", {"epochs": 2}, folder),
        "run.npz": lambda: checkpoint_of(model, folder / "run.npz", 2),
    }.items():
        with filled(), pytest.raises(OSError) as stopped:
            write()
        said = files.with_notes(stopped.value)
        assert str(folder / name) in said and "\n" not in said, said
        assert "Make room there" in said or "is the disk full?" in said
        after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert after == before, name
    assert weights.load("small", folder).latent_dim == 4


def test_crops_that_find_no_room_are_given_all_the_same(full, photos, monkeypatch):
    folder, filled = full
    monkeypatch.setenv("FACELIB_CACHE", str(folder))
    with filled(), pytest.warns(UserWarning, match="the crops are not kept .*Make room, or set FACELIB_CACHE"):
        faces, _ = store.cropped("test", photos, 32, progress=False)
    assert len(faces) == 400 and list((folder / "crops").iterdir()) == []


@pytest.fixture
def tiny(monkeypatch):
    quick = {"image_size": 16, "latent_dim": 4, "width": 8, "faces": 64, "epochs": 2}
    monkeypatch.setitem(profiles.SETTINGS["vae"], "quick", profiles.SETTINGS["vae"]["quick"] | quick)


def one_line(text):
    lines = [line for line in text.splitlines() if line.startswith("python -m")]
    assert len(lines) == 1 and "Traceback" not in text, text
    return lines[0]


@pytest.mark.tensorflow
def test_training_on_a_full_disk_ends_in_a_line_and_goes_on_with_room(full, tiny, capsys):
    folder, filled = full
    command = ["vae", "--profile", "quick", "--out", str(folder)]
    assert train.main(command) == 0
    old = {name: (folder / name).read_bytes() for name in ("vae-synthetic-16.npz", "vae-synthetic-16.json")}
    capsys.readouterr()
    with warnings.catch_warnings(), filled():
        warnings.simplefilter("ignore")  # each checkpoint that is not written
        assert train.main(command) == 1
    said = one_line(capsys.readouterr().err)
    assert str(folder) in said and "Make room there" in said and "There is no checkpoint yet" in said
    assert {name: (folder / name).read_bytes() for name in old} == old
    assert train.main([*command, "--resume"]) == 0


@pytest.mark.tensorflow
def test_weights_that_find_no_room_leave_the_checkpoint(tiny, tmp_path, capsys, monkeypatch):
    def full(path, **arrays):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", full)
        assert train.main(["vae", "--profile", "quick", "--out", str(tmp_path)]) == 1
    said = one_line(capsys.readouterr().err)
    assert f"No space left on device: '{tmp_path}/vae-synthetic-16.npz'" in said
    assert "The state after epoch 2 is in" in said and visible(tmp_path)[0] == "vae-synthetic-16.checkpoint.npz"
    assert train.main(["vae", "--profile", "quick", "--out", str(tmp_path), "--resume"]) == 0
    assert "2 of 2 epochs done" in capsys.readouterr().out


@pytest.mark.tensorflow
def test_an_export_that_finds_no_room_says_so(tmp_path, capsys):
    with no_larger(10_000), pytest.raises(SystemExit) as stopped:
        export.main(["judge-synthetic-64", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "judge-synthetic-64-classifier.onnx'. Make room" in one_line(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


# Folders that cannot be written. (Permissions do not bind root; a file in a folder's place does.)


@pytest.mark.tensorflow
@pytest.mark.parametrize("command", [train, export], ids=["train", "export"])
def test_commands_that_cannot_write_say_so(command, tiny, capsys):
    arguments = ["vae", "--profile", "quick"] if command is train else ["judge-synthetic-64"]
    try:
        assert command.main([*arguments, "--out", "/dev/null/out"]) in (1, 2)
    except SystemExit as stopped:
        assert stopped.code in (1, 2)
    said = one_line(capsys.readouterr().err)
    assert "/dev/null/out" in said and "Name a folder that can be written" in said


def test_a_cache_that_cannot_be_written_is_named(photos, monkeypatch):
    monkeypatch.setenv("FACELIB_CACHE", "/dev/null/cache")
    with pytest.warns(UserWarning, match="the crops are not kept .*/dev/null.*set FACELIB_CACHE to a folder"):
        assert len(store.cropped("test", photos, 32, progress=False)[0]) == 400
    with pytest.raises(OSError, match="/dev/null") as stopped:
        inception.fetch_2015(f"{NOTHING}/x.pth", "0" * 64)
    assert "Name a folder that can be written" in files.with_notes(stopped.value)
    with pytest.raises(FileNotFoundError, match="could not be kept: .*/dev/null.*Set FACELIB_CACHE"):
        fetch(GitSource("photos", NOTHING, "0" * 40, ("a",), "1 MB"), progress=False)


# Networks that are not there, or lie.


@pytest.fixture
def proxy():
    """A server that answers everything with a web page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = b"<!DOCTYPE html><html><body>Please log in.</body></html>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        do_POST = do_GET

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_no_network_is_one_line(cache, monkeypatch):
    source = GitSource("photos", f"{NOTHING}/photos", "0" * 40, ("a",), "1 MB")
    with pytest.raises(FileNotFoundError, match="photos could not be fetched from .*git fetch said: .*connect") as told:
        fetch(source, progress=False)
    assert "\n" not in str(told.value)
    with pytest.raises(OSError, match="could not be downloaded: .*refused.* put the file at .*x.pth") as told:
        inception.fetch_2015(f"{NOTHING}/x.pth", "0" * 64)
    assert "\n" not in str(told.value) and list(cache.iterdir()) == []


def test_a_proxy_that_sends_a_web_page_is_told_from_data(proxy, cache):
    source = GitSource("photos", f"{proxy}/photos", "0" * 40, ("a",), "1 MB")
    with pytest.raises(FileNotFoundError, match="photos could not be fetched from .*git fetch said: fatal") as told:
        fetch(source, progress=False)
    assert "\n" not in str(told.value)
    with pytest.raises(OSError, match="x.pth has SHA-256 .*: it is a web page, from a proxy or a log-in") as told:
        inception.fetch_2015(f"{proxy}/x.pth", "0" * 64)
    assert "\n" not in str(told.value) and list(cache.iterdir()) == []


def test_two_processes_that_download_keep_one_whole_file(tmp_path, cache):
    import hashlib

    content = np.random.default_rng(0).bytes(300_000)

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            for at in range(0, len(content), 30_000):
                self.wfile.write(content[at : at + 30_000])
                time.sleep(0.02)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        url, sha256 = f"http://127.0.0.1:{running.server_port}/x.pth", hashlib.sha256(content).hexdigest()
        children = [in_child(lambda: inception.fetch_2015(url, sha256)) for _ in range(2)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        running.shutdown()
    assert [path.name for path in cache.iterdir()] == ["x.pth"] and (cache / "x.pth").read_bytes() == content


# Crafted files.


class Payload:
    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def announcing(shape, kind="<f4", content=b""):
    """The bytes of an .npy whose header announces what is not there."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
    return file.getvalue() + content


def npz(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)


def crafted(tmp_path):
    """Name → entries of an .npz that takes the place of images or weights."""
    pickled = io.BytesIO()
    np.save(pickled, np.array([Payload(tmp_path / "harmed")], dtype=object), allow_pickle=True)
    return {
        "pickled": pickled.getvalue(),
        "announced": announcing((10**6, 10**6)),
        "announced in texts": announcing((10**12,), "<U0"),
        "zeros": announcing((30, 1000, 1000), "|u1", bytes(30_000_000)),
    }


@pytest.mark.parametrize("name", ["pickled", "announced", "announced in texts", "zeros"])
def test_crafted_arrays_run_nothing_and_take_no_memory(name, tmp_path, model, faces, monkeypatch):
    monkeypatch.setattr(archives, "LARGE", 10_000_000)
    entry = crafted(tmp_path)[name]
    few = faces[:2]
    few.save(tmp_path / "set.npz")
    few.save(tmp_path / "set")
    weights.save(model, "small", {}, tmp_path)
    checkpoint_of(model, tmp_path / "run.npz", 1)

    def read_weights():
        card = json.loads((tmp_path / "small.json").read_text())
        card["sha256"] = weights._sha256(tmp_path / "small.npz")
        (tmp_path / "small.json").write_text(json.dumps(card))
        return weights.load("small", tmp_path)

    for path, key, read in (
        (tmp_path / "set.npz", "images", lambda: FaceSet.open(tmp_path / "set.npz")),
        (tmp_path / "set" / "tables.npz", "names", lambda: FaceSet.open(tmp_path / "set")),
        (tmp_path / "small.npz", "encoder/conv_1/kernel", read_weights),
        (tmp_path / "run.npz", "0000", lambda: Checkpoint(tmp_path / "run.npz", {"a": 1}).restore(model)),
    ):
        with zipfile.ZipFile(path) as archive:
            entries = {n.removesuffix(".npy"): archive.read(n) for n in archive.namelist()}
        assert key in entries
        npz(path, entries | {key: entry})
        tracemalloc.start()
        with pytest.raises(ValueError, match="or damaged: |does not fit") as refused:
            read()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (
            peak < 20e6 and "\n" not in str(refused.value) and str(path.name) in str(refused.value) + "set/tables.npz"
        )
    assert not (tmp_path / "harmed").exists()
    np.load(io.BytesIO(crafted(tmp_path)["pickled"]), allow_pickle=True)
    assert (tmp_path / "harmed").exists()  # the payload works


def test_an_archive_of_faces_is_no_bomb(tmp_path):
    """A picture far larger than its file, by the thousand; one of another shape; a program in a picture's place."""
    flat = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(flat, "JPEG", quality=1)
    tables = io.BytesIO()
    np.savez(tables, **{"names": np.array(["a"] * 40), "attributes:columns": np.array([], str)})
    eps = io.BytesIO()
    Image.new("RGB", (8, 8)).save(eps, "EPS")
    small, wide = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (8, 8)).save(small, "JPEG")
    Image.new("RGB", (8, 16)).save(wide, "JPEG")
    for contents, message in {
        (flat.getvalue(),) * 40: "it may be a bomb",
        (small.getvalue(), wide.getvalue()): "000001.jpg has shape",
        (eps.getvalue(),): "cannot identify image",
        (): "there is no picture in it",
    }.items():
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for i, content in enumerate(contents):
                archive.writestr(f"{i:06d}.jpg", content)
            archive.writestr("tables.npz", tables.getvalue())
        with pytest.raises(ValueError, match=f"set.zip is no .*{message}"):
            FaceSet.open(tmp_path / "set.zip")


def lying(path, entries):
    """A zip of entries that hold 20 MB of zeros more than they announce, with the checksum of the rest."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            packer = zlib.compressobj(1, wbits=-15)
            archive.writestr(name, packer.compress(content + bytes(20_000_000)) + packer.flush())
            entry = archive.infolist()[-1]
            entry.compress_type, entry.file_size, entry.CRC = zipfile.ZIP_DEFLATED, len(content), zlib.crc32(content)


def test_no_more_of_an_entry_is_unpacked_than_it_announces(tmp_path, monkeypatch, faces):
    picture, page = io.BytesIO(), np.zeros((8, 8, 3), np.uint8)
    Image.fromarray(page).save(picture, "JPEG")
    write_pth(tmp_path / "x.pth", {"a": np.ones(3, "<f4")}, False)
    faces[:1].save(tmp_path / "set.zip")
    faces[:1].save(tmp_path / "set.npz")
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    results.save_sheet("sheets", "a", page)
    for name, read in {
        "set.zip": FaceSet.open,
        "set.npz": FaceSet.open,
        "x.pth": read_pth,
        "sheets.zip": lambda path: (results.sheets("sheets"), results.save_sheet("sheets", "b", page)),
    }.items():
        with zipfile.ZipFile(tmp_path / name) as archive:
            entries = {entry: archive.read(entry) for entry in archive.namelist()}
        lying(tmp_path / name, entries)
        tracemalloc.start()
        read(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 15e6, name
        tracemalloc.stop()
    # A header that calls itself 4 GB long.
    lying(tmp_path / "set.npz", {"images.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(100)})
    tracemalloc.start()
    with pytest.raises(ValueError, match="set.npz is no set of faces, or damaged: EOF: reading array header"):
        FaceSet.open(tmp_path / "set.npz")
    assert tracemalloc.get_traced_memory()[1] < 15e6
    tracemalloc.stop()


def test_tables_packed_twice_are_judged_by_the_file(tmp_path, monkeypatch, faces):
    """The inner file is large enough for what it announces, because of zeros that the outer one packs to nothing."""
    monkeypatch.setattr(archives, "LARGE", 1_000_000)
    faces[:1].save(tmp_path / "set.zip")
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        picture = archive.read("000000.jpg")
        inner = io.BytesIO(archive.read("tables.npz"))
    with zipfile.ZipFile(inner, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.npy", announcing((10_000_000,), "|u1", bytes(10_000_000)))
        archive.writestr("more.npy", announcing((200_000,), "|u1", bytes(200_000)), zipfile.ZIP_STORED)
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("000000.jpg", picture)
        archive.writestr("tables.npz", inner.getvalue())
    assert len(archives.read_arrays(inner)["zeros"]) == 10_000_000 > archives.LARGE
    with pytest.raises(ValueError, match="set.zip is no .* announce 10,.* it may be a bomb"):
        FaceSet.open(tmp_path / "set.zip")


def test_pictures_of_an_archive_are_read_by_their_numbers(tmp_path, faces):
    """As text, 1000000.jpg comes before 999999.jpg."""
    faces[:3].save(tmp_path / "set.zip")
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    renamed = {"000001.jpg": "1.jpg", "000002.jpg": "000003.jpg"}
    for name, other in renamed.items():
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for key, content in entries.items():
                archive.writestr(other if key == name else key, content)
        with pytest.raises(ValueError, match="its 3 pictures are not numbered from 000000.jpg to 000002.jpg"):
            FaceSet.open(tmp_path / "set.zip")


CARD = {"model": "VAE", "config": {"image_size": 16, "latent_dim": 4, "width": 8}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "__import__"}, "model must be one of .* got '__import__'"),
        ({"model": "vae.os.system"}, "model must be one of"),
        ({"model": "keras"}, "model must be one of"),
        ({"model": ["VAE"]}, "must have model and sha256, texts"),
        ({"config": [["image_size", 16]]}, "and config, a mapping"),
        ({"config": CARD["config"] | {"latent_dim": 10**12}}, "config must hold numbers up to 16,384"),
        (
            {"config": CARD["config"] | {"width": 8_000, "image_size": 16_000}},
            "asks for .* weights, more than 100,000,000",
        ),
        ({"config": CARD["config"] | {"optimizer": "os.system"}}, "asks for no VAE that exists: .*unexpected keyword"),
        ({"config": CARD["config"] | {"image_size": {"a": 1}}}, "config must hold numbers"),
        ({"config": CARD["config"] | {"image_size": "16"}}, "asks for no VAE that exists"),
        ({"config": CARD["config"] | {"latent_dim": 5}}, "does not fit VAE: [0-9]+ arrays"),
        ({"model": "Accordion", "config": {"image_size": 16, "folds": 10_000}}, "numbers up to 32.*folds"),
        ({"model": "AttributeClassifier", "config": {"attributes": ["a"] * 1000}}, "up to 256 of these"),
        ({"networks": "encoder"}, "networks must be a list of names"),
        ({"networks": ["critic"]}, "networks must be among"),
        ({"sha256": None}, "must have model and sha256"),
        ({"sha256": "0" * 64}, "small.npz is damaged: its SHA-256 is not the card's"),
    ],
)
def test_cards_name_models_of_facelib_of_a_size_that_fits(change, message, model, tmp_path):
    card = weights.save(model, "small", {}, tmp_path)
    (tmp_path / "small.json").write_text(json.dumps(card | change))
    with pytest.raises(ValueError, match=message) as refused:
        weights.load("small", tmp_path)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 600


def test_the_models_that_a_card_may_name_are_all_there_are():
    import facelib.models

    assert sorted(weights.MODELS) == sorted(facelib.models.__all__)


def test_all_weights_that_ship_would_be_taken_from_elsewhere_too(tmp_path):
    for name in ("cyclegan-smiling-synthetic-64", "infogan-digits-16", "cdcgan-light-portraits-64"):
        for suffix in (".json", ".npz"):
            (tmp_path / f"{name}{suffix}").write_bytes((weights.FOLDER / f"{name}{suffix}").read_bytes())
        assert type(weights.load(name, tmp_path)).__name__ == weights.catalog()[name]["model"]
    for name in weights.catalog():
        weights._check_card(weights.catalog()[name])


def test_cards_that_are_no_cards_are_named(model, tmp_path):
    weights.save(model, "small", {}, tmp_path)
    for content, message in {
        "{": "small.json is no card, or damaged",
        "[" * 100_000: "small.json is no card",
        "[]": "it holds a list",
        " " * (weights.CARD_BYTES + 1): "more than 10,000,000 bytes",
    }.items():
        (tmp_path / "small.json").write_text(content)
        with pytest.raises(ValueError, match=message):
            weights.load("small", tmp_path)
    (tmp_path / "small.json").unlink()
    with pytest.raises(ValueError, match="no weights named 'small'"):
        weights.load("small", tmp_path)
    with pytest.raises(ValueError, match="no weights named '../weights/vae"):
        weights.load("../weights/vae-synthetic-80", weights.FOLDER)


def pickled_pth(path, program, storages=()):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        for name, content in dict(storages).items():
            archive.writestr(f"archive/data/{name}", content)


def nested(depth):
    """Tuples in tuples, each twice in the next: comparing or printing it takes 2 to the power of depth."""
    return b"\x80\x02K\x00" + b"".join(b"q%c0h%ch%c\x86" % (i, i, i) for i in range(depth))


def storage(kind, key):
    return (
        b"(X\x07\x00\x00\x00storage"
        + b"ctorch\n"
        + kind
        + b"\n"
        + b"X\x01\x00\x00\x00"
        + key
        + b"X\x03\x00\x00\x00cpuK\x04tQ"
    )


def tensor(name, storage, shape, strides):
    numbers = b"".join(
        b"(" + b"".join(b"\x8a\x06" + n.to_bytes(6, "little") for n in part) + b"t" for part in (shape, strides)
    )
    rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00" + numbers + b"tR"
    return b"X\x01\x00\x00\x00" + name + rebuilt


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"\x80\x02}r\xff\xff\xff\x7f.", "no tensor|"),  # the machine in C makes room for as many memories
        (nested(60) + b"q\xff0}h\xffK\x01s.", "other keys than texts"),
        (b"\x80\x02cbuiltins\neval\n(X\x01\x00\x00\x001tR.", "builtins.eval is none of the things"),
        (b"\x80\x05\x96\x00\x00\x00\x00\x10\x00\x00\x00.", "it needs 150"),  # bytearray8 of 64 GB
        (b"\x80\x02}" + tensor(b"a", storage(b"FloatStorage", b"0"), (10**6, 10**6), (0, 0)) + b"s.", "reaches beyond"),
        (
            b"\x80\x02}("
            + tensor(b"a", storage(b"FloatStorage", b"0"), (4,), (1,))
            + tensor(b"b", storage(b"LongStorage", b"0"), (4,), (1,))
            + b"u.",
            "a storage is of two kinds",
        ),
    ],
    ids=["memo", "nested keys", "eval", "bytearray", "strides of nothing", "two kinds"],
)
def test_pickles_of_weight_files_are_programs_that_do_nothing(program, message, tmp_path):
    pickled_pth(tmp_path / "x.pth", program, {"0": bytes(32)})
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(30)  # should it take for ever
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    try:
        assert read_pth(tmp_path / "x.pth") == {} and message == "no tensor|"
    except ValueError as refused:
        assert pytest.raises(ValueError, match=message) and "x.pth is no file of PyTorch weights" in str(refused)
        import re

        assert re.search(message, str(refused)), refused
    finally:
        signal.alarm(0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 5e6 and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_bombs_and_payloads_in_other_files(tmp_path):
    from facelib.latent.unfinished import Unfinished
    from facelib.metrics.statistics import Statistics

    entries = crafted(tmp_path)
    for name in ("pickled", "announced"):
        npz(tmp_path / "s.npz", {key: entries[name] for key in ("mu", "sigma", "n", "extractor", "resize")})
        npz(tmp_path / "f.npz", {"asked": entries[name], "z": entries[name]})
        for read in (lambda: Statistics.open(tmp_path / "s.npz"), lambda: Unfinished(tmp_path / "f.npz", [], {"z": 0})):
            with pytest.raises(ValueError, match="or damaged: "):
                read()
    with pytest.raises(ValueError, match="it may be a bomb"):
        archives.check_size(10**9, 1000)
    assert not (tmp_path / "harmed").exists()


PHOTO = """
import resource, sys
from facelib.data.photos import PhotoError, photo_size, read_photo
from PIL import Image
Image.init()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
for path in sys.argv[1:]:
    try:
        photo_size(path)
        print(read_photo(path)[0].shape)
    except PhotoError as error:
        print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def png(width, height, rows=b""):
    """A PNG that says it is so large."""
    import struct

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_crafted_photos_are_refused_with_a_reason_in_little_memory(tmp_path, faces):
    whole, odd = io.BytesIO(), Image.Exif()
    odd[0x0112], odd[0x010E], odd[0x8769] = 77, "x" * 60_000, {0x9286: b"\x00" * 1000}
    Image.fromarray(faces.images[0]).save(whole, "JPEG", exif=odd)
    text = io.BytesIO()
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("comment", "x" * 100_000_000, zip=True)
    Image.fromarray(faces.images[0]).save(text, "PNG", pnginfo=info)
    cases = {
        "bomb.png": (png(20_000, 20_000, bytes(10**8)), "refused: more than 89,478,485 pixels"),
        "absurd.png": (png(2**31 - 1, 2**31 - 1), "refused: more than"),
        "flat.png": (png(2**31 - 1, 1), "refused: more than"),
        "none.png": (png(0, 10), "unreadable: "),
        "lying.png": (png(9000, 9000, bytes(100)), "unreadable: "),
        "half.jpg": (whole.getvalue()[: len(whole.getvalue()) // 2 + 30_000], "unreadable: "),
        "odd.jpg": (whole.getvalue(), "(32, 32, 3)"),
        "page.jpg": (b"<html>log in</html>", "unreadable: the file is a web page"),
        "text.png": (text.getvalue(), "unreadable: "),
    }
    for name, (content, _) in cases.items():
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in cases]
    told = subprocess.run(
        [sys.executable, "-c", PHOTO, *paths], capture_output=True, text=True, check=True, timeout=300
    )
    *said, megabytes = told.stdout.splitlines()
    for line, (name, (_, wanted)) in zip(said, cases.items(), strict=True):
        assert line.startswith(wanted), (name, line)
    assert int(megabytes) < 600, megabytes


def test_a_photo_is_refused_by_its_header(tmp_path):
    (tmp_path / "a.png").write_bytes(png(20_000, 20_000))
    with pytest.raises(PhotoError, match="it may be a decompression bomb"):
        read_photo(tmp_path / "a.png")
