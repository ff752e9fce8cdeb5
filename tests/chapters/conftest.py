import sys
from pathlib import Path

import nbval.plugin

sys.path.insert(0, str(Path(__file__).parent))

import replay
from notebooks import ROOT


def pytest_addoption(parser):
    parser.addoption(
        "--executed",
        type=Path,
        default=ROOT / "_build" / "executed",
        help="folder of the notebooks that papermill has executed",
    )
    parser.addoption(
        "--elsewhere",
        action="store_true",
        help="it has done so in another environment: matplotlib enlarges pictures otherwise, and TensorFlow logs",
    )


def pytest_configure(config):
    """nbval compares what papermill's run printed, so that a chapter is executed once and not twice."""
    folder, quiet = config.getoption("--executed"), config.getoption("--elsewhere")
    nbval.plugin.IPyNbFile.setup = lambda self: setattr(self, "kernel", replay.Replay(folder / self.path.name, quiet))
