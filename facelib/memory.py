"""What a process does with memory that it no longer needs."""

from __future__ import annotations

import ctypes
import os

# Of <malloc.h>; names and numbers are part of glibc's interface.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_LARGEST_INT, _MORE_THAN_A_HEAP = 2**31 - 1, 2**27


def keep_memory() -> bool:
    """Let this process keep what it frees, for its next use, instead of giving it back to the system.

    On a CPU a training step takes the same large blocks of memory as the step before. glibc fetches each of them from
    the system, which fills it with zeros first, and gives it back after use. Of a DCGAN's steps on two cores that was
    a third to a half of the time, and a fifth where TensorFlow computes with oneDNN (`benchmarks/malloc.py`). Kept
    blocks cost a tenth more memory; what is computed stays the same.

    The whole process is changed, so a program calls this for itself, as `python -m facelib.train` does, and no library
    for others. What does as much before any other command: `MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184
    MALLOC_TOP_PAD_=134217728`.

    Returns:
        Whether something was changed: not without glibc, nor where the environment gives `malloc` settings already.
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS; Windows
        return False
    settings = {
        _M_MMAP_MAX: 0,
        _M_TRIM_THRESHOLD: _LARGEST_INT,
        _M_TOP_PAD: _MORE_THAN_A_HEAP,  # or the 64 MB heaps of other threads are given back as soon as they are empty
    }
    return all(mallopt(setting, value) for setting, value in settings.items())
