"""Build the book from the executed chapters: `_build/executed/`, `book/`, cards and tables → `_build/html/`.

A warning is an error, and the pages are looked for one by one: an exit code alone has said "built" of nothing before.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import yaml

sys.path.insert(0, str(Path(__file__).parent))
import cards
import faults
import live
import scripts

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SOURCE = BUILD / "source"
HTML = BUILD / "html"


def main() -> int:
    with ThreadPoolExecutor() as pool:
        fetching = pool.submit(scripts.fetch, BUILD / "scripts")
        live.write(BUILD / "live")
    fetched = fetching.result()
    _assemble(fetched)
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
    _finish(built)
    shutil.rmtree(HTML, ignore_errors=True)
    built.rename(HTML)
    if not fetched:
        print("The book was built without its sliders, formulas and live page; `make clean book` tries again.")
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


# What the theme and its helpers write, and what takes its place.
REPLACED = {
    # Scripts of Thebe, which Jupyter Book adds unasked: twice, so that the page stops with an error.
    r"(?m)^\s*<script[^>]*(>const THEBE_JS_URL|sphinx-thebe\.js).*</script>\n": "",
    # Names that hide from screen readers what stands on the button.
    r'(<button class="btn search-button-field[^>]*?) aria-label="Search"': r"\1",
    r'<summary aria-label="Toggle hidden content">': "<summary>",
    r'(<i class="theme-switch [^>]*?)title="[^"]*"': r'\1aria-hidden="true"',
    # A list whose children are no items.
    r'<div role="list" class="citation-list">': '<div class="citation-list">',
}


def _finish(folder: Path) -> None:
    for path in folder.rglob("*.html"):
        text = path.read_text()
        for old, new in REPLACED.items():
            text = re.sub(old, new, text)
        path.write_text(text)


def _assemble(fetched: bool) -> None:
    """A source tree with the executed chapters in place of the committed ones."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    shutil.copy(ROOT / "_toc.yml", SOURCE)
    shutil.copytree(ROOT / "book", SOURCE / "book", ignore=shutil.ignore_patterns("scripts"))
    cards.write(SOURCE / "book")
    faults.write(SOURCE / "book")
    live.fill_page(SOURCE / "book" / "explorer.md")
    (SOURCE / "chapters").mkdir()
    for page in pages():
        if page.startswith("chapters/"):
            name = f"{page.removeprefix('chapters/')}.ipynb"
            notebook = nbformat.read(BUILD / "executed" / name, as_version=4)
            notebook.cells = [cell for cell in notebook.cells if not _repeats(cell, notebook)]
            nbformat.write(notebook, SOURCE / "chapters" / name)
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    # Beside the pages, not in _static, where every script is loaded on every page and widgets show twice.
    extra = config["sphinx"]["config"]["html_extra_path"] = [str(BUILD / "live")]
    if fetched:
        extra.append(str(BUILD / "scripts"))
    else:
        config["sphinx"]["config"]["nb_ipywidgets_js"] = {}
    (SOURCE / "_config.yml").write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False))


def _repeats(cell, notebook) -> bool:
    """Whether a cell is papermill's, and sets nothing that the chapter's own parameters do not say already."""
    if "injected-parameters" not in cell.metadata.get("tags", []):
        return False
    own = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    return all(line.startswith("#") or line in own.source for line in cell.source.splitlines())


if __name__ == "__main__":
    sys.exit(main())
