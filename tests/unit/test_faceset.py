import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facelib import data
from facelib.data import FaceSet, load_faces, to_float, to_uint8


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=60, size=24)


def test_save_and_open_give_the_same_set(faces, tmp_path):
    info = pd.DataFrame({"file": [f"é {i}.jpg" for i in range(60)], "born": np.arange(60) + 0.5})
    before = FaceSet(faces.images, faces.names, faces.attributes, faces.factors, info)
    before.save(tmp_path / "faces.npz")
    after = FaceSet.open(tmp_path / "faces.npz")
    np.testing.assert_array_equal(after.images, before.images)
    assert after.names.tolist() == before.names.tolist()
    pd.testing.assert_frame_equal(after.attributes, before.attributes)
    pd.testing.assert_frame_equal(after.factors, before.factors)
    assert after.info["file"].tolist() == info["file"].tolist() and after.info["born"].tolist() == info["born"].tolist()


def test_a_set_without_attributes_survives_saving(faces, tmp_path):
    bare = FaceSet(faces.images, faces.names, pd.DataFrame(index=range(60)))
    bare.save(tmp_path / "bare.npz")
    assert len(FaceSet.open(tmp_path / "bare.npz")) == 60


def test_interrupted_saving_leaves_the_old_file(faces, tmp_path, monkeypatch):
    path = tmp_path / "faces.npz"
    faces.save(path)
    before = path.read_bytes()

    def broken(file, **arrays):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", broken)
    with pytest.raises(KeyboardInterrupt):
        faces[:3].save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["faces.npz"]


def test_split_is_disjoint_complete_and_seeded(faces):
    first, second = faces.split(0.75, seed=3)
    assert (len(first), len(second)) == (45, 15)
    assert set(first.names) | set(second.names) == set(faces.names)
    again, _ = faces.split(0.75, seed=3)
    assert again.names.tolist() == first.names.tolist()
    other, _ = faces.split(0.75, seed=4)
    assert other.names.tolist() != first.names.tolist()


def test_rows_of_all_tables_stay_together(faces):
    picked = faces[[5, 2]]
    np.testing.assert_array_equal(picked.images, faces.images[[5, 2]])
    assert picked.factors["yaw"].tolist() == faces.factors["yaw"].iloc[[5, 2]].tolist()
    assert picked.attributes.index.tolist() == [0, 1]
    assert len(faces[7]) == 1 and faces[7].names[0] == faces.names[7]


def test_where_and_without(faces):
    women = faces.where(Male=False, Smiling=True)
    assert len(women) == ((~faces.attributes["Male"]) & faces.attributes["Smiling"]).sum() > 0
    assert not set(faces.without(women.names).names) & set(women.names)
    with pytest.raises(ValueError, match="unknown attributes .'Smile'.*Smiling"):
        faces.where(Smile=True)


def test_bad_images_and_fractions_are_refused(faces):
    with pytest.raises(ValueError, match="images must be uint8.*float32"):
        FaceSet(faces.scaled(), faces.names, faces.attributes)
    with pytest.raises(ValueError, match="names has 59 rows for 60 images"):
        FaceSet(faces.images, faces.names[1:], faces.attributes)
    with pytest.raises(ValueError, match="fraction must lie between 0 and 1, got 1.5"):
        faces.split(1.5)
    with pytest.raises(ValueError, match="fraction must leave faces in both parts, got 0.9: 3 of 3 in the first"):
        faces[:3].split(0.9)
    for seed in (-1, 0.5, None):
        with pytest.raises(ValueError, match=f"seed must be a whole number of at least 0, got {seed}"):
            faces.split(0.5, seed=seed)
    with pytest.raises(ValueError, match=r"names must be a list of names, got 'a'; write \['a'\]"):
        faces.without("a")


def test_scaling_is_exact_both_ways():
    import ml_dtypes

    levels = np.arange(256, dtype=np.uint8)
    scaled = to_float(levels)
    assert scaled.dtype == np.float32 and scaled[0] == -1 and scaled[255] == 1
    np.testing.assert_array_equal(to_uint8(scaled), levels)
    for kind in (np.float16, np.float64, ml_dtypes.bfloat16):
        assert to_uint8(np.array([-1.0, 0.5, 1.0], kind)).tolist() == [0, 191, 255]


def test_what_is_scaled_already_is_not_scaled_again(faces):
    with pytest.raises(ValueError, match="images must be uint8 from 0 to 255, got float32"):
        to_float(faces.scaled())
    for kind in (np.uint8, np.int64):
        with pytest.raises(ValueError, match=f"images must be floats from -1 to 1, got {np.dtype(kind)}"):
            to_uint8(faces.images.astype(kind))


def test_attributes_are_bool_and_names_are_there(faces):
    celeba = faces.attributes.astype(int).replace(0, -1).assign(Male=faces.attributes["Male"])
    with pytest.raises(ValueError, match="attributes must be bool, and .*'Young'. are not; turn CelebA's 1 and -1"):
        FaceSet(faces.images, faces.names, celeba)
    with pytest.raises(ValueError, match="attributes must be bool, and .'Male'. are not"):
        FaceSet(faces.images, faces.names, faces.attributes.astype({"Male": "boolean"}))
    with pytest.raises(ValueError, match="attributes must be a DataFrame of bool.*got NoneType"):
        FaceSet(faces.images, faces.names, None)
    for names in (None, "a", np.arange(len(faces)), np.array([None] * len(faces))):
        with pytest.raises(ValueError, match="names must be a list of texts, one an image, got "):
            FaceSet(faces.images, names, faces.attributes)
    listed = FaceSet(faces.images, faces.names.tolist(), faces.attributes)
    assert listed[[1, 0]].names.tolist() == faces.names[[1, 0]].tolist()


