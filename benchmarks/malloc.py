"""What keeping freed memory saves a training step on a CPU, as ratios: `python benchmarks/malloc.py`.

Processes with and without `facelib.memory.keep_memory` take turns, each training the same light DCGAN at 80 px by the
modern recipe from the same seed; on TensorFlow without and with oneDNN. All end with the same losses.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

WARM_UP = 5


def steps(keeps: bool, count: int) -> dict[str, float]:
    """Train in this process: seconds a step, the last losses, and the most memory that it held, in GB."""
    from facelib.data import load_faces
    from facelib.memory import keep_memory
    from facelib.models import DCGAN
    from facelib.training import recipe

    if keeps and not keep_memory():
        sys.exit("keep_memory changes nothing here: it is for glibc.")
    faces = load_faces(n=512, size=80, seed=0)
    gan = DCGAN(80, light=True, seed=0)
    gan.compile(**recipe("modern", learning_rate=5e-4, r1=0.3, augment=()))
    gan.fit(faces, epochs=1, steps_per_epoch=WARM_UP, batch_size=32, verbose=0)
    start = time.perf_counter()
    losses = gan.fit(faces, epochs=1, steps_per_epoch=count, batch_size=32, verbose=0).history
    seconds = (time.perf_counter() - start) / count
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {"seconds": seconds, "held": held, **{name: values[-1] for name, values in losses.items()}}


def in_turn(settings: dict[str, str], count: int, repeats: int) -> str:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    measured = {False: [], True: []}
    for _ in range(repeats):
        for keeps, runs in measured.items():
            command = [sys.executable, __file__, "--child", str(int(keeps)), "--steps", str(count)]
            run = subprocess.run(command, env=plain | settings, check=True, stdout=subprocess.PIPE, text=True)
            runs.append(json.loads(run.stdout.splitlines()[-1]))
    seconds, held = (
        {keeps: statistics.median(run[key] for run in runs) for keeps, runs in measured.items()}
        for key in ("seconds", "held")
    )
    for run in (runs := measured[False] + measured[True]):
        del run["seconds"], run["held"]
    same = all(run == runs[0] for run in runs)
    return (
        f"{seconds[False] / seconds[True]:.2f}× ({seconds[True] * 1000:.0f} ms a step), "
        f"{held[True]:.1f} GB held at most, {held[False]:.1f} without; "
        f"{'the same losses' if same else f'losses DIFFER: {runs}'}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", type=int, choices=(0, 1), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(steps(bool(options.child), options.steps)))
        return
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        variants = {
            "TensorFlow without oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
            "TensorFlow with oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "1"},
        }
    else:
        variants = {os.environ["KERAS_BACKEND"]: {}}
    for name, settings in variants.items():
        print(f"keep_memory, {name}: {in_turn(settings, options.steps, options.repeats)}", flush=True)


if __name__ == "__main__":
    main()
