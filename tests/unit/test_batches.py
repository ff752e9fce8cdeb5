"""Faces on their way to a model: uint8 until the batch, in an order that can be taken up again."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from facelib.data import load_faces
from facelib.data.batches import FaceBatches, PairBatches
from facelib.data.labels import Labels


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=96, size=16)


def rows(batches, faces, steps):
    """Which faces the batches hold."""
    lookup = {face.tobytes(): row for row, face in enumerate(faces.images)}
    return [[lookup[image.tobytes()] for image in batches[step][0]] for step in steps]


def test_a_pass_holds_every_face_once_and_the_next_has_another_order(faces):
    batches = FaceBatches(faces, 32, seed=0)
    first, second = np.ravel(rows(batches, faces, range(3))), np.ravel(rows(batches, faces, range(3, 6)))
    assert sorted(first) == sorted(second) == list(range(96))
    assert (first != second).any() and (first != np.arange(96)).any()
    assert batches[0][0].dtype == np.uint8


def test_the_order_is_a_function_of_seed_epoch_and_step(faces):
    whole = rows(FaceBatches(faces, 32, seed=4), faces, range(9))
    assert rows(FaceBatches(faces, 32, seed=4, epoch=2), faces, range(3)) == whole[6:]
    assert rows(FaceBatches(faces, 32, seed=4), faces, [7, 2, 7]) == [whole[7], whole[2], whole[7]]
    assert rows(FaceBatches(faces, 32, seed=5), faces, [0]) != whole[:1]


def test_epochs_of_another_length_go_on_where_the_last_one_ended(faces):
    whole = rows(FaceBatches(faces, 32, seed=4), faces, range(6))
    short = FaceBatches(faces, 32, seed=4, epoch=2, steps_per_epoch=2)
    assert rows(short, faces, range(2)) == whole[4:]


def test_partial_batches_are_left_out(faces):
    batches = FaceBatches(faces[:70], 32)
    assert batches.steps_per_epoch == 2
    assert len(set(np.ravel(rows(batches, faces, [0, 1])))) == 64
    assert batches[5][0].shape == (32, 16, 16, 3)


def test_labels_stay_with_their_faces(faces):
    images, labels = FaceBatches(faces, 32, labels=np.arange(96))[4]
    np.testing.assert_array_equal(images, faces.images[labels])
    again = FaceBatches(faces, 32, labels=Labels(np.arange(96), tuple(map(str, range(96)))))[4]
    np.testing.assert_array_equal(again[1], labels)


@pytest.mark.parametrize("seed", [-1, None, 0.5])
def test_seeds_that_are_none_are_named(faces, seed):
    for make in (lambda: FaceBatches(faces, 32, seed=seed), lambda: PairBatches(faces, faces, 32, seed=seed)):
        with pytest.raises(ValueError, match=f"seed must be a whole number of at least 0, got {seed}"):
            make()


def test_scaled_batches(faces):
    (images,) = FaceBatches(faces, 32, scaled=True)[0]
    assert images.dtype == np.float32 and -1 <= images.min() < -0.5 < 0.5 < images.max() <= 1


def test_the_next_batch_is_loaded_while_the_model_computes(faces):
    batches, loaded = FaceBatches(faces, 32), {step: threading.Event() for step in range(4)}
    load = batches._load

    def watched(step):
        assert threading.current_thread() is not threading.main_thread()
        batch = load(step)
        loaded[step].set()
        return batch

    batches._load = watched
    batches[0]
    assert loaded[1].wait(timeout=10) and not loaded[2].is_set()
    batches[1]
    assert loaded[2].wait(timeout=10) and not loaded[3].is_set()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"batch_size": 0}, "batch_size must lie between 1 and the 96 faces, got 0"),
        ({"batch_size": 97}, "batch_size must lie between 1 and the 96 faces, got 97"),
        ({"batch_size": 32.0}, "batch_size must be a whole number of at least 1, got 32.0"),
        ({"labels": [1, 2]}, "labels must be one a face: got 2 labels for 96 faces"),
        ({"steps_per_epoch": -1}, "steps_per_epoch must be at least 1, got -1"),
        ({"image_size": 32}, "faces must be uint8 images of shape .n, 32, 32, 3.*load them with size=32"),
    ],
)
def test_what_does_not_fit_is_named(faces, arguments, message):
    with pytest.raises(ValueError, match=message):
        FaceBatches(faces, **{"batch_size": 32, **arguments})


def test_training_keeps_faces_in_uint8():
    """Peak memory grows by the faces' bytes, not by four times as much. (200,000 at 64 px: benchmarks/memory.py.)"""
    script = """
import resource
import numpy as np
from facelib.models import DCGAN
from facelib.training import recipe

def train(n):
    images = np.random.default_rng(0).integers(0, 256, (n, 64, 64, 3), np.uint8)
    gan.fit(images, epochs=1, steps_per_epoch=3, batch_size=64, verbose=0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, images.nbytes

gan = DCGAN(64, width=4)
gan.compile(**recipe("faithful"))
(before, few), (after, many) = train(64), train(30_000)
print((after - before) / (many - few))
"""
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert float(run.stdout) < 1.3
