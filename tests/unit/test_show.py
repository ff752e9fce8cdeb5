import base64
import io
import re
from datetime import UTC, datetime

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import traitlets
from PIL import Image

from facelib import profiles, results, show
from facelib.data import load_faces
from facelib.metrics import Estimate
from facelib.widgets import board, menu, slider, upload


@pytest.fixture(scope="module")
def images():
    return load_faces(n=6, size=32).images


@pytest.fixture
def frames(images):
    return [images[i] for i in range(3)]


def test_error_bars_reach_from_low_to_high():
    axis = plt.figure().subplots()
    show.intervals(axis, {"a": Estimate(1.0, 0.9, 1.5, 10), "b": Estimate(2.0, 1.0, 2.1, 10)})
    (container,) = axis.containers
    (bars,) = container.lines[2]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[0.9, 1.5], [1.0, 2.1]]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["a", "b"]
    plt.close(axis.figure)


def test_slider_is_linked_in_the_browser(frames, monkeypatch):
    links = []
    monkeypatch.setattr(ipywidgets, "jslink", lambda *ends: links.append(ends))
    box = slider(frames, ["−1", "0", "+1"], "smile", alt="A face")
    control, screen = box.children
    assert isinstance(screen, ipywidgets.Stack) and len(screen.children) == 3
    assert control.index == screen.selected_index == 1 and control.description == "smile"
    assert links == [((control, "index"), (screen, "selected_index"))]
    alts = [re.search('alt="([^"]*)"', child.value).group(1) for child in screen.children]
    assert alts == ["A face (smile: −1)", "A face (smile: 0)", "A face (smile: +1)"]


def test_slider_works_through_the_kernel_where_there_is_no_stack(frames, monkeypatch):
    """ipywidgets 7, as on Colab."""
    monkeypatch.delattr(ipywidgets, "Stack")
    control, screen = slider(frames, ["a", "b", "c"], "mix", alt="A face", start=0).children
    assert "mix: a" in screen.children[0].value
    control.index = 2
    assert "mix: c" in screen.children[0].value


def test_menu_and_slider_are_linked_in_the_browser(frames, monkeypatch):
    links = []
    monkeypatch.setattr(ipywidgets, "jslink", lambda *ends: links.append(ends))
    choices = {"man": frames, "woman": frames[::-1]}
    chosen, control, screen = menu(choices, ["a", "b", "c"], "class", "walk", alt="A face").children
    assert [label for label, _ in chosen.options] == ["man", "woman"] and chosen.index == screen.selected_index == 0
    man, woman = screen.children
    assert man.selected_index == woman.selected_index == control.index == 1
    assert links == [
        ((control, "index"), (man, "selected_index")),
        ((control, "index"), (woman, "selected_index")),
        ((chosen, "index"), (screen, "selected_index")),
    ]
    assert 'alt="A face, class: woman (walk: c)"' in woman.children[2].value
    assert man.children[0].value.split("src=")[1] == woman.children[2].value.split("src=")[1]


def test_menu_works_through_the_kernel_where_there_is_no_stack(frames, monkeypatch):
    monkeypatch.delattr(ipywidgets, "Stack")
    choices = {"man": frames, "woman": frames}
    chosen, control, screen = menu(choices, ["a", "b", "c"], "class", "walk", alt="A face").children
    control.index, chosen.index = 2, 1
    assert "woman (walk: c)" in screen.children[0].children[0].value
    control.index = 0
    assert "woman (walk: a)" in screen.children[0].children[0].value


def test_pictures_of_menus_and_boards_can_be_smaller_files():
    noise = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    choices = {"man": list(noise[:2]), "woman": list(noise[2:])}
    fine, small = (
        menu(choices, ["a", "b"], "class", "walk", alt="A face", quality=quality).children[2].children[0].children[0]
        for quality in (92, 50)
    )
    assert len(small.value) < 0.7 * len(fine.value) and "A face, class: man" in small.value
    fine, small = (
        board(lambda i: noise[i], {"walk": ["a", "b"]}, alt="A face", quality=quality).children[1].children[0]
        for quality in (92, 50)
    )
    assert len(small.value) < 0.7 * len(fine.value)


def kept_picture(widget):
    """The first picture of a slider, as it is kept."""
    code = widget.children[1].children[0].value.split("base64,")[1].split('"')[0]
    return base64.b64decode(code)


