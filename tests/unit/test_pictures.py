"""Whole pictures from a folder."""

import numpy as np
import pytest
from PIL import Image

from facelib.data import load_faces


@pytest.fixture
def tree(tmp_path):
    """Two pictures: blue with a red middle, wide and high, and what is none."""
    root = tmp_path / "pictures"
    (root / "deep").mkdir(parents=True)
    for name, shape in (("wide.png", (40, 90)), ("deep/high.png", (90, 40))):
        image = np.zeros((*shape, 3), np.uint8)
        image[..., 2] = 255
        middle = tuple(slice((side - 40) // 2, (side + 40) // 2) for side in shape)
        image[middle] = (255, 0, 0)
        Image.fromarray(image).save(root / name)
    (root / "notes.txt").write_text("no picture")
    return root


def load(root, **more):
    return load_faces("pictures", size=16, root=root, progress=False, **more)


def test_the_middle_square_of_each_picture_is_taken(tree):
    pictures = load(tree)
    assert pictures.names.tolist() == ["deep/high.png", "wide.png"] and pictures.attributes.shape == (2, 0)
    assert (pictures.images == (255, 0, 0)).all()


def test_a_number_of_them_is_drawn_by_the_seed(tree):
    assert {load(tree, n=1, seed=seed).names[0] for seed in range(8)} == {"deep/high.png", "wide.png"}
    assert load(tree, n=1, seed=3).names == load(tree, n=1, seed=3).names


def test_what_cannot_be_read_is_left_out_with_a_warning(tree):
    (tree / "broken.jpg").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="1 of 3 pictures are left out, such as broken.jpg: unreadable"):
        pictures = load(tree)
    assert len(pictures) == 2


def test_folders_without_pictures_say_so(tree, tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load(tmp_path / "elsewhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match="no photos under"):
        load(empty)
    (empty / "broken.jpg").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="root must hold pictures that can be read.*broken.jpg"):
        load(empty)


def test_options_that_it_has_not_are_refused(tree):
    for wrong, message in (
        ({"n": 0}, "n must be at least 1"),
        ({"framing": "background"}, "framing is for faces"),
        ({"align": True}, "align and root are for photos"),
        ({"subset": "train"}, "subset must be one of"),
    ):
        with pytest.raises(ValueError, match=message):
            load(tree, **wrong)
    with pytest.raises(ValueError, match="root is missing"):
        load_faces("pictures")
