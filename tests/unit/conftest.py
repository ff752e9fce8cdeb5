"""Fixtures of all unit tests: drawn photos, and a cache of their own, so that nothing an earlier run kept is tested."""

import functools

import pytest
from PIL import Image

# Keras and facelib are imported where they are used: with several workers the process that leads them needs neither.

FEW = 6  # steps of training that take less than the tracing of one


def _without_a_graph(fit):
    """`fit` that takes a few steps eagerly: tracing them would take TensorFlow longer."""

    @functools.wraps(fit)
    def called(self, *args, **how):
        of_an_epoch = how.get("steps_per_epoch", FEW + 1)  # facelib's models always say
        steps = of_an_epoch * (how.get("epochs", 1) - how.get("initial_epoch", 0))
        if steps > FEW or self.steps_per_execution > 1 or self.run_eagerly:
            return fit(self, *args, **how)
        traced, self.train_function, self.run_eagerly = self.train_function, None, True
        try:
            return fit(self, *args, **how)
        finally:
            self.train_function, self.run_eagerly = traced, False

    return called


@pytest.fixture(scope="session")
def on_tensorflow() -> bool:
    import keras

    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow

    # Graphs of tests run a few times, too (tests/conftest.py). Chapters and commands keep TensorFlow's optimizer.
    # Pruning and inlining stay: graphs are kept to the end (tests/conftest.py), and theirs are less than half as large.
    passes = (
        "layout_optimizer constant_folding shape_optimization remapping arithmetic_optimization "
        "dependency_optimization loop_optimization scoped_allocator_optimization auto_mixed_precision "
        "pin_to_host_optimization implementation_selector debug_stripper"
    )
    tensorflow.config.optimizer.set_experimental_options(dict.fromkeys(passes.split(), False))
    return True


@pytest.fixture(autouse=True)
def few_steps(request, monkeypatch, on_tensorflow):
    if on_tensorflow and not request.node.get_closest_marker("graph"):
        import keras

        monkeypatch.setattr(keras.Model, "fit", _without_a_graph(keras.Model.fit))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("FACELIB_CACHE", str(folder))
    # urllib keeps the proxies of its first request, and some tests have a proxy that nobody answers.
    monkeypatch.setattr("urllib.request._opener", None)
    return folder


@pytest.fixture(scope="session")
def drawn():
    """Six drawn photos of 160×160 with one face each that MTCNN finds."""
    from facelib.data import load_faces

    return list(load_faces(n=6, size=160, seed=1).images)


@pytest.fixture(scope="session")
def scenes(drawn):
    """Photos of many sizes: the drawn ones resized, some narrow and some with a border."""
    sizes = [(160, 160), (200, 150), (97, 131), (240, 240), (121, 90), (160, 160), (75, 180), (333, 211)]
    return [_scene(drawn[i % len(drawn)], *size) for i, size in enumerate(sizes)]


def _scene(photo, height, width):
    import numpy as np

    side = min(height, width)
    face = np.asarray(Image.fromarray(photo).resize((side, side), Image.Resampling.LANCZOS))
    scene = np.full((height, width, 3), 190, np.uint8)
    top, left = (height - side) // 2, (width - side) // 3
    scene[top : top + side, left : left + side] = face
    return scene
