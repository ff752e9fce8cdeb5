"""Checks of arguments that many functions take: the value, or one line that names the argument."""

from __future__ import annotations

import numpy as np


def whole_number(value: int, name: str, least: int) -> int:
    """The value as an int.

    >>> whole_number(np.int64(3), "n", 1)
    3

    Raises:
        ValueError: unless it is a whole number of at least `least`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)
