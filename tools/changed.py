"""Test what changed since a commit: test files and chapters that import a changed module, however indirectly.

    make changed            against HEAD: what is not committed yet
    make changed SINCE=main against a branch

For daily work; before a commit is pushed, `make test` tests everything.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
# Where modules live that others import by their bare name.
FOLDERS = ("", "tools", "experiments", "tests/unit", "tests/chapters", "tests/faults", "tests/fuzz", "benchmarks")
# What is read by name and not imported; whoever imports the reader may read any of it.
READERS = {
    "facelib/weights": "facelib/weights/__init__.py",
    "facelib/results": "facelib/results/__init__.py",
    "facelib/data": "facelib/data/portraits.py",
}
# Where tests need all that lies there: conftest.py, a list of faults, files that broke a reader.
WHOLE = ("tests/chapters", "tests/faults", "tests/fuzz")
# Of another change nobody can say what depends on it.
EVERYTHING = {"pyproject.toml", "requirements.lock", "tests/conftest.py", "tests/unit/conftest.py"}


def main(since: str) -> int:
    changed = changes(since)
    files = [path for place in ("unit", "faults", "chapters") for path in (ROOT / "tests" / place).glob("test_*.py")]
    # That one looks at executed chapters: below, at those that are.
    files = [path for path in sorted(files) if path.name != "test_executed.py" and touched(path, changed)]
    tests, of_chapters = ([p for p in files if (p.parent.name == "chapters") is apart] for apart in (False, True))
    chapters = [path for path in sorted((ROOT / "chapters").glob("[0-9]*.ipynb")) if touched(path, changed)]
    modules = [p for p in changed if p.suffix == ".py" and (ROOT / "facelib") in p.parents and p.is_file()]
    print(
        f"{len(changed)} files changed since {since}: {len(files)} files of tests, {len(chapters)} chapters", flush=True
    )
    status = 0
    if tests or modules:
        status |= _run("pytest", "-n", "2", "--doctest-modules", *tests, *modules)
    if of_chapters:
        status |= _run("pytest", "-n", "2", "-p", "no:cacheprovider", *of_chapters)
    for path in chapters:
        status |= _execute(path) or _run(
            "pytest", "-q", "--nbval-lax", "-p", "no:cacheprovider", "-k", path.stem, "tests/chapters", path
        )
    return status


def changes(since: str) -> set[Path]:
    """Files of the working tree that are not as they were at a commit, new ones included."""
    named = ["git", "diff", "--name-only", "-z", since], ["git", "ls-files", "-z", "--others", "--exclude-standard"]
    listed = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout for command in named]
    return {ROOT / name for name in "".join(listed).split("\0") if name}


def touched(path: Path, changed: set[Path]) -> bool:
    """Whether a file, or anything that it needs, is among the changed ones."""
    # Nor of a module that is gone: nothing leads to it any more.
    if any(ROOT / name in changed for name in EVERYTHING) or any(p.suffix == ".py" and not p.exists() for p in changed):
        return True
    own = ROOT / "tests" / "fuzz" if path.name == "test_fuzz.py" else path.parent
    if own in [ROOT / place for place in WHOLE] and any(own in p.parents for p in changed):
        return True
    places = {p.parent.relative_to(ROOT).as_posix() for p in changed if p.suffix != ".py"}
    readers = {ROOT / reader for place, reader in READERS.items() if place in places}
    return bool(needs(path) & (changed | readers))


@cache
def needs(path: Path) -> frozenset[Path]:
    """A file and all that it imports from this repository, directly or not; imports inside functions count."""
    found, todo = set(), [path]
    while todo:
        if (current := todo.pop()) not in found:
            found.add(current)
            todo.extend(imports(current))
    return frozenset(found)


@cache
def imports(path: Path) -> frozenset[Path]:
    """The files of this repository that one file imports by itself."""
    return frozenset(file for module, name in _imported(path) for file in _files(module, name))


def _imported(path: Path) -> Iterator[tuple[str, str | None]]:
    """(module, name or None) of each import."""
    for node in ast.walk(ast.parse(_source(path))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)


def _source(path: Path) -> str:
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", "\n".join(cells))  # magics of IPython


def _files(module: str, name: str | None) -> list[Path]:
    """Where `from module import name` leads: to a submodule, through the package's `__init__`, or to the module."""
    file = _file(module)
    if file is None:
        return []
    if name and (submodule := _file(f"{module}.{name}")):
        return [submodule]
    if name and file.name == "__init__.py":
        # Not all of the package, but where it has the name from.
        given = {alias: origin for origin, alias in _imported(file) if alias}
        if name in given:
            return _files(given[name], name)
    return [file]


def _file(module: str) -> Path | None:
    for folder in FOLDERS:
        base = ROOT.joinpath(folder, *module.split("."))
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None


def _execute(chapter: Path) -> int:
    fresh = ROOT / "_build" / "executed" / chapter.name
    fresh.parent.mkdir(parents=True, exist_ok=True)
    partial = fresh.with_name(f"{fresh.name}.partial.ipynb")
    quietly = ("--cwd", "chapters", "--no-progress-bar", "--log-level", "WARNING")
    status = _run("papermill", *quietly, chapter.relative_to(ROOT), partial)
    if not status:
        partial.replace(fresh)  # make takes what stands there for done
    return status


def _run(*command) -> int:
    print("$", *command, flush=True)
    return subprocess.run([sys.executable, "-m", *map(str, command)], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "HEAD"))
