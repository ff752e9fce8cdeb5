"""What exact distances cost, as ratios against what most programs do: `python benchmarks/metrics.py`.

Both sides of each line take turns in this one run; the best of several counts. The matrix root is
`scipy.linalg.sqrtm` of the product of two covariances, as in the programs that published FIDs come from.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy.linalg import sqrtm

from facelib.data import load_faces
from facelib.metrics import Statistics, extract, frechet_distance, trace_of_root
from facelib.metrics.onet import build_onet
from facelib.metrics.resize import antialiased
from facelib.metrics.statistics import ROWS


def alternating(*functions, repeats: int = 3) -> list[tuple[float, object]]:
    """Least seconds and last result of each function, taking turns."""
    best = [[float("inf"), None] for _ in functions]
    for _ in range(repeats):
        for record, function in zip(best, functions, strict=True):
            start = time.perf_counter()
            record[1] = function()
            record[0] = min(record[0], time.perf_counter() - start)
    return best


def line(what: str, ours: tuple, theirs: tuple) -> str:
    (fast, value), (slow, usual) = ours, theirs
    difference = abs(value - usual) / abs(usual)
    return f"{what}: {slow / fast:.1f}× ({fast:.2f} s against {slow:.2f} s; relative difference {difference:.0e})"


def draw(n: int, d: int, seed: int) -> np.ndarray:
    """Features whose spread falls off, as a network's do."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * np.geomspace(1, 0.02, d) + rng.uniform(0, 0.1, d)


def by_sqrtm(real: np.ndarray, fake: np.ndarray) -> float:
    a, b = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    apart = ((real.mean(axis=0) - fake.mean(axis=0)) ** 2).sum()
    return float(apart + np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(a @ b).real))


def trace_term(d: int) -> str:
    a, b = (np.cov(draw(3 * d, d, seed), rowvar=False) for seed in (0, 1))
    ours, theirs = alternating(lambda: trace_of_root(a, b), lambda: float(np.trace(sqrtm(a @ b).real)))
    return line(f"trace term of two covariances, d = {d:,}, against the matrix root", ours, theirs)


def end_to_end(n: int, d: int) -> str:
    real, fake = draw(n, d, 0), draw(n, d, 1)
    ours, theirs = alternating(lambda: frechet_distance(real, fake), lambda: by_sqrtm(real, fake), repeats=2)
    return line(f"features to distance, n = {n:,}, d = {d:,}, against covariances and the matrix root", ours, theirs)


def streaming(n: int, d: int) -> str:
    features = draw(n, d, 0)

    def batches() -> float:
        statistics = Statistics()
        for start in range(0, n, ROWS):
            statistics.update(features[start : start + ROWS])
        return float(np.trace(statistics.covariance))

    ours, theirs = alternating(batches, lambda: float(np.trace(np.cov(features, rowvar=False))))
    return line(f"covariance in batches of {ROWS:,}, n = {n:,}, d = {d:,}, against all at once", ours, theirs)


def extracting(n: int) -> str:
    faces, network = load_faces(n=n, size=80).images, build_onet()

    def one_by_one() -> float:
        rows = [network.predict_on_batch((antialiased(face[None], 48) - 127.5) / 128) for face in faces]
        return float(np.concatenate(rows).mean())

    def in_batches() -> float:
        return float(np.asarray(extract(faces, "onet", progress=False)).mean())

    in_batches(), one_by_one()  # compiled
    return line(f"O-Net features of {n} faces of 80 px, against one at a time", *alternating(in_batches, one_by_one))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d", type=int, default=2048, help="features, as Inception has them")
    d = parser.parse_args().d
    for measure, arguments in [
        (trace_term, (d,)),
        (end_to_end, (10_000, d)),
        (end_to_end, (500, d)),
        (streaming, (10_000, d)),
        (extracting, (256,)),
    ]:
        print(measure(*arguments), flush=True)
