"""One slider for the whole course: pictures prepared beforehand, moved without a kernel where that is possible.

With ipywidgets 8 the browser itself links slider and pictures, so the slider lives in a static page. ipywidgets 7
(Colab) has no `Stack`; there a kernel is at hand and shows the chosen picture.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

import ipywidgets
import numpy as np
from PIL import Image


def slider(
    frames: Sequence[np.ndarray],
    labels: Sequence[str],
    description: str,
    *,
    alt: str,
    start: int | None = None,
    width: int = 640,
) -> ipywidgets.VBox:
    """A slider over pictures.

    Args:
        frames: uint8 pictures (height, width, 3), one a position.
        labels: what a position is called, shown beside the slider and said by screen readers.
        description: what the slider changes.
        alt: what the pictures show; the position's label is added to it.
        start: the first position shown; default the middle.
        width: of the picture on the page, in CSS pixels; narrower screens shrink it.

    Raises:
        ValueError: for fewer than two frames, labels that are not one a frame and all different, or no such start.
    """
    frames, labels = list(frames), list(labels)
    if len(frames) < 2:
        raise ValueError(f"frames must be at least 2, got {len(frames)}.")
    if len(labels) != len(frames) or len(set(labels)) != len(labels):
        raise ValueError(f"labels must be {len(frames)} different texts, one a frame, got {labels}.")
    start = len(frames) // 2 if start is None else start
    if not 0 <= start < len(frames):
        raise ValueError(f"start must be one of the {len(frames)} positions, counted from 0, got {start}.")
    pictures = [
        _picture(frame, f"{alt} ({description}: {label})", width) for frame, label in zip(frames, labels, strict=True)
    ]
    wide = {"width": "100%", "max_width": f"{width}px"}
    control = ipywidgets.SelectionSlider(
        options=[(label, i) for i, label in enumerate(labels)],
        index=start,
        description=description,
        continuous_update=True,
        style={"description_width": "initial"},
        layout=wide,
    )
    if hasattr(ipywidgets, "Stack"):
        children = [ipywidgets.HTML(picture, layout=wide) for picture in pictures]
        screen = ipywidgets.Stack(children, selected_index=start, layout=wide)
        ipywidgets.jslink((control, "index"), (screen, "selected_index"))
    else:
        screen = ipywidgets.HTML(pictures[start], layout=wide)
        control.observe(lambda change: setattr(screen, "value", pictures[change["new"]]), names="index")
    return ipywidgets.VBox([control, screen], layout=wide)


def _picture(frame: np.ndarray, alt: str, width: int) -> str:
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise ValueError(f"a frame must be uint8 (height, width, 3), got {frame.dtype} {frame.shape}.")
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=92, subsampling=0, optimize=True)
    code = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<img alt="{html.escape(alt)}" src="data:image/jpeg;base64,{code}" '
        f'style="width:100%;max-width:{width}px;border-radius:6px">'
    )
