"""An encoder for a generator that has none. On TensorFlow and on JAX."""

import numpy as np
import pytest

from facelib import profiles, train, weights
from facelib.latent import project
from facelib.metrics import psnr
from facelib.models import DCGAN, VAE, ConditionalDCGAN, InfoGAN, LatentEncoder


@pytest.fixture(scope="module")
def gan():
    """Untrained, but neither grey nor blind."""
    return DCGAN(16, 4, width=16, initializer="he", seed=1)


@pytest.fixture(scope="module")
def trained(gan):
    faces, before = gan.sample(256, seed=7), [weight.copy() for weight in gan.get_weights()]
    encoder = LatentEncoder(16, 4, width=16)
    encoder.compile(gan)
    history = encoder.fit(faces, epochs=20, batch_size=16, verbose=0).history
    assert all(np.array_equal(a, b) for a, b in zip(before, gan.get_weights(), strict=True))
    return encoder, history


@pytest.mark.once
def test_it_learns_to_bring_faces_back(gan, trained):
    encoder, history = trained
    assert history["face_loss"][-1] < 0.5 * history["face_loss"][0]
    assert history["latent_loss"][-1] < 0.5 * history["latent_loss"][0]
    others, strangers = gan.sample(64, seed=9), gan.sample(64, seed=10)
    z = encoder.encode(others)
    assert z.shape == (64, 4) and z.dtype == np.float32
    assert psnr(others, gan.decode(z)).mean() > psnr(others, strangers).mean() + 3
    assert np.corrcoef(z.ravel(), gan.latent(64, 9).ravel())[0, 1] > 0.7


@pytest.mark.once
def test_a_search_from_its_guess_begins_closer(gan, trained):
    faces = gan.sample(8, seed=11)
    how = {"restarts": 1, "noise": 0.0, "steps": 5, "progress": False}
    from_guess, from_chance = project(gan, faces, start=trained[0].encode(faces), **how), project(gan, faces, **how)
    assert from_guess.contextual[0].mean() < 0.6 * from_chance.contextual[0].mean()


@pytest.mark.once
def test_only_its_own_weights_are_saved(trained):
    assert list(trained[0].networks) == ["encoder"]
    assert trained[0].count_params() == trained[0].encoder.count_params()


@pytest.mark.once
def test_models_that_do_not_fit(gan):
    with pytest.raises(ValueError, match="32 pixels from 4 values .* got 16 and 4"):
        LatentEncoder(32, 4, width=8).compile(gan)
    with pytest.raises(ValueError, match="model must do without labels"):
        LatentEncoder(16, 4, width=8).compile(ConditionalDCGAN(16, 4, classes=2, width=8))
    with pytest.raises(ValueError, match="model must have a normal prior"):
        LatentEncoder(16, 4, width=8).compile(DCGAN(16, 4, width=8, prior="uniform"))


def test_one_for_a_vae():
    encoder = LatentEncoder(16, 4, width=8)
    encoder.compile(VAE(16, 4, width=8))
    history = encoder.fit(VAE(16, 4, width=8).sample(32), batch_size=16, verbose=0).history
    assert np.isfinite(history["face_loss"]).all()


def test_z_that_hold_codes_and_negative_weights_are_refused():
    encoder = LatentEncoder(16, 8, width=8)
    codes = InfoGAN(16, 8, categories=(3,), codes=2, width=4)
    with pytest.raises(ValueError, match="z of noise alone, got InfoGAN, where 5 values are categories and codes"):
        encoder.compile(codes)
    for name in ("latent", "prior"):
        with pytest.raises(ValueError, match=f"{name} must not be negative, got -0.1; 0 switches it off"):
            encoder.compile(DCGAN(16, 8, width=4), **{name: -0.1})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"image_size": 20}, "image_size must be a positive multiple of 16"),
        ({"latent_dim": 0}, "latent_dim must be at least 1"),
        ({"width": 4}, "width must be a positive multiple of 8"),
    ],
)
def test_arguments_out_of_range(wrong, words):
    with pytest.raises(ValueError, match=words):
        LatentEncoder(**{"image_size": 16, "width": 8, **wrong})


@pytest.mark.once
def test_images_of_another_size(trained):
    with pytest.raises(ValueError, match="size=16"):
        trained[0].encode(np.zeros((1, 32, 32, 3), np.uint8))


@pytest.mark.once
def test_the_command_trains_one_for_a_generator_of_the_same_folder(tmp_path, monkeypatch, capsys):
    tiny = {"image_size": 16, "width": 8, "faces": 64, "epochs": 1, "batch_size": 16, "generator": "mine-{dataset}"}
    monkeypatch.setitem(profiles.SETTINGS["encoder"], "quick", profiles.SETTINGS["encoder"]["quick"] | tiny)
    command = ["encoder", "--profile", "quick", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as stop:
        train.main(command)
    assert stop.value.code == 2 and "no weights named 'mine-synthetic'" in capsys.readouterr().err
    weights.save(DCGAN(16, 4, width=8), "mine-synthetic", {}, folder=tmp_path)
    assert train.main(command) == 0
    card = weights.catalog(tmp_path)["encoder-synthetic-16"]
    assert card["generator"] == "mine-synthetic"
    assert set(card["scores"]) == {"psnr_db", "ssim", "samples_psnr_db", "samples_ssim"}
    assert weights.load("encoder-synthetic-16", tmp_path).latent_dim == 4
    # Not gone on with against another generator, were it of the same name.
    assert train.main([*command, "--epochs", "2", "--minutes", "1e-6"]) == train.OUT_OF_TIME
    weights.save(DCGAN(16, 4, width=8, seed=1), "mine-synthetic", {}, folder=tmp_path)
    with pytest.raises(SystemExit):
        train.main([*command, "--epochs", "2", "--resume"])
    assert "generator_sha256: was" in capsys.readouterr().err
