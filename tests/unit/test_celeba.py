"""Small trees of CelebA's two layouts with drawn faces; no photo of CelebA is here."""

import sys
import types
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facelib.data import FaceSet, celeba, load_faces
from facelib.data.celeba import load_celeba

NAMES = [f"{i:06d}.jpg" for i in range(1, 7)]
TABLE = pd.DataFrame({"Male": [1, -1, -1, 1, -1, 1], "Smiling": [1, 1, -1, -1, -1, 1]}, index=NAMES)
MALE = [True, False, False, True, False, True]
PARTS = [0, 0, 0, 0, 1, 2]
QUOTA = "<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head></html>"


@pytest.fixture(scope="module")
def drawn():
    return list(load_faces(n=6, size=160, seed=1).images)


def write_photos(folder, drawn):
    folder.mkdir(parents=True)
    for name, image in zip(NAMES, drawn, strict=True):
        Image.fromarray(image).save(folder / name, quality=95)
    (folder / "._000001.jpg").write_text("what macOS leaves behind")
    (folder / "Thumbs.db").write_text("what Windows leaves behind")


@pytest.fixture
def kaggle(drawn, tmp_path):
    root = tmp_path / "celeba"
    write_photos(root / "img_align_celeba" / "img_align_celeba", drawn)
    TABLE.to_csv(root / "list_attr_celeba.csv", index_label="image_id")
    pd.DataFrame({"image_id": NAMES, "partition": PARTS}).to_csv(root / "list_eval_partition.csv", index=False)
    return root


def write_release(root, drawn, photos, tables, parts):
    write_photos(root / photos, drawn)
    for folder in (tables, parts):
        (root / folder).mkdir(exist_ok=True)
    # As released: the count, the names and a space, then rows filled up with spaces.
    rows = [f"{name} {male:2d} {smiling:2d}" for name, male, smiling in TABLE.itertuples()]
    (root / tables / "list_attr_celeba.txt").write_text("\n".join(["6", "Male Smiling ", *rows, ""]))
    lines = [f"{name} {part}\n" for name, part in zip(NAMES, PARTS, strict=True)]
    (root / parts / "list_eval_partition.txt").write_text("".join(lines))
    return root


@pytest.fixture
def release(drawn, tmp_path):
    return write_release(tmp_path / "release", drawn, "Img/img_align_celeba", "Anno", "Eval")


def fake_cropped(name, photos, size, *, progress=True, **options):
    """Every photo has a face but the third of the data set."""
    found = np.array([photo.name != NAMES[2] for photo in photos])
    kept = [Image.open(photo).resize((size, size)) for photo, face in zip(photos, found, strict=True) if face]
    images = np.stack([np.asarray(image) for image in kept]) if kept else np.zeros((0, size, size, 3), np.uint8)
    report = pd.DataFrame({"photo": [p.name for p in photos], "found": found, "reason": "no face found"})
    return FaceSet(images, report["photo"].to_numpy(dtype=str)[found], pd.DataFrame(index=range(len(images)))), report


@pytest.fixture(autouse=True)
def quick(monkeypatch, request):
    if "real_mtcnn" not in request.fixturenames:
        monkeypatch.setattr(celeba, "cropped", fake_cropped)


@pytest.fixture
def real_mtcnn(monkeypatch, tmp_path):
    monkeypatch.setenv("FACELIB_CACHE", str(tmp_path / "cache"))


def test_kaggles_layout(kaggle, drawn):
    faces = load_celeba(size=160, root=kaggle, progress=False)
    assert faces.names.tolist() == [*NAMES[:2], *NAMES[3:]]
    assert list(faces.attributes) == ["Male", "Smiling"] and set(faces.attributes.dtypes) == {np.dtype(bool)}
    assert faces.attributes["Male"].tolist() == [True, False, True, False, True]
    assert faces.attributes["Smiling"].tolist() == [True, True, False, False, True]
    # JPEG changes a picture by less than two pictures differ.
    differences = [np.abs(faces.images[2].astype(int) - image).mean() for image in drawn]
    assert int(np.argmin(differences)) == 3


def test_the_released_layouts_give_the_same_faces(kaggle, release, drawn, tmp_path):
    flat = write_release(tmp_path / "flat", drawn, "img_align_celeba", "", "")
    wanted = load_celeba(size=40, root=kaggle, progress=False)
    for root in (release, flat):
        faces = load_celeba(size=40, root=root, progress=False)
        np.testing.assert_array_equal(faces.images, wanted.images)
        pd.testing.assert_frame_equal(faces.attributes, wanted.attributes)
        assert load_celeba(size=40, root=root, subset="test", progress=False).names.tolist() == [NAMES[5]]


