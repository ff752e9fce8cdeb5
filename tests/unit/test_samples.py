"""Sheets of the same z, and the epoch that scored best."""

import keras
import numpy as np
import pytest
from PIL import Image

from facelib.data import load_faces
from facelib.models import DCGAN
from facelib.training import BestEpoch, Checkpoint, SampleGrid, recipe
from facelib.training.samples import sheet


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=32, size=16)


def small():
    gan = DCGAN(16, 4, width=4)
    # A few steps only, and an optimizer of few operations.
    gan.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5), run_eagerly=True)
    return gan


def test_frames_are_of_the_same_z(faces, tmp_path):
    gan, grid = small(), SampleGrid(2, 3, every=2, also=(1,), seed=7, folder=tmp_path)
    before = sheet(gan.sample(6, seed=7), 3)
    gan.fit(faces, epochs=5, batch_size=32, verbose=0, callbacks=[grid])
    assert grid.epochs == [0, 1, 2, 4, 5]
    np.testing.assert_array_equal(grid.frames[0], before)
    np.testing.assert_array_equal(grid.frames[-1], sheet(gan.sample(6, seed=7), 3))
    assert (grid.frames[0] != grid.frames[-1]).any()
    np.testing.assert_array_equal(grid.sheet_of(gan), grid.frames[-1])
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"epoch-{e:04d}.png" for e in grid.epochs]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "epoch-0004.png")), grid.frames[3])


def test_a_resumed_run_has_the_earlier_frames(faces, tmp_path):
    small().fit(faces, epochs=3, batch_size=32, verbose=0, callbacks=[SampleGrid(2, 3, folder=tmp_path)])
    grid = SampleGrid(2, 3, folder=tmp_path)
    small().fit(faces, epochs=4, initial_epoch=2, batch_size=32, verbose=0, callbacks=[grid])
    assert grid.epochs == [0, 1, 2, 3, 4]


def test_a_run_resumed_in_the_same_session_has_each_frame_once(faces):
    gan, grid = small(), SampleGrid(2, 3)
    gan.fit(faces, epochs=3, batch_size=32, verbose=0, callbacks=[grid])
    gan.fit(faces, epochs=4, initial_epoch=1, batch_size=32, verbose=0, callbacks=[grid])
    assert grid.epochs == [0, 1, 2, 3, 4] and len(grid.frames) == 5
    np.testing.assert_array_equal(grid.frames[-1], grid.sheet_of(gan))


