"""What the latent explorer's sliders do: directions of four models, and faces of theirs to begin with.

    python experiments/explorer.py

- facelib/results/explorer.csv: a row a slider: how its direction was found, how well it tells faces that did not find
  it, and between which values most faces lie.
- facelib/results/explorer.npz: the same directions, and for each model the faces on its shelf, its axes in the order of
  how much they change a picture, and, of a VAE, where codes of faces lie (mean, and the factor of their covariance).

A VAE's directions are found from encoded faces and what is known of them, a GAN's from samples that the finder has
looked at. What the finder was not taught (pose, light, era ...) is read off the samples by a linear reader, fitted to
the codes that the VAE of the same data set gives faces, and judged on other faces. Portraits are needed.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

from facelib import results, weights
from facelib.data import load_faces
from facelib.data.detect import Detector
from facelib.files import replacing
from facelib.latent import mean_direction, read_samples, tails
from facelib.metrics import face_confidence
from facelib.metrics.resize import antialiased

COMMAND = "python experiments/explorer.py"
MODELS = {
    dataset: {"VAE": f"vae-{dataset}-80", "DCGAN": f"dcgan-light-{dataset}-64"}
    for dataset in ("portraits", "synthetic")
}
# Slider → the attribute, factor or measure that it is for; a minus turns it round.
SLIDERS = {
    "synthetic": {
        "smile": "Smiling",
        "mouth open": "Mouth_Slightly_Open",
        "man": "Male",
        "beard": "-No_Beard",
        "glasses": "Eyeglasses",
        "hat": "Wearing_Hat",
        "long hair": "hair_length",
        "blond": "Blond_Hair",
        "grey hair": "Gray_Hair",
        "dark skin": "skin_tone",
        "turned right": "yaw",
        "light from right": "light_azimuth",
    },
    "portraits": {
        "smile": "Smiling",
        "man": "Male",
        "era": "congress",
        "colour": "Colour",
        "turned right": "yaw",
        "light from right": "sidelight",
        "brightness": "brightness",
    },
}
FACES = 6000  # that a direction is found from
ENDS = 0.3  # share of the faces at each end, where what is known is a number
KINDS = {  # of faces on the shelf, and what the finder says of them
    "smiling woman": (True, False),
    "neutral woman": (False, False),
    "neutral man": (False, True),
    "smiling man": (True, True),
}
EACH = 6
SURE = 0.9  # how sure the finder has to be of a face on the shelf
SEEN = 24  # of those, the faces that MTCNN is surest of and that the shelf's are drawn from


@dataclass
class Subject:
    """A model, z of faces, and what is known of each."""

    model: object
    z: np.ndarray
    known: pd.DataFrame
    how: dict[str, str]  # column → how it is known


def measures(images: np.ndarray) -> pd.DataFrame:
    """What can be measured on pictures: how bright they are, and how much brighter on the right than on the left."""
    luma = images.mean(axis=3) / 255
    size = luma.shape[1]
    middle = luma[:, size // 4 : -size // 4]
    left, right = middle[:, :, size // 5 : size // 2], middle[:, :, size // 2 : -size // 5]
    return pd.DataFrame(
        {"brightness": luma.mean(axis=(1, 2)), "sidelight": right.mean(axis=(1, 2)) - left.mean(axis=(1, 2))}
    )


def of_faces(dataset: str, vae) -> Subject:
    """Faces that the VAE encodes, with what is known of them."""
    faces = load_faces(dataset, FACES if dataset == "synthetic" else None, vae.image_size, subset="train")
    known = [faces.attributes.astype(float).reset_index(drop=True), measures(faces.images)]
    how = dict.fromkeys(faces.attributes, "label") | dict.fromkeys(known[1], "measured on the picture")
    if dataset == "synthetic":
        known.append(faces.factors.reset_index(drop=True))
        how |= dict.fromkeys(faces.factors, "cause")
    else:
        info = faces.info.reset_index(drop=True)
        # Where the nose lies between the eyes: to the right of the picture above 0.
        eyes = info[["left_eye_x", "right_eye_x"]]
        yaw = (info["nose_x"] - eyes.mean(axis=1)) / (eyes["right_eye_x"] - eyes["left_eye_x"])
        known.append(pd.DataFrame({"congress": info["congress"].astype(float), "yaw": yaw.clip(-1, 1)}))
        how |= {"congress": "record", "yaw": "MTCNN's eyes and nose"}
    return Subject(vae, vae.encode(faces), pd.concat(known, axis=1), how)


def of_samples(dataset: str, gan, finder, vae, faces: Subject) -> Subject:
    """Samples of a GAN, with what the finder, the readers and the pictures say of them."""
    z, known = read_samples(gan, finder, FACES)
    how = dict.fromkeys(known, "finder")
    images = gan.decode(z)
    measured = measures(images)
    how |= dict.fromkeys(measured, "measured on the picture")
    codes = vae.encode(enlarged(images, vae.image_size))
    read = {}
    for what in SLIDERS[dataset].values():
        what = what.removeprefix("-")
        if what not in how:
            reader, fit = reader_of(faces, what)
            read[what], how[what] = reader.predict(codes), f"linear reader, R² {fit:.2f}"
    return Subject(gan, z, pd.concat([known, measured, pd.DataFrame(read)], axis=1), how)


def reader_of(faces: Subject, what: str):
    """A linear guess of one column from codes, and the share of its variance that it explains of other faces."""
    x, others, y, truth = train_test_split(faces.z, faces.known[what], test_size=0.25, random_state=0)
    reader = Ridge(alpha=1.0).fit(x, y)
    return reader, reader.score(others, truth)


def enlarged(images: np.ndarray, size: int) -> np.ndarray:
    """Pictures as the VAE wants them: uint8 (n, size, size, 3)."""
    return antialiased(images, size).round().clip(0, 255).astype(np.uint8)


def directions(subject: Subject, dataset: str) -> tuple[list[dict], np.ndarray]:
    """A row of the table and a unit vector for each slider."""
    rows, vectors = [], []
    for slider, what in SLIDERS[dataset].items():
        column = what.removeprefix("-")
        values = subject.known[column].to_numpy() * (-1 if what.startswith("-") else 1)
        if subject.how[column] == "label":
            chosen, has = np.arange(len(values)), values == values.max()
        else:
            chosen, has = tails(values, ENDS)
        found = mean_direction(subject.z[chosen], has)
        along = subject.z @ found.vector
        low, middle, high = np.quantile(along, (0.005, 0.5, 0.995))
        rows.append(
            {"slider": slider, "known": what, "how": subject.how[column], "accuracy": found.accuracy}
            | {"spread": found.spread, "low": low, "middle": middle, "high": high, "faces": len(chosen)}
        )
        vectors.append(found.vector)
    return rows, np.stack(vectors)


def axes(model, z: np.ndarray) -> np.ndarray:
    """The axes of z, first those along which a picture changes most: each moved from its 10 % to its 90 % quantile."""
    base, low, high = z[:16], *np.quantile(z, (0.1, 0.9), axis=0).astype(np.float32)
    change = []
    for axis in range(z.shape[1]):
        moved = np.concatenate([base, base])
        moved[:16, axis], moved[16:, axis] = low[axis], high[axis]
        images = model.decode(moved).astype(np.float32)
        change.append(np.abs(images[16:] - images[:16]).mean())
    return np.argsort(-np.array(change), kind="stable")


def shelf(subject: Subject, finder) -> np.ndarray:
    """z of a few faces of each kind, of which finder and detector are sure: (4 · EACH, latent_dim)."""
    images = subject.model.decode(subject.z)
    probability = finder.probabilities(enlarged(images, 64))
    smiles, male = (probability[:, finder.attributes.index(name)] for name in ("Smiling", "Male"))
    confidence = face_confidence(images)
    chosen, rng = [], np.random.default_rng(0)
    for kind, (smiling, man) in KINDS.items():
        sure = np.minimum(smiles if smiling else 1 - smiles, male if man else 1 - male) > SURE
        if sure.sum() < EACH:
            raise ValueError(f"the finder is sure of {sure.sum()} faces of kind {kind!r}; the shelf wants {EACH}.")
        print(f"{type(subject.model).__name__}: the finder is sure of {sure.sum()} of {len(sure)} faces as {kind}")
        best = np.argsort(-np.where(sure, confidence, -1), kind="stable")[: min(SEEN, sure.sum())]
        chosen.extend(rng.choice(best, EACH, replace=False))
    return subject.z[chosen]


def encoded_shelf(faces: Subject, finder, samples: Subject) -> np.ndarray:
    """For a VAE of portraits codes of faces that the GAN drew: photos of people are not for publication."""
    drawn = samples.model.decode(shelf(samples, finder))
    return faces.model.encode(enlarged(drawn, faces.model.image_size))


def marks(dataset: str, size: int) -> np.ndarray:
    """Where eyes and mouth lie in a face's square: (x, y) of the left eye, the right eye and the mouth, medians."""
    faces = load_faces(dataset, 300, size, subset="test")
    points = [face["keypoints"] for seen in Detector()(list(faces.images)) for face in seen[:1]]
    mouth = [np.mean([point["mouth_left"], point["mouth_right"]], axis=0) for point in points]
    sides = [[point[name] for point in points] for name in ("left_eye", "right_eye")]
    return np.median([*sides, mouth], axis=1) / size


