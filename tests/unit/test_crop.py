"""MTCNN needs TensorFlow; faces here are drawn, and one is the astronaut that scikit-image ships."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.data import astronaut

from facelib.data import FaceSet, crop_faces, load_faces, portraits
from facelib.data.crop import NO_FACE, cut_square

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def drawn():
    return list(load_faces(n=6, size=160, seed=1).images)


def test_batches_find_what_one_by_one_finds(drawn):
    from mtcnn import MTCNN

    photos = [*drawn, *drawn[:2]]
    faces, report = crop_faces(photos, size=48, progress=False, batch_size=4)
    detector = MTCNN()
    for image, row in zip(photos, report.itertuples(), strict=True):
        alone = max(detector.detect_faces(image), key=lambda face: face["box"][2] * face["box"][3])
        assert row.found and [row.x, row.y, row.width, row.height] == list(alone["box"])
    assert faces.images.shape == (8, 48, 48, 3)
    np.testing.assert_array_equal(faces.images[0], faces.images[6])


def test_whatever_comes_is_a_row_of_the_report(drawn, tmp_path):
    Image.fromarray(drawn[0]).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_text("<html>not a photo</html>")
    (tmp_path / "c.jpg").write_bytes(b"")
    Image.fromarray(np.full((90, 120, 3), 128, np.uint8)).save(tmp_path / "d.png")
    Image.fromarray(astronaut()[:256]).convert("L").save(tmp_path / "e.png")
    paths = sorted(tmp_path.iterdir())
    faces, report = crop_faces([*paths, tmp_path / "missing.jpg"], size=32, progress=False)
    assert report["photo"].tolist() == ["a.png", "b.jpg", "c.jpg", "d.png", "e.png", "missing.jpg"]
    assert report["found"].tolist() == [True, False, False, False, True, False]
    assert report["reason"][3] == NO_FACE
    assert all(report["reason"][i].startswith("unreadable: ") for i in (1, 2, 5))
    assert faces.names.tolist() == ["a.png", "e.png"] and faces.images.shape == (2, 32, 32, 3)


def test_no_face_at_all_is_no_crash():
    faces, report = crop_faces([np.zeros((80, 80, 3), np.uint8)] * 3, size=32, progress=False)
    assert len(faces) == 0 and report["reason"].tolist() == [NO_FACE] * 3


def test_cut_square_keeps_proportions_and_repeats_edges():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, :10] = 255
    crop = cut_square(image, (0, 10, 20, 20), size=20, margin=0.0)
    assert crop[:, :9].min() > 200 and crop[:, 11:].max() < 50
    wide = cut_square(image, (0, 10, 20, 20), size=20, margin=1.0)
    assert wide.shape == (20, 20, 3) and (wide[:, 0] == 255).all()


def test_bad_arguments_are_named(drawn):
    with pytest.raises(ValueError, match="photos is empty"):
        crop_faces([])
    with pytest.raises(ValueError, match="size must be at least 8"):
        crop_faces(drawn, size=0)
    with pytest.raises(ValueError, match="margin must not be negative"):
        crop_faces(drawn, margin=-1)
    with pytest.raises(ValueError, match="min_confidence must lie between 0 and 1, got 90"):
        crop_faces(drawn, min_confidence=90)
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        crop_faces(drawn, batch_size=0)
    for single in ("photo.jpg", drawn[0]):
        with pytest.raises(ValueError, match="photos must be a list"):
            crop_faces(single)


def test_decompression_bombs_are_refused(drawn, tmp_path, monkeypatch):
    Image.fromarray(drawn[0]).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    _, report = crop_faces([tmp_path / "bomb.png"], size=32, progress=False)
    assert not report["found"][0] and "decompression bomb" in report["reason"][0]


@pytest.fixture
def tree(drawn, tmp_path, monkeypatch):
    """A data folder of the portraits' layout."""
    photos = tmp_path / "portraits" / "photos"
    photos.mkdir(parents=True)
    for i, image in enumerate(drawn):
        Image.fromarray(image).save(photos / f"{i:06d}.jpg", quality=95)
    members = pd.DataFrame(
        {
            "file": [f"{i:06d}.jpg" for i in range(6)],
            "name": [f"MEMBER {i}" for i in range(6)],
            "congress": [20, 60, 96, 100, 110, 119],
            "born": [1800, 1850, 1920, 1930, 1960, 1980],
            "male": [0.9, 0.8, 0.1, 0.2, np.nan, 0.99],
            "smiling": [0.1, 0.9, 0.2, 0.7, np.nan, 0.6],
            "saturation": [0.0, 5.0, 40.0, 30.0, 25.0, 50.0],
        }
    )
    members.to_csv(tmp_path / "portraits" / "members.csv", index=False)
    monkeypatch.setenv("FACELIB_DATA", str(tmp_path))
    monkeypatch.setenv("FACELIB_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_portraits_are_cropped_once_and_labelled(tree, monkeypatch):
    faces = load_faces("portraits", size=40, progress=False)
    assert isinstance(faces, FaceSet) and len(faces) == 5  # one has no scores
    assert faces.names.tolist()[0] == "MEMBER 0 (1800)"
    assert faces.attributes["Male"].tolist() == [True, True, False, False, True]
    assert faces.attributes["Smiling"].tolist() == [False, True, False, True, True]
    assert faces.attributes["Colour"].tolist() == [False, False, True, True, True]
    assert faces.attributes["Modern"].tolist() == [False, False, True, True, True]

    monkeypatch.setattr(portraits, "crop_faces", lambda *a, **k: pytest.fail("cropped again"))
    again = load_faces("portraits", size=40, progress=False)
    np.testing.assert_array_equal(again.images, faces.images)


def test_changed_labels_do_not_come_from_the_cache(tree):
    load_faces("portraits", size=40, progress=False)
    table = tree / "portraits" / "members.csv"
    members = pd.read_csv(table)
    members["smiling"] = 1 - members["smiling"]
    members.to_csv(table, index=False)
    faces = load_faces("portraits", size=40, progress=False)
    assert faces.attributes["Smiling"].tolist() == [True, False, True, False, False]


def test_another_size_is_cropped_anew(tree):
    assert load_faces("portraits", size=40, progress=False).size == 40
    assert load_faces("portraits", size=24, progress=False).size == 24


def test_some_of_the_portraits_are_some_of_all(tree):
    few = load_faces("portraits", n=3, size=40, seed=1, progress=False)
    whole = load_faces("portraits", size=40, progress=False)
    again = load_faces("portraits", n=3, size=40, seed=1, progress=False)
    assert 1 <= len(few) <= 3 and few.names.tolist() == again.names.tolist()
    assert set(few.names) <= set(whole.names)


def test_train_and_test_share_no_person_whatever_is_asked(tree, monkeypatch):
    # With six people a fixed share would leave a part empty.
    monkeypatch.setattr(portraits, "TEST_ONE_IN", 2)
    monkeypatch.setattr(portraits, "TWELVE", ("000003.jpg",))
    train, test = (load_faces("portraits", size=40, subset=part, progress=False) for part in ("train", "test"))
    assert len(train) and len(test) and len(train) + len(test) == 4
    assert not set(train.names) & set(test.names)
    few = load_faces("portraits", n=2, size=40, seed=3, subset="test", progress=False)
    assert set(few.names) <= set(test.names)
    assert "MEMBER 3 (1930)" not in {*train.names, *test.names}


def test_missing_portraits_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("FACELIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="Set FACELIB_DATA"):
        load_faces("portraits")
    with pytest.raises(FileNotFoundError, match="members.csv"):
        load_faces("portraits", root=tmp_path)
