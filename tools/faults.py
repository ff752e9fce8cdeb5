"""The page of planted faults, from their list in `tests/faults` and from what `make faults` found."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "faults"))
import plant

ROOMS = {
    "data": "Data",
    "training": "Training",
    "models": "Models",
    "metrics": "Metrics",
    "latent": "Latent tools",
    "": "Figures, sliders and settings",
}


def write(folder: Path) -> None:
    """Fill in the page `faults.md` of a folder."""
    page = folder / "faults.md"
    found = plant.found().set_index("name")
    faults = [fault | {"seen": found.loc[fault["name"]]} for fault in plant.faults() if fault["name"] in found.index]
    listed = len(plant.faults())
    count = str(listed) if len(faults) == listed else f"{len(faults)} of {listed} listed"
    filled = {"count": count, "summary": summary(faults), "tables": tables(faults)}
    page.write_text(re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], page.read_text()))


def summary(faults: list[dict]) -> str:
    tests, chapter, either = (
        sum(bool(see(fault["seen"])) for fault in faults)
        for see in (lambda s: s.tests, lambda s: s.chapter, lambda s: s.tests or s.chapter or s.suite)
    )
    missed = [fault["name"] for fault in faults if not any(fault["seen"][[*plant.SEEN]])]
    rows = [("the module's tests", tests), ("one chapter", chapter), ("anything", either)]
    lines = [f"| seen by {who} | {n} of {len(faults)} | {n / len(faults):.0%} |" for who, n in rows]
    text = "| | faults | share |\n|---|--:|--:|\n" + "\n".join(lines)
    return text + (f"\n\nNothing sees {', '.join(f'`{name}`' for name in missed)}." if missed else "")


def tables(faults: list[dict]) -> str:
    parts = []
    for room, heading in ROOMS.items():
        parts.append(f"## {heading}\n\n:::{{list-table}}\n:header-rows: 1\n:widths: 46 30 24\n\n")
        parts.append("* - fault\n  - seen by the tests of the module\n  - seen by a chapter\n")
        for fault in faults:
            if room_of(fault["file"]) == room:
                what, seen = fault["what"], fault["seen"]
                elsewhere = f"; elsewhere: {words(seen.suite)}" if seen.suite else ""
                parts.append(f"* - {what} (`{fault['file'].removeprefix('facelib/')}`)\n")
                parts.append(f"  - {words(seen.tests) or 'not seen'}{elsewhere}\n")
                parts.append(f"  - {in_chapter(seen.chapter, fault['chapter'])}\n")
        parts.append(":::\n\n")
    return "".join(parts)


def room_of(file: str) -> str:
    """The package within facelib; "" for what lies on top, the small packages of weights and results included."""
    within = file.removeprefix("facelib/").split("/")[0]
    return within if within in ROOMS else ""


def words(test: str) -> str:
    """`tests/unit/test_x.py::test_that_this_holds[a]` as a sentence, for names do not break into lines."""
    if "::" not in test:
        return test
    file, name = test.split("::", 1)
    if not file.startswith("tests/"):
        return f"a doctest of `{file.removeprefix('facelib/')}`"
    name = name.split("::")[-1].split("[")[0].removeprefix("test_").replace("_", " ")
    return f"*{name}* (`{Path(file).stem}`)"


def in_chapter(seen: str, chapter: str) -> str:
    """What in a chapter noticed: a cell, its numbers, its pictures."""
    link = f"[chapter {int(chapter[:2])}](../chapters/{chapter})"
    kinds = {
        "test_numbers_agree": "a number",
        "test_pictures_agree": "a picture",
        "test_key_figures": "a key figure",
        "test_nothing_warns": "a warning",
        "::Cell": "a checked cell",
        "a cell stops": "a cell stops with an error",
        "does not end": "it does not end",
    }
    said = next((kind for sign, kind in kinds.items() if sign in seen), "")
    return f"{link}: {said or 'the comparison'}" if seen else f"not in {link}"
