"""MTCNN needs TensorFlow; faces here are drawn, and one is the astronaut that scikit-image ships."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.data import astronaut

from facelib.data import FaceSet, crop, crop_faces, find, find_faces, store
from facelib.data.crop import NO_FACE
from facelib.data.detect import Detector
from facelib.data.store import cropped

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def folder(drawn, tmp_path):
    for i, photo in enumerate(drawn):
        Image.fromarray(photo).save(tmp_path / f"{i}.png")
    return sorted(tmp_path.glob("*.png"))


def pair(drawn):
    """A large face on the left, a small one in the middle."""
    scene = np.full((200, 520, 3), 200, np.uint8)
    scene[20:180, 10:170] = drawn[0]
    scene[40:160, 200:320] = np.asarray(Image.fromarray(drawn[4]).resize((120, 120), Image.Resampling.LANCZOS))
    return scene


def test_crops_are_the_boxes_with_their_margin(drawn):
    faces, report = crop_faces(drawn, size=48, progress=False)
    assert isinstance(faces, FaceSet) and faces.images.shape == (6, 48, 48, 3)
    for photo, row, image in zip(drawn, report.itertuples(), faces.images, strict=True):
        (face,) = find_faces([photo])[0]
        assert [row.x, row.y, row.width, row.height] == face["box"] and row.faces == 1
        assert row.confidence == pytest.approx(face["confidence"], abs=1e-4)
        assert (row.left_eye_x, row.left_eye_y) == pytest.approx(face["keypoints"]["left_eye"], abs=0.05)
        assert (row.mouth_right_x, row.mouth_right_y) == pytest.approx(face["keypoints"]["mouth_right"], abs=0.05)
        side = 1.2 * max(row.width, row.height)
        left, top = round(row.x + row.width / 2 - side / 2), round(row.y + row.height / 2 - side / 2)
        rows, columns = (np.clip(np.arange(start, start + round(side)), 0, 159) for start in (top, left))
        expected = Image.fromarray(photo[np.ix_(rows, columns)]).resize((48, 48), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(image, expected)


def test_whatever_comes_is_a_row_of_the_report(drawn, tmp_path):
    Image.fromarray(drawn[0]).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_text("<html>not a photo</html>")
    (tmp_path / "c.jpg").write_bytes(b"")
    Image.fromarray(np.full((90, 120, 3), 128, np.uint8)).save(tmp_path / "d.png")
    Image.fromarray(astronaut()[:256]).convert("L").save(tmp_path / "e.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "f.png")
    Image.new("RGB", (10_000, 30), "white").save(tmp_path / "g.png")
    Image.new("1", (10_000, 10_000)).save(tmp_path / "h.png")
    Image.fromarray(drawn[1]).convert("CMYK").save(tmp_path / "i.jpg")
    paths = sorted(tmp_path.iterdir())
    others = [tmp_path / "missing.jpg", drawn[2] / 255, None, float("nan"), Image.new("RGB", (9, 9))]
    faces, report = crop_faces([*paths, *others], size=32, progress=False)
    assert report["photo"].tolist() == [
        *(path.name for path in paths),
        *("missing.jpg", "array-000010", "array-000011", "array-000012", "array-000013"),
    ]
    assert report["photo"][report["found"]].tolist() == ["a.png", "e.png", "i.jpg"] == faces.names.tolist()
    reasons = dict(zip(report["photo"], report["reason"], strict=True))
    assert reasons["d.png"] == NO_FACE and reasons["a.png"] == ""
    assert reasons["g.png"] == NO_FACE + " of 98 pixels or more"
    assert reasons["b.jpg"] == "unreadable: the file is a web page, not a photo; a download went wrong"
    assert reasons["f.png"] == "too small: 1×1 pixels, a face needs 20"
    assert reasons["h.png"].startswith("refused: more than 89,478,485 pixels")
    assert all(reasons[name].startswith("unreadable: ") for name in ("c.jpg", "missing.jpg", "array-000010"))
    assert reasons["array-000011"] == "unreadable: neither a path nor an array: NoneType"
    assert report["found"].dtype == bool and report["faces"].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert np.isfinite(report.loc[report["found"], "confidence":].to_numpy(float)).all()


def test_no_face_at_all_is_no_crash():
    faces, report = crop_faces([np.zeros((80, 80, 3), np.uint8)] * 3, size=32, progress=False)
    assert len(faces) == 0 and report["reason"].tolist() == [NO_FACE] * 3


def test_a_photo_of_ten_thousand_pixels_is_cut_at_full_resolution(drawn, tmp_path):
    wide = np.full((1500, 10_000, 3), 220, np.uint8)
    face = Image.fromarray(drawn[0]).resize((1400, 1400), Image.Resampling.BICUBIC)
    wide[50:1450, 4000:5400] = face
    # Lines of two pixels, which no reduced copy would keep.
    stripes = (np.arange(10_000) // 2 % 2 * 80 - 40)[None, :, None]
    striped = np.clip(wide.astype(int) + stripes, 0, 255).astype(np.uint8)
    Image.fromarray(striped).save(tmp_path / "wide.png", compress_level=1)
    faces, report = crop_faces([tmp_path / "wide.png"], size=1024, progress=False)
    (alone,) = find_faces([np.asarray(face.resize((160, 160)))])
    expected = np.array(alone[0]["box"]) * 8.75 + [4000, 50, 0, 0]
    assert np.abs(report.loc[0, ["x", "y", "width", "height"]].to_numpy(float) - expected).max() < 120
    assert np.abs(np.diff(faces.images[0].astype(float), axis=1)).mean() > 10


def test_the_largest_or_the_most_central_face(drawn):
    scene = pair(drawn)
    _, report = crop_faces([scene, scene], progress=False)
    assert report["faces"].tolist() == [2, 2] and (report["x"] < 170).all()
    _, report = crop_faces([scene], which="central", progress=False)
    assert 200 < report["x"][0] < 320


def test_unsure_faces_are_refused_with_their_confidence(drawn):
    confidence = [find_faces([photo])[0][0]["confidence"] for photo in drawn]
    between = float(np.sort(confidence)[2:4].mean())
    faces, report = crop_faces(drawn, min_confidence=between, progress=False)
    assert len(faces) == 3
    refused = report[~report["found"]]
    assert refused["reason"].str.match(r"not sure: confidence 0\.\d\d\d is below 0\.9").all()
    # A convolution over another number of photos rounds its sums otherwise.
    np.testing.assert_allclose(np.sort(refused["confidence"]), np.sort(confidence)[:3], atol=1e-4)


def test_bad_arguments_are_named(drawn):
    for wrong, message in (
        ({"size": 0}, "size must be at least 8"),
        ({"margin": -1}, "margin must lie between 0 and 5, got -1"),
        ({"margin": float("nan")}, "margin must lie between 0 and 5"),
        ({"margin": 20}, "margin must lie between 0 and 5, got 20"),
        ({"min_confidence": 90}, "min_confidence must lie between 0 and 1, got 90"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1, got 2.5"),
        ({"framing": "head"}, r"framing must be one of \('face', 'background'\), got 'head'"),
        ({"which": "first"}, "which must be one of"),
    ):
        with pytest.raises(ValueError, match=message):
            crop_faces(drawn, **wrong)
    with pytest.raises(ValueError, match="photos is empty"):
        crop_faces([])
    for single in ("photo.jpg", drawn[0]):
        with pytest.raises(ValueError, match="photos must be a list"):
            crop_faces(single)


def test_large_results_lie_on_the_disk(folder, monkeypatch, cache):
    in_memory, _ = crop_faces(folder, size=40, progress=False)
    monkeypatch.setattr(crop, "LARGE", 1000)
    on_disk, _ = crop_faces(folder, size=40, progress=False)
    assert isinstance(on_disk.images.base, np.memmap) or isinstance(on_disk.images, np.memmap)
    np.testing.assert_array_equal(on_disk.images, in_memory.images)
    assert on_disk.scaled().dtype == np.float32 and [path.suffix for path in cache.iterdir()] == [".sqlite"]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room cannot be asked for here")
def test_large_results_that_find_no_room_are_refused_before_any_photo_is_read(folder, monkeypatch, cache):
    asked = []

    def full(file, begin, length):
        asked.append(length)
        if len(asked) % 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(crop, "LARGE", 1000)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=f"No space left on device: '{tempfile.gettempdir()}'"):
        crop_faces(folder, size=40, progress=False)
    asked[:] = [1]  # full in the cache, not elsewhere
    assert crop_faces(folder, size=40, progress=False)[0].size == 40
    assert asked[1:] == 2 * [len(folder) * 40 * 40 * 3]


def database(cache):
    return next(cache.glob("faces-v*.sqlite"))


class Interrupted(Exception):
    pass


def counting(monkeypatch, stop_after=None):
    """The photos that reach the detector; raises after so many batches."""
    looked, detector = [], Detector()

    def detect(images):
        if stop_after is not None and len(looked) >= stop_after:
            raise Interrupted
        looked.append(len(images))
        return detector(images)

    monkeypatch.setattr(find, "the_detector", lambda: detect)
    return looked


def test_an_interrupted_run_goes_on_where_it_was(folder, cache, monkeypatch):
    whole, whole_report = crop_faces(folder, size=40, batch_size=2, progress=False)
    database(cache).unlink()
    looked = counting(monkeypatch, stop_after=2)
    with pytest.raises(Interrupted):
        crop_faces(folder, size=40, batch_size=2, progress=False)
    assert looked == [2, 2]
    looked = counting(monkeypatch)
    faces, report = crop_faces(folder, size=40, batch_size=2, progress=False)
    assert looked == [2]
    np.testing.assert_array_equal(faces.images, whole.images)
    pd.testing.assert_frame_equal(report, whole_report)


def test_another_size_framing_or_confidence_needs_no_detector(folder, monkeypatch):
    crop_faces(folder, size=40, progress=False)
    looked = counting(monkeypatch)
    for change in ({"size": 24}, {"framing": "background"}, {"align": True}, {"min_confidence": 0.95}, {"margin": 0.5}):
        assert len(crop_faces(folder, **({"size": 40} | change), progress=False)[0])
    assert looked == []


def test_crops_by_another_detector_are_others(folder, monkeypatch):
    """What a newer MTCNN would cut must not come from the files of an older one."""
    one = store._folder("photos", folder, 40, {})
    monkeypatch.setattr(store, "version", lambda package: "99.0")
    assert store._folder("photos", folder, 40, {}) != one


def test_a_photo_that_was_replaced_is_looked_at_again(folder, drawn, monkeypatch):
    before, _ = crop_faces(folder, size=40, progress=False)
    Image.fromarray(drawn[3][:, ::-1]).save(folder[0])
    looked = counting(monkeypatch)
    after, _ = crop_faces(folder, size=40, progress=False)
    assert looked == [1] and np.abs(after.images[0].astype(int) - before.images[0]).mean() > 5


def test_without_a_cache_the_detector_just_works_more(folder, cache, monkeypatch):
    expected, _ = crop_faces(folder[:2], size=40, progress=False)
    for broken in ("a file", "no database"):
        place = cache.parent / broken
        if broken == "a file":
            place.write_text("in the way")
        else:
            place.mkdir()
            (place / database(cache).name).write_text("not a database, but long enough to look like something")
        monkeypatch.setenv("FACELIB_CACHE", str(place))
        with pytest.warns(UserWarning, match="faces are not kept.*FACELIB_CACHE"):
            faces, _ = crop_faces(folder[:2], size=40, progress=False)
        np.testing.assert_array_equal(faces.images, expected.images)


SCRIPT = """
import sys
import tempfile
from pathlib import Path
from facelib.data.store import cropped
faces, report = cropped("test", sorted(Path(sys.argv[1]).glob("*.png")), 40, progress=False, batch_size=1)
print(len(faces), int(faces.images.astype(int).sum()))
"""


def start(folder):
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def photos_seen(cache):
    try:
        with closing(sqlite3.connect(database(cache))) as faces:
            return faces.execute("SELECT count(*) FROM faces").fetchone()[0]
    except (sqlite3.Error, StopIteration):
        return 0


def test_a_killed_run_leaves_nothing_half_written_and_is_gone_on_with(drawn, tmp_path, cache, monkeypatch):
    for i in range(60):
        # Each one another photo, so that there is work enough to kill.
        Image.fromarray(np.roll(drawn[i % 6], i // 6, axis=1)).save(tmp_path / f"{i:02d}.png")
    with start(tmp_path) as process:
        while photos_seen(cache) < 5:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    seen = photos_seen(cache)
    assert 5 <= seen < 60
    assert not (cache / "crops").exists() or not list((cache / "crops").glob("test-*"))

    looked = counting(monkeypatch)
    faces, report = cropped("test", sorted(tmp_path.glob("*.png")), 40, progress=False, batch_size=1)
    assert sum(looked) == 60 - seen and len(report) == 60
    alone, _ = crop_faces(sorted(tmp_path.glob("*.png")), 40, progress=False)
    np.testing.assert_array_equal(faces.images, alone.images)


def test_two_processes_share_one_cache(folder, cache):
    both = [start(folder[0].parent) for _ in range(2)]
    printed = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert printed[0][0] == printed[1][0] and printed[0][0].startswith("6 ")
    assert len(list((cache / "crops").iterdir())) == 1 and photos_seen(cache) == 6


def test_memory_that_runs_out_in_a_batch_is_tried_photo_by_photo(drawn, monkeypatch):
    expected = [[face["box"] for face in faces] for faces in find_faces(drawn)]
    detector = Detector()

    def short_of_memory(images):
        if len(images) > 1:
            raise MemoryError
        return detector(images)

    monkeypatch.setattr(find, "the_detector", lambda: short_of_memory)
    assert [[face["box"] for face in faces] for faces in find_faces(drawn)] == expected


def test_crops_that_cannot_be_kept_are_given_all_the_same(folder, cache, monkeypatch):
    expected, _ = crop_faces(folder, 40, progress=False)
    (cache / "crops").write_text("in the way")
    with pytest.warns(UserWarning, match="the crops are not kept .*FACELIB_CACHE"):
        faces, report = cropped("test", folder, 40, progress=False)
    np.testing.assert_array_equal(faces.images, expected.images)
    assert report["found"].all()


def test_names_that_are_no_text_and_names_that_are_twice_there(drawn, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    paths = [tmp_path / "a" / "1.png", tmp_path / "b" / "1.png", os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller.png")]
    for path, photo in zip(paths, drawn, strict=False):
        with open(path, "wb") as file:
            Image.fromarray(photo).save(file, "PNG")
    for _ in range(2):  # cropped, and from the cache
        faces, report = cropped("test", paths, 40, progress=False)
        assert report["photo"].tolist() == [str(paths[0]), str(paths[1]), os.path.basename(paths[2])]
        assert len(set(faces.names)) == 3


def test_the_number_in_a_batch_is_no_other_crop(folder, monkeypatch):
    cropped("test", folder, np.int64(40), progress=False, batch_size=2)
    monkeypatch.setattr("facelib.data.store.crop_faces", lambda *a, **k: pytest.fail("cropped again"))
    assert len(cropped("test", folder, 40, progress=False, batch_size=5)[0]) == 6
