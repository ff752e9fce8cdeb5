"""All readers of files that others may have made, each with whole files to start from.

A reader takes the path of a file that was changed, and reads it as a user's call would.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from write_pth import write_pth

from facelib import results, weights
from facelib.data import FaceSet, celeba, folder, load_faces, portraits, store, toy
from facelib.data.photos import photo_size, read_photo
from facelib.latent.unfinished import Unfinished
from facelib.metrics.pth import read_pth
from facelib.metrics.statistics import Statistics

DOCUMENTED = (ValueError, FileNotFoundError)  # PhotoError and UnicodeError are ValueErrors


@dataclass
class Reader:
    """`read(path)`: a file that was changed, in a folder of its own with copies of what belongs beside it."""

    seeds: dict[str, bytes]
    read: Callable[[Path], object]
    beside: dict[str, bytes] = field(default_factory=dict)
    cost: int = 1  # how many readings of a photo it takes as long as

    def put(self, place: Path, name: str, content: bytes) -> Path:
        """Lay out a folder with the file; returns its path."""
        shutil.rmtree(place, ignore_errors=True)
        for other, its_content in (self.beside | {name: content}).items():
            (place / other).parent.mkdir(parents=True, exist_ok=True)
            (place / other).write_bytes(its_content)
        return place / name


def _faces() -> FaceSet:
    faces = load_faces(n=4, size=16, seed=1)
    return FaceSet(faces.images, faces.names, faces.attributes, faces.factors, pd.DataFrame({"file": list("abcd")}))


def _open_faces(path: Path) -> None:
    faces = FaceSet.open(path)
    assert faces.images.dtype == np.uint8 and faces.images.shape[1:] == (faces.size, faces.size, 3)
    assert len(faces.names.tolist()) == len(faces.attributes) == len(faces)
    faces.images.sum()


def _photos() -> dict[str, bytes]:
    image = Image.fromarray(load_faces(n=1, size=24, seed=3).images[0])
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a photo"
    kinds = {
        "jpg": {"exif": exif, "quality": 80},
        "png": {"exif": exif},
        "gif": {},
        "webp": {"exif": exif},
        "tif": {"compression": "tiff_lzw"},
        "bmp": {},
        "ppm": {},
        "tga": {},
        "ico": {},
    }
    files = {}
    for suffix, options in kinds.items():
        content = io.BytesIO()
        image.save(content, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()), **options)
        files[f"photo.{suffix}"] = content.getvalue()
    wide, small = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.arange(576, dtype=np.uint16).reshape(24, 24) * 100).save(wide, "PNG")
    image.convert("RGBA").quantize(8).save(small, "PNG", transparency=0)
    return files | {"wide.png": wide.getvalue(), "palette.png": small.getvalue()}


def _read_photo(path: Path) -> None:
    height, width = photo_size(path)
    pixels, _ = read_photo(path)
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and height >= 0 and width >= 0


def _of(save: Callable[[Path], object], place: Path, *names: str) -> dict[str, bytes]:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    save(place)
    return {name: (place / name).read_bytes() for name in names}


def _celeba() -> tuple[dict[str, bytes], dict[str, bytes]]:
    names = [f"{i:06d}.jpg" for i in range(1, 5)]
    rows = [[1, -1, 1], [-1, -1, 1], [1, 1, -1], [-1, 1, 1]]
    attributes = pd.DataFrame(rows, pd.Index(names, name="image_id"), ["Male", "Smiling", "Young"])
    parts = pd.DataFrame({"partition": [0, 0, 1, 2]}, attributes.index)
    text = "4\nMale Smiling Young\n" + "".join(
        f"{n}  {' '.join(map(str, r))}\n" for n, r in zip(names, rows, strict=True)
    )
    tables = {
        "list_attr_celeba.csv": attributes.to_csv().encode(),
        "list_eval_partition.csv": parts.to_csv().encode(),
        "Anno/list_attr_celeba.txt": text.encode(),
        "Eval/list_eval_partition.txt": parts.to_csv(sep=" ", header=False).encode(),
    }
    return tables, {f"img_align_celeba/{name}": b"" for name in names}


def _read_celeba(path: Path) -> None:
    root = path.parent if path.suffix == ".csv" else path.parent.parent
    original = path.suffix == ".txt"
    for name, content in _celeba()[0].items():
        if name.endswith(".txt") == original and not (root / name).exists():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(content)
    _, attributes = celeba._read(root)
    assert set(attributes.dtypes) <= {np.dtype(bool)}
    assert set(celeba._parts(root, attributes.index)) <= {0, 1, 2}


def _idx() -> dict[str, bytes]:
    import gzip

    files, rng = {}, np.random.default_rng(0)
    for part, n in (("train", 3), ("t10k", 2)):
        values = {
            "images-idx3": rng.integers(0, 255, (n, 28, 28), np.uint8),
            "labels-idx1": np.arange(n, dtype=np.uint8),
        }
        for kind, array in values.items():
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            content = gzip.compress(header + array.tobytes(), mtime=0)
            files[f"datasets/fashion-mnist/{part}-{kind}-ubyte.gz"] = content
    return files


def _read_idx(path: Path) -> None:
    import keras

    home = str(path.parent.parent.parent)
    os.environ["KERAS_HOME"], keras.src.backend.config._KERAS_DIR = home, home
    toy.load_toy("fashion_mnist", size=28)


def _read_table(path: Path) -> None:
    kept, results.FOLDER = results.FOLDER, path.parent
    try:
        (results.load if path.suffix == ".csv" else results.sheets)(path.stem)
    finally:
        results.FOLDER = kept


def _save_sheets(place: Path) -> None:
    weights.save_timelapse({0: np.zeros((16, 16, 3), np.uint8), 3: np.full((16, 16, 3), 90, np.uint8)}, "small", place)


def _members() -> bytes:
    return portraits.portraits_table().head(5)[[*portraits.LABELS, "source"]].to_csv(index=False).encode()


def _read_report(path: Path) -> None:
    store._kept(path.parent, ["a.png", "b.png", "c.png", "d.png"])


def _read_search(path: Path) -> None:
    search = Unfinished(path, ["a search"], {"z": 0, "loss": 0})
    search.add({"z": np.zeros((1, 4)), "loss": np.zeros(1)})
    assert isinstance(search.done, int) and search.joined()


def _save_search(place: Path) -> None:
    search = Unfinished(place / "search.npz", ["a search"], {"z": 0, "loss": 0})
    search.add({"z": np.zeros((3, 4)), "loss": np.zeros(3)})
    search.save()


def readers(place: Path) -> dict[str, Reader]:
    """Name → reader of files; `place` is for those that whole files are taken from."""
    faces = _faces()
    in_folder = _of(lambda p: faces.save(p / "set"), place, "set/images.npy", "set/tables.npz")
    report = pd.DataFrame({"found": [True] * 4, "reason": [""] * 4, "faces": [1] * 4, "confidence": [0.99] * 4})
    tables, photos = _celeba()
    idx = _idx()
    statistics = Statistics.of(np.random.default_rng(0).normal(size=(20, 3)))
    arrays = {"a": np.ones((3, 2), "<f4"), "b": np.zeros(5, "<f4"), "c": np.asfortranarray(np.ones((4, 3), "<f4"))}
    table = pd.DataFrame({"kind": ["a", "b"], "value": [0.5, 2.0], "commit": ["0123456", "abcdef0"]})

    def pths(p: Path) -> None:
        write_pth(p / "new.pth", arrays, False)
        write_pth(p / "old.pth", arrays, True)

    def pictures(p: Path) -> None:
        _save_sheets(p)
        (p / "small.zip").rename(p / "sheets.zip")

    return {
        "faces": Reader(
            _of(lambda p: [faces.save(p / f"set.{s}") for s in ("npz", "zip")], place, "set.npz", "set.zip"),
            _open_faces,
        ),
        "faces-folder": Reader(in_folder, lambda path: _open_faces(path.parent), in_folder),
        "photo": Reader(_photos(), _read_photo),
        "pth": Reader(_of(pths, place, "new.pth", "old.pth"), read_pth),
        "celeba": Reader(tables, _read_celeba, photos, cost=3),
        "portraits": Reader({"members.csv": _members()}, lambda path: portraits._table(path.parent), cost=20),
        "folder": Reader(
            {"attributes.csv": b"file,Smiling,Male\na.jpg,1,-1\nb/c.jpg,0,true\n"},
            lambda path: folder._read_table(path, ["a.jpg", "b/c.jpg"]),
        ),
        "toy": Reader(idx, _read_idx, idx, cost=3),
        "results": Reader(
            {"table.csv": table.to_csv(index=False).encode()} | _of(pictures, place, "sheets.zip"), _read_table
        ),
        "crops": Reader(
            {"crop/report.csv": report.to_csv(index=False).encode()},
            _read_report,
            {name.replace("set/", "crop/"): content for name, content in in_folder.items()},
            cost=3,
        ),
        "statistics": Reader(_of(lambda p: statistics.save(p / "s.npz"), place, "s.npz"), Statistics.open),
        "search": Reader(_of(_save_search, place, "search.npz"), _read_search),
        **_of_models(place),
    }


def _of_models(place: Path) -> dict[str, Reader]:
    from facelib.models import VAE
    from facelib.training import Checkpoint

    small = {"image_size": 16, "latent_dim": 4, "width": 8}
    vae = VAE(**small)
    saved = _of(
        lambda p: (weights.save(vae, "small", {}, p), _save_sheets(p)), place, "small.npz", "small.json", "small.zip"
    )
    arrays, card, film = saved.values()
    trained = VAE(**small)
    trained.compile()

    def save(p: Path) -> None:
        run = Checkpoint(p / "run.npz", {"a": 1})
        run.set_model(trained)
        run.history = {"loss": [1.5]}
        run.on_train_begin()
        run._save(1)

    checkpoint = _of(save, place, "run.npz")

    def load(path: Path) -> None:
        if path.suffix == ".npz":  # whoever crafts arrays writes the card, too
            told = json.loads(card) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            path.with_suffix(".json").write_text(json.dumps(told))
        elif path.suffix == ".zip":
            for sheet in weights.timelapse("small", path.parent).values():
                assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
            return
        else:
            weights.catalog(path.parent)
        weights.load("small", path.parent)

    return {
        "weights": Reader({"small.npz": arrays, "small.zip": film}, load, {"small.json": card}, cost=20),
        "card": Reader({"small.json": card}, load, {"small.npz": arrays}, cost=20),
        "checkpoint": Reader(checkpoint, lambda path: Checkpoint(path, {"a": 1}).restore(trained), cost=10),
    }
