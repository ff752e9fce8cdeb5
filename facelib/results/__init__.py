"""Tables of long runs. `experiments/NAME.py` writes `NAME.csv`; chapters read it and measure one row again."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from facelib.archives import open_zip, read_entry, read_jpegs, refusing
from facelib.files import replacing, visible

FOLDER = Path(__file__).parent


def load(name: str) -> pd.DataFrame:
    """The table of an experiment; each row ends with the command, commit and device that made it.

    Raises:
        ValueError: if there is no such table, or it is damaged.
    """
    path = FOLDER / f"{name}.csv"
    if not path.exists():
        raise ValueError(f"no results named {name!r}; there are {[p.stem for p in visible(FOLDER, '*.csv')]}.")
    with refusing(path, "table"):
        return pd.read_csv(path, dtype={"commit": str})  # some are all digits


def provenance(command: str) -> dict[str, str]:
    """What made a row: the command, the commit of this checkout, the device."""
    import keras

    from facelib.backend import device

    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout.strip()
    return {"command": command, "commit": commit, "device": f"{device()}, {keras.backend.backend()}"}


def save(name: str, table: pd.DataFrame, significant: int | None = None) -> None:
    """Write an experiment's table, numbers to four decimals or to so many significant digits."""
    with replacing(FOLDER / f"{name}.csv") as partial:
        if significant is None:
            table.round(4).to_csv(partial, index=False)
        else:
            table.to_csv(partial, index=False, float_format=f"%.{significant}g")


def save_sheet(name: str, key: str, sheet: np.ndarray) -> None:
    """Keep a picture, uint8 (height, width, 3), of one row of an experiment, with those of others, in `NAME.zip`."""
    encoded = io.BytesIO()
    Image.fromarray(sheet).save(encoded, "JPEG", quality=92, subsampling=0)
    path = FOLDER / f"{name}.zip"
    kept = {}
    if path.exists():
        with refusing(path, "archive of pictures"), open_zip(path) as archive:
            kept = {entry: read_entry(archive, entry) for entry in archive.namelist()}
    with replacing(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for entry, content in sorted((kept | {f"{key}.jpg": encoded.getvalue()}).items()):
            archive.writestr(zipfile.ZipInfo(entry), content)  # without the time of day


def sheets(name: str) -> dict[str, np.ndarray]:
    """Key → picture, uint8 (height, width, 3), of what `save_sheet` kept.

    Raises:
        ValueError: if the experiment has no pictures, or they are damaged.
    """
    path = FOLDER / f"{name}.zip"
    if not path.exists():
        raise ValueError(f"no pictures of {name!r}; there are {[p.stem for p in visible(FOLDER, '*.zip')]}.")
    return read_jpegs(path, "archive of pictures")


def fill(
    name: str,
    todo: Sequence[dict],
    measure: Callable[[dict], dict],
    command: str,
    *,
    wanted: Callable[[dict], bool] = lambda key: True,
    significant: int | None = None,
) -> pd.DataFrame:
    """Measure what a table lacks, row by row; what is there stays, and an interrupted run goes on.

    Two processes may fill one table, each other rows of it (`wanted`), if their `todo` is the same.

    Args:
        name: of the table.
        todo: the settings of every row that it should have, all under the same names. Rows of other settings are
            dropped, and rows are kept in this order.
        measure: settings → the rest of the row.
        command: what a row says that it was made by.
        wanted: which settings to measure now.
        significant: digits, see `save`.
    """
    keys, made = list(todo[0]), provenance(command)

    def written() -> dict[tuple, dict]:
        there = load(name).to_dict("records") if (FOLDER / f"{name}.csv").exists() else []
        return {tuple(row.get(key) for key in keys): row for row in there}

    rows = written()
    order = [tuple(key.values()) for key in todo]

    def keep() -> None:
        rows.update(written() | rows)  # another process may have added some
        table = pd.DataFrame([rows[at] for at in order if at in rows])
        save(name, table[[*table.columns.difference([*made], sort=False), *made]], significant)

    if set(rows) & set(order) and list(rows) != [at for at in order if at in rows]:
        keep()  # in the new order, without what is asked for no longer
    for key in tqdm([key for key in todo if wanted(key) and tuple(key.values()) not in rows], desc=name):
        rows[tuple(key.values())] = key | measure(key) | made
        keep()
    return load(name)
