import atexit
import gc
import os
from pathlib import Path

# Before anything imports TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")
# A test runs what it compiles a few times: optimising takes longer than it saves, a third of the tests' time on JAX.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parent.parent


def pytest_configure(config):
    # JAX writes what it compiled in place: another process may read half of it, says so and compiles it itself.
    ignored = "ignore:Error reading persistent compilation cache entry:UserWarning"
    config.addinivalue_line("filterwarnings", ignored)
    config.addinivalue_line("markers", "tensorflow: runs on TensorFlow only (MTCNN, the training command)")
    config.addinivalue_line("markers", "slow: trains for minutes")
    config.addinivalue_line("markers", "graph: TensorFlow traces short trainings too, as it does outside tests")
    config.addinivalue_line(
        "markers",
        "once: what no backend decides (what is learned, what is refused, which result is taken); not repeated on JAX",
    )


def pytest_collection_finish():
    # What is loaded stays: it need not be searched for garbage. What tests leave seldom need either: to take apart the
    # graphs of half of them took TensorFlow a minute and a half.
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 20, 10_000)


def pytest_sessionfinish(session):
    gc.freeze()  # nor in the end, where pytest looks once more
    if hasattr(session.config, "workerinput"):
        # All is reported. To take apart what was compiled would take seconds, on JAX most.
        atexit.register(os._exit, 0)


def pytest_collection_modifyitems(items):
    # First, or the others have long ended when it does.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        left_out = ("tensorflow", "once")
        items[:] = [item for item in items if not any(map(item.get_closest_marker, left_out))]
