"""Change a few bytes of a file in the ways in which files break, and in which they are crafted.

Checksums stop most random changes at the door, so archives are also opened, changed inside, and closed again.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import struct
import warnings
import zipfile
import zlib

NUMBERS = (
    0,
    1,
    2,
    7,
    127,
    128,
    255,
    256,
    32_767,
    65_535,
    65_536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**63 - 1,
    2**64 - 1,
)
ODD = (
    *(None, True, False, 0, -1, 1, 7, 1e308, -1e308, 10**12, 10**40, "", "x", "\x00", "../x", "é" * 3, [], {}, [[]]),
    *(
        "__import__",
        "os.system",
        "load",
        "DCGAN",
        "Accordion",
        [1, 2],
        ["a", "b"],
        {"a": 1},
        [10**9],
        "9" * 5000,
        16_384,
    ),
)


def mutate(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Another file: `data` with one to four changes, some of them pieces of others."""
    inside = [how for start, how in INSIDE.items() if data.startswith(start)]
    if inside and rng.random() < 0.6:
        try:
            return inside[0](data, rng)
        except Exception:  # it was broken before
            pass
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(CHANGES)(data, rng, others)
    return data


def _flip(data, rng, others):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8)) if data else 0):
        data[_near(len(data), rng)] ^= 1 << rng.randrange(8)
    return bytes(data)


def _set(data, rng, others):
    at = _near(len(data), rng)
    return data[:at] + bytes([rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))]) + data[at + 1 :]


def _truncate(data, rng, others):
    return data[: rng.randrange(len(data) + 1)]


def _repeat(data, rng, others):
    at, to = sorted((_near(len(data), rng), _near(len(data), rng)))
    return data[:to] + data[at:to] * rng.choice((1, 1, 3)) + data[to:]


def _remove(data, rng, others):
    at = _near(len(data), rng)
    return data[:at] + data[at + rng.choice((1, 2, 4, 64)) :]


def _splice(data, rng, others):
    other = rng.choice(others)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _number(data, rng, others):
    kind = rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    value, at = rng.choice(NUMBERS) % 256 ** struct.calcsize(kind), _near(len(data), rng)
    return data[:at] + struct.pack(kind, value) + data[at + struct.calcsize(kind) :]


def _digits(data, rng, others):
    """A number that is written out."""
    found = list(re.finditer(rb"-?\d+", data))
    if not found:
        return _flip(data, rng, others)
    at = rng.choice(found)
    return data[: at.start()] + str(rng.choice((-1, *NUMBERS, 10**30))).encode() + data[at.end() :]


CHANGES = (_flip, _flip, _set, _truncate, _repeat, _remove, _splice, _number, _number, _digits)


def _near(size: int, rng: random.Random) -> int:
    """A place, often near the start, where headers are, or near the end, where zips have theirs."""
    place = rng.choice((size, size, min(size, 128), -min(size, 128)))
    return rng.randrange(place) if place > 0 else size + rng.randrange(place, 0) if place else 0


def _in_zip(data: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(entries))
    way = rng.random()
    if way < 0.1:
        del entries[name]
    elif way < 0.2:
        entries[rng.choice((name + "x", "../" + name, "images.npy", "about.npy"))] = entries.pop(name)
    elif way < 0.3:
        entries[name] = entries[rng.choice(sorted(entries))]
    else:
        entries[name] = mutate(entries[name], rng, list(entries.values()))
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            for key, content in entries.items():
                archive.writestr(key, content)
    return file.getvalue()


def _in_gzip(data: bytes, rng: random.Random) -> bytes:
    content = gzip.decompress(data)
    return gzip.compress(mutate(content, rng, [content]), mtime=0)


def _in_png(data: bytes, rng: random.Random) -> bytes:
    chunks, at = [], 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    i = rng.choice((0, rng.randrange(len(chunks))))
    kind, content = chunks[i]
    if kind == b"IDAT" and rng.random() < 0.5:
        content = zlib.compress(mutate(zlib.decompress(content), rng, [content]))
    else:
        content = mutate(content, rng, [content])
    chunks[i] = kind, content
    whole = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    return data[:8] + b"".join(whole)


def _in_json(data: bytes, rng: random.Random) -> bytes:
    tree = json.loads(data)
    for _ in range(rng.randint(1, 2)):
        node, key = None, None
        below = tree
        while isinstance(below, (dict, list)) and len(below):
            node = below
            key = rng.choice(sorted(node)) if isinstance(node, dict) else rng.randrange(len(node))
            below = node[key]
            if rng.random() < 0.2:
                break
        if node is None:
            break
        if isinstance(node, dict) and rng.random() < 0.2:
            node[str(rng.choice(ODD))] = node.pop(key)
        else:
            node[key] = rng.choice(ODD)
    return json.dumps(tree).encode()


INSIDE = {b"PK\x03\x04": _in_zip, b"\x1f\x8b": _in_gzip, b"\x89PNG\r\n\x1a\n": _in_png, b"{": _in_json}
