"""Crop all 9,756 portraits, and compare three ways of running MTCNN side by side on some of them.

    python experiments/crop_portraits.py            # a quarter of an hour on 2 CPU cores
    python experiments/crop_portraits.py --labels   # and write what it measures into facelib/data/portraits.csv

The comparison (one photo at a time with the `mtcnn` package, the package's own padded batches of 32, `find_faces`) goes
to facelib/results/crop_portraits.csv. The three take turns on the same random photos, 128 at a time, so that whatever
else the machine does slows all of them alike. The counts of the whole run, and of the rules (engravings, profiles,
several faces), go to facelib/results/portrait_rules.csv.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from tqdm import tqdm

from facelib import results
from facelib.data import crop_faces, find_faces
from facelib.data.photos import read_photo
from facelib.data.portraits import TABLE, portrait_photos, portraits_table
from facelib.data.rules import ENGRAVING_ABOVE, HATCHING_SIZE, PROFILE_ABOVE, hatching, turned
from facelib.files import replacing

CHUNK, CONFIDENCE = 128, 0.9
METHODS = ("one by one", "padded by mtcnn", "facelib")


def one_by_one(mtcnn, images: list[np.ndarray]) -> list[list[dict]]:
    found = []
    for image in images:
        try:
            found.append(mtcnn.detect_faces(image))
        except ValueError:  # a stage was left with nothing to look at
            found.append([])
    return found


def padded(mtcnn, images: list[np.ndarray]) -> list[list[dict]]:
    order = sorted(range(len(images)), key=lambda i: images[i].shape)
    found: list = [None] * len(images)
    for start in range(0, len(order), 32):
        batch = order[start : start + 32]
        # Its default, in the middle, gives boxes to the wrong photo wherever one of the batch has no face.
        faces = mtcnn.detect_faces([images[i] for i in batch], batch_stack_justification="topleft")
        for i, face in zip(batch, faces, strict=True):
            found[i] = face
    return found


def largest(faces: list[dict]) -> list[float]:
    """The largest sure face's box, or NaN."""
    sure = [face["box"] for face in faces if face["confidence"] >= CONFIDENCE]
    return [float(value) for value in max(sure, key=lambda box: box[2] * box[3])] if sure else [np.nan] * 4


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) as (x, y, width, height)."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return shared / (a[:, 2:].prod(axis=1) + b[:, 2:].prod(axis=1) - shared)


def compare(photos: list[Path]) -> pd.DataFrame:
    from mtcnn import MTCNN

    mtcnn = MTCNN()
    run = {
        "one by one": lambda images: one_by_one(mtcnn, images),
        "padded by mtcnn": lambda images: padded(mtcnn, images),
        "facelib": find_faces,
    }
    warm = [read_photo(photo)[0] for photo in photos[:16]]
    boxes = {method: [] for method in METHODS}
    seconds = dict.fromkeys(METHODS, 0.0)
    for method in METHODS:
        run[method](warm)
    for start in tqdm(range(0, len(photos), CHUNK), desc="comparing", unit="chunk"):
        images = [read_photo(photo)[0] for photo in photos[start : start + CHUNK]]
        for method in METHODS:
            begun = time.perf_counter()
            found = run[method](images)
            seconds[method] += time.perf_counter() - begun
            boxes[method] += [largest(faces) for faces in found]

    reference = np.array(boxes["one by one"])
    rows = []
    for method in METHODS:
        ours = np.array(boxes[method])
        one, other = ~np.isnan(reference[:, 0]), ~np.isnan(ours[:, 0])
        both = one & other
        shared = overlap(reference[both], ours[both])
        rows.append(
            {
                "method": method,
                "photos": len(photos),
                "faces": int(other.sum()),
                "found_or_refused_alike": (one == other).mean(),
                "iou_0.8": (shared >= 0.8).mean(),
                "iou_0.9": (shared >= 0.9).mean(),
                "same_box": (shared == 1).mean(),
                "photos_per_second": len(photos) / seconds[method],
                "speed": seconds["one by one"] / seconds[method],
            }
        )
    return pd.DataFrame(rows)


def measure_rules(photos: list[Path], table: pd.DataFrame, write: bool) -> pd.DataFrame:
    faces, report = crop_faces(photos, HATCHING_SIZE)
    found = report["found"].to_numpy()
    measured = pd.DataFrame({"file": table["file"], "confidence": report["confidence"].where(found).round(3)})
    measured["faces"] = report["faces"]
    measured["turned"] = turned(report).round(3)
    measured.loc[found, "hatching"] = hatching(faces.images).round(3)
    if write:
        columns = [column for column in pd.read_csv(TABLE, nrows=0).columns if column not in measured.columns[1:]]
        with replacing(TABLE) as partial:
            pd.read_csv(TABLE, usecols=columns, dtype=str).merge(
                measured.astype({"faces": int}), on="file", how="left"
            )[[*columns, *measured.columns[1:]]].to_csv(partial, index=False)
    labelled = found & table["male"].notna().to_numpy()
    rules = {
        "photos": np.ones(len(found), bool),
        "no face at 0.8": (~found & report["reason"].str.startswith("no face")).to_numpy(),
        "faces at 0.8 to 0.9": (~found & report["reason"].str.startswith("not sure")).to_numpy(),
        "faces": found,
        "faces with scores": labelled,
        "engravings": found & (measured["hatching"] > ENGRAVING_ABOVE).to_numpy(),
        "profiles": found & (measured["turned"] > PROFILE_ABOVE).to_numpy(),
        "several faces": found & (measured["faces"] > 1).to_numpy(),
    }
    return pd.DataFrame({"rule": list(rules), "count": [int(mask.sum()) for mask in rules.values()]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", action="store_true", help="write the measures into facelib/data/portraits.csv")
    parser.add_argument("--compared", type=int, default=2048, help="photos to compare the ways on; 0 for none")
    options = parser.parse_args()

    made = results.provenance(" ".join(["python experiments/crop_portraits.py", *sys.argv[1:]]))
    table, photos = portraits_table(), portrait_photos()
    # A cache of its own, or a second run would measure nothing.
    with tempfile.TemporaryDirectory() as cache:
        os.environ["FACELIB_CACHE"] = cache
        tables = {"portrait_rules": measure_rules(photos, table, options.labels)}
    if options.compared:
        rows = np.random.default_rng(0).permutation(len(photos))[: options.compared]
        tables["crop_portraits"] = compare([photos[row] for row in np.sort(rows)])
    for name, rows in tables.items():
        rows = rows.assign(**made)
        results.save(name, rows)
        print(rows.iloc[:, :-3].to_string(index=False))


if __name__ == "__main__":
    main()
