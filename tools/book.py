"""Build the book from the executed chapters: `_build/executed/`, `book/` and the weights' cards → `_build/html/`.

A warning is an error, and the pages are looked for one by one: an exit code alone has said "built" of nothing before.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))
import cards
import scripts

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SOURCE = BUILD / "source"
HTML = BUILD / "html"


def main() -> int:
    live = scripts.fetch(BUILD / "scripts")
    _assemble(live)
    work = BUILD / "jupyter-book"
    shutil.rmtree(work, ignore_errors=True)
    command = [
        Path(sys.executable).parent / "jupyter-book", "build", SOURCE,
        "--path-output", work, "--warningiserror", "--nitpick", "--keep-going", "--quiet",
    ]  # fmt: skip
    status = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        return status
    built = work / "_build" / "html"
    missing = [page for page in pages() if not (built / f"{page}.html").is_file()]
    if missing:
        print(f"no HTML was built for {missing}", file=sys.stderr)
        return 1
    _remove_thebe(built)
    shutil.rmtree(HTML, ignore_errors=True)
    built.rename(HTML)
    if not live:
        print("The book was built without its sliders and formulas; `make clean book` tries again.")
    return 0


def pages() -> list[str]:
    """Every page that the table of contents names."""

    def walk(node):
        for key in ("root", "file"):
            if key in node:
                yield node[key]
        for key in ("parts", "chapters", "sections"):
            for child in node.get(key, []):
                yield from walk(child)

    return list(walk(yaml.safe_load((ROOT / "_toc.yml").read_text())))


def _remove_thebe(folder: Path) -> None:
    """Take out the scripts of Thebe, which Jupyter Book adds unasked: twice, so that the page stops with an error."""
    for path in folder.rglob("*.html"):
        text = path.read_text()
        path.write_text(
            re.sub(r"^\s*<script[^>]*(>const THEBE_JS_URL|sphinx-thebe\.js).*</script>\n", "", text, flags=re.M)
        )


def _assemble(live: bool) -> None:
    """A source tree with the executed chapters in place of the committed ones."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    shutil.copy(ROOT / "_toc.yml", SOURCE)
    shutil.copytree(ROOT / "book", SOURCE / "book", ignore=shutil.ignore_patterns("scripts"))
    cards.write(SOURCE / "book")
    (SOURCE / "chapters").mkdir()
    for page in pages():
        if page.startswith("chapters/"):
            name = f"{page.removeprefix('chapters/')}.ipynb"
            shutil.copy(BUILD / "executed" / name, SOURCE / "chapters" / name)
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    if live:
        # Beside the pages, not in _static, where every script is loaded on every page and widgets show twice.
        config["sphinx"]["config"]["html_extra_path"] = [str(BUILD / "scripts")]
    else:
        config["sphinx"]["config"]["nb_ipywidgets_js"] = {}
    (SOURCE / "_config.yml").write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False))


if __name__ == "__main__":
    sys.exit(main())
