"""What is installed, where things lie, and what is missing for which chapter: `facelib.doctor()`, `python -m facelib`.

It asks and changes nothing, downloads nothing, and whatever is broken becomes a line of its report.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from facelib import __version__
from facelib.files import cache_dir, data_dir

GOOD, NOTE, BAD = "ok", "note", "MISSING"
PATIENCE = 8.0  # seconds for the backend to start
ROOM = 1_000_000_000  # bytes; the portraits and their crops take less than that
COUNTED = 20_000  # files of the cache
SHIPPED = "made anew by `pip install --force-reinstall --no-deps`, or restored by git"

# The weights that a chapter takes for the synthetic faces.
CHAPTERS = {
    "00_faces": (),
    "01_vae": ("vae-synthetic-80",),
    "02_accordion": ("accordion-synthetic-128", "autoencoder-synthetic-128", "vae-synthetic-80"),
    "03_dcgan": ("dcgan-light-synthetic-80", "dcgan-light-faithful-synthetic-80", "dcgan-small-synthetic-32"),
    "04_conditional_gan": (
        *("cdcgan-light-synthetic-64", "cdcgan-light-unlabelled-synthetic-64", "cdcgan-light-portraits-64"),
        "judge-synthetic-64",
    ),
    "05_conditional_family": (
        *("dcgan-digits-16", "cdcgan-digits-16", "cdcgan-wrong-labels-digits-16", "acgan-digits-16"),
        *("2n-gan-digits-16", "infogan-digits-16", "infogan-five-codes-digits-16", "infogan-synthetic-32"),
        *("dcgan-synthetic-32", "cdcgan-synthetic-32", "cdcgan-wrong-labels-synthetic-32", "acgan-synthetic-32"),
        "2n-gan-synthetic-32",
    ),
    "06_fid": ("dcgan-light-synthetic-64", "judge-synthetic-64"),
    "07_arithmetic": (
        *("vae-synthetic-80", "dcgan-light-synthetic-64", "cdcgan-light-synthetic-64", "scorer-synthetic-64"),
        *("finder-synthetic-64", "finder-portraits-64", "scorer-portraits-64", "vae-portraits-80"),
        "dcgan-light-portraits-64",
    ),
    "08_projection": (
        *("dcgan-light-synthetic-64", "dcgan-small-synthetic-32", "encoder-synthetic-64", "vae-synthetic-80"),
        *("finder-synthetic-64", "scorer-synthetic-64", "dcgan-light-portraits-64", "vae-portraits-80"),
        "finder-portraits-64",
    ),
    "09_cyclegan": (
        *("cyclegan-smiling-synthetic-64", "cyclegan-colour-portraits-64", "cyclegan-colour-synthetic-32"),
        *("scorer-synthetic-64", "scorer-portraits-64", "dcgan-light-portraits-64", "cdcgan-light-portraits-64"),
        "vae-synthetic-80",
    ),
    "10_same_faces": (
        *("dcgan-light-synthetic-64", "dcgan-light-synthetic-80", "dcgan-light-faithful-synthetic-80"),
        *("cdcgan-light-synthetic-64", "cdcgan-light-unlabelled-synthetic-64", "encoder-synthetic-64"),
        *("vae-synthetic-80", "accordion-synthetic-128", "autoencoder-synthetic-128", "dcgan-light-portraits-64"),
        *("dcgan-light-portraits-80", "dcgan-light-faithful-portraits-80"),
    ),
}
# Where MTCNN has to run, and where only its weights are read, which the same packages bring, for features of faces.
FINDS_FACES = ("00_faces", "02_accordion", "03_dcgan", "04_conditional_gan", "08_projection", "09_cyclegan")
COMPARES_FACES = ("06_fid", "07_arithmetic", "10_same_faces")


@dataclass(frozen=True)
class Line:
    """One thing: how it stands ("ok", "note" or "MISSING"), what it is, and what was found."""

    state: str
    what: str
    found: str

    def __str__(self) -> str:
        return f"{self.state:>8}  {self.what:<24}  {self.found}"


@dataclass(frozen=True)
class Checkup:
    """What `doctor` found; printed, a table."""

    lines: tuple[Line, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is missing that chapters need."""
        return all(line.state != BAD for line in self.lines)

    def __str__(self) -> str:
        bad = sum(line.state == BAD for line in self.lines)
        last = "Nothing is missing." if self.ok else f"{bad} things are missing: see above."
        return "\n".join([*map(str, self.lines), last])

    __repr__ = __str__


