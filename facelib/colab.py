"""What is special on Colab: a chapter says where it runs, and a Drive keeps what outlives the session."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from facelib.profiles import RUN_TIMES

DRIVE = Path("/content/drive")  # where Colab's own button mounts it


def is_here() -> bool:
    """Whether this is a kernel of Colab, which loads its module before anything else."""
    return "google.colab" in sys.modules


def greet(chapter: str) -> None:
    """Say in two lines what computes, and what a chapter is expected to take in each profile.

    Args:
        chapter: such as "03_dcgan".

    Raises:
        ValueError: for an unknown chapter.
    """
    if chapter not in RUN_TIMES:
        raise ValueError(f"chapter must be one of {list(RUN_TIMES)}, got {chapter!r}.")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's greeting would drown ours
    from facelib.backend import device

    found = device()
    advice = " For colab and full choose one with a GPU: Runtime > Change runtime type." if found[:3] == "CPU" else ""
    print(f"This runtime computes on: {found}.{advice}")
    print(f"Expected run time: {'; '.join(f'{profile}: {time}' for profile, time in RUN_TIMES[chapter].items())}.")


def folder_to_keep_in(name: str | os.PathLike) -> Path:
    """A folder that the reader has named; if it is on Google Drive, the Drive is mounted first (Colab asks for leave).

    Raises:
        ValueError: for a folder on Google Drive elsewhere than on Colab.
    """
    folder = Path(name).expanduser().absolute()
    if folder.is_relative_to(DRIVE) and not (DRIVE / "MyDrive").is_dir():
        if not is_here():
            raise ValueError(f"checkpoints={str(name)!r} is on Google Drive, which only Colab can mount: name another.")
        from google.colab import drive

        drive.mount(str(DRIVE))
    return folder