def test_small_pictures_keep_the_colour_of_every_pixel():
    grain = np.zeros((32, 64, 3), np.uint8)
    grain[::2, ::2, 0] = grain[1::2, 1::2, 1] = 200
    kept = {
        encoding: kept_picture(slider([grain, grain[::-1]], ["a", "b"], "x", alt="Grain", encoding=encoding))
        for encoding in ("jpeg", "webp")
    }
    pixels = {name: np.asarray(Image.open(io.BytesIO(code)).convert("RGB"), float) for name, code in kept.items()}
    errors = {name: np.abs(picture - grain).mean() for name, picture in pixels.items()}
    assert errors["jpeg"] < 5 < errors["webp"]  # which is why it is not the usual one
    with pytest.raises(ValueError, match=r"encoding must be one of \('jpeg', 'webp'\), got 'gif'"):
        slider([grain, grain[::-1]], ["a", "b"], "x", alt="Grain", encoding="gif")


def test_webp_takes_less_room():
    face = load_faces(n=1, size=256, seed=1).images[0]
    sizes = {
        encoding: len(kept_picture(slider([face, face[::-1]], ["a", "b"], "x", alt="A face", encoding=encoding)))
        for encoding in ("jpeg", "webp")
    }
    assert sizes["webp"] < 0.7 * sizes["jpeg"]


def test_menu_names_what_is_wrong(frames):
    with pytest.raises(ValueError, match="choices must be at least two with equally many pictures, got {'man': 3}"):
        menu({"man": frames}, ["a", "b", "c"], "class", "x", alt="")
    with pytest.raises(ValueError, match="got {'man': 3, 'woman': 2}"):
        menu({"man": frames, "woman": frames[:2]}, ["a", "b", "c"], "class", "x", alt="")
    with pytest.raises(ValueError, match="labels must be 3 different texts"):
        menu({"man": frames, "woman": frames}, ["a", "b"], "class", "x", alt="")


def drawn(*positions):
    """A picture in which each slider's position is one channel of the colour."""
    return np.full((8, 8, 3), [20 * position for position in (*positions, 0, 0)[:3]], np.uint8)


SLIDERS = {"smile": ["−", "0", "+"], "age": ["young", "old"]}


def visible(widget):
    """The HTML that a nest of stacks shows."""
    while isinstance(widget, (ipywidgets.Stack, ipywidgets.VBox)):
        widget = widget.children[widget.selected_index if isinstance(widget, ipywidgets.Stack) else 0]
    return widget.value


def test_a_board_is_linked_in_the_browser(monkeypatch):
    links = []
    monkeypatch.setattr(ipywidgets, "jslink", lambda source, target: links.append((source, target)))
    smile, age, screen = board(drawn, SLIDERS, alt="A face").children
    assert [control.description for control in (smile, age)] == ["smile", "age"]
    assert "A face (smile: 0, age: old)" in visible(screen)
    # The first slider chooses among three stacks, the second in each of them.
    assert [source[0] for source, _ in links].count(smile) == 1 and len(links) == 4

    def move(control, index):
        control.index = index
        for (source, trait), (target, other) in links:
            setattr(target, other, getattr(source, trait))

    move(smile, 2)
    move(age, 0)
    assert "A face (smile: +, age: young)" in visible(screen)
    pictures = {child.value for stack in screen.children for child in stack.children}
    assert len(pictures) == 6


def test_a_board_works_through_the_kernel_where_there_is_no_stack(monkeypatch):
    box = board(drawn, SLIDERS, alt="A face", start=[0, 0])
    stack = ipywidgets.Stack
    monkeypatch.delattr(ipywidgets, "Stack")
    smile, age, screen = board(drawn, SLIDERS, alt="A face", start=[0, 0]).children
    monkeypatch.setattr(ipywidgets, "Stack", stack, raising=False)
    assert visible(screen) == visible(box.children[-1])
    smile.index, age.index = 2, 1
    assert "A face (smile: +, age: old)" in visible(screen)


def test_a_live_board_draws_when_it_is_moved():
    asked = []

    def draw(*positions):
        asked.append(positions)
        return drawn(*positions)

    many = {name: [str(i) for i in range(30)] for name in ("smile", "age", "light")}
    *controls, screen = board(draw, many, alt="A face", live=True).children
    assert asked == [(15, 15, 15)]
    controls[1].index = 3
    assert asked[-1] == (15, 3, 15) and "(smile: 15, age: 3, light: 15)" in screen.value


