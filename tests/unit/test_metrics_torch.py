"""The same numbers as other people's programs, where they are installed: `pip install torch-fidelity pytorch-fid`."""

import keras
import numpy as np
import pytest

from facelib.metrics import frechet_distance, inception, inception_score, kernel_distance, precision_recall
from facelib.metrics.pth import read_pth
from facelib.metrics.resize import bilinear_2015

torch = pytest.importorskip("torch")
pytorch_fid = pytest.importorskip("pytorch_fid.inception")
fid_score = pytest.importorskip("pytorch_fid.fid_score")
resizes = pytest.importorskip("torch_fidelity.interpolate_compat_tensorflow")
isc, kid, prc = (pytest.importorskip(f"torch_fidelity.metric_{name}") for name in ("isc", "kid", "prc"))

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 24)), 1.2 * rng.normal(size=(300, 24)) + 0.1


def test_frechet_distance(features):
    moments = [part for side in features for part in (side.mean(axis=0), np.cov(side.T))]
    np.testing.assert_allclose(frechet_distance(*features), fid_score.calculate_frechet_distance(*moments), rtol=1e-8)


def test_kernel_distance(features):
    theirs = kid.kid_features_to_metric(
        *map(torch.from_numpy, features), kid_subsets=1, kid_subset_size=300, kid_kernel="poly", verbose=False
    )
    ours = kernel_distance(*features)[0]
    np.testing.assert_allclose(ours, theirs["kernel_inception_distance_mean"], rtol=1e-6)


def test_precision_and_recall(features):
    real, fake = features
    precision, recall = prc.calculate_precision_recall_full(torch.from_numpy(fake), torch.from_numpy(real), 3)
    ours = precision_recall(real, fake, k=3)
    np.testing.assert_allclose((ours.precision, ours.recall), (precision, recall), atol=1e-6)


def test_inception_score():
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(200, 10)))
    theirs = isc.isc_features_to_metric(logits, splits=1)["inception_score_mean"]
    np.testing.assert_allclose(float(inception_score(logits.softmax(dim=1).numpy(), splits=1)), theirs, rtol=1e-6)


def test_the_resize_of_2015():
    images = np.random.default_rng(0).integers(0, 256, (2, 80, 64, 3), np.uint8)
    tensor = torch.from_numpy(images.astype("float32").transpose(0, 3, 1, 2))
    theirs = resizes.interpolate_bilinear_2d_like_tensorflow1x(tensor, size=(299, 299), align_corners=False)
    np.testing.assert_allclose(bilinear_2015(images, 299), theirs.numpy().transpose(0, 2, 3, 1), atol=0.01)


@pytest.mark.parametrize("old", [True, False])
def test_the_network_of_2015(tmp_path, monkeypatch, old):
    """pytorch-fid's network with random weights, through a file, and the same features out of both."""
    torch.manual_seed(0)
    monkeypatch.setattr(pytorch_fid, "load_state_dict_from_url", lambda *args, **options: None)
    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.Module, "load_state_dict", lambda *args, **options: None)
        original = pytorch_fid.fid_inception_v3()
    for module in original.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for part, low, high in (("weight", 0.5, 1.5), ("bias", -0.1, 0.1), ("running_mean", -0.1, 0.1)):
                torch.nn.init.uniform_(getattr(module, part), low, high)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    state = original.state_dict()
    torch.save(state, tmp_path / "weights.pth", _use_new_zipfile_serialization=not old)
    read = read_pth(tmp_path / "weights.pth")
    assert list(read) == list(state) and all(np.array_equal(read[name], state[name].numpy()) for name in state)
    ours = inception.build_inception_2015()
    inception.assign(ours, read)
    monkeypatch.setattr(pytorch_fid, "fid_inception_v3", lambda: original)
    theirs = pytorch_fid.InceptionV3([3], resize_input=False, normalize_input=False).eval()
    images = np.random.default_rng(0).uniform(-1, 1, (2, 299, 299, 3)).astype("float32")
    with torch.no_grad():
        wanted = theirs(torch.from_numpy(images.transpose(0, 3, 1, 2)))[0][:, :, 0, 0].numpy()
    np.testing.assert_allclose(ours.predict_on_batch(images), wanted, atol=1e-4 * np.abs(wanted).mean())
    keras.utils.clear_session(free_memory=False)
