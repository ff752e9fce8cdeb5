"""Plant the faults of `faults.toml` one at a time in a copy of the course, and write down what sees them.

    make faults                       those that `facelib/results/faults.csv` lacks
    python tests/faults/plant.py NAME   only these, whatever the table has

A fault is given to its module's tests and to one chapter, both at once; each stops at the first failure. What neither
sees gets all unit tests, on TensorFlow and on JAX, and then all chapters. An interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from facelib import results

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("[0-9]*.ipynb"))
COMMAND = "make faults"
TABLE = results.FOLDER / "faults.csv"
KEYS = ("name", "file", "change")
SEEN = ("tests", "chapter", "suite")
PYTEST = ("-x", "-q", "-p", "no:cacheprovider")
MINUTES = 15  # for one file of tests or one chapter; a fault may also make something endless


def faults() -> list[dict]:
    """Name, what is wrong, file, text before and after, tests of the module and chapter of each fault."""
    return tomllib.loads((Path(__file__).parent / "faults.toml").read_text())["fault"]


def key_of(fault: dict) -> tuple[str, str, str]:
    """What a row of the table is found by; a change of the change makes it another fault."""
    change = hashlib.sha256(f"{fault['before']}\0{fault['after']}".encode()).hexdigest()
    return fault["name"], fault["file"], f"sha256:{change[:8]}"


def found() -> pd.DataFrame:
    """A row a planted fault; what did not notice it is an empty text."""
    table = results.load("faults")
    return table.astype({name: object for name in SEEN}).fillna(dict.fromkeys(SEEN, ""))


class Copy:
    """The course in a folder of its own, with at most one fault in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, folder / name)

    def plant(self, fault: dict) -> None:
        shutil.rmtree(self.folder / "_build", ignore_errors=True)  # what was kept would hide the fault
        path = self.folder / fault["file"]
        text = (ROOT / fault["file"]).read_text()
        if text.count(fault["before"]) != 1:
            raise ValueError(f"fault {fault['name']}: its text occurs {text.count(fault['before'])} times in {path}.")
        path.write_text(text.replace(fault["before"], fault["after"]))

    def heal(self, fault: dict) -> None:
        shutil.copyfile(ROOT / fault["file"], self.folder / fault["file"])

    def run(self, *command: str, backend: str = "tensorflow", minutes: float = MINUTES) -> tuple[int, str]:
        """Exit status and output of Python, which imports the copy's facelib; 124 if it took too long."""
        environment = os.environ | {
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "",  # or every process compiles TensorFlow's sources
            "KERAS_BACKEND": backend,
            "FACELIB_CACHE": str(self.folder / "_build" / "cache"),
        }
        try:
            done = subprocess.run(
                [sys.executable, *command],
                cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, text=True, errors="replace",
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60 * minutes, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return 124, ""
        return done.returncode, done.stdout

    def tests(self, *paths: str, **options) -> str:
        """Which test of these fails first, or "" if none does."""
        return _first_failure(*self.run("-m", "pytest", *PYTEST, "--doctest-modules", *paths, **options))

    def chapter(self, name: str) -> str:
        """What is wrong with a chapter: the cell that stops or differs, or the first test that fails; or ""."""
        fresh = self.folder / "_build" / "executed" / f"{name}.ipynb"
        fresh.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        source = f"chapters/{name}.ipynb"
        status, said = self.run("tests/faults/execute.py", source, str(fresh))
        if status == 124:
            return "the chapter does not end"
        if status:
            return _first_failure(status, said) if "\nFAILED " in f"\n{said}" else f"a cell stops: {_error(said)}"
        return _first_failure(*self.run("-m", "pytest", *PYTEST, "--nbval-lax", "-k", name, "tests/chapters", source))


def _first_failure(status: int, said: str) -> str:
    if status == 0:
        return ""
    if status == 124:
        return "the tests do not end"
    found = re.search(r"^(?:FAILED|ERROR) (\S+::Cell \d+|\S+)", said, re.MULTILINE)
    return found.group(1) if found else f"pytest stops with status {status}"


def _error(said: str) -> str:
    """The last line of a traceback."""
    lines = [line for line in said.splitlines() if re.match(r"^[\w.]*(Error|Exception|Interrupt)\b", line)]
    return lines[-1][:160] if lines else "it says not why"


def judge(copy: Copy, fault: dict) -> dict[str, str]:
    """Who sees a fault: its module's tests, its chapter, and where neither does, anything at all."""
    copy.plant(fault)
    try:
        with ThreadPoolExecutor(2) as pool:
            tests = pool.submit(copy.tests, *fault["tests"], fault["file"])
            chapter = pool.submit(copy.chapter, fault["chapter"])
            seen = {"tests": tests.result(), "chapter": chapter.result()}
        return seen | {"suite": "" if any(seen.values()) else suite(copy, fault)}
    finally:
        copy.heal(fault)


def suite(copy: Copy, fault: dict) -> str:
    """The first thing of all that fails with a fault, or ""."""
    found = copy.tests("-n2", "tests/unit", "facelib", minutes=60)
    found = found or copy.tests("-n2", *_on_jax(), backend="jax", minutes=60)
    for name in CHAPTERS:
        if not found and name != fault["chapter"]:
            found = copy.chapter(name)
    return found


def _on_jax() -> list[str]:
    """What the Makefile tests on JAX too."""
    names = re.search(r"^JAX := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1).split()
    return [f"tests/unit/test_{name}" for name in names]


def healthy(copy: Copy, chosen: Sequence[dict]) -> list[str]:
    """What fails without any fault; a test that always does would see them all."""
    with ThreadPoolExecutor(2) as pool:
        files = sorted({path for fault in chosen for path in fault["tests"]})
        tests = pool.submit(copy.tests, *files, minutes=60)
        names = sorted({fault["chapter"] for fault in chosen})
        chapters = [f"{name}: {wrong}" for name in names if (wrong := copy.chapter(name))]
    return [*filter(None, [tests.result()]), *chapters]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="faults to plant again; by default those that the table lacks")
    parser.add_argument("--trust", action="store_true", help="do not try the copy without a fault first")
    wanted = parser.parse_args(arguments)
    known = {key_of(fault): fault for fault in faults()}
    if unknown := set(wanted.names) - {fault["name"] for fault in known.values()}:
        parser.error(f"no fault is called {', '.join(sorted(unknown))}")
    if TABLE.exists() and wanted.names:
        table = results.load("faults")
        results.save("faults", table[~table.name.isin(wanted.names)])
    there = set(results.load("faults")[[*KEYS]].itertuples(index=False, name=None)) if TABLE.exists() else set()
    lacking = {key: fault for key, fault in known.items() if key not in there}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        copy = Copy(Path(folder))
        if lacking and not wanted.trust and (wrong := healthy(copy, lacking.values())):
            print("\n".join(["These fail without any fault:", *wrong]), file=sys.stderr)
            return 1
        todo = [dict(zip(KEYS, key, strict=True)) for key in known]
        results.fill("faults", todo, lambda key: judge(copy, known[tuple(key.values())]), COMMAND)
    table = found()
    seen = table[[*SEEN]] != ""
    unseen = table.name[~seen.any(axis=1)]
    print(
        f"Of {len(table)} faults the tests of the module see {seen.tests.sum()} and one chapter {seen.chapter.sum()};"
    )
    print(f"nothing sees {len(unseen)}: {', '.join(unseen) or 'none'}.")
    return int(len(unseen) > 0.05 * len(table) or seen.chapter.mean() < 0.5)


if __name__ == "__main__":
    sys.exit(main())