def doctor() -> Checkup:
    """Look at versions, backend and device, cache, data sets, weights, and what each chapter needs; some seconds.

    >>> report = doctor()
    >>> [line.found for line in report.lines if line.what == "synthetic faces"]
    ['drawn by the library']
    """
    began, asked = time.monotonic(), _ask_backend()
    looks = {
        "Python": _python,
        "packages": _packages,
        "cache": _cache,
        "data sets": _data,
        "weights": _weights,
        "exporting": _exporting,
        # Last, for it takes longest; and it stands after the packages.
        "backend": lambda: _backend(asked, began + PATIENCE - time.monotonic()),
    }
    found = {what: _careful(what, look) for what, look in looks.items()}
    order = ("Python", "packages", "backend", "cache", "data sets", "weights", "exporting")
    lines = [line for what in order for line in found[what]]
    return Checkup((*lines, *_careful("chapters", lambda: _chapters(lines))))


def _careful(what: str, look: Callable[[], Iterator[Line]]) -> list[Line]:
    lines = []
    try:
        lines.extend(look())
    # A report of what is broken must not break.
    except Exception as error:
        lines.append(Line(BAD, what, f"could not be found out: {type(error).__name__}: {str(error)[:200]}"))
    return lines


def _python() -> Iterator[Line]:
    right = (3, 11) <= sys.version_info[:2] < (3, 14)
    said = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Line(GOOD if right else BAD, "Python", said if right else f"{said}; 3.11, 3.12 or 3.13 is needed")


def _packages() -> Iterator[Line]:
    yield Line(GOOD, "facelib", f"{__version__}, in {Path(__file__).resolve().parent}")
    for name, bound in _wanted().items():
        try:
            there = metadata.version(name)
        except metadata.PackageNotFoundError:
            there = None
        if there is None:
            yield Line(BAD, name, f"is not installed: pip install '{name}>={bound}'")
        elif _numbers(there) < _numbers(bound):
            yield Line(BAD, name, f"{there}, and {bound} or later is needed: pip install -U {name}")
        else:
            yield Line(GOOD, name, there)
    yield Line(GOOD if util.find_spec("jax") else NOTE, "jax", _version("jax") or "is not installed; only some need it")


def _wanted() -> dict[str, str]:
    """Package → its lower bound, from the metadata of what is installed, or the checkout's own."""
    checkout = Path(__file__).resolve().parent.parent / "pyproject.toml"
    if checkout.exists():
        import tomllib

        listed = tomllib.loads(checkout.read_text(encoding="utf-8"))["project"]["dependencies"]
    else:
        listed = [line for line in metadata.requires("facelib") or () if "extra ==" not in line]
    found = [re.match(r"([\w.-]+)\s*>=\s*([\d.]+)", line) for line in listed]
    return {match[1]: match[2] for match in found if match}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0])[:3])


def _ask_backend() -> subprocess.Popen | None:
    """Start Keras in a process of its own: what is broken may take its process with it, and a GPU stays free."""
    if "keras" in sys.modules:
        return None
    code = "import keras; from facelib.backend import device; print('::', keras.backend.backend(), device(), sep='::')"
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        return subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=quiet
        )
    except OSError:
        return None


def _backend(asked: subprocess.Popen | None, seconds: float) -> Iterator[Line]:
    if asked is None:
        import keras

        from facelib.backend import device

        yield Line(GOOD, "backend, device", f"{keras.backend.backend()}, {device()}")
        return
    try:
        said, complained = asked.communicate(timeout=max(0.1, seconds))
    except subprocess.TimeoutExpired:
        asked.kill()
        asked.communicate()
        yield Line(NOTE, "backend, device", f"did not start within {PATIENCE:g} s; the first start takes longest")
        return
    found = re.search(r"::::(\w+)::(.*)", said)
    if asked.returncode or not found:
        why = (complained.strip().splitlines() or [f"status {asked.returncode}"])[-1]
        yield Line(BAD, "backend, device", f"Keras does not start: {why[:200]}")
        return
    yield Line(GOOD, "backend, device", f"{found[1]}, {found[2]}")


