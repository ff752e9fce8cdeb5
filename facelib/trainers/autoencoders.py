"""Trainers of the models that reconstruct: VAE, accordion, and the encoder of a GAN."""

from __future__ import annotations

from facelib import weights
from facelib.metrics import bootstrap, psnr, ssim
from facelib.models import VAE, Accordion, LatentEncoder
from facelib.trainers.runs import Options, decaying, describe, faces_for, finish, fit, steps_for


def train_vae(options: Options) -> dict:
    """Train a VAE; returns its card."""
    sizes = options.sizes
    model = VAE(sizes.image_size, sizes.latent_dim, beta=sizes.beta, width=sizes.width)
    loss = f"squared error summed over pixels + {sizes.beta:g} × KL"
    failures = (
        "Blurred: fine lines, glasses' frames, teeth and single strands are lost. A faint grid shows, from "
        "transposed convolutions whose stride does not divide their kernel. Samples from N(0, I) are less like "
        "faces than reconstructions are, because the encoder does not fill the prior evenly."
    )
    return _train_autoencoder(model, sizes, options, loss, failures)


def train_accordion(options: Options) -> dict:
    """Train an accordion, or under the name "autoencoder" one fold of it; returns its card."""
    sizes = options.sizes
    model = Accordion(sizes.image_size, folds=sizes.folds, width=sizes.width)
    failures = (
        "A grid shows on even areas, from the transposed convolutions. There is nothing to sample from: the middle has "
        "no known distribution."
    )
    return _train_autoencoder(model, sizes, options, "mean squared error", failures)


def train_encoder(options: Options) -> dict:
    """Train an encoder for a generator that was trained before; returns its card.

    The generator is the one that the profile names, from the folder of the results, else from those that ship.
    """
    sizes = options.sizes
    train, held_out = faces_for(options, sizes)
    of = sizes.generator.format(dataset=options.dataset)
    folder = options.out if of in weights.catalog(options.out) else weights.FOLDER
    gan = weights.load(of, folder)
    model = LatentEncoder(gan.image_size, gan.latent_dim, width=sizes.width)
    steps = steps_for(len(train), sizes)
    model.compile(gan, decaying(sizes.learning_rate, steps))
    name = options.weights_name
    settings = vars(sizes) | {"generator_sha256": weights.check(of, folder)["sha256"]}
    checkpoint = fit(model, name, train, options, settings, sizes.epochs, sizes.batch_size)

    drawn = gan.sample(500, seed=1)
    again = {"": (held_out.images, gan.decode(model.encode(held_out)))}
    again["samples_"] = drawn, gan.decode(model.encode(drawn))
    card = {
        **describe(options, len(train), sizes.epochs, steps, sizes.batch_size, checkpoint),
        "recipe": f"Adam {sizes.learning_rate:g} with cosine decay to a fiftieth; absolute error of faces that come "
        "back + 0.1 × squared error of the z of samples + 0.1 × (‖z‖² / latent_dim - 1)²",
        "generator": of,
        "scores": {
            f"{what}{score.__name__}{unit}": [round(v, 4) for v in bootstrap(score(*pair))[:3]]
            for what, pair in again.items()
            for score, unit in ((psnr, "_db"), (ssim, ""))
        },
        "known_failures": "What the generator cannot draw does not come back: glasses' frames, single strands, most "
        "backgrounds. Faces come back less exactly than after a search for z, of which this is the start.",
    }
    card["dataset"]["held_out"] = len(held_out)
    return finish(model, name, card, options, checkpoint)


def _train_autoencoder(model, sizes, options: Options, loss: str, failures: str) -> dict:
    train, held_out = faces_for(options, sizes)
    steps = steps_for(len(train), sizes)
    if len(held_out) < 2:
        raise ValueError(f"of {len(train) + len(held_out)} faces {len(held_out)} is left to measure by: give more.")
    model.compile(decaying(sizes.learning_rate, steps))
    name = options.weights_name
    # The learning rate falls until the last epoch, so another number of them would be another run.
    checkpoint = fit(model, name, train, options, vars(sizes), sizes.epochs, sizes.batch_size)

    reconstructed = model.reconstruct(held_out)
    card = {
        **describe(options, len(train), sizes.epochs, steps, sizes.batch_size, checkpoint),
        "recipe": f"Adam {sizes.learning_rate:g} with cosine decay to a fiftieth; {loss}",
        "scores": {
            "psnr_db": [round(v, 3) for v in bootstrap(psnr(held_out.images, reconstructed))[:3]],
            "ssim": [round(v, 4) for v in bootstrap(ssim(held_out.images, reconstructed))[:3]],
        },
        "known_failures": failures,
    }
    card["dataset"]["held_out"] = len(held_out)
    return finish(model, name, card, options, checkpoint)
