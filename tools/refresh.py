"""Execute chapters and store their outputs: the only way in which committed notebooks change their outputs.

    python tools/refresh.py chapters/01_vae.ipynb ...

They run in the quick profile on the synthetic faces. What differs from run to run or machine to machine (times, paths,
papermill's notes, in how many pieces a print arrived) is left out.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
import papermill
from nbformat import NotebookNode

from facelib.files import replacing


def refresh(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        executed = Path(folder) / path.name
        papermill.execute_notebook(path, executed, cwd=path.parent, progress_bar=False, log_output=False)
        notebook = nbformat.read(executed, as_version=4)
    notebook.metadata.pop("papermill", None)
    # The interpreter's version would change with every machine.
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for noise in ("papermill", "execution", "trusted"):
            cell.metadata.pop(noise, None)
        if cell.cell_type == "code":
            cell.outputs = joined(output for output in cell.outputs if output.get("name") != "stderr")
    nbformat.validate(notebook)
    with replacing(path) as partial:
        nbformat.write(notebook, partial)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def joined(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Outputs, with neighbouring pieces of printed text as one."""
    whole = []
    for output in outputs:
        if output.output_type == "stream" and whole and whole[-1].get("name") == output.name:
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        refresh(Path(argument))
