"""Reading notebooks: their checked cells, numbers and pictures."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import nbformat
import numpy as np
from PIL import Image, ImageFilter

from facelib import expectations
from facelib.show import KEY_FIGURES, NUMBERS

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("[0-9]*.ipynb"))
CHECKED = "nbval-check-output"
WIDGETS = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"


def read(path: Path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook) -> list:
    """Cells of code, without the one that papermill puts in."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    return [cell for cell in cells if "injected-parameters" not in tags(cell)]


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def numbers(notebook) -> dict[str, dict[str, float]]:
    """What `show.numbers` kept unrounded, by cell id and the output's place in the cell."""
    return {
        f"{cell.id}/{i}": dict(output["metadata"][NUMBERS])
        for cell in code_cells(notebook)
        for i, output in enumerate(_kept(cell))
        if NUMBERS in output.get("metadata", {})
    }


def key_figures(notebook) -> dict[str, float]:
    """What `show.expected` kept of the run."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    (kept,) = [output["metadata"][KEY_FIGURES] for output in outputs if KEY_FIGURES in output.get("metadata", {})]
    return dict(kept)


def outside(notebook, chapter: str) -> list[str]:
    """Key figures of a run that do not lie where they are expected."""
    ranges = expectations.of_chapter(chapter)
    figures = key_figures(notebook)
    assert figures.keys() == ranges.keys()
    return [f"{name} {figures[name]:g} is not {ranges[name]}" for name in figures if figures[name] not in ranges[name]]


def other_numbers(stored, fresh) -> list[str]:
    """Where a run has other numbers than what is stored, or none, or more."""
    one, other = _named(numbers(stored)), _named(numbers(fresh))
    if one.keys() != other.keys():
        return [f"only one of the two notebooks has {name}" for name in one.keys() ^ other.keys()]
    return [f"{name}: {other[name]}, not {one[name]}" for name in one if not close(other[name], one[name])]


def _named(found: dict[str, dict[str, float]]) -> dict[str, float]:
    return {f"{cell}: {name}": value for cell, values in found.items() for name, value in values.items()}


def close(fresh: float, stored: float) -> bool:
    """The same number, but for what another processor does to a training run."""
    return bool(np.isclose(fresh, stored, rtol=0.03, atol=0.02))


def pictures(notebook) -> dict[str, Image.Image]:
    """What a reader sees: figures by cell id, slider frames by alt text; with ".plot", ".unstable" if tagged so."""
    found, kinds = {}, {}
    widgets = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    for cell in code_cells(notebook):
        kind = "".join(f".{kind}" for kind in ("plot", "unstable") if kind in tags(cell))
        for i, output in enumerate(_kept(cell)):
            data = output.get("data", {})
            if "image/png" in data:
                found[f"{cell.id}/{i}{kind}"] = _image(data["image/png"])
            if VIEW in data:
                kinds |= dict.fromkeys(_within(widgets, data[VIEW]["model_id"]), kind)
    for name, widget in widgets.items():
        match = re.match(r'<img alt="([^"]*)" src="data:image/\w+;base64,([^"]+)"', widget["state"].get("value") or "")
        if match:
            found[match.group(1) + kinds.get(name, "")] = _image(match.group(2))
    return found


def other_pictures(stored, fresh, resampled: bool = False) -> list[str]:
    """Where a run draws something else than what is stored, or nothing, or more (`resampled`: see `differs`)."""
    one = pictures(stored)
    # Without `Stack` (ipywidgets 7) the frames of a slider do not lie in it, and so miss what their cell is tagged.
    other = {_untagged(name): picture for name, picture in pictures(fresh).items()}
    if missing := {_untagged(name) for name in one} ^ other.keys():
        return [f"only one of the two notebooks has the picture {name}" for name in missing]
    found = []
    for name, picture in one.items():
        kinds = {kind: f".{kind}" in name for kind in ("plot", "unstable")}
        if reason := differs(picture, other[_untagged(name)], **kinds, resampled=resampled):
            found.append(f"{name}: {reason}")
    return found


def _untagged(name: str) -> str:
    return re.sub(r"(\.plot|\.unstable)+$", "", name)


def _within(widgets: dict, name: str) -> list[str]:
    """A widget and all that lie in it."""
    children = widgets.get(name, {"state": {}})["state"].get("children", [])
    return [name, *(inner for child in children for inner in _within(widgets, child.removeprefix("IPY_MODEL_")))]


def _kept(cell) -> list:
    """Outputs but for printed text, which comes in as many pieces as time allows; nbval compares it."""
    return [output for output in cell.outputs if output.output_type != "stream"]


def _image(code: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(code))).convert("RGB")


def fingerprint(picture: Image.Image) -> np.ndarray:
    """What is left of a picture 48 pixels wide: float (rows, 48, 3), 0 to 255."""
    height = max(1, round(48 * picture.height / picture.width))
    return np.asarray(picture.resize((48, height), Image.Resampling.BOX), float)


def differs(
    one: Image.Image, other: Image.Image, plot: bool = False, unstable: bool = False, resampled: bool = False
) -> str | None:
    """Why two pictures are not the same to the eye, or None.

    What training out of balance ends in differs between processors: their last digits differ, and it multiplies the
    difference. Of such a picture only shape and contrast are compared; what it shows is said by a checked cell.

    Lines and bars move a little from machine to machine and are all contrast: of a plot only the whole is compared,
    its data go through `show.numbers`.

    Another version of matplotlib enlarges the same pixels a little differently, and its lines of text are not as high,
    so that what stands beside them moves a few pixels: then pictures are compared out of focus (`resampled`).
    """
    if resampled and not plot and not unstable:
        return _differs_out_of_focus(one, other)
    a, b = fingerprint(one), fingerprint(other)
    if a.shape != b.shape and not (plot and abs(a.shape[0] - b.shape[0]) <= 1):
        return f"shape {one.size} against {other.size}"
    if unstable:
        return None if b.std() > a.std() / 2 else f"contrast {a.std():.0f} against {b.std():.0f}"
    rows = min(len(a), len(b))
    gap = np.abs(a[:rows] - b[:rows])
    mean, largest = (6, 255) if plot else (1.5, 30)
    if gap.mean() > mean or gap.max() > largest:
        return f"mean difference {gap.mean():.2f} levels (at most {mean}), largest {gap.max():.0f} (at most {largest})"
    return None


def _differs_out_of_focus(one: Image.Image, other: Image.Image) -> str | None:
    """Why two pictures, one of them moved by up to a hundredth of its width, are not the same at a distance, or None.

    Matplotlib 3.10 and 3.11: at most 6.1 levels on average (white digits on black) and 24 at one place. One face of
    twelve exchanged makes 58 there.
    """
    width, blur, most = 192, ImageFilter.GaussianBlur(3), 2
    if abs(one.width * other.height / (one.height * other.width) - 1) > 0.03:
        return f"shape {one.size} against {other.size}"
    size = width, round(width * one.height / one.width)
    a, b = (np.asarray(picture.resize(size).filter(blur), float) for picture in (one, other))
    a = a[most:-most, most:-most]
    moved = [b[y:, x:][: a.shape[0], : a.shape[1]] for y in range(2 * most + 1) for x in range(2 * most + 1)]
    gap = min((np.abs(a - picture) for picture in moved), key=np.mean)
    if gap.mean() > 8 or gap.max() > 36:
        return (
            f"out of focus: mean difference {gap.mean():.2f} levels (at most 8), largest {gap.max():.0f} (at most 36)"
        )
    return None
