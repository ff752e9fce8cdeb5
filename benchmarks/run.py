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


def one_by_one(photos) -> None:
    from mtcnn import MTCNN

    detector = MTCNN()
    for photo in photos:
        try:
            detector.detect_faces(photo)
        except ValueError:  # its way of saying that there is no face
            pass


def cropping(sizes: str, photos: list[np.ndarray]) -> str:
    batch = seconds(lambda: crop_faces(photos, progress=False), repeats=2)
    loop = seconds(lambda: one_by_one(photos), repeats=1)
    speed = f"{loop / batch:.1f}× ({len(photos) / batch:.0f} photos/s)"
    return f"crop_faces, {sizes}, against MTCNN one by one: {speed}"


def cropping_one_size() -> str:
    return cropping("one size (175×175)", list(load_faces(n=96, size=175, seed=1).images))


def cropping_mixed_sizes() -> str:
    """Every photo of another height and width, as in a folder of scans."""
    rng = np.random.default_rng(0)
    faces = load_faces(n=96, size=250, seed=1).images
    shapes = np.stack([rng.integers(180, 251, 96), rng.integers(140, 251, 96)], axis=1)
    photos = [face[(250 - h) // 2 :][:h, (250 - w) // 2 :][:, :w] for face, (h, w) in zip(faces, shapes, strict=True)]
    return cropping("mixed sizes (140 to 250)", photos)


def decoding() -> str:
    from facelib import weights

    vae = weights.load("vae-synthetic-80")
    z = np.random.default_rng(0).standard_normal((256, vae.latent_dim)).astype(np.float32)
    batch = seconds(lambda: vae.decode(z))
    loop = seconds(lambda: [vae.decoder.predict(one[None], verbose=0) for one in z[:32]], repeats=1) * 8
    return f"decode 256 faces against predict one by one: {loop / batch:.1f}× ({256 / batch:.0f} faces/s)"


if __name__ == "__main__":
    for benchmark in (drawing, cropping_one_size, cropping_mixed_sizes, decoding):
        print(benchmark(), flush=True)
