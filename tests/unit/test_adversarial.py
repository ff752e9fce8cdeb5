"""The adversarial engine: one step, its switches, what it refuses. Runs on TensorFlow and on JAX."""

import os
import subprocess
import sys

import keras
import numpy as np
import one_step
import pytest
from keras import layers, ops

from facelib import backend
from facelib.data import load_faces
from facelib.models import DCGAN, ConditionalDCGAN
from facelib.training import BestEpoch, Checkpoint, SampleGrid, StopOnNaN, recipe
from facelib.training.adversarial import R1_EVERY, Adversarial, cross_entropy
from facelib.training.average import Average

ADAM = {"generator_optimizer": "adam", "discriminator_optimizer": "adam"}


@pytest.fixture(scope="module")
def faces():
    return load_faces("synthetic", n=64, size=16)


def small(**settings):
    return DCGAN(16, 8, width=4, **{"seed": 3, **settings})


def values(variables):
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def gap(before, after):
    return max(np.abs(a - b).max() for a, b in zip(before, after, strict=True))


class Steps(keras.callbacks.Callback):
    """The losses of every step."""

    def on_train_begin(self, logs=None):
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append([logs["d_loss_real"], logs["d_loss_fake"], logs["g_loss"]])


@pytest.mark.parametrize("name", ["faithful", "modern"])
def test_a_step_changes_both_networks_and_both_optimizers(faces, name):
    gan = small()
    gan.compile(**recipe(name))
    parts = {
        "generator": gan.generator.trainable_variables,
        "discriminator": gan.discriminator.trainable_variables,
        "generator's moments": [v for v in gan.optimizer.variables if v.shape],
        "discriminator's moments": [v for v in gan.discriminator_optimizer.variables if v.shape],
        "noise": [gan.noise.state],
    }
    before = {part: values(variables) for part, variables in parts.items()}
    gan.fit(faces, epochs=1, steps_per_epoch=1, batch_size=32, verbose=0)
    for part, variables in parts.items():
        assert gap(before[part], values(variables)) > 0, part
    assert int(gan.optimizer.iterations) == 1
    assert int(gan.discriminator_optimizer.iterations) == (2 if name == "faithful" else 1)


def test_both_networks_start_near_a_coin_toss(faces):
    gan = small()
    gan.compile(**recipe("faithful"))
    steps = Steps()
    history = gan.fit(faces, epochs=2, batch_size=16, verbose=0, callbacks=[steps]).history
    assert sorted(history) == ["d_loss_fake", "d_loss_real", "g_loss"]
    np.testing.assert_allclose(steps.losses[0], np.log(2), atol=0.1)
    # Callbacks see the losses of a step, the history has their means over an epoch.
    means = np.array(steps.losses).reshape(2, 4, 3).mean(axis=1)
    np.testing.assert_allclose(
        np.transpose([history[k] for k in ("d_loss_real", "d_loss_fake", "g_loss")]), means, 1e-5
    )


@pytest.mark.once
def test_the_discriminator_learns_against_a_resting_generator(faces):
    """With the generator's learning rate at 0 the discriminator must win, and the other way round."""
    for rates, winner in (((0.0, 3e-3), "discriminator"), ((3e-3, 0.0), "generator")):
        gan = small(dropout=0.0)
        gan.compile(*(keras.optimizers.Adam(rate) for rate in rates))
        history = gan.fit(faces, epochs=8, batch_size=16, verbose=0).history
        if winner == "discriminator":
            assert history["d_loss_real"][-1] + history["d_loss_fake"][-1] < 2 * np.log(2) - 0.5
        else:
            assert history["g_loss"][-1] < history["g_loss"][0] - 0.01


def test_one_pass_and_two_passes_agree_without_batch_statistics(faces):
    losses = []
    for separate in (True, False):
        gan = small(dropout=0.0)
        gan.compile(**ADAM, separate_passes=separate, r1=2.0)
        steps = Steps()
        gan.fit(faces, epochs=1, batch_size=16, verbose=0, callbacks=[steps])
        losses.append(steps.losses)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


