"""Squares around faces, on photos whose pixels tell where they came from."""

import math

import numpy as np
import pytest

from facelib.data import crop_faces
from facelib.data.framing import Square, cut, square_of


def face(x=40, y=50, width=60, height=80, angle=0.0):
    """A face whose eyes are turned by `angle` about the centre of its box."""
    middle = np.array([x + width / 2, y + height / 2])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    places = {
        "left_eye": (-14, -9),
        "right_eye": (14, -9),
        "nose": (0, 6),
        "mouth_left": (-10, 20),
        "mouth_right": (10, 20),
    }
    points = {name: (middle + turn @ place).tolist() for name, place in places.items()}
    return {"box": [x, y, width, height], "confidence": 1.0, "keypoints": points}


def test_face_only_is_centred_even_at_the_edge():
    assert square_of(face(), (200, 200), "face", None, False) == Square(70, 90, 96)
    assert square_of(face(x=-10), (200, 200), "face", 0.0, False) == Square(20, 90, 80)


def test_background_stays_within_the_photo():
    wide = square_of(face(x=5, y=10), (200, 200), "background", None, False)
    assert wide == Square(80, 80, 160)
    narrow = square_of(face(), (200, 130), "background", None, False)
    assert narrow == Square(65, 90, 130)
    tight = square_of(face(), (200, 70), "background", None, False)
    assert tight.side == 80  # never less than the face


def test_cut_keeps_proportions_and_repeats_edges():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, :10] = 255
    crop = cut(image, Square(10, 20, 20), 20)
    assert crop[:, :9].min() > 200 and crop[:, 11:].max() < 50
    wide = cut(image, Square(10, 20, 40), 20)
    assert wide.shape == (20, 20, 3) and (wide[:, 0] == 255).all()


@pytest.mark.parametrize("degrees", [-40, -12, 0, 25])
@pytest.mark.parametrize("framing", ["face", "background"])
def test_aligned_eyes_lie_level_and_upright(degrees, framing):
    turned = face(x=120, y=110, angle=math.radians(degrees))
    square = square_of(turned, (300, 300), framing, 0.2, True)
    assert square.angle == pytest.approx(math.radians(degrees))
    image = np.zeros((300, 300, 3), np.uint8)
    for name, channel in (("left_eye", 0), ("right_eye", 1), ("nose", 2)):
        x, y = (round(value) for value in turned["keypoints"][name])
        image[y - 2 : y + 3, x - 2 : x + 3, channel] = 255
    crop = cut(image, square, 100).astype(float)
    rows, columns = np.mgrid[:100, :100]
    (lx, ly), (rx, ry), (_, ny) = (
        ((columns * crop[..., c]).sum() / crop[..., c].sum(), (rows * crop[..., c]).sum() / crop[..., c].sum())
        for c in range(3)
    )
    assert abs(ly - ry) < 1.5 and lx < 50 < rx and ny > ly + 5
    # A level square of the same side shows the same face at the same scale.
    assert rx - lx == pytest.approx(28 * 100 / square.side, abs=1.5)


def test_a_turned_square_lies_within_the_photo_too():
    square = square_of(face(x=20, y=20, angle=0.4), (200, 200), "background", None, True)
    corners = [
        (
            square.x + sx * square.side / 2 * math.cos(square.angle) - sy * square.side / 2 * math.sin(square.angle),
            square.y + sx * square.side / 2 * math.sin(square.angle) + sy * square.side / 2 * math.cos(square.angle),
        )
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    assert np.min(corners) >= -1e-6 and np.max(corners) <= 200 + 1e-6


@pytest.mark.tensorflow
def test_alignment_undoes_a_turned_photo(drawn):
    from PIL import Image

    from facelib.data import find_faces

    level = np.pad(drawn[4], ((60, 60), (60, 60), (0, 0)), mode="edge")
    turned = np.asarray(Image.fromarray(level).rotate(-18, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)))
    faces, _ = crop_faces([level, turned], size=96, align=True, progress=False)
    plain, _ = crop_faces([level, turned], size=96, progress=False)
    assert len(faces) == 2

    def gap(set_):
        inner = set_.images[:, 20:76, 20:76].astype(float)
        return np.abs(inner[0] - inner[1]).mean()

    assert gap(faces) < 0.6 * gap(plain)
    tilt = [
        abs(np.subtract(found[0]["keypoints"]["left_eye"], found[0]["keypoints"]["right_eye"])[1])
        for found in find_faces([np.pad(image, ((30, 30), (30, 30), (0, 0)), mode="edge") for image in faces.images])
        if found
    ]
    assert tilt and max(tilt) < 5
