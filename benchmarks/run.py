"""Throughput as ratios, each against the loop that people write today, both timed in this run: `make bench`."""

from __future__ import annotations

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from facelib.data import crop_faces, draw_faces, load_faces
from facelib.data.synthetic import sample_people


def seconds(function, repeats: int = 3) -> float:
    """The best of several, after one for warming up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def drawing() -> str:
    factors, _ = sample_people(600, seed=0)
    batch = seconds(lambda: draw_faces(factors, 80))
    few = factors[:60]
    loop = seconds(lambda: [draw_faces(few[i : i + 1], 80) for i in range(60)], repeats=1) * 10
    return f"draw_faces at 80 px against one face at a time: {loop / batch:.1f}× ({600 / batch:.0f} faces/s)"


def cropping() -> str:
    from mtcnn import MTCNN

    photos = list(load_faces(n=96, size=160, seed=1).images)
    batch = seconds(lambda: crop_faces(photos, progress=False), repeats=1)
    detector = MTCNN()

    def one_by_one():
        for photo in photos:
            try:
                detector.detect_faces(photo)
            except ValueError:
                pass

    loop = seconds(one_by_one, repeats=1)
    return f"crop_faces, 160×160, against MTCNN one by one: {loop / batch:.1f}× ({96 / batch:.0f} photos/s)"


def decoding() -> str:
    from facelib import weights

    vae = weights.load("vae-synthetic-80")
    z = np.random.default_rng(0).standard_normal((256, vae.latent_dim)).astype(np.float32)
    batch = seconds(lambda: vae.decode(z))
    loop = seconds(lambda: [vae.decoder.predict(one[None], verbose=0) for one in z[:32]], repeats=1) * 8
    return f"decode 256 faces against predict one by one: {loop / batch:.1f}× ({256 / batch:.0f} faces/s)"


if __name__ == "__main__":
    for benchmark in (drawing, cropping, decoding):
        print(benchmark(), flush=True)