def test_a_board_names_what_is_wrong():
    with pytest.raises(ValueError, match="sliders is empty"):
        board(drawn, {}, alt="")
    with pytest.raises(ValueError, match="sliders of 30 × 30 positions need 900 pictures; at most 400"):
        board(drawn, {name: [str(i) for i in range(30)] for name in "ab"}, alt="")
    with pytest.raises(ValueError, match="start must be 2 positions, one a slider, got"):
        board(drawn, SLIDERS, alt="", start=[1])
    for labels in (["a", "a"], ["a"]):
        with pytest.raises(ValueError, match=r"sliders\['smile'\] must name at least 2 different positions"):
            board(drawn, {"smile": labels}, alt="")
    with pytest.raises(ValueError, match="a frame must be uint8"):
        board(lambda i: np.zeros((8, 8)), {"smile": ["a", "b"]}, alt="")


def test_slider_names_what_is_wrong(frames):
    with pytest.raises(ValueError, match="frames must be at least 2"):
        slider(frames[:1], ["a"], "x", alt="")
    with pytest.raises(ValueError, match="labels must be 3 different texts"):
        slider(frames, ["a", "b", "b"], "x", alt="")
    with pytest.raises(ValueError, match="start must be one of the 3 positions"):
        slider(frames, ["a", "b", "c"], "x", alt="", start=3)
    with pytest.raises(ValueError, match="a frame must be uint8"):
        slider([f / 255 for f in frames], ["a", "b", "c"], "x", alt="")


def test_rows_of_faces_stand_where_they_should(images):
    figure = show.faces([images[:3], images[3:]], labels=["one", "two"], titles=["a", "b", "c"])
    axes = figure.axes
    assert len(axes) == 6 and [a.get_title() for a in axes[:3]] == ["a", "b", "c"]
    assert [axes[i].get_ylabel() for i in (0, 3)] == ["one", "two"]
    np.testing.assert_array_equal(axes[4].get_images()[0].get_array(), images[4])
    figure.savefig(io.BytesIO())
    plt.close(figure)
    plt.close(show.faces(images[:2], titles=np.array(["a", "b"])))
    with pytest.raises(ValueError, match="for one face use face"):
        show.faces([images[0]])
    with pytest.raises(ValueError, match="labels must be 2"):
        show.faces([images[:3], images[3:]], labels=["one"])
    with pytest.raises(ValueError, match="titles must be 6"):
        show.faces(images, titles=["a"])
    with pytest.raises(ValueError, match="rows must be uint8, got float64; floats in .* facelib.data.to_uint8"):
        show.faces([images[:3], images[3:] / 255])


def test_rows_may_be_sets_of_faces(images):
    whole = load_faces(n=6, size=32)
    for rows in (whole, [whole], [whole[:3], images[3:]]):
        figure = show.faces(rows)
        np.testing.assert_array_equal(figure.axes[-1].get_images()[0].get_array(), images[5])
        plt.close(figure)


def test_stamp_says_what_was_not_measured():
    text = show.stamp("quick", "synthetic").data
    assert "profile: quick" in text and "run time: not measured" in text
    assert "run time: 12 s" in show.stamp("quick", "synthetic", 12.3).data


def test_profiles_and_results_name_what_is_unknown():
    assert profiles.settings("vae", "full").image_size == 80
    with pytest.raises(ValueError, match="profile must be one of"):
        profiles.settings("vae", "fast")
    with pytest.raises(ValueError, match="model must be one of"):
        profiles.settings("gan")
    with pytest.raises(ValueError, match="no results named 'nothing'.*vae_beta"):
        results.load("nothing")


def test_every_profile_has_the_same_settings():
    for model, table in profiles.SETTINGS.items():
        assert set(table) == set(profiles.PROFILES), model
        assert len({frozenset(numbers) for numbers in table.values()}) == 1, model


def test_boxes_lie_on_the_photo():
    photo = np.zeros((200, 300, 3), np.uint8)
    points = {"left_eye": (110.0, 90.0), "right_eye": (140.0, 90.0)}
    found = [
        {"box": [100, 60, 60, 80], "confidence": 0.987, "keypoints": points},
        {"box": [10, 10, 8, 8], "confidence": 0.9, "keypoints": points},
    ]
    figure = show.boxes(photo, found, width=6)
    (axis,) = figure.axes
    assert [(box.get_xy(), box.get_width(), box.get_height()) for box in axis.patches] == [
        *(((100, 60), 60, 80), ((10, 10), 8, 8)),
    ]
    # The small one has no room for its confidence.
    assert [text.get_text() for text in axis.texts] == ["0.987"]
    np.testing.assert_array_equal(axis.collections[0].get_offsets(), list(points.values()))
    assert figure.get_size_inches().tolist() == [6, 4]


