"""Updates a second of adversarial training against the loops that people write: `python benchmarks/training.py`.

All loops train the same two networks (seed 000) and take turns in this one run. An update is half a batch of real and
half a batch of generated images for the discriminator, and a whole batch for the generator.

- the seed's loop: three `train_on_batch`, the generator through a joined model whose discriminator is frozen;
- the usual single step: one compiled function, the discriminator on real and generated images in one batch;
- facelib: `fit` with the recipe "faithful".

On a GPU also the arithmetic a second beside what a large convolution reaches in this run, in float32 and bfloat16.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers, ops

from facelib.backend import compute_in, device, jit_compile
from facelib.data import load_faces
from facelib.models import DCGAN
from facelib.models.layers import ToRGB
from facelib.training import recipe


def adam() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


class SeedLoop:
    """`train_on_batch` for the discriminator on half batches, then for the joined model."""

    def __init__(self, gan: DCGAN, faces, batch: int):
        self.generator, self.discriminator, self.batch = gan.generator, gan.discriminator, batch
        self.images = faces.scaled()
        self.rng = np.random.default_rng(0)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        self.discriminator.compile(adam(), loss, jit_compile=jit_compile())
        z = keras.Input((gan.latent_dim,))
        self.joined = keras.Model(z, self.discriminator(self.generator(z)))
        self.discriminator.trainable = False
        self.joined.compile(adam(), loss, jit_compile=jit_compile())

    def run(self, updates: int) -> float:
        start = time.perf_counter()
        for _ in range(updates):
            self.update()
        return time.perf_counter() - start

    def update(self):
        half, latent_dim = self.batch // 2, self.generator.input_shape[1]
        # Keras 3 looks at `trainable` when it traces, not when it compiles.
        self.discriminator.trainable = True
        real = self.images[self.rng.integers(0, len(self.images), half)]
        self.discriminator.train_on_batch(real, np.ones((half, 1)))
        fake = self.generator.predict(self.rng.standard_normal((half, latent_dim)), batch_size=half, verbose=0)
        self.discriminator.train_on_batch(fake, np.zeros((half, 1)))
        self.discriminator.trainable = False
        z = self.rng.standard_normal((self.batch, latent_dim))
        return self.joined.train_on_batch(z, np.ones((self.batch, 1)))


class SingleStep:
    """One compiled step as in most tutorials: both kinds of images through the discriminator together."""

    def __init__(self, gan: DCGAN, faces, batch: int):
        self.gan, self.batch, self.images = gan, batch, faces.scaled()
        self.rng = np.random.default_rng(0)
        self.optimizers = adam(), adam()
        for optimizer, network in zip(self.optimizers, (gan.discriminator, gan.generator), strict=True):
            optimizer.build(network.trainable_variables)
        self.step = _tensorflow_step(self) if keras.backend.backend() == "tensorflow" else _jax_step(self)

    def run(self, updates: int) -> float:
        start = time.perf_counter()
        for _ in range(updates):
            losses = self.step(self.images[self.rng.integers(0, len(self.images), self.batch // 2)])
        [ops.convert_to_numpy(loss) for loss in losses]  # the device may still be at work
        return time.perf_counter() - start


def _losses(discriminator, generator, real, z, z_generator):
    """The two losses as functions of networks that are called like Keras models."""
    images = ops.concatenate([real, generator(z)])
    labels = ops.concatenate([ops.ones((len(real), 1)), ops.zeros((len(real), 1))])
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    return (
        lambda: cross_entropy(labels, discriminator(images)),
        lambda: cross_entropy(ops.ones((len(z_generator), 1)), discriminator(generator(z_generator))),
    )


def _tensorflow_step(loop: SingleStep):
    import tensorflow as tf

    gan, half = loop.gan, loop.batch // 2

    @tf.function(jit_compile=bool(jit_compile()))
    def step(real):
        z, z_generator = tf.random.normal((half, gan.latent_dim)), tf.random.normal((2 * half, gan.latent_dim))
        networks = gan.discriminator, gan.generator
        values = []
        losses = _losses(*(lambda x, n=n: n(x, training=True) for n in networks), real, z, z_generator)
        for loss, network, optimizer in zip(losses, networks, loop.optimizers, strict=True):
            with tf.GradientTape() as tape:
                value = loss()
            weights = network.trainable_variables
            optimizer.apply(tape.gradient(value, weights), weights)
            values.append(value)
        return values

    return step


def _jax_step(loop: SingleStep):
    import jax

    gan, half = loop.gan, loop.batch // 2
    networks = gan.discriminator, gan.generator

    def values(variables):
        return [variable.value for variable in variables]

    state = {
        "weights": [values(network.trainable_variables) for network in networks],
        "rest": [values(network.non_trainable_variables) for network in networks],
        "optimizers": [values(optimizer.variables) for optimizer in loop.optimizers],
        "key": jax.random.key(0),
    }

    @jax.jit
    def step(state, real):
        key, *keys = jax.random.split(state["key"], 3)
        z, z_generator = (
            jax.random.normal(k, (n, gan.latent_dim)) for k, n in zip(keys, (half, 2 * half), strict=True)
        )
        weights, optimizers, results = list(state["weights"]), list(state["optimizers"]), []
        for player in (0, 1):

            def loss(mine, player=player):
                used = [mine if i == player else weights[i] for i in (0, 1)]
                called = [
                    lambda x, i=i: networks[i].stateless_call(used[i], state["rest"][i], x, training=True)[0]
                    for i in (0, 1)
                ]
                return _losses(*called, real, z, z_generator)[player]()

            value, gradients = jax.value_and_grad(loss)(weights[player])
            weights[player], optimizers[player] = loop.optimizers[player].stateless_apply(
                optimizers[player], gradients, weights[player]
            )
            results.append(value)
        return {**state, "weights": weights, "optimizers": optimizers, "key": key}, results

    def run(real):
        nonlocal state
        state, results = step(state, real)
        return results

    return run


class Facelib:
    def __init__(self, gan: DCGAN, faces, batch: int):
        self.gan, self.faces, self.batch = gan, faces, batch
        gan.compile(**recipe("faithful"))

    def run(self, updates: int) -> float:
        clock = Clock()
        self.gan.fit(self.faces, batch_size=self.batch, steps_per_epoch=updates, callbacks=[clock], verbose=0)
        return clock.seconds


class Clock(keras.callbacks.Callback):
    """Seconds of an epoch, without what `fit` does before it."""

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self.start


def plain_networks(gan: DCGAN) -> DCGAN:
    """The same networks, the last layer of the generator as Keras computes it."""

    def plain(layer):
        return layers.Conv2D.from_config(layer.get_config()) if isinstance(layer, ToRGB) else layer

    gan.generator = keras.models.clone_model(gan.generator, clone_function=plain)
    return gan


def operations(network: keras.Model) -> float:
    """Floating-point operations of an image's way through a network; a multiplication and an addition are two."""
    total = 0
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            positions = layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output
            total += 2 * int(np.prod(layer.kernel.shape)) * int(np.prod(positions.shape[1:-1]))
    return total


