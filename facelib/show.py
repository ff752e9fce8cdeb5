"""Figures of faces, in one style for the whole course."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, display
from PIL import Image, ImageOps

from facelib import __version__, expectations
from facelib.data.faceset import FaceSet
from facelib.data.photos import PhotoError, read_photo

INK = "#4c566a"  # readable on white and on the dark theme's page
BLUE, ORANGE, GREEN = "#3b7ddd", "#e07b39", "#4a9d6b"

NUMBERS = "facelib.numbers"
KEY_FIGURES = "facelib.key_figures"


def use_style() -> None:
    """Crisp figures with quiet axes; call it once at the top of a notebook."""
    plt.rcParams.update(
        {
            "figure.dpi": 144,
            "savefig.dpi": 144,
            "figure.constrained_layout.use": True,
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 9,
            "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, "#8a63b5", "#7a7a7a"]),
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.alpha": 0.25,
            "legend.frameon": False,
        }
    )


def faces(
    rows: Sequence[np.ndarray | FaceSet] | np.ndarray | FaceSet,
    labels: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
    width: float = 8.0,
) -> plt.Figure:
    """Rows of faces, each row with its label at the left, each column with its title on top.

    Args:
        rows: uint8 arrays (n, size, size, 3) or FaceSets, one a row; or a single one of them for a single row.
        labels: one a row.
        titles: one a column.
        width: of the figure in inches.

    Raises:
        ValueError: if there is nothing to show or it is not uint8, or not as many labels as rows or titles as columns.
    """
    single = isinstance(rows, FaceSet) or isinstance(rows, np.ndarray) and rows.ndim == 4
    rows = [np.asarray(row.images if isinstance(row, FaceSet) else row) for row in ([rows] if single else rows)]
    if not rows or any(row.ndim != 4 or row.shape[3] != 3 or not len(row) for row in rows):
        raise ValueError("rows must be arrays (n, size, size, 3) with n of at least 1; for one face use face[None].")
    if others := {str(row.dtype) for row in rows if row.dtype != np.uint8}:
        raise ValueError(
            f"rows must be uint8, got {', '.join(others)}; floats in [-1, 1] become such by facelib.data.to_uint8."
        )
    columns = max(len(row) for row in rows)
    if labels is not None and len(labels) != len(rows):
        raise ValueError(f"labels must be {len(rows)}, one a row, got {len(labels)}.")
    if titles is not None and len(titles) != columns:
        raise ValueError(f"titles must be {columns}, one a column, got {len(titles)}.")
    margin = 0.0 if labels is None else 0.085 * max(len(line) for label in labels for line in label.split("\n")) + 0.1
    cell = (width - margin) / columns
    figure, axes = plt.subplots(
        len(rows),
        columns,
        figsize=(width, cell * len(rows) + (0 if titles is None else 0.22)),
        squeeze=False,
        layout="constrained",
        # Faces have 80 pixels: a finer figure would only be a larger file.
        dpi=96,
    )
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    for i, row in enumerate(rows):
        for j in range(columns):
            axis = axes[i, j]
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if j < len(row):
                axis.imshow(row[j], interpolation="lanczos")
            if titles is not None and i == 0:
                axis.set_title(titles[j])
        if labels is not None:
            axes[i, 0].set_ylabel(labels[i], rotation=0, ha="right", va="center", labelpad=6)
    return figure


def boxes(photo: np.ndarray, found: Sequence[dict], width: float = 6.0) -> plt.Figure:
    """A photo with the box and landmarks of each face on it, and its confidence where there is room.

    Args:
        photo: uint8 (height, width, 3).
        found: its faces, as from `facelib.data.find_faces([photo])[0]`.
        width: of the figure in inches.
    """
    height = width * photo.shape[0] / photo.shape[1]
    figure, axis = plt.subplots(figsize=(width, height), layout=None, dpi=100)
    axis.set_position([0, 0, 1, 1])
    axis.imshow(photo, interpolation="lanczos")
    axis.set_axis_off()
    for face in found:
        x, y, box_width, box_height = face["box"]
        axis.add_patch(plt.Rectangle((x, y), box_width, box_height, fill=False, edgecolor=ORANGE, linewidth=1.6))
        points = np.array(list(face["keypoints"].values()))
        inches = box_width * width / photo.shape[1]
        axis.scatter(*points.T, s=min(14, 30 * inches), color="white", edgecolor=BLUE, linewidth=min(1.2, 2 * inches))
        if inches > 0.4:
            label = {"facecolor": ORANGE, "edgecolor": "none", "pad": 1.5}
            axis.text(x, y, f"{face['confidence']:.3f}", color="white", fontsize=8, va="bottom", bbox=label)
    return figure


def refused(photos: Sequence, report: pd.DataFrame, columns: int = 6, most: int = 60, width: float = 8.0) -> plt.Figure:
    """An audit sheet: every photo that `crop_faces` refused, with its reason. What cannot be shown is a grey tile.

    Args:
        photos: what was cropped, in the report's order.
        report: as from `crop_faces`.
        columns: tiles in a row.
        most: tiles in all; of more refused photos evenly spaced ones are shown, and the title says so.
        width: of the figure in inches.

    Raises:
        ValueError: if there are not as many photos as rows, nothing was refused, or a number is below 1.
    """
    if columns < 1 or most < 1:
        raise ValueError(f"columns and most must be at least 1, got {columns} and {most}.")
    if len(photos) != len(report):
        raise ValueError(f"photos must be the report's {len(report)}, one a row, got {len(photos)}.")
    rows = np.flatnonzero(~report["found"])
    if not len(rows):
        raise ValueError(f"nothing to show: none of the {len(report)} photos was refused.")
    shown = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)]
    lines, cell = -(-len(shown) // columns), width / columns
    figure, axes = plt.subplots(
        lines, columns, figsize=(width, lines * (cell + 0.7) + 0.3), squeeze=False, layout="constrained", dpi=110
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, i in zip(axes.flat, shown, strict=False):
        axis.imshow(_thumbnail(photos[i]), interpolation="lanczos")
        text = f"{report['photo'].iloc[i]}\n{report['reason'].iloc[i]}"
        wrapped = [part for line in text.splitlines() for part in textwrap.wrap(line, round(cell * 18)) or [""]]
        below = {"ha": "center", "va": "top", "transform": axis.transAxes}
        axis.text(0.5, -0.05, "\n".join(wrapped[:7]), fontsize=6.5, color=INK, parse_math=False, **below)
    figure.suptitle(f"{len(rows):,} of {len(report):,} photos refused, {len(shown)} shown", fontsize=9)
    return figure


def _thumbnail(photo) -> np.ndarray:
    """128×128 pixels with the photo in the middle; grey if it cannot be read."""
    tile = np.full((128, 128, 3), 215, np.uint8)
    try:
        image = Image.fromarray(read_photo(photo)[0])
    except PhotoError:
        return tile
    image = ImageOps.contain(image, (128, 128))
    tile[:] = 255
    top, left = (128 - image.height) // 2, (128 - image.width) // 2
    tile[top : top + image.height, left : left + image.width] = np.asarray(image)
    return tile


def pixels(figure: plt.Figure, dpi: int = 96) -> np.ndarray:
    """A figure as a uint8 picture (height, width, 3), such as a slider moves; the figure is closed."""
    figure.set_dpi(dpi)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return picture


def intervals(axis, estimates: dict, **style) -> None:
    """Draw estimates over their keys as points with error bars (see `facelib.metrics.Estimate`)."""
    values = np.array([(e.value, e.value - e.low, e.high - e.value) for e in estimates.values()])
    axis.errorbar(range(len(values)), values[:, 0], yerr=values[:, 1:].T, marker="o", capsize=3, **style)
    axis.set(xticks=range(len(values)), xticklabels=list(estimates))


def table(frame: pd.DataFrame, digits: int = 2) -> HTML:
    """A table without its index; numbers rounded, missing values empty."""
    rounded = f"{{:,.{digits}f}}".format
    return HTML(frame.to_html(index=False, float_format=rounded, na_rep="", border=0, justify="left"))


def numbers(text: str, **values: float) -> None:
    """Show a text, and keep the numbers that it speaks of, unrounded, in the output's metadata for the tests."""
    exact = {name: float(value) for name, value in values.items()}
    display({"text/plain": text}, metadata={NUMBERS: exact}, raw=True)