class Linear(Adversarial):
    """A discriminator whose slope is its weights, and a generator that draws one constant image; for closed forms."""

    def __init__(self, batch_norm=False):
        super().__init__(name="linear")
        self.image_size, self.latent_dim = 16, 2
        z = keras.Input((2,))
        x = layers.Dense(3, name="dense")(z)
        x = layers.BatchNormalization(name="batch_norm")(x) if batch_norm else x
        x = layers.Reshape((16, 16, 3))(layers.Dense(768, kernel_initializer="zeros", name="pixels")(x))
        image = keras.Input((16, 16, 3))
        self.generator = keras.Model(z, x)
        logit = layers.Dense(
            1, use_bias=False, name="logit", kernel_initializer=keras.initializers.RandomNormal(seed=1)
        )
        self.discriminator = keras.Model(image, logit(layers.Flatten()(image)))
        self._ready(0)


def test_r1_is_half_the_squared_slope_on_real_images(faces):
    """For D(x) = w·x the penalty's gradient is r1 · w, R1_EVERY times as strong because it is due that seldom."""
    after = []
    for r1 in (0.0, 0.03):
        model = Linear()
        model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.1), r1=r1)
        before = values(model.discriminator.weights)[0]
        model.fit(faces, epochs=1, steps_per_epoch=1, batch_size=32, verbose=0)
        after.append(values(model.discriminator.weights)[0])
    np.testing.assert_allclose(after[1] - after[0], -0.1 * 0.03 * R1_EVERY * before, rtol=1e-3, atol=1e-6)


def test_r1_is_due_every_sixteenth_step(faces):
    changes = []
    for r1 in (0.0, 0.03):
        model = Linear()
        model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(1e-6), r1=r1)
        norms = []

        class Norm(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None, norms=norms):
                norms.append(values(self.model.discriminator.weights)[0].astype(float))

        model.fit(faces, epochs=1, steps_per_epoch=R1_EVERY + 2, batch_size=32, verbose=0, callbacks=[Norm()])
        changes.append(np.diff([norm for norm in norms], axis=0))
    difference = np.abs(changes[1] - changes[0]).max(axis=(1, 2))
    assert difference.argmax() == R1_EVERY - 1  # step 0 comes before the first difference
    assert difference[R1_EVERY - 1] > 100 * np.delete(difference, R1_EVERY - 1).max()


