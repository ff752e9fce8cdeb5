"""The faces are drawn; all tests but the last leave out MTCNN, for which every photo but a grey one has a face."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facelib.data import FaceSet, folder, load_faces
from facelib.data.folder import load_folder


@pytest.fixture(scope="module")
def drawn():
    return list(load_faces(n=6, size=160, seed=1).images)


def fake_cropped(name, photos, size, *, progress=True, **options):
    images = [np.asarray(Image.open(photo).convert("RGB").resize((size, size))) for photo in photos]
    found = np.array([image.std() > 1 for image in images])
    report = pd.DataFrame({"photo": [p.name for p in photos], "found": found})
    report["reason"] = np.where(found, "", "no face found")
    kept = [image for image, face in zip(images, found, strict=True) if face]
    images = np.stack(kept) if kept else np.zeros((0, size, size, 3), np.uint8)
    none = pd.DataFrame(index=range(len(images)))
    return FaceSet(images, report["photo"].to_numpy(dtype=str)[found], none), report


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(folder, "cropped", fake_cropped)


@pytest.fixture
def tree(drawn, tmp_path):
    """Photos in the folder, in two below it, deeper down, and much that is no photo."""
    root = tmp_path / "photos"
    places = ["b.JPG", "cats/x.png", "cats/deep/y.jpeg", "dogs/x.jpg", "dogs/z.webp", "a.tif"]
    for image, place in zip(drawn, places, strict=True):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(root / place)
    for place in [".hidden.jpg", "cats/._x.png", "__MACOSX/cats/x.jpg", ".cache/x.jpg", "notes.txt"]:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text("no photo")
    return root


ORDER = ["a.tif", "b.JPG", "cats/deep/y.jpeg", "cats/x.png", "dogs/x.jpg", "dogs/z.webp"]
SMILING = [1, 0, 1, 1, 0, 0]


def write_table(root, files=ORDER, **columns):
    pd.DataFrame({"file": files, **columns}).to_csv(root / "attributes.csv", index=False)


def test_photos_are_found_in_order_and_folders_are_attributes(quick, tree, drawn):
    faces = load_folder(tree, size=160, progress=False)
    assert faces.names.tolist() == ORDER
    np.testing.assert_array_equal(faces.images[0], drawn[5])  # TIFF and PNG lose nothing
    np.testing.assert_array_equal(faces.images[3], drawn[1])
    assert list(faces.attributes) == ["cats", "dogs"] and set(faces.attributes.dtypes) == {np.dtype(bool)}
    assert faces.attributes["cats"].tolist() == [False, False, True, True, False, False]
    assert faces.attributes["dogs"].tolist() == [False, False, False, False, True, True]


def test_photos_without_a_face_take_their_attributes_along(quick, tree):
    Image.fromarray(np.full((160, 160, 3), 128, np.uint8)).save(tree / "cats/deep/y.jpeg")
    write_table(tree, Smiling=SMILING)
    faces = load_folder(tree, size=32, progress=False)
    assert faces.names.tolist() == [file for file in ORDER if file != "cats/deep/y.jpeg"]
    assert faces.attributes["Smiling"].tolist() == [True, False, True, False, False]


def test_a_folder_without_folders_has_no_attributes(quick, tree):
    faces = load_folder(tree / "cats" / "deep", size=32, progress=False)
    assert faces.names.tolist() == ["y.jpeg"] and faces.attributes.shape == (1, 0)


@pytest.mark.parametrize(
    "values", [["1", "0", "1", "1", "0", "0"], [1, -1, 1, 1, -1, -1], ["TRUE", "false", "True", "true ", "FALSE", "0"]]
)
def test_a_table_gives_attributes_in_any_of_three_spellings(quick, tree, values):
    rows = [3, 0, 5, 1, 4, 2]  # the table has an order of its own
    write_table(tree, [ORDER[i] for i in rows], Smiling=[values[i] for i in rows])
    faces = load_folder(tree, size=32, progress=False)
    assert list(faces.attributes) == ["Smiling"] and faces.attributes["Smiling"].dtype == bool
    assert faces.attributes["Smiling"].tolist() == [bool(value) for value in SMILING]


def test_a_table_from_windows_or_a_mac_fits(quick, tree):
    (tree / "a.tif").rename(tree / "Zoe\u0308.tif")  # as macOS writes ë
    files = ["Zo\u00eb.tif", *(file.replace("/", "\\") for file in ORDER[1:])]
    text = "file,Smiling\n" + "".join(f"{file},{s}\n" for file, s in zip(files, SMILING, strict=True))
    (tree / "attributes.csv").write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    faces = load_folder(tree, size=32, progress=False)
    assert faces.names[0] == "Zoe\u0308.tif" and faces.attributes["Smiling"].tolist() == [bool(s) for s in SMILING]


def test_a_table_that_does_not_fit_the_photos_is_refused(quick, tree):
    write_table(tree, [*ORDER[:4], "lost.jpg", "gone.jpg"], Smiling=SMILING)
    with pytest.raises(ValueError, match=r"2 rows without a photo, e.g. \['gone.jpg', 'lost.jpg'\]"):
        load_folder(tree)
    write_table(tree, ORDER[:5], Smiling=SMILING[:5])
    with pytest.raises(ValueError, match=r"1 photos without a row, e.g. \['dogs/z.webp'\]"):
        load_folder(tree)
    write_table(tree, [*ORDER, ORDER[0]], Smiling=[*SMILING, 0])
    with pytest.raises(ValueError, match=r"1 rows twice there, e.g. \['a.tif'\]"):
        load_folder(tree)
    pd.DataFrame({"photo": ORDER}).to_csv(tree / "attributes.csv", index=False)
    with pytest.raises(ValueError, match=r"no column 'file' .* its columns are \['photo'\]"):
        load_folder(tree)
    (tree / "attributes.csv").write_bytes("file,é\n".encode("utf-16"))
    with pytest.raises(ValueError, match="attributes.csv is no table: .* as UTF-8"):
        load_folder(tree)


@pytest.mark.parametrize("value", ["yes", "", "0.5", "2"])
def test_other_values_are_refused_by_name(quick, tree, value):
    write_table(tree, Male=SMILING, Smiling=["1", "0", value, "1", value, "0"])
    with pytest.raises(ValueError, match=f"column 'Smiling': got '{value}', and 2 such values"):
        load_folder(tree)


def test_n_draws_photos_by_seed_with_their_rows(quick, tree):
    write_table(tree, Smiling=SMILING)
    truth = dict(zip(ORDER, map(bool, SMILING), strict=True))
    drawn = {seed: load_folder(tree, 3, 32, seed=seed, progress=False) for seed in range(4)}
    for faces in drawn.values():
        assert len(faces) == 3 and faces.names.tolist() == sorted(faces.names)
        assert faces.attributes["Smiling"].tolist() == [truth[name] for name in faces.names]
    assert len({tuple(faces.names) for faces in drawn.values()}) > 1
    assert load_folder(tree, 3, 32, seed=2, progress=False).names.tolist() == drawn[2].names.tolist()


def test_options_reach_the_cropping(tree, monkeypatch):
    seen = {}
    monkeypatch.setattr(folder, "cropped", lambda *a, **k: seen.update(k, size=a[2]) or fake_cropped(*a, **k))
    load_folder(tree, size=24, framing="background", align=True, progress=False)
    assert seen == {"size": 24, "framing": "background", "align": True, "progress": False}


def test_no_folder_and_no_photos_are_said(quick, tree, tmp_path):
    with pytest.raises(FileNotFoundError, match="root must be a folder of photos; .*nowhere does not exist"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="root must be a folder of photos; .*b.JPG is a file"):
        load_folder(tree / "b.JPG")
    with pytest.raises(FileNotFoundError, match=r"no photos under .*__MACOSX.*empty: no file ends in .*\.jpg"):
        (tree / "__MACOSX" / "empty").mkdir()
        load_folder(tree / "__MACOSX" / "empty")
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        load_folder(tree, n=0)


def test_heic_photos_are_not_passed_over_in_silence(quick, tree, tmp_path):
    (tree / "phone.HEIC").write_bytes(b"ftypheic")
    with pytest.warns(UserWarning, match="1 HEIC photos under .* cannot be read; convert them to JPEG"):
        assert len(load_folder(tree, size=32, progress=False)) == 6
    (tmp_path / "phone").mkdir()
    (tree / "phone.HEIC").rename(tmp_path / "phone" / "phone.HEIC")
    with pytest.raises(FileNotFoundError, match="no photos under .* 1 HEIC photos"):
        load_folder(tmp_path / "phone")


def test_no_face_at_all_says_why(quick, tree):
    for file in ORDER:
        Image.fromarray(np.full((40, 40, 3), 128, np.uint8)).save(tree / file)
    with pytest.raises(ValueError, match=r"no face in any of 6 photos at .*photos: no face found \(6\)"):
        load_folder(tree, size=32, progress=False)


@pytest.mark.tensorflow
def test_mtcnn_finds_the_faces(tree, monkeypatch, tmp_path):
    monkeypatch.setenv("FACELIB_CACHE", str(tmp_path / "cache"))
    (tree / "cats" / "broken.jpg").write_text("<html>not a photo</html>")
    Image.fromarray(np.full((90, 120, 3), 128, np.uint8)).save(tree / "dogs" / "grey.png")
    for framing in ("face", "background"):
        faces = load_folder(tree, size=40, framing=framing, align=True, progress=False)
        assert faces.names.tolist() == ORDER and faces.images.shape == (6, 40, 40, 3)
        assert faces.attributes["cats"].tolist() == [False, False, True, True, False, False]
    with pytest.raises(ValueError, match=r"no face in any of 1 photos at .*: unreadable: .* web page"):
        for file in ("x.png", "deep/y.jpeg"):
            (tree / "cats" / file).unlink()
        load_folder(tree / "cats", size=40, progress=False)
