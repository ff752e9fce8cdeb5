"""Trained networks as ONNX files, for programs that have no Keras: a browser, a phone, C++.

    python -m facelib.export vae-synthetic-80 --out exported

writes `vae-synthetic-80-decoder.onnx` and whatever other networks the weights hold. Weights lie in the file as float16,
as they do in `facelib.weights`, and are widened once when it is loaded: the file is half as large, and the sums are
those of float32.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path

from facelib.files import explaining, replacing, with_notes

SMALLEST = 256  # values; shorter arrays (shapes, biases) stay as they are
OPSET = 17


def to_onnx(network, path: str | os.PathLike) -> None:
    """Write a network of one input as ONNX, in inference mode, for any number of rows.

    Args:
        network: a functional `keras.Model`, such as `vae.decoder`; of several outputs the first is kept.
        path: of the file. Its input and its output are named as the network's input is and "output".

    Raises:
        ValueError: if onnx or tf2onnx are not installed, Keras does not run on TensorFlow, the network has several
            inputs or one of open size, or a weight is too large for float16.
    """
    try:
        import onnx
        import tf2onnx  # noqa: F401  Keras asks for it
    except ImportError:
        raise ValueError("exporting needs the packages onnx and tf2onnx: pip install onnx tf2onnx.") from None
    import keras
    import numpy as np

    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"exporting needs KERAS_BACKEND=tensorflow; Keras runs on {keras.backend.backend()}.")
    if len(network.inputs) != 1:
        raise ValueError(f"network must have one input, got {[tensor.name for tensor in network.inputs]}.")
    if None in network.inputs[0].shape[1:]:
        raise ValueError(f"network must have an input of settled size, got {network.inputs[0].shape}.")
    single = keras.Model(network.inputs[0], network.outputs[0], name=network.name)
    single(np.zeros((1, *single.input_shape[1:]), np.float32))  # Keras exports only what has been called
    with replacing(path) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx reads names that numpy has given up
        single.export(str(partial), format="onnx", opset_version=OPSET, verbose=False)
        model = onnx.load(str(partial))
        _name_ends(model.graph, network.inputs[0].name)
        _halve(model.graph)
        onnx.checker.check_model(model)
        onnx.save(model, str(partial))


def _name_ends(graph, input_name: str) -> None:
    """Say in a graph what goes in, what comes out, and that there may be any number of rows."""
    names = {graph.input[0].name: input_name, graph.output[0].name: "output"}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for end in (graph.input[0], graph.output[0]):
        end.name = names[end.name]
        end.type.tensor_type.shape.dim[0].dim_param = "n"


def _halve(graph) -> None:
    """Keep float32 arrays as float16, each with a Cast that gives back float32 when the file is loaded."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        if not np.abs(values).max() <= np.finfo(np.float16).max:
            raise ValueError(f"weight {name} is not finite in float16.")
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}/float16"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m facelib.export", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of the weights, see facelib.weights.catalog()")
    parser.add_argument("--networks", nargs="+", help="some of its networks only, such as decoder")
    parser.add_argument("--out", type=Path, default=Path("exported"), help="folder (default: exported)")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    from facelib import weights

    try:
        model = weights.load(options.name)
        kept = weights.catalog()[options.name].get("networks", list(model.networks))
        chosen = options.networks or kept
        if unknown := sorted(set(chosen) - set(kept)):
            raise ValueError(f"--networks must be among {list(kept)} for {options.name}, got {unknown}.")
        with explaining(options.out):
            options.out.mkdir(parents=True, exist_ok=True)
        for name in chosen:
            path = options.out / f"{options.name}-{name}.onnx"
            to_onnx(model.networks[name], path)
            print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {with_notes(error)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
