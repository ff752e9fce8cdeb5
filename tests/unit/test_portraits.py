"""The portraits as a folder and as a git repository, built here of drawn faces."""

import subprocess

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facelib.data import FaceSet, fetch, load_faces, portraits, twelve_faces
from facelib.data.portraits import portraits_table

pytestmark = pytest.mark.tensorflow


def members():
    return pd.DataFrame(
        {
            "file": [f"{i:06d}.jpg" for i in range(6)],
            "source": ["bio_guide", "wiki"] * 3,
            "name": [f"MEMBER {i}" for i in range(6)],
            "congress": [20, 60, 96, 100, 110, 119],
            "born": [1800, 1850, 1920, 1930, 1960, 1980],
            "male": [0.9, 0.8, 0.1, 0.2, np.nan, 0.99],
            "smiling": [0.1, 0.9, 0.2, 0.7, np.nan, 0.6],
            "saturation": [0.0, 5.0, 40.0, 30.0, 25.0, 50.0],
        }
    )


@pytest.fixture
def tree(drawn, tmp_path, monkeypatch):
    """A data folder of the portraits' layout."""
    photos = tmp_path / "portraits" / "photos"
    photos.mkdir(parents=True)
    for file, image in zip(members()["file"], drawn, strict=True):
        Image.fromarray(image).save(photos / file, quality=95)
    members().to_csv(tmp_path / "portraits" / "members.csv", index=False)
    monkeypatch.setenv("FACELIB_DATA", str(tmp_path))
    return tmp_path


def test_portraits_are_cropped_once_and_labelled(tree, monkeypatch):
    faces = load_faces("portraits", size=40, progress=False)
    assert isinstance(faces, FaceSet) and len(faces) == 5  # one has no scores
    assert faces.names.tolist()[0] == "MEMBER 0 (1800)"
    assert faces.attributes["Male"].tolist() == [True, True, False, False, True]
    assert faces.attributes["Smiling"].tolist() == [False, True, False, True, True]
    assert faces.attributes["Colour"].tolist() == [False, False, True, True, True]
    assert faces.attributes["Modern"].tolist() == [False, False, True, True, True]
    assert not faces.attributes[["Profile", "Several_Faces"]].to_numpy().any()
    assert {"congress", "confidence", "turned", "faces", "left_eye_x"} <= set(faces.info)

    monkeypatch.setattr("facelib.data.store.crop_faces", lambda *a, **k: pytest.fail("cropped again"))
    again = load_faces("portraits", size=40, progress=False)
    np.testing.assert_array_equal(again.images, faces.images)
    pd.testing.assert_frame_equal(again.info, faces.info, check_dtype=False)


def test_changed_labels_need_no_new_crops_and_are_seen(tree, monkeypatch):
    load_faces("portraits", size=40, progress=False)
    monkeypatch.setattr("facelib.data.store.crop_faces", lambda *a, **k: pytest.fail("cropped again"))
    table = members()
    table["smiling"] = 1 - table["smiling"]
    table.to_csv(tree / "portraits" / "members.csv", index=False)
    faces = load_faces("portraits", size=40, progress=False)
    assert faces.attributes["Smiling"].tolist() == [True, False, True, False, False]


@pytest.mark.parametrize("change", [{"size": 24}, {"framing": "background"}, {"align": True}])
def test_every_option_has_crops_of_its_own(tree, change):
    plain = load_faces("portraits", size=40, progress=False)
    other = load_faces("portraits", **({"size": 40} | change), progress=False)
    assert other.size == change.get("size", 40) and len(other) == len(plain)
    assert other.size != plain.size or not np.array_equal(other.images, plain.images)


def test_a_photo_that_changed_is_cropped_anew(tree, drawn):
    before = load_faces("portraits", size=40, progress=False)
    Image.fromarray(drawn[0][:, ::-1]).save(tree / "portraits" / "photos" / "000001.jpg", quality=95)
    after = load_faces("portraits", size=40, progress=False)
    np.testing.assert_array_equal(after.images[0], before.images[0])
    assert np.abs(after.images[1].astype(int) - before.images[1]).mean() > 5


