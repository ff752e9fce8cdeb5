"""What took how long in the last `make test`: a table of its parts, of the slowest test files and of the chapters."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import nbformat

BUILD = Path(__file__).resolve().parent.parent / "_build"


def reports(folder: Path) -> dict[str, tuple[float, Counter]]:
    """Part → seconds from its beginning to its end, and the seconds of each of its files."""
    found = {}
    for path in sorted(folder.glob("*.xml")):
        files = Counter()
        suite = ET.parse(path).getroot().find("testsuite")
        for case in suite.iter("testcase"):
            files[case.get("classname").split(".")[-1]] += float(case.get("time"))
        found[path.stem] = float(suite.get("time")), files
    return found


def chapters(folder: Path) -> dict[str, float]:
    """Chapter → seconds that papermill took for it."""
    read = {path.stem: nbformat.read(path, as_version=4) for path in sorted(folder.glob("[0-9]*.ipynb"))}
    return {name: notebook.metadata.papermill.duration for name, notebook in read.items()}


def table(parts: dict[str, tuple[float, Counter]], executed: dict[str, float], most: int = 6) -> str:
    lines = [f"{'seconds':>8}  part"]
    for part, (seconds, files) in parts.items():
        lines.append(f"{seconds:8.0f}  {part}: {sum(files.values()):.0f} s of tests")
        lines += [f"{'':8}  {spent:8.0f}  {file}" for file, spent in files.most_common(most)]
    lines.append(f"{sum(executed.values()):8.0f}  chapters, one by one (two run at a time)")
    lines += [f"{'':8}  {seconds:8.0f}  {name}" for name, seconds in executed.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(reports(BUILD / "reports"), chapters(BUILD / "executed")))
    sys.exit(0)
