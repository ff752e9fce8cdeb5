"""ONNX files give the pictures that Keras gives."""

import re
import sys

import numpy as np
import onnxruntime
import pytest
from keras import Input, Model, layers

from facelib import export, weights
from facelib.data import to_float, twelve_faces

pytestmark = pytest.mark.tensorflow


def run(path, name, values):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [end.name for end in (*session.get_inputs(), *session.get_outputs())] == [name, "output"]
    return session.run(None, {name: values})[0]


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("vae-synthetic-80", "decoder"),
        ("dcgan-light-portraits-64", "generator"),
        ("dcgan-light-synthetic-64", "generator"),
    ],
)
def test_decoders_draw_what_keras_draws(tmp_path, name, network):
    model = weights.load(name)
    path = tmp_path / "decoder.onnx"
    export.to_onnx(model.networks[network], path)
    assert path.stat().st_size < 6e6
    z = model.latent(5, seed=1)
    pictures = run(path, "z", z)
    assert pictures.dtype == np.float32
    assert np.abs(pictures - np.asarray(model.render(z))).max() < 1e-2
    assert np.abs(np.asarray(model.render(z))).max() > 0.5


def test_encoders_read_what_keras_reads(tmp_path):
    faces = twelve_faces("synthetic").images
    vae = weights.load("vae-synthetic-80")
    export.to_onnx(vae.encoder, tmp_path / "encoder.onnx")
    z = run(tmp_path / "encoder.onnx", "image", to_float(faces))
    np.testing.assert_allclose(z, vae.encode(faces), atol=1e-3)


def test_weights_lie_as_float16(tmp_path):
    z = Input((100,), name="z")
    network = Model(z, layers.Dense(1000, kernel_initializer="glorot_normal")(z))
    export.to_onnx(network, tmp_path / "dense.onnx")
    assert 200_000 < (tmp_path / "dense.onnx").stat().st_size < 210_000


def test_the_command_writes_the_networks_that_the_file_of_weights_holds(tmp_path, capsys):
    assert export.main(["dcgan-light-faithful-synthetic-80", "--out", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["dcgan-light-faithful-synthetic-80-generator.onnx"]
    assert "MB" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such"], "no weights named 'no-such'"),
        (
            ["vae-synthetic-80", "--networks", "generator"],
            r"--networks must be among .*'decoder'.* got \['generator'\]",
        ),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        export.main([*arguments, "--out", str(tmp_path)])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error)
    assert not list(tmp_path.iterdir())


def test_networks_of_several_inputs_are_refused(tmp_path):
    a, b = Input((2,), name="a"), Input((2,), name="b")
    with pytest.raises(ValueError, match=r"one input, got \['a', 'b'\]"):
        export.to_onnx(Model([a, b], layers.Add()([a, b])), tmp_path / "two.onnx")


def test_inputs_of_open_size_are_refused(tmp_path):
    image = Input((None, None, 3), name="image")
    with pytest.raises(ValueError, match="input of settled size"):
        export.to_onnx(Model(image, layers.Conv2D(2, 3)(image)), tmp_path / "open.onnx")


@pytest.mark.parametrize("value", [1e5, float("nan")])
def test_weights_that_float16_cannot_hold_are_named(tmp_path, value):
    z = Input((100,), name="z")
    network = Model(z, layers.Dense(10, name="broken")(z))
    network.layers[1].kernel.assign(np.full((100, 10), value))
    with pytest.raises(ValueError, match="broken.* is not finite in float16"):
        export.to_onnx(network, tmp_path / "dense.onnx")
    assert not list(tmp_path.iterdir())


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    z = Input((4,), name="z")
    monkeypatch.setattr(export, "_halve", lambda graph: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export.to_onnx(Model(z, layers.Dense(3)(z)), tmp_path / "dense.onnx")
    assert not list(tmp_path.iterdir())


def test_packages_that_lack_are_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    z = Input((4,), name="z")
    with pytest.raises(ValueError, match="pip install onnx tf2onnx"):
        export.to_onnx(Model(z, layers.Dense(3)(z)), tmp_path / "dense.onnx")
