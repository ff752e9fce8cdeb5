"""Write the first cell of every chapter, which installs facelib on Colab, and nothing else of the notebooks.

The address is that of `_config.yml`, the commit the last one that changed what is installed. It must be committed
before, for no commit can hold its own name; so a pin is a commit of its own, after the one that it names.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = ("facelib", "pyproject.toml")
CELL = """\
# Where facelib is missing, as on Colab: install it, and change nothing that is there.
import importlib.util

if importlib.util.find_spec("facelib") is None:
    %pip install -q git+{address}@{commit}
    from facelib import colab

    colab.greet("{chapter}")"""


def address() -> str:
    return yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]


def cell(chapter: str, commit: str) -> str:
    """The source of a chapter's first cell of code."""
    return CELL.format(address=address(), commit=commit, chapter=chapter)


def pinned(notebook: Path) -> str:
    """The commit that a chapter installs."""
    return re.search(r"@([0-9a-f]{40})\\n", notebook.read_text()).group(1)


def git(*arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=ROOT, text=True).strip()


def main() -> int:
    if git("status", "--porcelain", "--", *INSTALLED):
        print("What Colab would install is not committed: commit it first, then pin.", file=sys.stderr)
        return 1
    commit = git("log", "-1", "--format=%H", "--", *INSTALLED)
    for path in sorted((ROOT / "chapters").glob("[0-9]*.ipynb")):
        notebook = json.loads(path.read_text())
        first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        first["source"] = cell(path.stem, commit).splitlines(keepends=True)
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    print(f"The chapters install {commit}; commit them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