def test_the_audit_sheet_shows_what_was_refused_and_why(tmp_path):
    (tmp_path / "page.jpg").write_text("<html>")
    photos = [np.full((40, 90, 3), i, np.uint8) for i in range(3)] + [tmp_path / "page.jpg"]
    report = pd.DataFrame(
        {
            "photo": ["a", "b", "c", "page.jpg"],
            "found": [False, True, False, False],
            "reason": ["no face found", "", "too small", "a web page"],
        }
    )
    figure = show.refused(photos, report, columns=2)
    texts = [axis.texts[0].get_text() for axis in figure.axes if axis.texts]
    assert texts == ["a\nno face found", "c\ntoo small", "page.jpg\na web page"]
    tiles = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    # Wide photos keep their proportions; what cannot be read is grey.
    assert (tiles[1][64] == 2).all() and (tiles[1][:30] == 255).all() and (tiles[2] == 215).all()
    assert figure.get_suptitle() == "3 of 4 photos refused, 3 shown"
    few = show.refused(photos, report, columns=2, most=2)
    assert few.get_suptitle() == "3 of 4 photos refused, 2 shown"

    with pytest.raises(ValueError, match="photos must be the report's 4, one a row, got 3"):
        show.refused(photos[:3], report)
    with pytest.raises(ValueError, match="none of the 1 photos was refused"):
        show.refused(photos[1:2], report[1:2])


def test_a_figure_becomes_a_picture_and_is_closed():
    figure = plt.figure(figsize=(2, 1), layout="none", facecolor="white")
    figure.add_axes((0, 0, 0.5, 1), facecolor="red").set(xticks=[], yticks=[])
    picture = show.pixels(figure, dpi=50)
    assert picture.shape == (50, 100, 3) and picture.dtype == np.uint8
    assert (picture[25, 25] == [255, 0, 0]).all() and (picture[25, 75] == 255).all()
    assert not plt.fignum_exists(figure.number)


def test_tables_round_and_leave_missing_values_empty():
    text = show.table(pd.DataFrame({"name": ["a", "b"], "share": [0.12345, np.nan]}), digits=3).data
    assert "<td>0.123</td>" in text and "<td></td>" in text and "<th>0</th>" not in text


def jpeg(image) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def uploaded(box, content: bytes):
    """What ipywidgets 8 does when a file has been chosen."""
    file = {"name": "me.png", "type": "image/png", "size": len(content), "content": content}
    box.children[0].value = ({**file, "last_modified": datetime(2026, 1, 1, tzinfo=UTC)},)


def test_an_uploaded_photo_is_used_and_kept_nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    taken = []
    box = upload(taken.append)
    photo = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    uploaded(box, jpeg(photo))
    assert np.array_equal(taken[0], photo)
    assert not list(tmp_path.iterdir())


def test_an_uploaded_photo_is_turned_upright():
    taken, buffer = [], io.BytesIO()
    photo = Image.fromarray(np.zeros((20, 30, 3), np.uint8))
    exif = photo.getexif()
    exif[0x0112] = 6  # held sideways
    photo.save(buffer, "JPEG", exif=exif)
    uploaded(upload(taken.append), buffer.getvalue())
    assert taken[0].shape == (30, 20, 3)


def test_what_is_wrong_with_an_upload_is_said(capsys):
    def refuses(photo):
        raise ValueError("no face was found.")

    for content, words in (
        (b"no picture", "This file is no picture"),
        (jpeg(np.zeros((9, 9, 3), np.uint8)), "no face"),
    ):
        uploaded(upload(refuses), content)
        assert words in capsys.readouterr().out


def test_uploads_of_ipywidgets_7(monkeypatch):
    """There the value is a dictionary."""

    class Button(ipywidgets.Button):
        value = traitlets.Dict()

    monkeypatch.setattr(ipywidgets, "FileUpload", lambda accept, multiple, description: Button())
    taken = []
    box = upload(taken.append)
    box.children[0].value = {"me.png": {"metadata": {}, "content": jpeg(np.zeros((5, 6, 3), np.uint8))}}
    assert taken[0].shape == (5, 6, 3)