def test_the_average_follows_all_weights_with_batch_norm(faces):
    model = Linear(batch_norm=True)
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), ema=0.5)
    history = [values(model.generator.weights)]

    class Weights(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            history.append(values(self.model.generator.weights))

    model.fit(faces, epochs=1, steps_per_epoch=12, batch_size=16, verbose=0, callbacks=[Weights()])
    average = history[0]
    for step, weights in enumerate(history[1:], start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        average = [decay * a + (1 - decay) * w for a, w in zip(average, weights, strict=True)]
    moved = [w.path for w, a, b in zip(model.generator.weights, history[0], history[-1], strict=True) if gap([a], [b])]
    assert {"batch_norm/moving_mean", "batch_norm/moving_variance"} <= set(moved)
    for expected, value in zip(average, values(model.average.network.weights), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)


def test_samples_come_from_the_average(faces):
    gan = small()
    gan.compile(keras.optimizers.Adam(1e-2), keras.optimizers.Adam(1e-2), ema=0.999)
    gan.fit(faces, epochs=2, batch_size=16, verbose=0)
    drawn = gan.sample(4)
    for average, weights in zip(gan.average.network.weights, gan.generator.weights, strict=True):
        average.assign(weights)
    assert not np.array_equal(drawn, gan.sample(4))
    assert gan.count_params() == small().count_params()  # the copy is no part of the model


def test_before_the_first_step_the_average_is_the_network_itself():
    gan = small()
    drawn = gan.sample(4)
    gan.compile(**ADAM, ema=0.999)
    assert np.array_equal(gan.sample(4), drawn)


def test_mixed_precision_keeps_weights_and_last_layers_in_float32(faces):
    gan = small()
    gan.compile(**ADAM, mixed_precision=True, r1=1.0, ema=0.9)
    computing = {layer.compute_dtype for layer in gan.generator.layers[:-1] + gan.discriminator.layers[:-1]}
    assert computing == {"bfloat16"}
    assert {gan.generator.layers[-1].compute_dtype, gan.discriminator.layers[-1].compute_dtype} == {"float32"}
    steps = Steps()
    gan.fit(faces, epochs=1, batch_size=16, verbose=0, callbacks=[steps])
    assert {weight.dtype for weight in gan.weights} == {"float32"} and np.isfinite(steps.losses).all()


@pytest.mark.parametrize("built_for_it, dtype", [(True, "bfloat16"), (False, "float32")])
def test_mixed_precision_can_depend_on_the_gpu(monkeypatch, built_for_it, dtype):
    gan = small()
    monkeypatch.setattr(backend, "_has_bfloat16", lambda: built_for_it)
    gan.compile(**ADAM, mixed_precision="auto", ema=0.9)
    assert gan.generator.layers[1].compute_dtype == gan.discriminator.layers[1].compute_dtype == dtype
    assert gan.settings["mixed_precision"] is built_for_it
    gan.compile(**ADAM, ema=0.9)  # and back
    assert {layer.compute_dtype for layer in gan.generator.layers + gan.sampler.layers} == {"float32"}


def test_several_steps_in_one_execution_are_the_same_steps(faces):
    weights = []
    for together, steps in ((1, 4), (2, 5)):  # of five steps two executions make four
        gan = small()
        gan.compile(**recipe("modern", steps_per_execution=together))
        gan.fit(faces, epochs=2, steps_per_epoch=steps, batch_size=12, verbose=0)
        assert int(gan.optimizer.iterations) == 8
        weights.append(values(gan.generator.weights))
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)


@pytest.mark.tensorflow
def test_backends_agree_on_a_step(faces, tmp_path):
    """From equal weights and z: losses to 1e-4, and the weights after it (Adam moves each by 1e-2)."""
    one_step.prepare(tmp_path, faces.images)
    script, environment = one_step.__file__, os.environ | {"KERAS_BACKEND": "jax"}
    other = subprocess.Popen([sys.executable, script, str(tmp_path)], env=environment)
    for variant in one_step.VARIANTS:
        one_step.step(tmp_path, variant)
    assert other.wait() == 0
    start = np.load(tmp_path / "start.npz")
    for variant in one_step.VARIANTS:
        one, two = (np.load(tmp_path / f"{variant} {backend}.npz") for backend in ("tensorflow", "jax"))
        np.testing.assert_allclose(one["losses"], two["losses"], rtol=0, atol=1e-4)
        for key in [key for key in one.files if key.startswith("w")]:
            assert np.abs(one[key] - start[f"{variant} {key}"]).max() > 1e-3, (variant, key)
            # Adam divides tiny gradients by their own size, so a few rounding errors become whole steps.
            assert np.mean(np.abs(one[key] - two[key]) > 1e-4) < 0.01, (variant, key)
        for key in [key for key in one.files if key.startswith("a")]:
            assert np.mean(np.abs(one[key] - two[key]) > 1e-4) < 0.01, (variant, key)


TWO_DEVICES = """
import jax, keras, numpy as np
from facelib.backend import data_parallel
data_parallel()
from facelib import backend
from facelib.data import load_faces
from facelib.models import DCGAN, ConditionalDCGAN
shares = []

class Watched(DCGAN):
    def generate(self, z, labels):
        images = super().generate(z, labels)
        jax.debug.inspect_array_sharding(images, callback=lambda s: shares.append(s.shard_shape(images.shape)[0]))
        return images

faces = load_faces("synthetic", n=64, size=16)
gan = Watched(16, 8, width=4, seed=3)
gan.compile("adam", "adam", ema=0.9)
history = gan.fit(faces, epochs=2, batch_size=16, verbose=0).history
losses = [history[key] for key in sorted(history)]
told = ConditionalDCGAN(16, 8, 3, width=8, light=True, seed=3)
told.compile("adam", "adam", mismatched=0.5)
history = told.fit(faces, np.arange(64) % 3, epochs=2, batch_size=16, verbose=0).history
losses = np.ravel(losses + [history[key] for key in sorted(history)])
print(len(gan.generator.weights[0].value.sharding.device_set), *sorted(set(shares)), *losses)
"""


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="devices are simulated by JAX")
def test_two_devices_share_a_batch(faces):
    gan = small()
    gan.compile(**ADAM, ema=0.9)
    history = gan.fit(faces, epochs=2, batch_size=16, verbose=0).history
    alone = [history[key] for key in sorted(history)]
    told = ConditionalDCGAN(16, 8, 3, width=8, light=True, seed=3)
    told.compile(**ADAM, mismatched=0.5)
    history = told.fit(faces, np.arange(64) % 3, epochs=2, batch_size=16, verbose=0).history
    alone += [history[key] for key in sorted(history)]
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    environment = os.environ | {"XLA_FLAGS": flags}
    run = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES], env=environment, check=True, capture_output=True, text=True
    )
    devices, share, *losses = run.stdout.split()
    assert (devices, share) == ("2", "8")  # each device generates eight of the sixteen images
    np.testing.assert_allclose(np.array(losses, float), np.ravel(alone), rtol=0, atol=1e-4)


