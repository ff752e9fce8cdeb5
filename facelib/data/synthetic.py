"""Synthetic faces: causes drawn at random, attributes that follow from them exactly, pictures by `drawing`.

Every attribute is an independent coin, and the continuous cause behind it is then drawn on its own side of a wide gap:
a smile of 0.3 does not occur, so that "smiling" is never a matter of opinion. The exceptions to independence:

- the four hair colours exclude each other and red, a fifth that CelebA does not name; `Gray_Hair` needs not `Young`;
- `Bald` needs `Male` and excludes the hair colours, `Bangs`, `Wavy_Hair` and `Wearing_Hat`;
- `Wearing_Hat` excludes `Bangs`;
- `Mustache` and a beard (not `No_Beard`) need `Male`; `Wearing_Lipstick` needs not `Male`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from facelib.data.drawing import draw_faces
from facelib.data.faceset import FaceSet
from facelib.data.framing import MARGINS, check_framing

HAIR_COLOURS = ("black", "brown", "blond", "gray", "red")
OTHER_HAIR = (0.3, 0.3, 0.25, 0.15)  # shares of all but gray

# attribute: (probability, factor, range if it is absent, range if it is present)
COINS = {
    "Male": (0.5, "masculinity", (0.0, 0.25), (0.75, 1.0)),
    "Young": (0.55, "age", (0.62, 1.0), (0.0, 0.38)),
    "Smiling": (0.5, "smile", (0.0, 0.12), (0.65, 1.0)),
    "Mouth_Slightly_Open": (0.3, "mouth_open", (0.0, 0.0), (0.45, 1.0)),
    "High_Cheekbones": (0.4, "cheekbones", (0.0, 0.2), (0.75, 1.0)),
    "Big_Lips": (0.35, "lip_fullness", (0.0, 0.3), (0.75, 1.0)),
    "Big_Nose": (0.35, "nose_size", (0.0, 0.35), (0.75, 1.0)),
    "Narrow_Eyes": (0.3, "eye_narrowness", (0.0, 0.3), (0.75, 1.0)),
    "Bushy_Eyebrows": (0.35, "brow_thickness", (0.0, 0.3), (0.75, 1.0)),
    "Pale_Skin": (0.25, "skin_tone", (0.22, 1.0), (0.0, 0.1)),
    "Rosy_Cheeks": (0.3, "blush", (0.0, 0.1), (0.7, 1.0)),
    "Eyeglasses": (0.3, "glasses", (0.0, 0.0), (1.0, 1.0)),
    "Wavy_Hair": (0.4, "hair_waves", (0.0, 0.1), (0.7, 1.0)),
    "Bangs": (0.3, "bangs", (0.0, 0.0), (0.8, 1.0)),
    "Wearing_Hat": (0.12, "hat", (0.0, 0.0), (1.0, 1.0)),
    "Bald": (0.2, "baldness", (0.0, 0.0), (1.0, 1.0)),
    "Mustache": (0.35, "mustache", (0.0, 0.0), (0.8, 1.0)),
    "Beard": (0.35, "beard", (0.0, 0.0), (0.7, 1.0)),
    "Wearing_Lipstick": (0.4, "lipstick", (0.0, 0.0), (0.75, 1.0)),
}

# Causes without a CelebA name: (low, high) of a uniform draw.
FREE = {
    "yaw": (-18.0, 18.0),  # degrees; positive looks to the picture's right
    "pitch": (-5.0, 5.0),  # degrees; positive looks down
    "roll": (-6.0, 6.0),  # degrees; positive tips clockwise
    "shift_x": (-0.025, 0.025),  # of half the picture
    "shift_y": (-0.02, 0.02),
    "scale": (1.02, 1.12),
    "light_azimuth": (-60.0, 60.0),  # degrees; positive comes from the picture's right
    "light_elevation": (5.0, 40.0),  # degrees above the camera
    "light_contrast": (0.25, 0.85),
    "light_warmth": (-1.0, 1.0),
    "gaze_x": (-1.0, 1.0),
    "gaze_y": (-1.0, 1.0),
    "face_width": (-1.0, 1.0),
    "jaw": (-1.0, 1.0),
    "undertone": (-1.0, 1.0),  # of the skin: cool to warm
    "eye_size": (-1.0, 1.0),
    "eye_spacing": (-1.0, 1.0),
    "iris_colour": (0.0, 1.0),  # brown, hazel, green, blue, grey
    "brow_height": (-1.0, 1.0),
    "brow_tilt": (-1.0, 1.0),
    "nose_length": (-1.0, 1.0),
    "mouth_width": (-1.0, 1.0),
    "hairline": (-1.0, 1.0),
    "hair_parting": (-1.0, 1.0),
    "hair_volume": (0.0, 1.0),
    "hair_shade": (-1.0, 1.0),
    "glasses_shape": (0.0, 1.0),  # round to square
    "glasses_colour": (0.0, 1.0),
    "hat_colour": (0.0, 1.0),
    "clothes_colour": (0.0, 1.0),
    "background_hue": (0.0, 1.0),
    "background_light": (0.0, 1.0),
}


def load_synthetic(n: int = 2000, size: int = 80, *, seed: int = 0, framing: str = "face") -> FaceSet:
    """Draw `n` faces: the same seed gives the same people at every size, and the first of a larger `n`.

    >>> faces = load_synthetic(3, 32, seed=1)
    >>> faces.images.shape, faces.attributes.shape[1] >= 12
    ((3, 32, 32, 3), True)

    Framing "background" draws the same people smaller, by as much as the squares cut out of photos are wider: `scale`
    is then 0.6 times what it is otherwise, and where a face stands in the picture stays as it is.

    Raises:
        ValueError: if n is not positive, size is below 16, or the framing unknown.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}.")
    check_framing(framing)
    factors, attributes = sample_people(n, seed)
    if framing != "face":
        factors["scale"] *= np.float32((1 + MARGINS["face"]) / (1 + MARGINS[framing]))
    names = np.array([f"synthetic-{seed}-{i:06d}" for i in range(n)])
    return FaceSet(draw_faces(factors, size), names, attributes, factors)


