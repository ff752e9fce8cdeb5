"""Run the chapters as Colab would: its package versions, the notebooks' own first cell, the profile quick.

    python tools/colab.py [--python python3.12] [chapters/03_dcgan.ipynb ...]

An environment gets what Colab preinstalls. The first cell, unchanged, installs the pinned commit into it; git takes it
from this clone instead of the network. It must change nothing and add only what Colab lacks. Then papermill executes
the chapters in a folder of their own, and `tests/chapters/test_executed.py` compares them with the committed ones.

Everything lies in `_build/colab/`. A second run goes on where the first was stopped; a chapter that fails does not keep
others from running. At the end there is a table, and the exit status says whether all is well.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pin

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build" / "colab"
CONSTRAINTS = max((ROOT / "tests" / "colab").glob("constraints-*.txt"))
NEEDED = ("ipykernel", "papermill", "pip", "setuptools")  # to execute notebooks at all
ADDED = {"facelib", "lz4", "mtcnn"}
# Settings of this machine that Colab does not have.
FOREIGN = ("KERAS_BACKEND", "MPLBACKEND", "PYTHONPATH", "TF_CPP_MIN_LOG_LEVEL", "FACELIB_DATA", "VIRTUAL_ENV")


class Colab:
    """An environment like Colab's, and a folder for what is run in it."""

    def __init__(self, python: str):
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        self.version = subprocess.check_output([python, "-c", code], text=True).strip()
        self.folder = BUILD / self.version
        self.python = self.folder / "env" / "bin" / "python"
        self.results, self.work = self.folder / "executed", self.folder / "content"
        self.preinstalled = self.folder / "preinstalled.txt"
        if not self._is_built():
            self._build(python)

    def _is_built(self) -> bool:
        made_from = self.folder / "constraints.txt"
        return made_from.exists() and made_from.read_text() == CONSTRAINTS.read_text()

    def _build(self, python: str) -> None:
        print(f"building {self.folder / 'env'} from {CONSTRAINTS.name}, which takes minutes", flush=True)
        subprocess.run([python, "-m", "venv", "--clear", self.folder / "env"], check=True)
        self.pip("install", "-q", "--no-compile", "-r", str(CONSTRAINTS), *NEEDED)
        self.preinstalled.write_text("".join(f"{line}\n" for line in self.freeze()))
        (self.folder / "constraints.txt").write_text(CONSTRAINTS.read_text())

    def pip(self, *arguments: str) -> str:
        command = [self.python, "-m", "pip", "--disable-pip-version-check", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=self.folder).stdout

    def freeze(self) -> list[str]:
        return self.pip("freeze", "--all").splitlines()

    def papermill(self, source: Path, result: Path) -> subprocess.CompletedProcess:
        """Execute a notebook where nothing of this repository lies about."""
        self.work.mkdir(parents=True, exist_ok=True)
        result.parent.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        environment |= {
            "FACELIB_CACHE": str(self.folder / "cache"),
            # The commit that the cell names comes from this clone, and nothing may ask for a password.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{ROOT}.insteadOf",
            "GIT_CONFIG_VALUE_0": pin.address(),
            "GIT_TERMINAL_PROMPT": "0",
        }
        command = [self.python, "-m", "papermill", "--cwd", self.work, "--no-progress-bar", "--log-level", "WARNING"]
        # A busy machine may take minutes to start a kernel.
        command += ["--start-timeout", "600", "--kernel", "python3", source, result]
        command += ["-p", "profile", "quick"] if "parameters" in source.read_text() else []
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def install(self, chapter: Path) -> str:
        """Run a chapter's first cell in the environment as Colab ships it; returns what the cell said.

        Raises:
            SystemExit: if it fails, changes what was there, or adds other packages than it should.
        """
        before = self.preinstalled.read_text().splitlines()
        if more := {name_of(line) for line in self.freeze()} - {name_of(line) for line in before}:
            self.pip("uninstall", "-q", "-y", *more)
        notebook = nbformat.read(chapter, as_version=4)
        notebook.cells = [next(cell for cell in notebook.cells if cell.cell_type == "code")]
        notebook.metadata.pop("widgets", None)
        notebook.cells[0].outputs = []
        alone, result = self.folder / "first-cell.ipynb", self.folder / "first-cell.executed.ipynb"
        nbformat.write(notebook, alone)
        done = self.papermill(alone, result)
        if done.returncode:
            sys.exit(f"the first cell failed:\n{done.stderr[-3000:]}")
        after = self.freeze()
        changed = sorted(set(before) - set(after))
        added = {name_of(line): line for line in after if line not in before}
        print(f"pip freeze: {len(before)} packages before, {len(after)} after the first cell")
        print("".join(f"  + {line}\n" for line in added.values()), end="", flush=True)
        if changed or set(added) != ADDED:
            sys.exit(f"it changed {changed or 'nothing'} and added {sorted(added)}; expected {sorted(ADDED)} only")
        self.pip("check")
        outputs = nbformat.read(result, as_version=4).cells[0].outputs
        said = "".join(output.get("text", "") for output in outputs if output.get("name") == "stdout")
        return "".join(f"  {line}\n" for line in said.splitlines() if line.strip() and "restart the kernel" not in line)

    def run(self, chapter: Path, key: str) -> tuple[str, float]:
        """Execute a chapter unless it has been; returns "" or what went wrong, and the seconds that it took."""
        result, about = self.results / chapter.name, self.results / f"{chapter.stem}.json"
        if result.exists() and about.exists() and (known := json.loads(about.read_text()))["key"] == key:
            return "", known["seconds"]
        began = time.monotonic()
        partial = result.with_name(f"{chapter.stem}.partial.ipynb")
        done = self.papermill(chapter, partial)
        seconds = time.monotonic() - began
        if done.returncode:
            (self.results / f"{chapter.stem}.log").write_text(done.stderr)
            return (done.stderr.strip().splitlines() or ["no message"])[-1], seconds
        partial.replace(result)
        about.write_text(json.dumps({"key": key, "seconds": seconds}))
        return "", seconds


