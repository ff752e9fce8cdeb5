"""Memory that a process keeps: seen from outside, by what the system says that it holds."""

import os
import platform
import runpy
import subprocess
import sys

import pytest

from facelib import memory

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc only")

HELD = """
import os, sys
import numpy as np
from facelib.memory import keep_memory

changed = keep_memory() if sys.argv[1] == "keep" else None

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

before = held()
for megabytes in (20, 200):
    block = np.ones(megabytes * 1000, "V1000")
    del block
print(changed, held() - before)
"""


def held_after_use(how: str, **environment: str) -> tuple[str, float]:
    """What `keep_memory` returned, and the megabytes that were not given back of 200."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    told = subprocess.check_output([sys.executable, "-c", HELD, how], env=clean | environment, text=True)
    changed, megabytes = told.split()
    return changed, float(megabytes)


@glibc
def test_what_is_freed_is_kept():
    assert held_after_use("plain")[1] < 50
    changed, megabytes = held_after_use("keep")
    assert changed == "True" and megabytes > 150


@glibc
@pytest.mark.parametrize("setting", [{"MALLOC_ARENA_MAX": "2"}, {"GLIBC_TUNABLES": "glibc.malloc.arena_max=2"}])
def test_settings_of_the_user_stay(setting):
    changed, megabytes = held_after_use("keep", **setting)
    assert changed == "False" and megabytes < 50


def test_where_there_is_no_glibc_nothing_happens(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_TUNABLES"))]:
        monkeypatch.delenv(name)

    def none(name):
        raise OSError("no such library")

    monkeypatch.setattr(memory.ctypes, "CDLL", none)
    assert memory.keep_memory() is False


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_the_training_command_keeps_it_and_its_functions_do_not(monkeypatch):
    called = []
    monkeypatch.setattr(memory, "keep_memory", lambda: called.append(True))
    monkeypatch.setattr(sys, "argv", ["facelib.train", "--help"])
    for name, times in (("facelib.train", 0), ("__main__", 1)):
        try:
            runpy.run_module("facelib.train", run_name=name)
        except SystemExit as stopped:
            assert stopped.code == 0
        assert len(called) == times