def main() -> None:
    made, rows, arrays = results.provenance(COMMAND), [], {}
    for dataset, names in MODELS.items():
        vae, gan = (weights.load(names[kind]) for kind in ("VAE", "DCGAN"))
        finder = weights.load(f"finder-{dataset}-64")
        faces = of_faces(dataset, vae)
        samples = of_samples(dataset, gan, finder, vae, faces)
        for name, subject in ((names["VAE"], faces), (names["DCGAN"], samples)):
            table, vectors = directions(subject, dataset)
            rows += [{"model": name} | row | made for row in table]
            arrays |= {f"{name}/directions": vectors, f"{name}/axes": axes(subject.model, subject.z).astype(np.int16)}
            own = subject is samples or dataset == "synthetic"
            arrays[f"{name}/shelf"] = shelf(subject, finder) if own else encoded_shelf(subject, finder, samples)
            arrays[f"{name}/marks"] = marks(dataset, subject.model.image_size)
        covariance = np.cov(faces.z.T.astype(np.float64))
        arrays |= {
            f"{names['VAE']}/mean": faces.z.mean(axis=0),
            f"{names['VAE']}/factor": np.linalg.cholesky(covariance + 1e-6 * np.eye(len(covariance))),
        }
    results.save("explorer", pd.DataFrame(rows), significant=4)
    with replacing(results.FOLDER / "explorer.npz") as partial:
        halved = {name: a if a.dtype.kind == "i" else a.astype(np.float16) for name, a in arrays.items()}
        np.savez_compressed(partial, **halved)
    print(results.load("explorer").drop(columns=[*made]).to_string())


if __name__ == "__main__":
    main()
