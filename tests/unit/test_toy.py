"""No network: the pictures are made up. Fashion-MNIST, which Keras does not hash, comes from files of its layout."""

import gzip

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

from facelib.data.toy import CLASSES, load_toy


def pictures(n, shape, seed):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    """KERAS_HOME with 12 pictures to train and 4 to test."""
    # Keras reads the variable once, when it is imported.
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody answers there: every download fails
    folder = tmp_path / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for part, n in (("train", 12), ("t10k", 4)):
        labels = (np.arange(n) * 3 % 10).astype(np.uint8)
        for kind, values in (("images-idx3", pictures(n, (28, 28), n)), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + values.tobytes()))
    return folder


@pytest.fixture
def made_up(monkeypatch):
    grey = ((pictures(8, (28, 28), 1), np.arange(8)), (pictures(3, (28, 28), 2), np.arange(3)))
    colour = (
        (pictures(8, (32, 32, 3), 3), np.arange(8)[:, None]),
        (pictures(3, (32, 32, 3), 4), np.arange(3)[:, None]),
    )
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: grey)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: colour)
    return {"mnist": grey, "cifar10": colour}


def test_files_of_fashion_mnist_are_read(fashion):
    toys = load_toy("fashion_mnist", size=28)
    assert toys.names[[0, 11, 12, 15]].tolist() == [
        *("fashion_mnist-train-00000", "fashion_mnist-train-00011"),
        *("fashion_mnist-test-00000", "fashion_mnist-test-00003"),
    ]
    np.testing.assert_array_equal(toys.images[:12], np.repeat(pictures(12, (28, 28), 12)[..., None], 3, axis=3))
    np.testing.assert_array_equal(toys.images[12:, ..., 1], pictures(4, (28, 28), 4))
    assert toys.info["label"].tolist() == [0, 3, 6, 9, 2, 5, 8, 1, 4, 7, 0, 3, 0, 3, 6, 9]
    assert toys.info["label"].dtype == np.int64
    assert list(toys.attributes)[9] == "Ankle boot" and set(toys.attributes.dtypes) == {np.dtype(bool)}
    assert toys.attributes["Ankle boot"].to_numpy().nonzero()[0].tolist() == [3, 15]
    assert (toys.attributes.sum(axis=1) == 1).all()


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_subsets_are_the_official_ones(made_up, dataset):
    (train, _), (test, labels) = made_up[dataset]
    size = train.shape[1]
    toys = load_toy(dataset, size=size, subset="test")
    assert toys.names.tolist() == [f"{dataset}-test-{i:05d}" for i in range(3)]
    np.testing.assert_array_equal(toys.images[..., 0], test if test.ndim == 3 else test[..., 0])
    assert toys.info["label"].tolist() == [0, 1, 2]
    assert list(toys.attributes) == list(CLASSES[dataset]) and toys.attributes.to_numpy()[2].tolist() == [
        i == 2 for i in range(10)
    ]
    assert len(load_toy(dataset, size=size, subset="train")) == 8 and len(load_toy(dataset, size=size)) == 11


def test_other_sizes_are_resampled_and_the_own_size_is_not(made_up):
    (grey, _), _ = made_up["mnist"]
    (colour, _), _ = made_up["cifar10"]
    same = load_toy("cifar10", subset="train")
    assert same.size == 32 and np.array_equal(same.images, colour)
    large = load_toy("mnist", subset="train")
    wanted = Image.fromarray(grey[5]).resize((32, 32), Image.Resampling.LANCZOS)
    assert large.size == 32
    for channel in range(3):
        np.testing.assert_array_equal(large.images[5, ..., channel], np.asarray(wanted))
    assert load_toy("cifar10", size=16).images.shape == (11, 16, 16, 3)


def test_n_draws_by_seed_and_keeps_rows_together(made_up):
    whole = load_toy("mnist", size=28)
    drawn = [load_toy("mnist", 4, 28, seed=seed) for seed in range(4)]
    assert len({tuple(toys.names) for toys in drawn}) > 1
    assert load_toy("mnist", 4, 28, seed=3).names.tolist() == drawn[3].names.tolist()
    for toys in drawn:
        rows = [whole.names.tolist().index(name) for name in toys.names]
        assert rows == sorted(rows) and len(rows) == 4
        np.testing.assert_array_equal(toys.images, whole.images[rows])
        assert toys.info["label"].tolist() == whole.info["label"].iloc[rows].tolist()
        assert toys.attributes.to_numpy().argmax(axis=1).tolist() == toys.info["label"].tolist()


@pytest.mark.parametrize("damage", ["half", "empty", "web page", "another size"])
def test_a_damaged_file_is_named(fashion, damage):
    path = fashion / "t10k-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "half": whole[: len(whole) // 2],
            "empty": b"",
            "web page": b"<html>quota exceeded</html>",
            "another size": gzip.compress(gzip.decompress(whole)[:-100]),
        }[damage]
    )
    with pytest.raises(ValueError, match=f"{path} is damaged. Delete it"):
        load_toy("fashion_mnist")


def test_a_failed_download_says_what_to_bring(fashion):
    path = fashion / "train-labels-idx1-ubyte.gz"
    path.unlink()
    with pytest.raises(ConnectionError, match=f"fashion_mnist could not be downloaded: URL fetch .*bring .*{path}"):
        load_toy("fashion_mnist")
    datasets = fashion.parent
    with pytest.raises(ConnectionError, match=f"mnist could not be downloaded: .*bring {datasets}/mnist.npz from"):
        load_toy("mnist")
    archive = datasets / "cifar-10-batches-py-target_archive"
    with pytest.raises(ConnectionError, match=f"cifar10 could not be downloaded: .*bring {archive} from"):
        load_toy("cifar10")


def test_keras_looks_where_the_messages_say(fashion, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "keras.src.utils.file_utils.urlretrieve", lambda url, target, hook: seen.append(target) or 1 / 0
    )
    for dataset in ("mnist", "cifar10"):
        with pytest.raises(ConnectionError, match="bring") as error:
            load_toy(dataset)
        assert f"bring {seen.pop()} from" in str(error.value)


def test_bad_arguments_are_named(made_up):
    with pytest.raises(ValueError, match="dataset must be one of .*'cifar10'.* got 'cifar100'"):
        load_toy("cifar100")
    with pytest.raises(ValueError, match="subset must be one of .* got 'validation'"):
        load_toy("mnist", subset="validation")
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        load_toy("mnist", n=0)
    with pytest.raises(ValueError, match="size must be at least 8 pixels, got 4"):
        load_toy("mnist", size=4)


def test_digits_come_with_scikit_learn():
    whole = load_toy("digits", size=8)
    assert whole.images.shape == (1797, 8, 8, 3) and whole.images.min() == 0 and whole.images.max() == 255
    train, test = (load_toy("digits", subset=subset) for subset in ("train", "test"))
    assert (len(train), len(test)) == (1437, 360) and test.names[0] == "digits-test-00000" and train.size == 32
    bundled = datasets.load_digits()
    assert whole.info["label"].tolist() == bundled.target.tolist()
    np.testing.assert_array_equal(whole.images[3, ..., 0], (bundled.images[3] * 255 / 16).round())
    assert whole.attributes["7"].sum() == (bundled.target == 7).sum()