@pytest.mark.parametrize("rows", [1.7, "Male", True, None, [0.0, 1.0], ["Male"], [[0, 1]]])
def test_rows_are_whole_numbers_or_a_mask(faces, rows):
    with pytest.raises(ValueError, match="rows must be a whole number, a slice, or a list .*, got "):
        faces[rows]


def test_rows_that_are_not_there_end_a_loop(faces):
    with pytest.raises(IndexError):
        faces[60]
    assert [len(face) for face in faces[:3]] == [1, 1, 1]
    assert len(faces[np.int64(3)]) == len(faces[np.array(3)]) == len(faces[-1]) == 1


def test_missing_texts_and_dates_come_back_empty(faces, tmp_path):
    info = pd.DataFrame({"party": ["a", None, np.nan], "died": pd.to_datetime(["1900-01-02", None, None])})
    info["state"] = pd.Categorical(["x", "y", None])
    info["born"] = [1800.0, np.nan, 1.5]
    few = FaceSet(faces.images[:3], faces.names[:3], faces.attributes[:3], info=info)
    few.save(tmp_path / "few.npz")
    after = FaceSet.open(tmp_path / "few.npz").info
    assert after["party"].tolist() == ["a", "", ""] and after["state"].tolist() == ["x", "y", ""]
    assert after["died"].tolist()[0].startswith("1900-01-02") and after["died"].tolist()[1:] == ["", ""]
    np.testing.assert_array_equal(after["born"], info["born"])


def test_unknown_data_sets_and_subsets_are_named():
    with pytest.raises(ValueError, match="dataset must be one of .*got 'celebs'"):
        load_faces("celebs")
    with pytest.raises(ValueError, match="subset must be one of .*got 'valid'"):
        load_faces("synthetic", n=2, subset="valid")


def test_a_folder_keeps_the_same_and_opens_from_the_disk(tmp_path):
    faces = load_faces(n=20, size=24, seed=3)
    faces.save(tmp_path / "faces")
    again = FaceSet.open(tmp_path / "faces")
    assert isinstance(again.images, np.memmap) and not again.images.flags.writeable
    np.testing.assert_array_equal(again.images, faces.images)
    pd.testing.assert_frame_equal(again.attributes, faces.attributes)
    pd.testing.assert_frame_equal(again.factors, faces.factors)
    assert again[3:5].names.tolist() == faces.names[3:5].tolist()
    with pytest.raises(FileExistsError, match="faces is a folder with something in it: delete it"):
        faces[:5].save(tmp_path / "faces")
    assert len(FaceSet.open(tmp_path / "faces")) == 20 and [path.name for path in tmp_path.iterdir()] == ["faces"]
    faces[:0].save(tmp_path / "none")
    assert len(FaceSet.open(tmp_path / "none")) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "folder"}, r"root is missing; name the folder"),
        ({"dataset": "folder", "root": ".", "subset": "test"}, r"subset must be one of \('all',\) for folder"),
        ({"dataset": "synthetic", "align": True}, "align and root are for photos"),
        ({"dataset": "synthetic", "framing": "far"}, r"framing must be one of \('face', 'background'\), got 'far'"),
        ({"dataset": "mnist", "framing": "background"}, "framing is for faces; mnist has none"),
        ({"dataset": "mnist", "root": "."}, "root for pictures; not for mnist"),
        ({"dataset": "portraits", "subset": "validation"}, "subset must be one of .* for portraits"),
    ],
)
def test_options_that_a_data_set_has_not_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        load_faces(**options)


@pytest.mark.parametrize("dataset", ["synthetic", "portraits", "celeba", "folder", "pictures", "mnist"])
@pytest.mark.parametrize(
    ("option", "values"),
    [("n", (0, 4.5, -3)), ("size", (0, 32.0, None)), ("seed", (None, -1, 1.5)), ("framing", ("far",))],
)
def test_arguments_are_checked_before_anything_is_loaded(dataset, option, values, monkeypatch):
    for name in ("synthetic", "portraits", "celeba", "folder", "pictures", "toy"):
        monkeypatch.delattr(data, f"load_{name}")
    for value in values:
        with pytest.raises(ValueError, match=f"{option} .*(, got {value!r}|has none)"):
            load_faces(dataset, **{option: value}, root="." if dataset in ("folder", "pictures") else None)


@pytest.mark.tensorflow
def test_any_folder_of_photos_works(drawn, tmp_path):
    (tmp_path / "friends").mkdir()
    for i, photo in enumerate(drawn[:3]):
        Image.fromarray(photo).save(tmp_path / "friends" / f"{i}.PNG")
    Image.fromarray(drawn[3]).save(tmp_path / "me.jpg", quality=95)
    faces = load_faces("folder", root=tmp_path, size=32, framing="background", progress=False)
    assert faces.images.shape == (4, 32, 32, 3) and faces.attributes["friends"].tolist() == [True] * 3 + [False]


def test_attributes_are_asked_for_by_true_and_false(faces):
    assert len(faces.where(Male=1)) == len(faces.where(Male=np.True_)) == faces.attributes["Male"].sum()
    with pytest.raises(ValueError, match="Male must be True or False, got -1"):
        faces.where(Male=-1)


def test_no_rows_are_an_empty_set(faces):
    assert len(faces[[]]) == 0 and faces[[]].attributes.shape == (0, faces.attributes.shape[1])