def test_subsets_are_the_official_ones(kaggle):
    parts = {part: load_celeba(size=16, root=kaggle, subset=part, progress=False) for part in celeba.SUBSETS}
    assert parts["train"].names.tolist() == [NAMES[0], NAMES[1], NAMES[3]]
    assert parts["validation"].names.tolist() == [NAMES[4]] and parts["test"].names.tolist() == [NAMES[5]]
    assert len(parts["all"]) == 5
    with pytest.raises(ValueError, match="subset must be one of .*'validation'.* got 'valid'"):
        load_celeba(root=kaggle, subset="valid")


def test_n_draws_photos_by_seed_from_the_subset(kaggle, monkeypatch):
    asked = []
    monkeypatch.setattr(celeba, "cropped", lambda *a, **k: asked.append(len(a[1])) or fake_cropped(*a, **k))
    drawn = [load_celeba(2, 16, seed=seed, subset="train", root=kaggle, progress=False) for seed in range(6)]
    assert asked == [2] * 6  # drawn before they are cropped
    assert all(set(faces.names) <= set(NAMES[:4]) for faces in drawn)
    assert len({tuple(faces.names) for faces in drawn}) > 1
    again = load_celeba(2, 16, seed=5, subset="train", root=kaggle, progress=False)
    assert again.names.tolist() == drawn[5].names.tolist()
    for faces in drawn:
        assert faces.attributes["Male"].tolist() == [MALE[NAMES.index(name)] for name in faces.names]
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        load_celeba(0, root=kaggle)


def test_options_reach_the_cropping(kaggle, monkeypatch):
    seen = {}
    monkeypatch.setattr(celeba, "cropped", lambda *a, **k: seen.update(k, size=a[2]) or fake_cropped(*a, **k))
    load_celeba(size=24, root=kaggle, framing="background", align=True, progress=False)
    assert seen == {"size": 24, "framing": "background", "align": True, "progress": False}


def test_found_by_root_then_facelib_data_then_kagglehub(kaggle, tmp_path, monkeypatch):
    hub = types.SimpleNamespace(dataset_download=lambda handle: pytest.fail(f"downloaded {handle}"))
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    monkeypatch.setenv("FACELIB_DATA", str(tmp_path))
    assert len(load_celeba(size=16, progress=False)) == 5

    moved = kaggle.rename(tmp_path / "versions")
    asked = []
    hub.dataset_download = lambda handle: asked.append(handle) or str(moved)
    assert len(load_celeba(size=16, progress=False)) == 5
    assert asked == ["jessicali9530/celeba-dataset"]
    load_celeba(size=16, root=moved, progress=False)
    assert len(asked) == 1


def test_nowhere_to_be_found_says_three_ways(tmp_path, monkeypatch):
    monkeypatch.setenv("FACELIB_DATA", str(tmp_path))
    monkeypatch.setitem(sys.modules, "kagglehub", None)  # not installed
    ways = r"\(1\) .*Kaggle.* root=\. \(2\) .*FACELIB_DATA.* \(3\) `pip install kagglehub`"
    with pytest.raises(FileNotFoundError, match=f"no CelebA at .*celeba. {ways}"):
        load_celeba()
    with pytest.raises(FileNotFoundError, match=f"root must be the folder of CelebA, and .*lost is no folder. {ways}"):
        load_celeba(root=tmp_path / "lost")

    def fail(handle):
        raise RuntimeError("no network")

    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=fail))
    with pytest.raises(FileNotFoundError, match=f"kagglehub could not download CelebA: no network. {ways}"):
        load_celeba()


def test_half_unpacked_photos_are_an_error(kaggle):
    photos = kaggle / "img_align_celeba" / "img_align_celeba"
    for name in NAMES[3:5]:
        (photos / name).unlink()
    lacks = r"img_align_celeba lacks 2 of the 6 photos in .*list_attr_celeba.csv, e.g. \['000004.jpg', '000005.jpg'\]"
    with pytest.raises(FileNotFoundError, match=f"{lacks}. Download jessicali9530/celeba-dataset from Kaggle"):
        load_celeba(root=kaggle)
    with zipfile.ZipFile(kaggle / "img_align_celeba.zip", "w") as archive:
        archive.writestr("img_align_celeba/000001.jpg", b"")
    with pytest.raises(FileNotFoundError, match=f"{lacks}. Unpack all of .*img_align_celeba.zip"):
        load_celeba(root=kaggle)


