"""Renew requirements.lock from pyproject.toml, and environment.yml (conda, Binder) from requirements.lock."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from facelib.files import replacing

ROOT = Path(__file__).resolve().parent.parent
LOCK, ENVIRONMENT = ROOT / "requirements.lock", ROOT / "environment.yml"


def environment(pins: str) -> str:
    """The text of environment.yml that gives the same packages as the lock file."""
    lines = "".join(f"      - {pin}\n" for pin in pins.splitlines() if pin)
    return (
        "# Made from requirements.lock by `make lock`.\n"
        "name: face-arithmetic\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n"
        f"{lines}      - -e .\n"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Its own environment: the resolver is no dependency of the book.
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv"], check=True)
        command = "uv pip compile pyproject.toml --extra book --extra test --universal --fork-strategy fewest"
        command += f" --python-version 3.11 --upgrade --no-header --no-annotate --quiet --output-file {LOCK}"
        subprocess.run([python, "-m", *command.split()], check=True, cwd=ROOT)
    with replacing(ENVIRONMENT) as partial:
        partial.write_text(environment(LOCK.read_text()))


if __name__ == "__main__":
    main()
