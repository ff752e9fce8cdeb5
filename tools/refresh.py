"""Execute chapters and store their outputs: the only way in which committed notebooks change their outputs.

    python tools/refresh.py chapters/01_vae.ipynb ...

They run in the quick profile on the synthetic faces. What differs from run to run or machine to machine (times, paths,
papermill's notes) is left out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
import papermill

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
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.validate(notebook)
    with replacing(path) as partial:
        nbformat.write(notebook, partial)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        refresh(Path(argument))