def test_a_loss_that_is_no_number_stops_with_the_way_back(faces, tmp_path):
    gan = small()
    gan.compile(**recipe("faithful"))
    checkpoint = Checkpoint(tmp_path / "run.npz", {})

    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                weight = self.model.generator.weights[0]
                weight.assign(weight * np.nan)

    with pytest.raises(FloatingPointError, match="became nan in epoch 2, step 1") as stopped:
        gan.fit(faces, epochs=3, batch_size=16, verbose=0, callbacks=[Break(), checkpoint])
    assert "The state after epoch 1 is in" in stopped.value.__notes__[0]
    fresh = small()
    fresh.compile(**recipe("faithful"))
    assert Checkpoint(tmp_path / "run.npz", {}).restore(fresh) == 1
    assert np.isfinite(values(fresh.generator.weights)[0]).all()


def test_ctrl_c_says_what_there_is_to_go_back_to(faces, tmp_path):
    gan = small()
    gan.compile(**recipe("faithful"))

    class CtrlC(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        gan.fit(faces, epochs=3, batch_size=16, verbose=0, callbacks=[CtrlC(), Checkpoint(tmp_path / "run.npz", {})])
    assert stopped.value.__notes__ == ["There is no checkpoint yet."]


@pytest.mark.parametrize(
    "switches, message",
    [
        ({"r1": -1}, "r1 must not be negative, got -1"),
        ({"ema": 1.0}, r"ema must lie in \[0, 1\), got 1.0"),
        ({"augment": "color"}, "augment must be a sequence of names among .*'flip'.* got 'color'"),
        ({"augment": ("colour",)}, "augment must be a sequence of names among .*'color'.* got"),
        ({"mixed_precision": "float16"}, "mixed_precision must be True, False or \"auto\", got 'float16'"),
    ],
)
def test_bad_switches_are_named(switches, message):
    with pytest.raises(ValueError, match=message):
        small().compile(**ADAM, **switches)


def test_one_optimizer_for_both_is_refused():
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="an optimizer each, got one instance for both"):
        small().compile(optimizer, optimizer)


