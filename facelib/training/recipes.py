"""How to train, by name: what the seeds did, and what pays today. Each trick is one switch."""

from __future__ import annotations

import keras

# The seeds' optimizers. Seed 002 trains its conditional GAN by Adamax, "recommended when there are embeddings"; seed
# 000 names none for the DCGAN, and Adam with these values (Radford et al. 2015) is our choice.
_FAITHFUL = {
    "dcgan": lambda rate: keras.optimizers.Adam(rate or 2e-4, beta_1=0.5),
    "conditional": lambda rate: keras.optimizers.Adamax(rate or 7e-4),
}


def recipe(name: str, model: str = "dcgan", learning_rate: float | None = None, **changes) -> dict:
    """Arguments for `compile`: `gan.compile(**recipe("modern", r1=0))` leaves one trick out.

    - "faithful": as in the seeds. Binary cross-entropy, half batches: the discriminator is updated on half a batch of
      real images, then on half a batch of generated ones, then the generator on a whole batch.
    - "modern": two learning rates (Heusel et al. 2017), real and generated images in separate passes, an average of
      the generator (`ema`), DiffAugment (`augment`), the R1 penalty (`r1`), real images with wrong labels for
      conditional models (`mismatched`), and bfloat16 where the GPU is built for it (`mixed_precision`).

    Args:
        name: "faithful" or "modern".
        model: "dcgan", or "conditional" for models with embeddings, which the seeds train by Adamax.
        learning_rate: of the generator, instead of the recipe's; the discriminator's is the same in "faithful" and
            twice as high in "modern".
        **changes: any argument of `Adversarial.compile` instead of the recipe's.

    >>> recipe("faithful")["half_batches"]
    True

    Raises:
        ValueError: for an unknown recipe, model or switch, or a learning rate that is not positive.
    """
    if name not in ("faithful", "modern"):
        raise ValueError(f'recipe must be "faithful" or "modern", got {name!r}.')
    if model not in _FAITHFUL:
        raise ValueError(f"model must be one of {sorted(_FAITHFUL)}, got {model!r}.")
    if learning_rate is not None and learning_rate <= 0:
        raise ValueError(f"learning_rate must be positive, got {learning_rate}.")
    if name == "faithful":
        chosen = {
            "generator_optimizer": _FAITHFUL[model](learning_rate),
            "discriminator_optimizer": _FAITHFUL[model](learning_rate),
            "half_batches": True,
            "separate_passes": True,
            "ema": None,
            "augment": (),
            "r1": 0.0,
            "mismatched": 0.0,
            "mixed_precision": False,
        }
    else:
        rate = learning_rate or 2e-4
        chosen = {
            "generator_optimizer": keras.optimizers.Adam(rate, beta_1=0.5),
            "discriminator_optimizer": keras.optimizers.Adam(2 * rate, beta_1=0.5),
            "half_batches": False,
            "separate_passes": True,
            "ema": 0.999,
            "augment": ("flip", "color", "translation"),
            "r1": 1.0,
            "mismatched": 0.5 if model == "conditional" else 0.0,
            "mixed_precision": "auto",
        }
    known = {*chosen, "steps_per_execution", "run_eagerly", "jit_compile"}
    if unknown := sorted(set(changes) - known):
        raise ValueError(f"unknown switches {unknown}; there are {sorted(known)}.")
    return chosen | changes