def _cache() -> Iterator[Line]:
    folder = cache_dir()
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        why = error.strerror or error
        yield Line(BAD, "cache", f"{folder} cannot be written ({why}): set FACELIB_CACHE to a folder that can")
        return
    files, size = 0, 0
    for inside, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(inside) / name).lstat().st_size
            except OSError:  # gone meanwhile
                continue
            files += 1
        if files > COUNTED:
            break
    more = "more than " if files > COUNTED else ""
    yield Line(GOOD, "cache", f"{folder}, {more}{size / 1e6:,.0f} MB in {files:,} files")
    free = shutil.disk_usage(there).free
    hint = "" if free > ROOM else "; crops and downloads want one: make room, or set FACELIB_CACHE"
    yield Line(NOTE if hint else GOOD, "free space", f"{free / 1e9:,.1f} GB{hint}")


def _data() -> Iterator[Line]:
    from facelib.data.celeba import PHOTOS

    yield Line(GOOD, "synthetic faces", "drawn by the library")
    own = data_dir()
    yield _portraits(own)
    celeba = own / "celeba" if own else None
    if celeba and celeba.is_dir():
        tables = ("list_attr_celeba.csv", "list_attr_celeba.txt", "Anno/list_attr_celeba.txt")
        if all(any((celeba / place).exists() for place in places) for places in (PHOTOS, tables)):
            yield Line(GOOD, "celeba", f"in {celeba}")
        else:
            yield Line(NOTE, "celeba", f"{celeba} lacks photos or their table: load_faces('celeba') says which")
    elif util.find_spec("kagglehub"):
        yield Line(NOTE, "celeba", "is downloaded by kagglehub on first use")
    else:
        yield Line(NOTE, "celeba", "not here; no chapter needs it: load_faces('celeba') says how to get it")


def _portraits(own: Path | None) -> Line:
    from facelib.data.portraits import SOURCE

    for folder in (own / "portraits" if own else None, cache_dir() / f"{SOURCE.name}-{SOURCE.commit[:12]}"):
        if folder and folder.is_dir():
            if (folder / "photos").is_dir() or (folder / "images").is_dir():
                return Line(GOOD, "portraits", f"in {folder}")
            return Line(
                NOTE, "portraits", f"{folder} holds neither photos/ nor images/: unpack them there, or remove it"
            )
    git = "are fetched by git on first use" if shutil.which("git") else "need git, which is not installed"
    return Line(NOTE, "portraits", f"not here, {git} ({SOURCE.size}); no chapter needs them")


def _weights() -> Iterator[Line]:
    from facelib import weights

    for name in sorted({name for names in CHAPTERS.values() for name in names}):
        try:
            weights.check(name)
        except (ValueError, OSError) as error:
            yield Line(BAD, name, f"{str(error).split('. ')[0][:300]}: {SHIPPED}")
    yield Line(GOOD, "weights", f"looked at what chapters take, in {weights.FOLDER}")


def _exporting() -> Iterator[Line]:
    lack = [name for name in ("onnx", "tf2onnx") if util.find_spec(name) is None]
    if lack:
        yield Line(NOTE, "exporting to ONNX", f"needs {' and '.join(lack)}: pip install {' '.join(lack)}")
    else:
        yield Line(GOOD, "exporting to ONNX", f"onnx {_version('onnx')}, tf2onnx {_version('tf2onnx')}")


def _chapters(lines: list[Line]) -> Iterator[Line]:
    bad = {line.what: line.found for line in lines if line.state == BAD}
    everywhere = [name for name in bad if name in ("Python", "backend, device") or name in _wanted()]
    backend = next((line.found for line in lines if line.what == "backend, device" and line.state == GOOD), "")
    of_mtcnn = FINDS_FACES + COMPARES_FACES
    for chapter, names in CHAPTERS.items():
        lack = [name for name in names if name in bad]
        lack += [name for name in everywhere if name not in ("mtcnn", "lz4") or chapter in of_mtcnn]
        if chapter in FINDS_FACES and backend and not backend.startswith("tensorflow"):
            lack.append("KERAS_BACKEND=tensorflow, on which MTCNN runs")
        if lack:
            yield Line(BAD, chapter, f"lacks {', '.join(lack)}")
        else:
            yield Line(GOOD, chapter, "can run")
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    if not any(home.glob("inception_v3_weights*")):
        yield Line(NOTE, "06_fid, colab and full", "download Inception's weights (90 MB) on first use; quick does not")
