"""The slow part: a small DCGAN trained for a few minutes is seen to learn. `pytest -m "not slow"` leaves it out."""

import keras
import numpy as np
import pytest
from PIL import Image

from facelib.data import load_faces
from facelib.metrics import face_rate
from facelib.models import DCGAN
from facelib.training import SampleGrid, diagnose, recipe, variety_of


def frechet(real, fake):
    """Fréchet distance between faces reduced to 8×8 pixels, as in the definition (Heusel et al. 2017)."""
    one, two = (
        np.array([np.asarray(Image.fromarray(x).resize((8, 8), Image.Resampling.BOX)) for x in images]) / 127.5 - 1
        for images in (real, fake)
    )
    one, two = one.reshape(len(one), -1), two.reshape(len(two), -1)
    covariances = np.cov(one, rowvar=False), np.cov(two, rowvar=False)
    # The trace of a square root is the sum of the roots of the eigenvalues, none of which is negative but for rounding.
    root = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).real.clip(0)).sum()
    return float(np.square(one.mean(0) - two.mean(0)).sum() + np.trace(sum(covariances)) - 2 * root)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_it_learns_to_draw_faces(tmp_path):
    faces = load_faces("synthetic", n=4000, size=32, subset="train")
    others = load_faces("synthetic", n=1000, size=32, subset="test").images
    gan = DCGAN(32, 100, width=32)
    rates = {
        "generator_optimizer": keras.optimizers.Adam(1e-3, beta_1=0.5),
        "discriminator_optimizer": keras.optimizers.Adam(2e-3, beta_1=0.5),
    }
    gan.compile(**recipe("modern", ema=0.99, **rates))
    before = frechet(others, gan.sample(1000)), face_rate(gan.sample(100))
    grid = SampleGrid(4, 8, folder=tmp_path)
    history = gan.fit(faces, epochs=4, steps_per_epoch=125, batch_size=32, verbose=0, callbacks=[grid])
    samples = gan.sample(1000)
    after = frechet(others, samples), face_rate(samples[:100])
    print(
        f"\nFréchet distance of 8×8 pixels {before[0]:.1f} → {after[0]:.1f} (two sets of faces: "
        f"{frechet(others[:500], others[500:]):.1f}); MTCNN finds a face in {before[1].value:.0%} → "
        f"{after[1].value:.0%}; variety {variety_of(samples, others):.2f}; {diagnose(history)[0]}; sheets in {tmp_path}"
    )
    assert after[0] < before[0] / 2
    assert after[1].low > before[1].high
    assert variety_of(samples, others) > 0.4
    assert diagnose(history)[0].name not in ("broken", "overpowering discriminator", "overpowered discriminator")