def name_of(line: str) -> str:
    """The package that a line of `pip freeze` is about."""
    return line.replace(" @ ", "==").split("==")[0].lower()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="whose version the environment gets")
    parser.add_argument("chapters", nargs="*", type=Path, default=sorted((ROOT / "chapters").glob("[0-9]*.ipynb")))
    options = parser.parse_args()
    colab, chapters = Colab(options.python), [path.resolve() for path in options.chapters]
    commit = pin.pinned(chapters[0])
    print(f"Python {colab.version}, {CONSTRAINTS.name}, facelib at {commit}")
    if subprocess.run(["git", "diff", "--quiet", commit, "--", *pin.INSTALLED], cwd=ROOT).returncode:
        print("The library in this clone is another one. What the chapters install is tested; make pin to change that.")
    print(f"The first cell says:\n{colab.install(chapters[0])}", flush=True)

    failed = {}
    for chapter in chapters:
        parts = (chapter.read_bytes(), CONSTRAINTS.read_bytes())
        error, seconds = colab.run(chapter, hashlib.sha256(b"".join(parts)).hexdigest())
        print(f"{chapter.stem:<24} {seconds:5.0f} s  {error or 'executed'}", flush=True)
        if error:
            failed[chapter.stem] = error
    print(
        f"{len(chapters) - len(failed)} of {len(chapters)} chapters were executed; now compared with the committed ones"
    )
    names = " or ".join(chapter.stem for chapter in chapters if chapter.stem not in failed)
    tests = ["tests/chapters/test_executed.py", *map(str, chapters), "--nbval-lax", "-k", names or "none"]
    others = ["--executed", str(colab.results), "--elsewhere"]
    compared = subprocess.run([sys.executable, "-m", "pytest", "-q", *tests, *others], cwd=ROOT).returncode
    return 1 if failed or compared else 0


if __name__ == "__main__":
    sys.exit(main())
