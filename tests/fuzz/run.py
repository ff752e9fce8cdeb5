"""Read files that were changed at random: valid data or one documented line, in bounded memory and time.

    python tests/fuzz/run.py --minutes 5 --seed 1

What breaks that rule is kept in `tests/fuzz/found/`; `tests/unit/test_fuzz.py` reads all of it again, and a few new
files of a fixed seed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from mutate import mutate

HERE = Path(__file__).resolve().parent
FOUND = HERE / "found"
MEGABYTES, SECONDS = 600, 20  # more than before, and at most, for one file
OUT_OF_MEMORY = ("MemoryError", "Unable to allocate", "out of memory")


class Hang(BaseException):
    """Reading took too long."""


def _ring(*_):
    raise Hang


def _from_now_on() -> Callable[[], float]:
    """How many MB more than now the process takes at most, from now on."""
    status = Path("/proc/self/status")

    def megabytes(field: str) -> float:
        return int(re.search(rf"{field}:\s*(\d+)", status.read_text())[1]) / 1024

    try:
        # The system forgets the largest that the process ever was: what came before would hide all that is smaller.
        Path("/proc/self/clear_refs").write_text("5")
        before = megabytes("VmRSS")
        return lambda: megabytes("VmHWM") - before
    except (OSError, TypeError):  # no Linux
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return lambda: (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def problem(read, path: Path, documented: tuple) -> str | None:
    """What is wrong with how a file is read; None if nothing is."""
    grown = _from_now_on()
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except documented as error:
        said = str(error)
        if any(words in said for words in OUT_OF_MEMORY):
            return f"memory: {said}"
        if not said.strip() or "\n" in said or len(said) > 1500:
            return f"no single line: {said[:300]!r}"
    except Hang:
        return f"took more than {SECONDS} s"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        signal.alarm(0)
    return f"took {most:.0f} MB" if (most := grown()) > MEGABYTES else None


def fuzz(readers: dict, documented: tuple, place: Path, seed: int, seconds: float, rounds: int | None = None) -> dict:
    """Read changed files in turn until the time is over; file name → problem. What was found is kept."""
    rng, found, read, began, turn = random.Random(seed), {}, 0, time.monotonic(), 0
    while time.monotonic() - began < seconds and (rounds is None or turn < rounds):
        turn += 1
        for name, reader in readers.items():
            if rng.random() > 1 / reader.cost:
                continue
            file = rng.choice(sorted(reader.seeds))
            content = mutate(reader.seeds[file], rng, list(reader.seeds.values()))
            path = reader.put(place, file, content)
            # A crash of the interpreter leaves it there.
            last = FOUND / f"{name}-last-{file.replace('/', '@')}.found"
            last.write_bytes(content)
            wrong = problem(reader.read, path, documented)
            read += 1
            if wrong is None:
                last.unlink()
            else:
                kept = FOUND / f"{name}-{hashlib.sha256(content).hexdigest()[:8]}-{file.replace('/', '@')}.found"
                last.rename(kept)
                found[kept.name] = wrong
                print(f"{kept.name}: {wrong}", flush=True)
    print(f"{read:,} files read in {time.monotonic() - began:.0f} s, seed {seed}: {len(found)} problems")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", nargs="+", help="some readers")
    options = parser.parse_args()
    # So that what asks for too much gets an error instead of the machine.
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.append(str(HERE.parent / "unit"))  # for write_pth
    from readers import DOCUMENTED, readers

    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        known = readers(Path(folder) / "seeds")
        chosen = {name: known[name] for name in options.only or known}
        found = fuzz(chosen, DOCUMENTED, Path(folder) / "case", options.seed, 60 * options.minutes)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
