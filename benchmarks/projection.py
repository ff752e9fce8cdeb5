"""What searching for many z at once, compiled, saves, as ratios: `python benchmarks/projection.py`.

Against the loop that people write, one face at a time and step by step without compiling; and against one face at a
time, compiled. All search with the same loss and the same number of steps, and take turns in this one run; the best of
several counts. What one face takes is measured on a few of them and multiplied; compiling is not counted on any side.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import ops

from facelib import weights
from facelib.backend import device
from facelib.data import load_faces, to_float
from facelib.latent import project
from facelib.training.gradients import input_gradient

SETTINGS = {"perceptual": 0.003, "prior": 0.0, "noise": 0.0, "restarts": 1, "progress": False}


def seconds_of_steps(gan, images: np.ndarray, steps: tuple[int, int] = (20, 60)) -> float:
    """Seconds a step of `project`: two lengths, whose difference leaves compiling out."""
    taken = []
    for count in steps:
        start = time.perf_counter()
        project(gan, images, steps=count, batch_size=len(images), **SETTINGS)
        taken.append(time.perf_counter() - start)
    return (taken[1] - taken[0]) / (steps[1] - steps[0])


def seconds_of_eager_steps(gan, image: np.ndarray, steps: int = 20) -> float:
    """Seconds a step of the plain loop, for one face."""
    z, target = keras.Variable(gan.latent(1, 0)), ops.convert_to_tensor(to_float(image[None]))
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.2, steps))
    adam.build([z])

    def loss(z):
        pictures = gan.render(z)
        contextual = ops.mean(ops.abs(pictures - target), axis=(1, 2, 3))
        return ops.sum(contextual + SETTINGS["perceptual"] * ops.softplus(-gan.logits(pictures)))

    for i in range(steps + 3):
        if i == 3:  # the first ones load what they need
            start = time.perf_counter()
        adam.apply([input_gradient(loss, z.value)], [z])
    z.numpy()
    return (time.perf_counter() - start) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description="Time projection.")
    parser.add_argument("--faces", type=int, default=64)
    parser.add_argument("--model", default="dcgan-light-synthetic-64")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    gan = weights.load(options.model)
    images = load_faces(n=options.faces, size=gan.image_size, subset="test").images
    together, alone, eager = [], [], []
    for _ in range(options.repeats):
        together.append(seconds_of_steps(gan, images))
        alone.append(seconds_of_steps(gan, images[:1], (50, 250)) * len(images))
        eager.append(seconds_of_eager_steps(gan, images[0]) * len(images))
    ours = min(together)
    print(
        f"{options.model}, {keras.backend.backend()}, {device()}: a step of {len(images)} faces, {1000 * ours:.0f} ms"
    )
    print(f"against one face at a time, step by step: {min(eager) / ours:.1f}×")
    print(f"against one face at a time, compiled: {min(alone) / ours:.1f}×")


if __name__ == "__main__":
    main()
