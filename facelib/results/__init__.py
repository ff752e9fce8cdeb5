"""Tables of long runs. `experiments/NAME.py` writes `NAME.csv`; chapters read it and measure one row again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd

from facelib.files import replacing

FOLDER = Path(__file__).parent


def load(name: str) -> pd.DataFrame:
    """The table of an experiment; each row ends with the command, commit and device that made it.

    Raises:
        ValueError: if there is no such table.
    """
    path = FOLDER / f"{name}.csv"
    if not path.exists():
        raise ValueError(f"no results named {name!r}; there are {sorted(p.stem for p in FOLDER.glob('*.csv'))}.")
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