def test_some_of_the_portraits_are_some_of_all(tree):
    few = load_faces("portraits", n=2, size=40, seed=1, progress=False)
    whole = load_faces("portraits", size=40, progress=False)
    again = load_faces("portraits", n=2, size=40, seed=1, progress=False)
    assert 1 <= len(few) <= 2 and few.names.tolist() == again.names.tolist()
    places = [whole.names.tolist().index(name) for name in few.names]
    for faces in (few, again):
        np.testing.assert_array_equal(faces.images, whole.images[places])
        assert faces.info["file"].tolist() == whole.info["file"].iloc[places].tolist()


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
    assert twelve_faces("portraits", size=40).names.tolist() == ["MEMBER 3 (1930)"]


def test_the_twelve_must_be_there(tree):
    with pytest.raises(ValueError, match=r"lack \['009903.jpg'.*fetch the whole data set"):
        twelve_faces("portraits", size=40)


def test_missing_portraits_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(portraits, "SOURCE", source(tmp_path / "no-repository", "a" * 40))
    monkeypatch.setenv("FACELIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="no portraits: .*git fetch said: .*Set FACELIB_DATA"):
        load_faces("portraits", progress=False)
    with pytest.raises(FileNotFoundError, match="the folder must hold photos/"):
        load_faces("portraits", root=tmp_path)


def source(url, commit):
    return fetch.GitSource("portraits", f"file://{url}", commit, ("images/bio_guide", "images/wiki"), "6 photos")


def git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(drawn, tmp_path, monkeypatch):
    """A git repository of the source's layout: the wanted photos, and others that must not be fetched."""
    folder = tmp_path / "member_photos"
    for kind in ("bio_guide", "wiki", "raw"):
        (folder / "images" / kind).mkdir(parents=True)
    for member, image in zip(members().itertuples(), drawn, strict=True):
        Image.fromarray(image).save(folder / "images" / member.source / member.file, quality=95)
    (folder / "images" / "raw" / "large.bin").write_bytes(np.random.default_rng(0).bytes(100_000))
    (folder / "members.csv").write_text("name,icpsr,image\nMEMBER 0,0,images/bio_guide/000000.jpg\n")
    git(tmp_path, "init", "-q", str(folder))
    # What GitHub allows.
    git(folder, "config", "uploadpack.allowFilter", "true")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "photos")
    commit = git(folder, "rev-parse", "HEAD")
    (folder / "images" / "wiki" / "000001.jpg").unlink()
    git(folder, "commit", "-qam", "a later one that must not be taken")
    monkeypatch.setattr(portraits, "SOURCE", source(folder, commit))
    monkeypatch.setenv("FACELIB_DATA", str(tmp_path / "nowhere"))
    table = tmp_path / "portraits.csv"
    members().assign(hatching=[0.5, 0.1, 0.0, 0.0, 0.0, 0.0]).to_csv(table, index=False)
    monkeypatch.setattr(portraits, "TABLE", table)
    return folder


def test_git_brings_the_pinned_photos_and_nothing_else(repository, cache, tree, monkeypatch):
    monkeypatch.setenv("FACELIB_DATA", str(repository / "nowhere"))
    faces = load_faces("portraits", size=40, progress=False)
    (fetched,) = cache.glob("portraits-*")
    files = sorted(path.relative_to(fetched).as_posix() for path in fetched.rglob("*") if path.is_file())
    assert files == [
        f"images/{kind}/{i:06d}.jpg" for kind, rows in (("bio_guide", (0, 2, 4)), ("wiki", (1, 3, 5))) for i in rows
    ]
    assert faces.attributes["Engraving"].tolist() == [True, False, False, False, False]
    same = load_faces("portraits", size=40, root=tree / "portraits", progress=False)
    np.testing.assert_array_equal(faces.images, same.images)
    assert faces.names.tolist() == same.names.tolist()

    repository.rename(repository.with_name("gone"))
    assert len(load_faces("portraits", size=24, progress=False)) == 5