def sample_people(n: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Causes (float) and attributes (bool) of `n` people."""

    # One stream a cause, one row a person: neither n nor a cause added later changes who the i-th person is.
    def uniform(name: str, columns: int = 1) -> np.ndarray:
        return np.random.default_rng([seed, *name.encode()]).random((n, columns))

    coin = {name: uniform(name, 2) for name in COINS}
    has = {name: coin[name][:, 0] < probability for name, (probability, *_) in COINS.items()}
    has["Bald"] &= has["Male"] & ~has["Wearing_Hat"]
    has["Bangs"] &= ~has["Bald"] & ~has["Wearing_Hat"]
    has["Wavy_Hair"] &= ~has["Bald"]
    has["Mustache"] &= has["Male"]
    has["Beard"] &= has["Male"]
    has["Wearing_Lipstick"] &= ~has["Male"]

    factors = {}
    for name, (_, factor, absent, present) in COINS.items():
        low, high = (np.where(has[name], present[i], absent[i]) for i in (0, 1))
        factors[factor] = low + (high - low) * coin[name][:, 1]
    for name, (low, high) in FREE.items():
        factors[name] = low + (high - low) * uniform(name)[:, 0]
    length = uniform("hair_length", 2)
    factors["hair_length"] = np.where(length[:, 0] < 0.5, 0.15 * length[:, 1], 0.7 + 0.3 * length[:, 1])

    # Gray takes a quarter of those who are not young; the rest share alike at any age.
    hair = uniform("hair_colour", 2)
    others = np.searchsorted(np.cumsum(OTHER_HAIR), hair[:, 1] * sum(OTHER_HAIR), side="right")
    others = np.where(others >= HAIR_COLOURS.index("gray"), others + 1, others)
    gray = ~has["Young"] & (hair[:, 0] < 0.24)
    colour = np.where(gray, HAIR_COLOURS.index("gray"), others)
    factors["hair_colour"] = colour
    for name in ("black", "brown", "blond", "gray"):
        has[f"{name.capitalize()}_Hair"] = (colour == HAIR_COLOURS.index(name)) & ~has["Bald"]
    has["No_Beard"] = ~has.pop("Beard")
    return pd.DataFrame(factors).astype(np.float32), pd.DataFrame({name: has[name] for name in sorted(has)})
