"""Repeat the tests on one committed tree until they were green so many times in a row.

    make calm                                           unit tests ten times, chapters three times
    python tools/calm.py --unit 3 --chapters 0

Each run is a row of _build/calm.csv and has its output beside it in _build/calm/. Green runs of the same tree count,
those made earlier too; after a run that fails the count begins again, so that no test passes by being repeated.

Runs take turns without and with oneDNN, of which TensorFlow makes use on some processors and not on others. The two
round differently: what hangs by a rounding here fails here, and not on a reader's machine.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIELDS = ("tree", "part", "onednn", "began", "seconds", "tests", "green")
# Part of `make test` → its reports, and what it would take as done already.
PARTS = {"unit": (("unit-tensorflow", "unit-jax"), ("jax",)), "chapters": (("chapters",), ("executed",))}


def main(wanted: dict[str, int], root: Path = ROOT) -> int:
    runs = root / "_build" / "calm.csv"
    if runs.exists() and not runs.read_text().startswith(",".join(FIELDS) + "\n"):
        runs.replace(runs.with_name("calm-earlier.csv"))  # written by another version of this script
    for part, times in wanted.items():
        while True:
            tree = committed(root)
            if tree is None:
                print("Runs are counted of a committed tree: commit or stash first.", file=sys.stderr)
                return 2
            if (green := in_a_row(runs, tree, part)) >= times:
                break
            print(f"{part}: run {green + 1} of {times}", end="  ", flush=True)
            onednn = green % 2
            row, log = run(part, root, onednn)
            if committed(root) != tree:
                print("not counted: files changed while it ran. Work in another clone.", file=sys.stderr)
                return 2
            note(runs, {"tree": tree, "part": part, "onednn": onednn, **row})
            print(f"{'green' if row['green'] else 'failed'}, {row['tests']} tests, {row['seconds']} s", flush=True)
            if not row["green"]:
                print("".join(log.read_text(errors="replace").splitlines(keepends=True)[-40:]), f"All of it: {log}")
                return 1
    return 0


def committed(root: Path) -> str | None:
    """The tree of HEAD, if the files are as it says."""
    return None if _git(root, "status", "--porcelain") else _git(root, "rev-parse", "HEAD^{tree}")


def run(part: str, root: Path, onednn: int) -> tuple[dict, Path]:
    """One run of a part, from nothing: its row, and the file with what it printed."""
    written, done = PARTS[part]
    build, began = root / "_build", datetime.now(UTC)
    for name in done:
        shutil.rmtree(build / name, ignore_errors=True)
    for name in written:
        (build / "reports" / f"{name}.xml").unlink(missing_ok=True)
    log = build / "calm" / f"{part}-{began:%Y%m%d-%H%M%S}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with log.open("wb") as file:
        environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": str(onednn)}
        status = subprocess.run(["make", part], cwd=root, env=environment, stdout=file, stderr=subprocess.STDOUT)
    seconds = round(time.monotonic() - start)
    found = [path for name in written if (path := build / "reports" / f"{name}.xml").exists()]
    tests = sum(int(ET.parse(path).getroot().find("testsuite").get("tests")) for path in found)
    return {
        "began": f"{began:%Y-%m-%d %H:%M}",
        "seconds": seconds,
        "tests": tests,
        "green": int(status.returncode == 0 and tests > 0),
    }, log


def in_a_row(runs: Path, tree: str, part: str) -> int:
    """Green runs of a part on a tree since the last that failed."""
    if not runs.exists():
        return 0
    with runs.open(newline="") as file:
        marks = "".join(row["green"] for row in csv.DictReader(file) if (row["tree"], row["part"]) == (tree, part))
    return len(marks.rpartition("0")[2])


def note(runs: Path, row: dict) -> None:
    new = not runs.exists()
    with runs.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, times in {"unit": 10, "chapters": 3}.items():
        parser.add_argument(
            f"--{name}", type=int, default=times, metavar="N", help=f"green runs wanted (default {times})"
        )
    sys.exit(main(vars(parser.parse_args())))