def test_bad_faces_are_refused_before_training(faces):
    gan = small()
    gan.compile(**recipe("faithful"))
    before = values(gan.weights)
    for arguments, message in (
        ({"faces": faces.scaled()}, "faces must be uint8 images of shape .n, 16, 16, 3.*float32"),
        ({"faces": load_faces(n=4, size=32)}, "load them with size=16"),
        ({"faces": faces, "batch_size": 15}, "batch_size must be even, for half batches, got 15"),
        ({"faces": faces, "batch_size": 200}, "batch_size must lie between 2 and the 64 faces, got 200"),
        ({"faces": faces, "batch_size": 0}, "batch_size must lie between 2 and the 64 faces, got 0"),
        ({"faces": faces, "steps_per_epoch": 0}, "steps_per_epoch must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            gan.fit(**arguments, verbose=0)
    assert gap(before, values(gan.weights)) == 0
    with pytest.raises(ValueError, match="is not conditional"):
        gan.fit(faces, np.zeros(64), verbose=0)
    gan.conditional = True
    with pytest.raises(ValueError, match="labels are missing"):
        gan.fit(faces, verbose=0)
    gan.compile(**recipe("faithful", steps_per_execution=50))
    gan.conditional = False
    with pytest.raises(ValueError, match="at most the 4 steps of an epoch, got 50"):
        gan.fit(faces, batch_size=16, verbose=0, callbacks=None)


def test_training_wants_compile_first(faces):
    with pytest.raises(ValueError, match="compile"):
        small().fit(faces, verbose=0)


def test_a_backend_that_cannot_train_says_so(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(RuntimeError, match="runs on tensorflow and jax, not on torch: set .* KERAS_BACKEND"):
        small().compile(**ADAM)


def test_recipes_are_the_seeds_and_each_trick_is_a_switch():
    faithful, modern = recipe("faithful"), recipe("modern")
    assert type(faithful["generator_optimizer"]).__name__ == "Adam" and faithful["generator_optimizer"].beta_1 == 0.5
    assert float(faithful["discriminator_optimizer"].learning_rate) == pytest.approx(2e-4)
    conditional = recipe("faithful", "conditional")
    assert type(conditional["discriminator_optimizer"]) is keras.optimizers.Adamax
    assert float(conditional["generator_optimizer"].learning_rate) == pytest.approx(7e-4)
    assert set(faithful) == set(modern)
    rates = [float(modern[f"{player}_optimizer"].learning_rate) for player in ("generator", "discriminator")]
    assert rates[0] != rates[1]
    assert modern["ema"] and modern["augment"] and modern["r1"] and modern["separate_passes"]
    chosen = [recipe(name, learning_rate=1e-3) for name in ("faithful", "modern")]
    rates = [
        [float(c[f"{g_or_d}_optimizer"].learning_rate) for g_or_d in ("generator", "discriminator")] for c in chosen
    ]
    np.testing.assert_allclose(rates, [[1e-3, 1e-3], [1e-3, 2e-3]], rtol=1e-5)
    with pytest.raises(ValueError, match="learning_rate must be positive, got 0"):
        recipe("modern", learning_rate=0)
    assert recipe("modern", ema=None, r1=0)["ema"] is None
    with pytest.raises(ValueError, match=r"unknown switches \['emma'\]; there are \['augment', 'discriminator_opt"):
        recipe("modern", emma=0.9)
    with pytest.raises(ValueError, match='recipe must be "faithful" or "modern", got \'best\''):
        recipe("best")
    with pytest.raises(ValueError, match="model must be one of .'conditional', 'dcgan'., got 'vae'"):
        recipe("faithful", "vae")


def test_cross_entropy_is_that_of_probabilities():
    logits = np.array([[-3.0], [0.0], [2.0]], "float32")
    p = 1 / (1 + np.exp(-logits))
    assert float(cross_entropy(logits, 1.0)) == pytest.approx(-np.log(p).mean(), rel=1e-5)
    assert float(cross_entropy(logits, 0.0)) == pytest.approx(-np.log(1 - p).mean(), rel=1e-5)
    assert np.isfinite(float(cross_entropy(np.array([[-200.0]], "float32"), 1.0)))


def test_average_refuses_a_decay_that_never_forgets():
    with pytest.raises(ValueError, match="ema must lie in"):
        Average(small().generator, -0.1)


def test_callbacks_of_keras_work(faces, tmp_path):
    gan = small()
    gan.compile(**recipe("faithful"))
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    gan.fit(faces, epochs=2, batch_size=16, verbose=0, callbacks=[log, StopOnNaN(), SampleGrid(1, 2), BestEpoch(len_)])
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,d_loss_fake,d_loss_real,g_loss") and len(lines) == 3


def len_(model):
    return float(len(model.weights))
