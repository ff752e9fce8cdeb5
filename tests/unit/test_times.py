"""The table of what took how long."""

import sys
from pathlib import Path

from nbformat import write
from nbformat.v4 import new_notebook

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import times

REPORT = """<?xml version="1.0"?><testsuites><testsuite time="{time}">
<testcase classname="tests.unit.test_a" name="one" time="2.5" />
<testcase classname="tests.unit.test_b" name="x" time="4" />
<testcase classname="tests.unit.test_a" name="two" time="1.0" /></testsuite></testsuites>"""


def test_parts_their_slowest_files_and_chapters_are_in_the_table(tmp_path):
    (tmp_path / "unit.xml").write_text(REPORT.format(time=6.25))
    notebook = new_notebook(metadata={"papermill": {"duration": 61.0}})
    write(notebook, tmp_path / "01_vae.ipynb")
    table = times.table(times.reports(tmp_path), times.chapters(tmp_path), most=1)
    assert [line.split() for line in table.splitlines()] == [
        ["seconds", "part"],
        ["6", "unit:", "8", "s", "of", "tests"],
        ["4", "test_b"],
        ["61", "chapters,", "one", "by", "one", "(two", "run", "at", "a", "time)"],
        ["61", "01_vae"],
    ]
