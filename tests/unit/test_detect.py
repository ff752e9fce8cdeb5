"""The batched detector against the mtcnn package, one photo at a time."""

import gc

import lz4.frame
import numpy as np
import pytest
from skimage.data import astronaut

from facelib.data import find_faces
from facelib.data.detect import suppress
from facelib.data.mtcnn_weights import mtcnn_weights

# From Python 3.13 on the package's own loading of weights leaves errors behind; facelib has its own.
LEFT_OPEN = "ignore:Exception ignored in. <_io.BufferedReader>:pytest.PytestUnraisableExceptionWarning"
pytestmark = [pytest.mark.tensorflow, pytest.mark.filterwarnings(LEFT_OPEN)]


@pytest.fixture(scope="module")
def photos(scenes):
    return [*scenes, astronaut(), np.full((90, 120, 3), 128, np.uint8), astronaut()[:260, :300]]


@pytest.fixture(scope="module")
def alone(photos):
    from mtcnn import MTCNN

    mtcnn = MTCNN()

    def detect(photo):
        try:
            return mtcnn.detect_faces(photo)
        except ValueError:  # its way of saying that there is no face
            return []

    return [detect(photo) for photo in photos]


def same(found, expected):
    """As many faces, at the same place; all but a few to the pixel.

    Two windows that the first network is sure of to the last digit (0.9999997) may change places when a sum is rounded
    otherwise, and then the other one is followed: hence not all.
    """
    equal = []
    for faces, others in zip(found, expected, strict=True):
        assert len(faces) == len(others)
        for face, other in zip(faces, others, strict=True):
            assert overlap(face["box"], other["box"]) > 0.9
            moved = [np.abs(np.subtract(point, other["keypoints"][name])) for name, point in face["keypoints"].items()]
            close = face["confidence"] == pytest.approx(float(other["confidence"]), abs=1e-4)
            equal.append(close and face["box"] == list(other["box"]) and np.max(moved) <= 0.6)
    assert np.mean(equal) >= 0.85


def overlap(a, b):
    """Intersection over union of (x, y, width, height)."""
    (left, top, width, height), (x, y, w, h) = a, b
    shared = max(0, min(left + width, x + w) - max(left, x)) * max(0, min(top + height, y + h) - max(top, y))
    return shared / (width * height + w * h - shared)


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_padded_batches_find_what_one_by_one_finds(photos, alone, batch_size):
    assert sum(map(len, alone)) >= 8
    same(find_faces(photos, batch_size=batch_size), alone)


def test_batches_of_one_size_find_the_same_boxes(drawn):
    from mtcnn import MTCNN

    mtcnn = MTCNN()
    found = find_faces(drawn)
    assert [[face["box"] for face in faces] for faces in found] == [
        [list(face["box"]) for face in mtcnn.detect_faces(photo)] for photo in drawn
    ]


def test_the_packages_own_padding_would_be_noticed(photos, alone):
    """What `same` is for: mtcnn's padded batches move boxes and lose faces."""
    from mtcnn import MTCNN

    with pytest.raises(AssertionError):
        same(MTCNN().detect_faces(photos, batch_stack_justification="topleft"), alone)


def test_large_photos_are_found_in_their_own_pixels():
    from PIL import Image

    photo = astronaut()
    large = np.asarray(Image.fromarray(photo).resize((2048, 2048), Image.Resampling.BICUBIC))
    (small,), (big,) = find_faces([photo])[0:1], find_faces([large])[0:1]
    best, face = (max(faces, key=lambda face: face["confidence"]) for faces in (small, big))
    np.testing.assert_allclose(np.array(face["box"]) / 4, best["box"], atol=8)


def test_nothing_to_look_at():
    assert find_faces([]) == []
    tiny = [np.zeros((1, 1, 3), np.uint8), np.zeros((3, 500, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)]
    assert find_faces(tiny) == [[], [], []]


def test_only_pictures_are_taken(drawn):
    with pytest.raises(ValueError, match=r"images\[1\] must be a uint8 array .*float32"):
        find_faces([drawn[0], drawn[1].astype(np.float32)])
    with pytest.raises(ValueError, match=r"images\[0\] must be .* got str"):
        find_faces(["photo.jpg"])


def test_suppression_is_the_packages_in_less_memory():
    import tracemalloc

    from mtcnn.utils.bboxes import smart_nms_from_bboxes

    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 100, (700, 2))
    boxes = np.column_stack([rng.integers(0, 3, 700), corners, corners + rng.uniform(5, 60, (700, 2)), rng.random(700)])
    for threshold, method, sort in ((0.5, "union", True), (0.7, "min", True), (0.3, "union", False)):
        expected = smart_nms_from_bboxes(boxes, threshold=threshold, method=method, initial_sort=sort)
        np.testing.assert_array_equal(suppress(boxes, threshold, of_smaller=method == "min", sort=sort), expected)
        assert 10 < len(expected) < 690
    assert suppress(boxes[:0], 0.5).shape == (0, 6)

    many = np.repeat(boxes, 9, axis=0)
    many[:, 0] = 0
    tracemalloc.start()
    suppress(many, 0.5)
    assert tracemalloc.get_traced_memory()[1] < 100e6  # all pairs at once: 3 GB
    tracemalloc.stop()


def test_weights_are_read_without_leaving_an_error_behind(monkeypatch):
    """What finalisers raise, Python before 3.13 keeps to itself."""
    from mtcnn.utils.tensorflow import load_weights

    raised, flush = [], lz4.frame.LZ4FrameFile.flush

    def watched(self):
        try:
            flush(self)
        except ValueError as error:
            raised.append(error)
            raise

    monkeypatch.setattr(lz4.frame.LZ4FrameFile, "flush", watched)
    gc.freeze()  # what others left, of which TensorFlow's graphs alone may take a minute
    for network, arrays in {"pnet": 13, "rnet": 16, "onet": 21}.items():
        read = mtcnn_weights(network)
        gc.collect()
        assert not raised
        theirs = load_weights(f"{network}.lz4")
        gc.collect()
        assert raised, "the package mends it: facelib need not"
        raised.clear()
        assert len(read) == len(theirs) == arrays
        for array, other in zip(read, theirs, strict=True):
            np.testing.assert_array_equal(array, other)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, None])
def test_a_batch_holds_one_photo_at_least(batch_size, scenes):
    with pytest.raises(ValueError, match=f"batch_size must be a whole number of at least 1, got {batch_size}"):
        find_faces(scenes, batch_size=batch_size)
