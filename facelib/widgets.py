"""The sliders of the course: pictures prepared beforehand, moved without a kernel where that is possible.

With ipywidgets 8 the browser itself links slider and pictures, so the slider lives in a static page. ipywidgets 7
(Colab) has no `Stack`; there a kernel is at hand and shows the chosen picture.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import prod

import ipywidgets
import numpy as np
from IPython.display import display
from PIL import Image

from facelib.data.photos import PhotoError, decode_photo

MOST = 400  # pictures of a board
ENCODINGS = {"jpeg": {"subsampling": 0, "optimize": True}, "webp": {"method": 6}}


def slider(
    frames: Sequence[np.ndarray],
    labels: Sequence[str],
    description: str,
    *,
    alt: str,
    start: int | None = None,
    width: int = 640,
    quality: int = 92,
    encoding: str = "jpeg",
) -> ipywidgets.VBox:
    """A slider over pictures.

    Args:
        frames: uint8 pictures (height, width, 3), one a position.
        labels: what a position is called, shown beside the slider and said by screen readers.
        description: what the slider changes.
        alt: what the pictures show; the position's label is added to it.
        start: the first position shown; default the middle.
        width: of the picture on the page, in CSS pixels; narrower screens shrink it.
        quality: of the pictures, up to 95; large ones can do with less.
        encoding: "jpeg", or "webp", which takes half the room and halves the resolution of colours: for large pictures
            only, since small ones are enlarged and grain of single pixels turns grey.

    Raises:
        ValueError: for fewer than two frames, labels that are not one a frame and all different, no such start, or
            another encoding.
    """
    frames = list(frames)
    control, wide = _control(len(frames), labels, description, start, width)
    screen = _screen(frames, control, alt, width, quality, encoding)
    return ipywidgets.VBox([control, screen], layout=wide)


def menu(
    choices: Mapping[str, Sequence[np.ndarray]],
    labels: Sequence[str],
    question: str,
    description: str,
    *,
    alt: str,
    start: int | None = None,
    width: int = 640,
    quality: int = 92,
    encoding: str = "jpeg",
) -> ipywidgets.VBox:
    """A menu, and a slider over the pictures of what is chosen.

    Args:
        choices: what the menu offers → its uint8 pictures (height, width, 3), one a position of the slider.
        question: what the menu asks for, in front of it.
        labels, description, alt, start, width, quality, encoding: as of `slider`; the choice is added to `alt` as well.

    Raises:
        ValueError: for fewer than two choices, choices that do not have equally many pictures, or as of `slider`.
    """
    choices = {choice: list(frames) for choice, frames in choices.items()}
    counts = {choice: len(frames) for choice, frames in choices.items()}
    if len(choices) < 2 or len(set(counts.values())) > 1:
        raise ValueError(f"choices must be at least two with equally many pictures, got {counts}.")
    control, wide = _control(next(iter(counts.values())), labels, description, start, width)
    chosen = ipywidgets.Dropdown(
        options=[(choice, i) for i, choice in enumerate(choices)],
        index=0,
        description=question,
        style={"description_width": "initial"},
        layout={**wide, "width": "auto"},  # with its margins, the whole width would be too wide
    )
    screens = [
        _screen(frames, control, f"{alt}, {question}: {name}", width, quality, encoding)
        for name, frames in choices.items()
    ]
    for screen in screens:
        screen.layout.margin = "0"  # the usual one would make them wider than what they lie in, and the page scroll
    return ipywidgets.VBox([chosen, control, _shown(screens, chosen, 0, wide)], layout=wide)


def board(
    draw: Callable[..., np.ndarray],
    sliders: Mapping[str, Sequence[str]],
    *,
    alt: str,
    start: Sequence[int] | None = None,
    width: int = 640,
    quality: int = 92,
    encoding: str = "jpeg",
    live: bool = False,
) -> ipywidgets.VBox:
    """Several sliders over one picture, which shows where all of them stand.

    Args:
        draw: one position a slider, counted from 0 → the uint8 picture (height, width, 3) there.
        sliders: what each changes → what its positions are called.
        alt: what the picture shows; where the sliders stand is added to it.
        start: the position of each slider that is shown first; default the middle.
        width: of the picture on the page, in CSS pixels; narrower screens shrink it.
        quality, encoding: as of `slider`.
        live: draw a picture when a slider is moved instead of all beforehand. So there may be any number of sliders and
            positions, but they move with a kernel only, not in a page.

    Raises:
        ValueError: for labels or starts that do not fit their slider, no slider, or more pictures than can be prepared.
    """
    counts = [len(labels) for labels in sliders.values()]
    if not counts:
        raise ValueError("sliders is empty; name what a slider changes and its positions.")
    if not live and prod(counts) > MOST:
        raise ValueError(
            f"sliders of {' × '.join(map(str, counts))} positions need {prod(counts):,} pictures; at most {MOST} can "
            "be prepared: take fewer sliders or positions, or live=True, which needs a kernel."
        )
    starts = [None] * len(counts) if start is None else list(start)
    if len(starts) != len(counts):
        raise ValueError(f"start must be {len(counts)} positions, one a slider, got {starts}.")
    for name, labels in sliders.items():
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise ValueError(f"sliders[{name!r}] must name at least 2 different positions, got {list(labels)}.")
    controls = [
        _control(len(labels), labels, name, begin, width)[0]
        for (name, labels), begin in zip(sliders.items(), starts, strict=True)
    ]
    # One layout for all: a page holds each as a model of its own.
    wide = ipywidgets.Layout(width="100%", max_width=f"{width}px", margin="0")

    def shown(positions: Sequence[int]) -> str:
        where = ", ".join(f"{c.description}: {c.options[i][0]}" for c, i in zip(controls, positions, strict=True))
        return _picture(np.asarray(draw(*positions)), f"{alt} ({where})", width, quality, encoding)

    screen = _computed(shown, controls, wide) if live else _prepared(shown, controls, wide)
    return ipywidgets.VBox([*controls, screen], layout={"width": "100%", "max_width": f"{width}px"})


def upload(use: Callable[[np.ndarray], object], question: str = "your photo") -> ipywidgets.VBox:
    """A button that takes a photo, and below it what is made of it. It works with a kernel only; nothing is stored.

    Args:
        use: a photo, uint8 (height, width, 3), upright → what is displayed. Its `ValueError` is shown as a sentence.
        question: what the button asks for.
    """
    button = ipywidgets.FileUpload(accept="image/*", multiple=False, description=question)
    screen = ipywidgets.Output()

    def take(_):
        if not button.value:
            return
        # ipywidgets 7 gives {name: file}, 8 gives (file,).
        files = list(button.value.values() if isinstance(button.value, dict) else button.value)
        screen.clear_output()
        with screen:
            try:
                photo = decode_photo(bytes(files[-1]["content"]))
            except PhotoError as error:
                print(f"This file is no picture that can be read ({error}): take a JPEG or a PNG.")
                return
            try:
                display(use(photo))
            except ValueError as error:
                print(error)

    button.observe(take, names="value")
    return ipywidgets.VBox([button, screen])


def _prepared(shown: Callable[[Sequence[int]], str], controls: list, wide) -> ipywidgets.Widget:
    """All pictures: a stack for the first slider, of stacks for the second, and so on."""
    here = tuple(control.index for control in controls)
    pictures = {
        positions: ipywidgets.HTML(shown(positions), layout=wide)
        for positions in product(*(range(len(control.options)) for control in controls))
    }
    if not hasattr(ipywidgets, "Stack"):
        screen = ipywidgets.VBox([pictures[here]], layout=wide)

        def move(_):
            screen.children = [pictures[tuple(control.index for control in controls)]]

        for control in controls:
            control.observe(move, names="index")
        return screen

    def stacked(chosen: tuple[int, ...]) -> ipywidgets.Widget:
        if len(chosen) == len(controls):
            return pictures[chosen]
        control = controls[len(chosen)]
        return _shown([stacked((*chosen, i)) for i in range(len(control.options))], control, control.index, wide)

    return stacked(())


def _computed(shown: Callable[[Sequence[int]], str], controls: list, wide) -> ipywidgets.HTML:
    """One picture, drawn anew by the kernel whenever a slider moves."""
    screen = ipywidgets.HTML(shown([control.index for control in controls]), layout=wide)

    def move(_):
        screen.value = shown([control.index for control in controls])

    for control in controls:
        control.observe(move, names="index")
    return screen


def _control(n: int, labels: Sequence[str], description: str, start: int | None, width: int):
    """A slider with n positions, and the layout of what belongs to it."""
    labels = list(labels)
    if n < 2:
        raise ValueError(f"frames must be at least 2, got {n}.")
    if len(labels) != n or len(set(labels)) != n:
        raise ValueError(f"labels must be {n} different texts, one a frame, got {labels}.")
    start = n // 2 if start is None else start
    if not 0 <= start < n:
        raise ValueError(f"start must be one of the {n} positions, counted from 0, got {start}.")
    wide = {"width": "100%", "max_width": f"{width}px"}
    control = ipywidgets.SelectionSlider(
        options=[(label, i) for i, label in enumerate(labels)],
        index=start,
        description=description,
        continuous_update=True,
        style={"description_width": "initial"},
        layout=wide,
    )
    return control, wide


def _screen(frames: Sequence[np.ndarray], control, alt: str, width: int, quality: int, encoding: str):
    """The picture at which a slider stands."""
    labels, wide = [label for label, _ in control.options], {"width": "100%", "max_width": f"{width}px"}
    pictures = [
        ipywidgets.HTML(
            _picture(frame, f"{alt} ({control.description}: {label})", width, quality, encoding), layout=wide
        )
        for frame, label in zip(frames, labels, strict=True)
    ]
    return _shown(pictures, control, control.index, wide)


def _shown(children: list, control, start: int, wide) -> ipywidgets.Widget:
    """The child at a control's index."""
    if hasattr(ipywidgets, "Stack"):
        screen = ipywidgets.Stack(children, selected_index=start, layout=wide)
        ipywidgets.jslink((control, "index"), (screen, "selected_index"))
    else:
        screen = ipywidgets.VBox([children[start]], layout=wide)
        control.observe(lambda change: setattr(screen, "children", [children[change["new"]]]), names="index")
    return screen


def _picture(frame: np.ndarray, alt: str, width: int, quality: int, encoding: str) -> str:
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise ValueError(f"a frame must be uint8 (height, width, 3), got {frame.dtype} {frame.shape}.")
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding must be one of {tuple(ENCODINGS)}, got {encoding!r}.")
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, encoding, quality=quality, **ENCODINGS[encoding])
    code = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<img alt="{html.escape(alt)}" src="data:image/{encoding};base64,{code}" '
        f'style="width:100%;max-width:{width}px;border-radius:6px">'
    )