def expected(chapter: str, profile: str, dataset: str, **figures: float) -> None:
    """Show a chapter's key figures beside the ranges that they have over seeds, and keep them for the tests.

    Args:
        chapter: such as "01_vae".
        profile, dataset: of this run; ranges are known of `facelib.expectations.MEASURED` only.
        **figures: as named in `results/expected.csv`, where their words are.
    """
    comparable = {"profile": profile, "dataset": dataset} == expectations.MEASURED
    ranges, rows = expectations.of_chapter(chapter), []
    for name, value in figures.items():
        known = ranges.get(name, expectations.Range(name, np.nan, np.nan))
        here = known.written(value) if name in ranges else f"{value:.3g}"
        row = {"figure": known.what, "here": here}
        if comparable and name in ranges:
            row["expected"] = str(known) if value in known else f"{known}: outside"
        rows.append(row)
    shown = table(pd.DataFrame(rows))
    exact = {name: float(value) for name, value in figures.items()}
    data = {"text/html": shown.data, "text/plain": pd.DataFrame(rows).to_string(index=False)}
    display(data, metadata={KEY_FIGURES: exact}, raw=True)
    if not comparable:
        print("Ranges were measured in the quick profile with drawn faces; this is another run.")


def stamp(profile: str, dataset: str, seconds: float | None = None) -> HTML:
    """What a page was made with; a run time that nobody measured reads so."""
    import keras

    from facelib.backend import device

    backend = keras.backend.backend()
    seconds = "not measured" if seconds is None else f"{seconds:.0f} s"
    facts = {
        "profile": profile,
        "data set": dataset,
        "backend": f"Keras {keras.__version__} on {backend}, {device()}",
        "facelib": __version__,
        "run time": seconds,
    }
    return HTML("<p><small>" + " · ".join(f"{name}: {value}" for name, value in facts.items()) + "</small></p>")
