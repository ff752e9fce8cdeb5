"""Bring part of a git repository, at one commit, into the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from facelib.files import cache_dir, replacing


@dataclass(frozen=True)
class GitSource:
    """Where a data set lies: the folders `paths` of the repository at `url` as they were at `commit`."""

    name: str
    url: str
    commit: str
    paths: tuple[str, ...]
    size: str  # for people, "155 MB"


def fetch(source: GitSource, *, progress: bool = True) -> Path:
    """The folder in the cache that holds the source, fetched on first use.

    Only the pinned commit is fetched, and of it only the named paths. The folder appears when all of it is there;
    what an interrupted run had is fetched again.

    Raises:
        FileNotFoundError: if git is missing, or the repository or the commit cannot be had; with what git said.
    """
    folder = cache_dir() / f"{source.name}-{source.commit[:12]}"
    if folder.is_dir():
        return folder
    if shutil.which("git") is None:
        raise FileNotFoundError(f"fetching {source.name} needs git, which is not installed.")
    try:
        with replacing(folder) as partial:
            partial.mkdir()
            _git(partial, "init", "--quiet")
            _git(partial, "remote", "add", "origin", source.url)
            _git(partial, "sparse-checkout", "set", "--no-cone", *(f"/{path}" for path in source.paths))
            # Without the blobs, and then at checkout only those of the wanted paths.
            with tqdm(total=100, unit="%", desc=f"fetching {source.name} ({source.size})", disable=not progress) as bar:
                _git(partial, "fetch", "--quiet", "--depth=1", "--filter=blob:none", "origin", source.commit)
                _git(partial, "checkout", "--progress", "--detach", "FETCH_HEAD", bar=bar)
            missing = [path for path in source.paths if not (partial / path).exists()]
            if missing:
                raise FileNotFoundError(f"{source.url} at {source.commit[:12]} has no {', '.join(missing)}.")
            shutil.rmtree(partial / ".git")
    except subprocess.CalledProcessError as error:
        raise FileNotFoundError(
            f"{source.name} could not be fetched from {source.url}: git {error.cmd[3]} said: {_last_line(error.stderr)}"
        ) from None
    except OSError:
        # Another process may have been faster; what it fetched is the same commit.
        if not folder.is_dir():
            raise
    return folder


def _git(folder: Path, *arguments: str, bar: tqdm | None = None) -> None:
    command = ["git", "-C", str(folder), *arguments]
    # Never wait for a password, and in a language whose messages can be searched for.
    environment = os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    said = b""
    with process:
        while piece := process.stderr.read1(4096):
            said += piece
            percent = re.findall(rb"(?:Receiving objects|Updating files):\s+(\d+)%", piece)
            if bar is not None and percent:
                bar.update(max(0, int(percent[-1]) - bar.n))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=said.decode(errors="replace"))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    wanted = [line for line in lines if line.startswith(("fatal", "error"))]
    return (wanted or lines or ["nothing"])[0]