def test_archives_in_place_of_photos(release):
    photos, archive = release / "Img" / "img_align_celeba", release / "Img" / "img_align_celeba.zip"
    photos.rename(release / "elsewhere")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("img_align_celeba/000001.jpg", b"")
    with pytest.raises(FileNotFoundError, match="no photos at .*release: .* Unpack all of .*img_align_celeba.zip"):
        load_celeba(root=release)
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(ValueError, match="img_align_celeba.zip is no whole zip file.*Download it again"):
        load_celeba(root=release)
    archive.write_text(QUOTA)
    with pytest.raises(ValueError, match="img_align_celeba.zip is a web page.*quota exceeded.*Kaggle"):
        load_celeba(root=release)


@pytest.mark.parametrize("name", ["list_attr_celeba.csv", "list_eval_partition.csv"])
def test_missing_tables_and_web_pages_in_their_place(kaggle, name):
    (kaggle / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"no table at .*celeba: looked for {name}"):
        load_celeba(root=kaggle, subset="train")
    (kaggle / name).with_suffix(".txt").write_text("\n" + QUOTA)
    with pytest.raises(ValueError, match=f"{name[:-4]}.txt is a web page.*quota exceeded.*Kaggle"):
        load_celeba(root=kaggle, subset="train")


def test_the_partition_is_needed_for_parts_only(kaggle):
    (kaggle / "list_eval_partition.csv").unlink()
    assert len(load_celeba(size=16, root=kaggle, progress=False)) == 5


def test_tables_cut_short_are_an_error(kaggle, release):
    table = release / "Anno" / "list_attr_celeba.txt"
    whole = table.read_text()
    table.write_text(whole[: whole.index("000005.jpg")])
    with pytest.raises(ValueError, match="list_attr_celeba.txt is cut short: it announces 6 rows and has 4"):
        load_celeba(root=release)
    table.write_text(whole.rstrip()[:-2])
    with pytest.raises(ValueError, match="list_attr_celeba.txt is damaged: Smiling must be 1 or -1, got nan"):
        load_celeba(root=release)
    for damaged in ("", "six\n", "6\n"):
        table.write_text(damaged)
        with pytest.raises(ValueError, match="list_attr_celeba.txt is damaged"):
            load_celeba(root=release)

    table = kaggle / "list_attr_celeba.csv"
    whole = table.read_text()
    table.write_text(whole[: whole.index("000005.jpg")])
    with pytest.raises(ValueError, match=r"list_attr_celeba.csv has no row for 2 photos, e.g. \['000005.jpg', "):
        load_celeba(root=kaggle)
    table.write_text(whole.replace("000004.jpg,1,-1", "000004.jpg,1,-"))
    with pytest.raises(ValueError, match="list_attr_celeba.csv is damaged: Smiling must be 1 or -1, got -[.] "):
        load_celeba(root=kaggle)
    table.write_text("")
    with pytest.raises(ValueError, match="list_attr_celeba.csv is damaged"):
        load_celeba(root=kaggle)


def test_a_partition_cut_short_is_an_error(release):
    path = release / "Eval" / "list_eval_partition.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:5]))
    with pytest.raises(ValueError, match=r"partition.txt has no part 0, 1 or 2 for 1 photos, e.g. \['000006.jpg'\]"):
        load_celeba(root=release, subset="train")


def test_no_face_at_all_says_why(kaggle, monkeypatch):
    monkeypatch.setattr(celeba, "cropped", lambda name, photos, *a, **k: fake_cropped(name, [photos[2]] * 4, *a, **k))
    with pytest.raises(ValueError, match=r"no face in any of 4 photos at .*celeba: no face found \(4\)"):
        load_celeba(size=16, root=kaggle, progress=False)


@pytest.mark.tensorflow
def test_mtcnn_finds_the_faces(kaggle, real_mtcnn):
    grey = kaggle / "img_align_celeba" / "img_align_celeba" / NAMES[1]
    Image.fromarray(np.full((218, 178, 3), 128, np.uint8)).save(grey)
    for framing in ("face", "background"):
        faces = load_celeba(size=40, root=kaggle, framing=framing, progress=False)
        assert faces.names.tolist() == [NAMES[0], *NAMES[2:]] and faces.images.shape == (5, 40, 40, 3)
        assert faces.attributes["Male"].tolist() == [True, False, True, False, True]
