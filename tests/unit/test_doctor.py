"""The training doctor: the right words for the curves, provoked and hand-made."""

import keras
import numpy as np
import pytest

from facelib.data import load_faces
from facelib.models import DCGAN
from facelib.training import diagnose, variety_of


def curves(real, fake, generator, epochs=12):
    noise = np.random.default_rng(0).normal(0, 0.01, (3, epochs))
    names = "d_loss_real", "d_loss_fake", "g_loss"
    return {n: np.broadcast_to(v, epochs) + e for n, v, e in zip(names, (real, fake, generator), noise, strict=True)}


def names(findings):
    return [finding.name for finding in findings]


@pytest.mark.parametrize(
    "found, real, fake, generator",
    [
        ("healthy", 0.55, 0.5, 1.1),
        (
            "overpowering discriminator",
            np.geomspace(0.7, 0.02, 12),
            np.geomspace(0.7, 0.02, 12),
            np.linspace(0.7, 6, 12),
        ),
        ("overpowered discriminator", 1.1, 1.2, 0.3),
        ("runaway", 0.91, 0.62, 36.7),
        ("runaway", 0.4, 2.4, 1.0),
        ("coin toss", 0.693, 0.693, 0.693),
        ("oscillation", 0.5, 0.5, np.where(np.arange(12) % 2, 0.6, 3.4)),
    ],
)
def test_each_condition_has_its_name_and_advice(found, real, fake, generator):
    findings = diagnose(curves(real, fake, generator))
    assert names(findings) == [found]
    assert len(str(findings[0])) > 80 and findings[0].advice.endswith(".")


def test_collapse_shows_in_variety_only():
    history = curves(0.55, 0.5, 1.1)
    assert names(diagnose(history, variety=[0.9] * 12)) == ["healthy"]
    assert names(diagnose(history, variety=[3.1] * 12)) == ["noise"]
    (finding,) = diagnose(history, variety=[0.2, *[0.8] * 9, 0.3, 0.1])
    assert finding.name == "mode collapse" and "10% of what faces do, after 80% at best" in finding.seen


def test_a_grid_is_seen_at_the_end():
    history = curves(0.5, 0.5, 1.0)
    assert names(diagnose(history, grid=[5.0] * 9 + [1.1] * 3)) == ["healthy"]
    (finding,) = diagnose(history, grid=[1.0] * 9 + [3.2] * 3)
    assert finding.name == "checkerboard" and "3.2 times as much power" in finding.seen
    with pytest.raises(ValueError, match="grid must be one number an epoch, 12 in all"):
        diagnose(history, grid=[1.0])


def test_broken_curves_come_first():
    history = curves(0.5, 0.5, 1.0)
    history["g_loss"][7] = np.nan
    (finding,) = diagnose(history)
    assert finding.name == "broken" and "From epoch 8 on" in finding.seen


def test_the_verdict_is_about_the_end():
    """The discriminator wins for 24 epochs, and no longer in the last eight."""
    losses = np.repeat([0.01, 0.5], [24, 8])
    history = curves(losses, losses, np.repeat([7.0, 1.0], [24, 8]), 32)
    assert names(diagnose(history)) == ["healthy"]
    assert names(diagnose({k: v[:24] for k, v in history.items()})) == ["overpowering discriminator"]
    assert names(diagnose(history, recent=1.0)) == ["overpowering discriminator"]


def test_a_real_run_with_a_far_too_fast_discriminator():
    faces = load_faces("synthetic", n=64, size=16)
    gan = DCGAN(16, 8, width=8, dropout=0.0)
    gan.compile(keras.optimizers.Adam(1e-5), keras.optimizers.Adam(3e-3))
    history = gan.fit(faces, epochs=16, batch_size=16, verbose=0)
    assert names(diagnose(history)) == ["overpowering discriminator"]


def test_variety_is_a_share_of_the_faces_own():
    faces = load_faces("synthetic", n=60, size=16).images
    assert variety_of(faces[:30], faces[30:]) == pytest.approx(1.0, abs=0.15)
    assert variety_of(np.repeat(faces[:1], 30, axis=0), faces) == 0.0
    assert variety_of(np.repeat(faces[:2], 15, axis=0), faces) < 0.75


def test_variety_halves_with_the_contrast():
    faces = load_faces("synthetic", n=60, size=16).images
    assert variety_of(faces // 2, faces) == pytest.approx(0.5, abs=0.01)


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="g_loss is missing"):
        diagnose({"d_loss_real": [1], "d_loss_fake": [1]})
    for variety in ([1.0] * 3, [np.nan] * 12):
        with pytest.raises(ValueError, match="variety must be one number an epoch, 12 in all"):
            diagnose(curves(0.5, 0.5, 1.0), variety)
    with pytest.raises(ValueError, match="at least 4 epochs, got 2"):
        diagnose(curves(0.5, 0.5, 1.0, epochs=2))
