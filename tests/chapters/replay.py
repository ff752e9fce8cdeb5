"""A kernel for nbval that executes nothing: it answers with the outputs of a notebook that papermill has executed."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from notebooks import read, tags


class Replay:
    """The part of `nbval.kernel.RunningKernel` that nbval's cells use; `quiet` leaves out stderr."""

    def __init__(self, path: Path, quiet: bool = False):
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there: run `make chapters`, which executes the chapters first.")
        cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
        self.cells = deque(cell for cell in cells if "injected-parameters" not in tags(cell))
        self.path, self.quiet = path, quiet
        self.messages = deque()
        self.count = 0

    def is_alive(self) -> bool:
        return True

    def stop(self) -> None:
        pass

    def execute_cell_input(self, source: str, allow_stdin: bool | None = None) -> str:
        """Queue the outputs of the next cell, whose source must be this one."""
        cell = self.cells.popleft() if self.cells else None
        if cell is None or cell.source != source:
            raise ValueError(f"{self.path} was made from another notebook: execute it again with `make chapters`.")
        self.count += 1
        message = {"parent_header": {"msg_id": str(self.count)}}
        outputs = [output for output in cell.outputs if not (self.quiet and output.get("name") == "stderr")]
        self.messages.extend(message | {"msg_type": output.output_type, "content": output} for output in outputs)
        self.messages.append(message | {"msg_type": "status", "content": {"execution_state": "idle"}})
        return str(self.count)

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        pass

    def await_idle(self, msg_id: str, timeout: float | None = None) -> None:
        pass

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        return self.messages.popleft()
