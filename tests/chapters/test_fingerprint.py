"""The comparison itself: it must let rounding pass and catch what a reader would see."""

import base64
import io

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from ipywidgets.embed import dependency_state
from notebooks import WIDGETS, differs, other_numbers, other_pictures, pictures
from PIL import Image

from facelib.data import draw_faces
from facelib.data.synthetic import sample_people
from facelib.show import NUMBERS
from facelib.widgets import slider


@pytest.fixture(scope="module")
def people():
    factors, _ = sample_people(12, seed=8)
    return factors


def sheet(factors):
    images = draw_faces(factors, 80)
    return Image.fromarray(np.concatenate([np.concatenate(images[:6], axis=1), np.concatenate(images[6:], axis=1)]))


def test_rounding_and_compression_pass(people):
    picture = sheet(people)
    noisy = np.clip(np.asarray(picture, int) + np.random.default_rng(0).integers(-2, 3, (160, 480, 3)), 0, 255)
    assert differs(picture, Image.fromarray(noisy.astype(np.uint8))) is None


@pytest.mark.parametrize("change", ["one face", "mirrored", "darker", "red and blue"])
def test_what_a_reader_sees_is_caught(people, change):
    picture = sheet(people)
    pixels = np.asarray(picture)
    if change == "one face":
        other = people.copy()
        other.iloc[3] = people.iloc[5]
        changed = sheet(other)
    else:
        by = {"mirrored": pixels[:, ::-1], "darker": pixels // 8 * 7, "red and blue": pixels[..., ::-1]}
        changed = Image.fromarray(np.ascontiguousarray(by[change]))
    assert differs(picture, changed) is not None
    assert differs(picture, changed, resampled=True) is not None or change == "darker"  # by an eighth


def test_pictures_enlarged_by_another_program_pass_when_that_is_expected(people):
    picture = sheet(people)
    once = picture.resize((1000, 333), Image.Resampling.LANCZOS)
    moved = picture.resize((1000, 333), Image.Resampling.NEAREST).rotate(0, translate=(2, 1))
    assert differs(once, moved) is not None and differs(once, moved, resampled=True) is None


def plot(scale, title="loss"):
    figure, axis = plt.subplots(figsize=(8, 2.4), dpi=100)
    axis.plot(np.arange(1, 9), scale * 400 / np.arange(1, 9), marker="o")
    axis.set(ylim=(0, 450), title=title)
    buffer = io.BytesIO()
    figure.savefig(buffer)
    plt.close(figure)
    return Image.open(buffer).convert("RGB")


def test_a_plot_may_move_a_little_and_not_much():
    assert differs(plot(1.0), plot(1.02), plot=True) is None
    assert differs(plot(1.0), Image.fromarray(255 - np.asarray(plot(1.0))), plot=True) is not None
    assert differs(plot(1.0), plot(1.0).resize((800, 480)), plot=True) is not None


def test_an_unstable_picture_may_be_another_one_but_not_an_empty_one(people):
    picture = sheet(people)
    other = Image.fromarray(np.asarray(picture)[:, ::-1].copy())
    assert differs(picture, other) is not None and differs(picture, other, unstable=True) is None
    assert differs(picture, Image.new("RGB", picture.size, "grey"), unstable=True) is not None
    assert differs(picture, picture.resize((160, 160)), unstable=True) is not None


def test_frames_of_a_slider_are_what_their_cell_is_tagged():
    frames = {shade: np.full((9, 9, 3), shade, np.uint8) for shade in (0, 255)}
    with_slider = slider(list(frames.values()), ["dark", "bright"], "shade", alt="A square")
    state = {"state": dependency_state([with_slider])}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": with_slider.model_id}}
    found = {}
    for tag in ("unstable", "plain"):
        cell = nbformat.v4.new_code_cell("slider()", metadata={"tags": [tag]})
        cell.outputs = [nbformat.v4.new_output("display_data", view)]
        found[tag] = pictures(nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {WIDGETS: state}}))
    assert list(found["plain"]) == ["A square (shade: dark)", "A square (shade: bright)"]
    assert list(found["unstable"]) == [f"{name}.unstable" for name in found["plain"]]


def run(values, pictures_drawn):
    """A notebook of one cell that kept numbers and drew pictures."""
    outputs = [nbformat.v4.new_output("display_data", {"text/plain": ""}, metadata={NUMBERS: values})]
    for picture in pictures_drawn:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        code = base64.b64encode(buffer.getvalue()).decode()
        outputs.append(nbformat.v4.new_output("display_data", {"image/png": code}))
    cell = nbformat.v4.new_code_cell("draw()", id="drawn", outputs=outputs)
    return nbformat.v4.new_notebook(cells=[cell])


def test_other_numbers_and_pictures_are_named_and_missing_ones_too(people):
    face, other = sheet(people), sheet(people.iloc[::-1])
    stored = run({"psnr": 20.0, "share": 0.5}, [face, other])
    assert not other_numbers(stored, run({"psnr": 20.5, "share": 0.5}, [])) and not other_pictures(stored, stored)
    assert other_numbers(stored, run({"psnr": 22.0, "share": 0.5}, [])) == ["drawn/0: psnr: 22.0, not 20.0"]
    for values in ({"psnr": 20.0}, {"psnr": 20.0, "share": 0.5, "more": 1.0}):
        assert "only one of the two notebooks has drawn/0: " in other_numbers(stored, run(values, []))[0]
    (found,) = other_pictures(stored, run({}, [face, face]))
    assert found.startswith("drawn/2: mean difference")
    for drawn in ([face], [face, other, face]):
        assert "only one of the two notebooks has the picture" in other_pictures(stored, run({}, drawn))[0]