def test_a_repository_that_breaks_leaves_nothing(repository, cache, monkeypatch):
    for pack in [*repository.glob(".git/objects/??/*"), *repository.glob(".git/objects/pack/*.pack")]:
        pack.chmod(0o644)
        content = bytearray(pack.read_bytes())
        content[len(content) // 2 :] = b""
        pack.write_bytes(content)
    with pytest.raises(FileNotFoundError, match="fetched from file:.*git (fetch|checkout) said: (fatal|error)"):
        load_faces("portraits", progress=False)
    assert not list(cache.glob("*"))


def test_a_commit_that_is_not_there_or_lacks_a_folder(repository, cache, monkeypatch):
    monkeypatch.setattr(portraits, "SOURCE", source(repository, "b" * 40))
    with pytest.raises(FileNotFoundError, match="could not be fetched"):
        load_faces("portraits", progress=False)
    commit = git(repository, "rev-parse", "HEAD")
    wrong = fetch.GitSource("portraits", f"file://{repository}", commit, ("images/bio_guide", "images/wikipedia"), "")
    monkeypatch.setattr(portraits, "SOURCE", wrong)
    with pytest.raises(FileNotFoundError, match="has no images/wikipedia"):
        load_faces("portraits", progress=False)
    assert not list(cache.glob("*"))


def test_without_git(repository, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(FileNotFoundError, match="needs git, which is not installed"):
        load_faces("portraits", progress=False)


def test_the_label_table_is_in_the_package():
    table = portraits_table()
    assert len(table) == 9756 and table["file"].is_unique and table["congress"].between(1, 119).all()
    scored = table.dropna(subset=["male", "smiling"])
    men, smiling = scored["male"] > 0.5, scored["smiling"] > 0.5
    assert len(scored) == 9235
    assert [(men & ~smiling).sum(), (men & smiling).sum(), (~men & smiling).sum(), (~men & ~smiling).sum()] == [
        *(6947, 1882, 331, 75),
    ]
    found = table["confidence"].notna()
    assert (table["faces"] > 0).equals(found) and table["hatching"].notna().equals(found)


def test_half_of_the_photos_are_not_taken_for_all(tree):
    (tree / "portraits" / "photos" / "000003.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 6 photos are missing, e.g. .*000003.jpg.*delete the folder"):
        load_faces("portraits", size=40, progress=False)


def test_photos_without_a_face_are_an_error(tree):
    for photo in (tree / "portraits" / "photos").iterdir():
        Image.new("RGB", (80, 80)).save(photo)
    with pytest.raises(ValueError, match=r"no face in any of 6 photos at .*no face found \(6\)"):
        load_faces("portraits", size=40, progress=False)


def test_a_table_that_lacks_a_column_is_named(tree):
    own = tree / "portraits" / "members.csv"
    members().drop(columns=["congress", "born"]).to_csv(own, index=False)
    with pytest.raises(ValueError, match=r"members.csv lacks the columns \['born', 'congress'\]"):
        load_faces("portraits", size=40, progress=False)
    members().assign(hatching=0.9).to_csv(own, index=False)  # a copy of the package's table, edited
    assert len(load_faces("portraits", size=40, progress=False)) == 5


def test_unknown_subsets_are_named(tree):
    with pytest.raises(ValueError, match="subset must be one of .*got 'validation'"):
        portraits.load_portraits(subset="validation")


def test_the_callers_repository_is_left_alone(repository, cache, tmp_path, monkeypatch):
    """Git hooks set GIT_DIR, and git would believe it."""
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    before = (other / ".git" / "config").read_text()
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert len(load_faces("portraits", size=40, progress=False)) == 5
    assert (other / ".git" / "config").read_text() == before


def test_a_cache_that_cannot_be_written(repository, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FACELIB_CACHE", str(tmp_path / "file"))
    with pytest.raises(FileNotFoundError, match="could not be kept: .*Set FACELIB_CACHE"):
        load_faces("portraits", progress=False)


def test_a_table_of_ones_own_names_the_folders_below_images(tree):
    folder = tree / "portraits"
    (folder / "photos").rename(folder / "images")
    members().drop(columns="source").to_csv(folder / "members.csv", index=False)
    with pytest.raises(ValueError, match=r"members.csv lacks the columns \['source'\]"):
        load_faces("portraits", size=40, progress=False)
    for source in ("../photos", "a\\b", "..", ""):
        members().assign(source=source).to_csv(folder / "members.csv", index=False)
        with pytest.raises(ValueError, match="the column 'source' must name each photo's folder below images/"):
            load_faces("portraits", size=40, progress=False)
    (folder / "images").rename(folder / "2020")
    (folder / "images").mkdir()
    (folder / "2020").rename(folder / "images" / "2020")
    members().assign(source=2020).to_csv(folder / "members.csv", index=False)
    assert [photo.exists() for photo in map(portraits._photo, [folder], portraits._table(folder).itertuples())] == [
        True
    ]