def operations_an_update(gan: DCGAN, batch: int) -> float:
    """Forward, and backward to inputs and weights; the discriminator's weights rest while the generator learns."""
    discriminator, generator = operations(gan.discriminator), operations(gan.generator)
    first = next(layer for layer in gan.discriminator.layers if hasattr(layer, "kernel"))
    to_pixels = 2 * int(np.prod(first.kernel.shape)) * int(np.prod(first.output.shape[1:-1]))
    return batch * (3 * discriminator - to_pixels + 2 * discriminator + 3 * generator + generator / 2)


def ceiling(dtype: str, seconds: float = 1.0) -> float:
    """Operations a second of a large convolution, 3×3 and 256 channels, in one compiled function."""
    rng = np.random.default_rng(0)
    x = ops.cast(rng.standard_normal((64, 40, 40, 256), dtype="float32"), dtype)
    kernel = ops.cast(rng.standard_normal((3, 3, 256, 256), dtype="float32") / 48, dtype)
    repeats = 20 if jit_compile() else 1

    def many(x, kernel):
        for _ in range(repeats):
            x = ops.conv(x, kernel, padding="same")
        return x

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        many = tf.function(many, jit_compile=bool(jit_compile()))
    else:
        import jax

        many = jax.jit(many)
    times, began = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        ops.convert_to_numpy(ops.sum(ops.cast(many(x, kernel), "float32")))
        times.append(time.perf_counter() - start)
    return repeats * 2 * x.shape[0] * 40 * 40 * int(np.prod(kernel.shape)) / min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=80)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--updates", type=int, help="in a turn (default: 3, on a GPU 100)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    gpu = not device().startswith("CPU")
    updates = options.updates or (100 if gpu else 3)
    faces = load_faces("synthetic", n=512, size=options.size)
    print(
        f"{device()}, {keras.backend.backend()}, Keras {keras.__version__}; DCGAN {options.size} px, width "
        f"{options.width}, batch {options.batch}; {options.rounds} turns of {updates} updates each"
    )
    for dtype in ("float32", "bfloat16") if gpu else ("float32",):

        def networks(plain=False, dtype=dtype):
            gan = DCGAN(options.size, width=options.width)
            gan = plain_networks(gan) if plain else gan
            for network in (gan.generator, gan.discriminator):
                compute_in(network, dtype == "bfloat16")
            return gan

        loops = {
            "the seed's loop, Keras' Conv2D last": SeedLoop(networks(plain=True), faces, options.batch),
            "the seed's loop": SeedLoop(networks(), faces, options.batch),
            "the usual single step": SingleStep(networks(), faces, options.batch),
            "facelib": Facelib(networks(), faces, options.batch),
        }
        if dtype == "bfloat16":
            loops["facelib"].gan.compile(**recipe("faithful", mixed_precision=True))
        times = {name: [] for name in loops}
        for loop in loops.values():
            loop.run(2)  # compiles
        for _ in range(options.rounds):
            for name, loop in loops.items():
                times[name].append(loop.run(updates) / updates)
        mine = statistics.median(times["facelib"])
        per_update = operations_an_update(loops["facelib"].gan, options.batch)
        print(f"{dtype}: {per_update / 1e12:.3f} × 10^12 operations an update")
        for name, seconds in times.items():
            median = statistics.median(seconds)
            print(
                f"  {name:36s} {1 / median:8.3f} updates/s {options.batch * 2 / median:9.1f} images/s; "
                f"facelib {median / mine:.2f}×",
                flush=True,
            )
        reached, most = per_update / mine / 1e12, ceiling(dtype) / 1e12
        print(
            f"  facelib {reached:.3f} TFLOP/s, a large convolution {most:.3f} TFLOP/s: {reached / most:.0%}", flush=True
        )


if __name__ == "__main__":
    main()