def test_another_runs_frames_do_not_come_in(faces, tmp_path):
    small().fit(faces, epochs=3, batch_size=32, verbose=0, callbacks=[SampleGrid(2, 3, folder=tmp_path)])
    others = ["epoch-0003 best.png", "epoch-best.png"]
    for name in others:
        (tmp_path / name).write_bytes(b"not a sheet")
    small().fit(faces, epochs=2, batch_size=32, verbose=0, callbacks=[SampleGrid(2, 3, every=2, folder=tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-0000.png", "epoch-0002.png", *others]


def test_a_sheet_reads_like_a_page():
    images = np.random.default_rng(0).integers(0, 255, (6, 4, 4, 3), np.uint8)
    page = sheet(images, 3)
    np.testing.assert_array_equal(page[:4, 4:8], images[1])
    np.testing.assert_array_equal(page[4:, 8:], images[5])


def test_the_best_epoch_comes_back(faces):
    gan, seen = small(), []

    def score(model):
        seen.append(model.sample(2))
        return [3.0, 1.0, 2.0][len(seen) - 1]

    best = BestEpoch(score)
    gan.fit(faces, epochs=3, batch_size=32, verbose=0, callbacks=[best])
    assert best.scores == {1: 3.0, 2: 1.0, 3: 2.0} and best.epoch == 2
    assert not np.array_equal(gan.sample(2), seen[1])
    assert best.restore(gan) == 2
    np.testing.assert_array_equal(gan.sample(2), seen[1])
    assert BestEpoch(score, "max").sign == -1


def test_higher_can_be_better(faces):
    scores = iter([1.0, 5.0, 2.0])
    best = BestEpoch(lambda model: next(scores), "max")
    small().fit(faces, epochs=3, batch_size=32, verbose=0, callbacks=[best])
    assert best.epoch == 2


def test_sheets_off_the_schedule_are_left_out_when_a_run_is_taken_up(tmp_path):
    for epoch in (0, 2, 3, 4, 6):
        Image.fromarray(np.full((4, 4, 3), epoch, np.uint8)).save(tmp_path / f"epoch-{epoch:04d}.png")
    grid = SampleGrid(1, 1, every=2, folder=tmp_path)
    grid.take_up(4)
    assert grid.epochs == [0, 2, 4] and [frame[0, 0, 0] for frame in grid.frames] == [0, 2, 4]
    grid.take_up(3)
    assert grid.epochs == [0, 2, 3]
    grid = SampleGrid(1, 1, every=4, also=(2,), folder=tmp_path)
    grid.take_up(6)
    assert grid.epochs == [0, 2, 4, 6]


def test_another_runs_scores_do_not_count(faces):
    scores, drawn = iter([2.0, 1.0, 3.0, 4.0]), []

    def score(model):
        drawn.append(model.sample(2))
        return next(scores)

    best = BestEpoch(score)
    small().fit(faces, epochs=2, batch_size=32, verbose=0, callbacks=[best])
    assert best.epoch == 2
    gan = small()
    gan.fit(faces, epochs=2, batch_size=32, verbose=0, callbacks=[best])
    assert best.scores == {1: 3.0, 2: 4.0} and best.restore(gan) == 1
    np.testing.assert_array_equal(gan.sample(2), drawn[2])


def test_an_epoch_that_is_scored_again_is_compared_with_what_it_scored_before(faces):
    scores, gan = iter([2.0, 1.0, 5.0]), small()
    best = BestEpoch(lambda model: next(scores))
    gan.fit(faces, epochs=2, batch_size=32, verbose=0, callbacks=[best])
    drawn = gan.sample(2)
    gan.fit(faces, epochs=2, initial_epoch=1, batch_size=32, verbose=0, callbacks=[best])
    best.restore(gan)
    np.testing.assert_array_equal(gan.sample(2), drawn)


def test_the_later_of_equal_epochs_wins(faces):
    scores = iter([0.0, 0.0, -1.0])
    best = BestEpoch(lambda model: next(scores), "max")
    small().fit(faces, epochs=3, batch_size=32, verbose=0, callbacks=[best])
    assert best.epoch == 2


def test_a_score_that_is_no_number_never_wins(faces):
    scores = iter([float("nan"), 5.0, float("nan")])
    best = BestEpoch(lambda model: next(scores))
    small().fit(faces, epochs=3, batch_size=32, verbose=0, callbacks=[best])
    assert best.epoch == 2


def test_the_best_epoch_survives_a_restart(faces, tmp_path):
    gan = small()
    gan.compile(**recipe("modern", run_eagerly=True))
    best = BestEpoch(lambda model: 1.0)
    gan.fit(
        faces, epochs=1, batch_size=32, verbose=0, callbacks=[best, Checkpoint(tmp_path / "r.npz", {}, also=[best])]
    )
    drawn = gan.sample(2)
    other, again = small(), BestEpoch(lambda model: 2.0)
    other.compile(**recipe("modern", run_eagerly=True))
    checkpoint = Checkpoint(tmp_path / "r.npz", {}, also=[again])
    checkpoint.restore(other)
    other.fit(faces, epochs=2, initial_epoch=1, batch_size=32, verbose=0, callbacks=[again, checkpoint])
    assert again.scores == {1: 1.0, 2: 2.0} and again.restore(other) == 1
    np.testing.assert_array_equal(other.sample(2), drawn)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="rows, columns and every must be at least 1, got 0, 8 and 1"):
        SampleGrid(0)
    with pytest.raises(ValueError, match="labels must be one a row: got 3 for 4 rows"):
        SampleGrid(labels=[0, 1, 2])
    with pytest.raises(ValueError, match='mode must be "min" or "max", got \'best\''):
        BestEpoch(len, "best")
    with pytest.raises(ValueError, match="no epoch was scored"):
        BestEpoch(len).restore(None)
