"""Pack what a machine without a network needs to train: faces as one archive of JPEGs, and wheels.

    python tools/pack.py portraits --size 80 --out carry

writes `carry/portraits-80.zip` and `carry/wheels/`: this environment's Keras, and what few machines have of its needs.
The machine is expected to have JAX, numpy, pandas, Pillow, scipy, scikit-image, tqdm, and of Keras' needs absl-py,
h5py, ml-dtypes, packaging, rich and typing-extensions. CONTRIBUTING.md describes the whole way.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from facelib.data import load_faces

WHEELS = [f"{name}=={version(name)}" for name in ("keras", "optree", "namex")]
LIMIT = 12e6  # bytes of wheels


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=("synthetic", "portraits", "celeba"))
    parser.add_argument("--size", type=int, default=80, help="side of the faces in pixels")
    parser.add_argument("--n", type=int, help="how many faces (default: all; 20,000 synthetic ones)")
    parser.add_argument("--out", type=Path, default=Path("carry"), help="folder to write to (default: carry)")
    parser.add_argument("--python", default="3.12", help="that machine's Python version")
    parser.add_argument("--platform", default="manylinux_2_28_x86_64", help="that machine's platform")
    options = parser.parse_args(arguments)

    n = 20_000 if options.n is None and options.dataset == "synthetic" else options.n
    faces = load_faces(options.dataset, n, options.size, subset="train")
    archive = options.out / f"{options.dataset}-{options.size}.zip"
    faces.save(archive)
    print(f"{archive}: {len(faces):,} faces, {archive.stat().st_size / 1e6:.1f} MB")

    wheels = options.out / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)  # two versions of one package stop its installation
    # The newest glibc first; pip takes exactly the platforms that it is told.
    platforms = [options.platform, "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
    pip += ["--only-binary=:all:", "--python-version", options.python, "--implementation", "cp", "-d", str(wheels)]
    subprocess.run([*pip, *(f"--platform={name}" for name in platforms), *WHEELS], check=True)
    total = sum(wheel.stat().st_size for wheel in wheels.iterdir())
    print(f"{wheels}: {', '.join(sorted(wheel.name for wheel in wheels.iterdir()))}, {total / 1e6:.1f} MB")
    if total > LIMIT:
        print(f"the wheels are larger than {LIMIT / 1e6:.0f} MB: empty {wheels} and pack again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
