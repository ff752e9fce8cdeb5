"""Tables of long runs. `experiments/NAME.py` writes `NAME.csv`; chapters read it and measure one row again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent


def load(name: str) -> pd.DataFrame:
    """The table of an experiment; each row ends with the command, commit and device that made it.

    Raises:
        ValueError: if there is no such table.
    """
    path = FOLDER / f"{name}.csv"
    if not path.exists():
        raise ValueError(f"no results named {name!r}; there are {sorted(p.stem for p in FOLDER.glob('*.csv'))}.")
    return pd.read_csv(path)
