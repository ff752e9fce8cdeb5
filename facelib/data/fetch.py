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

# What git takes for "this repository" before it looks at the folder.
REPOSITORY = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS"),
}


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
            # Not by `git sparse-checkout`, whose options differ between the versions that are in use.
            _git(partial, "config", "core.sparseCheckout", "true")
            wanted = partial / ".git" / "info" / "sparse-checkout"
            wanted.parent.mkdir(exist_ok=True)
            wanted.write_text("".join(f"/{path}/\n" for path in source.paths))
            # Without the blobs, and then at checkout only those of the wanted paths.
            with tqdm(total=100, unit="%", desc=f"fetching {source.name} ({source.size})", disable=not progress) as bar:
                _git(partial, "fetch", "--quiet", "--depth=1", "--filter=blob:none", "origin", source.commit)
                _git(partial, "checkout", "--progress", "--detach", "FETCH_HEAD", bar=bar)
            missing = [path for path in source.paths if not (partial / path).exists()]
            if missing:
                raise FileNotFoundError(f"{source.url} at {source.commit[:12]} has no {', '.join(missing)}.")
            for path in (partial / ".git").rglob("*"):  # Windows deletes nothing that is read-only
                path.chmod(0o700)
            shutil.rmtree(partial / ".git")
    except subprocess.CalledProcessError as error:
        raise FileNotFoundError(
            f"{source.name} could not be fetched from {source.url}: git {error.cmd[-1]} said: {error.stderr}."
        ) from None
    except FileNotFoundError:
        raise
    except OSError as error:
        # Another process may have been faster; what it fetched is the same commit.
        if not folder.is_dir():
            raise FileNotFoundError(
                f"{source.name} could not be kept: {error}. Set FACELIB_CACHE to a folder that can be written."
            ) from None
    return folder


def _git(folder: Path, command: str, *arguments: str, bar: tqdm | None = None) -> None:
    # A server that stalls is given up after a minute.
    patience = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60")
    # Not the repository of whoever called (as in a hook), never wait for a password, and messages in one language.
    environment = {name: value for name, value in os.environ.items() if name not in REPOSITORY}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    whole = ["git", "-C", str(folder), *patience, command, *arguments]
    process = subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    said = b""
    with process:
        try:
            while piece := process.stderr.read1(4096):
                said += piece
                percent = re.findall(rb"(?:Receiving objects|Updating files):\s+(\d+)%", piece)
                if bar is not None and percent:
                    bar.update(max(0, int(percent[-1]) - bar.n))
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(
            process.returncode, ["git", command], stderr=_reason(said.decode("utf-8", "replace"))
        )


def _reason(said: str) -> str:
    lines = [line.strip(" .") for line in re.split(r"[\r\n]+", said) if line.strip()]
    wanted = [line for line in lines if line.startswith(("fatal", "error"))]
    return (wanted or lines or ["nothing"])[0]
