"""Peak memory of training on many faces: `python benchmarks/memory.py` (200,000 at 64 px, the size of CelebA).

Faces stay uint8, in memory or in a folder that is mapped; the networks' own share is measured on one batch before.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from facelib.models import DCGAN
from facelib.training import recipe


def peak() -> float:
    """GB that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=200_000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--mapped", action="store_true", help="faces in a folder, as FaceSet.save keeps them")
    options = parser.parse_args()
    gan = DCGAN(options.size, width=options.width)
    gan.compile(**recipe("faithful"))
    shape = (options.faces, options.size, options.size, 3)
    rng = np.random.default_rng(0)
    gan.fit(rng.integers(0, 256, (64, *shape[1:]), np.uint8), epochs=1, verbose=0)
    networks = peak()
    with tempfile.TemporaryDirectory() as folder:
        if options.mapped:
            images = np.lib.format.open_memmap(Path(folder) / "images.npy", "w+", np.uint8, shape)
        else:
            images = np.empty(shape, np.uint8)
        for start in range(0, len(images), 1000):
            images[start : start + 1000] = rng.integers(
                0, 256, (len(images[start : start + 1000]), *shape[1:]), np.uint8
            )
        gan.fit(images, epochs=1, steps_per_epoch=3, verbose=0)
    print(
        f"{options.faces:,} faces at {options.size} px ({images.nbytes / 1e9:.2f} GB): peak {peak():.2f} GB, "
        f"of which networks and framework {networks:.2f} GB"
    )


if __name__ == "__main__":
    main()
