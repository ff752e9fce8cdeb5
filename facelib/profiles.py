"""Sizes and steps of a run. A profile changes these numbers, never the code path.

`quick` is what continuous integration runs on two CPU cores, `colab` fits one T4-class GPU in under an hour, `full` is
the scale of the seeds and of the weights that ship.
"""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace

PROFILES = ("quick", "colab", "full")

_ACCORDION_FULL = {
    "image_size": 128,
    "folds": 2,
    "width": 128,
    "learning_rate": 2e-3,
    "batch_size": 2,
    "test_faces": 200,
    "study_faces": 200,
}
_ACCORDION_QUICK = _ACCORDION_FULL | {"image_size": 32, "width": 32, "faces": 500, "epochs": 2, "study_faces": 60}
_DCGAN_FULL = {
    "image_size": 80,
    "latent_dim": 100,
    "width": 128,
    "light": False,
    "dropout": 0.4,
    "batch_size": 64,
    "switches": {},
    "steps_per_epoch": 200,
}
_DCGAN_QUICK = _DCGAN_FULL | {
    "image_size": 32,
    "width": 32,
    "switches": {"learning_rate": 1e-3, "ema": 0.98},
    "faces": 2000,
    "steps_per_epoch": 30,
    "epochs": 6,
}
# A light discriminator needs no brakes in so few steps: with dropout, augmentation and the whole R1 penalty it tosses
# coins. The penalty grows with the number of pixels.
_LIGHT_FULL = _DCGAN_FULL | {
    "light": True,
    "dropout": 0.0,
    "batch_size": 32,
    "switches": {"learning_rate": 5e-4, "r1": 0.3, "augment": ()},
}
_SMALL_FULL = _LIGHT_FULL | {
    "image_size": 32,
    "width": 96,
    "switches": {"learning_rate": 5e-4, "r1": 0.1, "augment": ()},
    "faces": 10_000,
    "epochs": 20,
}
_SMALL_QUICK = _SMALL_FULL | {"faces": 2000, "steps_per_epoch": 12, "epochs": 6}
_SMALL_QUICK |= {"switches": _SMALL_FULL["switches"] | {"learning_rate": 1e-3, "ema": 0.98}}
_CONDITIONAL_FULL = _DCGAN_FULL | {"image_size": 64}
# A light penalty: between some classes lips are all the difference, a matter of a few pixels, and a discriminator that
# must be flat around real images does not see it.
_CONDITIONAL_LIGHT = _LIGHT_FULL | {
    "image_size": 64,
    "switches": {"learning_rate": 5e-4, "r1": 0.05, "augment": ()},
}
_FAMILY_SWITCHES = {"learning_rate": 2e-3, "r1": 0.1, "augment": (), "ema": 0.995}
_FAMILY_FULL = {"width": 128, "pictures": 20_000, "steps_per_epoch": 100, "switches": _FAMILY_SWITCHES}
_CYCLEGAN_FULL = {
    "image_size": 64,
    "width": 16,
    "blocks": 4,
    "residual": True,
    "learning_rates": (4e-4, 8e-4),  # of translators and of judges
    "batch_size": 4,
    "steps_per_epoch": 250,
    # A smile is small: only a judge that sees whole faces learns to see it, and where identity weighs more, doing
    # nothing wins. For colours small patches do (experiments/cyclegan.py has both).
    "tasks": {
        "smiling": {"judge": {"judge_width": 16, "halvings": 3}, "weights": {"cycle": 5.0, "identity": 1.0}},
        "colour": {"judge": {"judge_width": 32, "halvings": 2}, "weights": {"cycle": 10.0, "identity": 5.0}},
    },
}
_ATTRIBUTES_FULL = {"image_size": 64, "width": 96, "faces": 12_000, "epochs": 6, "batch_size": 64}
_ATTRIBUTES_QUICK = _ATTRIBUTES_FULL | {"image_size": 32, "width": 32, "faces": 1500, "epochs": 8, "batch_size": 32}
# The finder's layers are five times as quick, and take longer to learn.
_FINDER_FULL = _ATTRIBUTES_FULL | {"epochs": 24}
_ENCODER_FULL = {
    "generator": "dcgan-light-{dataset}-64",
    "image_size": 64,
    "width": 128,
    "learning_rate": 1e-3,
    "faces": 20_000,
    "epochs": 24,
    "batch_size": 64,
}
_ENCODER_QUICK = _ENCODER_FULL | {"generator": "dcgan-small-{dataset}-32", "image_size": 32, "width": 64, "faces": 2000}
_VAE_FULL = {"image_size": 80, "latent_dim": 256, "width": 128, "beta": 1.0, "learning_rate": 2.5e-3, "batch_size": 32}

SETTINGS = {
    # Chapter 00: faces to count, photos to crop, faces at each size of the test of the detector.
    "faces": {
        "quick": {"faces": 1500, "photos": 24, "sized_faces": 40},
        "colab": {"faces": 20_000, "photos": 500, "sized_faces": 500},
        "full": {"faces": 50_000, "photos": 2000, "sized_faces": 1000},
    },
    # The chapter's measurements: test_faces for the small models, study_faces for those of full size.
    "accordion": {
        "quick": _ACCORDION_QUICK,
        "colab": _ACCORDION_FULL | {"faces": 10_000, "epochs": 10},
        "full": _ACCORDION_FULL | {"faces": 2500, "epochs": 2},
    },
    # steps_per_epoch: how often scores, sheets and checkpoints are made. switches: changes to the modern recipe.
    "dcgan": {
        "quick": _DCGAN_QUICK,
        "colab": _DCGAN_FULL | {"faces": 20_000, "epochs": 90},
        "full": _DCGAN_FULL | {"faces": 20_000, "epochs": 300},
    },
    "dcgan-light": {
        "quick": _SMALL_QUICK,
        "colab": _LIGHT_FULL | {"faces": 20_000, "epochs": 150, "dropout": 0.4, "switches": {}},  # long: with brakes
        "full": _LIGHT_FULL | {"faces": 20_000, "epochs": 120},
    },
    # The patient of chapter 03's failure clinic: small enough to be made ill and cured in seconds.
    "dcgan-small": {
        "quick": _SMALL_QUICK,
        "colab": _SMALL_FULL,
        "full": _SMALL_FULL,
    },
    "cdcgan": {
        "quick": _DCGAN_QUICK,
        "colab": _CONDITIONAL_FULL | {"faces": 20_000, "epochs": 90},
        "full": _CONDITIONAL_FULL | {"faces": 50_000, "epochs": 200, "steps_per_epoch": 781},
    },
    "cdcgan-light": {
        # Wrong labels make the game harder: heads take three times as many steps.
        "quick": _SMALL_QUICK
        | {"steps_per_epoch": 40, "switches": {"learning_rate": 1e-3, "r1": 0.3, "augment": (), "ema": 0.98}},
        "colab": _CONDITIONAL_LIGHT | {"faces": 20_000, "epochs": 150, "dropout": 0.4, "switches": {}},
        "full": _CONDITIONAL_LIGHT | {"faces": 20_000, "epochs": 60},
    },
    # See facelib.models.CycleGAN. `faces` are both kinds together.
    "cyclegan": {
        "quick": _CYCLEGAN_FULL | {"image_size": 32, "width": 8, "faces": 1000, "steps_per_epoch": 25, "epochs": 4},
        "colab": _CYCLEGAN_FULL | {"width": 32, "blocks": 6, "faces": 20_000, "epochs": 60},
        "full": _CYCLEGAN_FULL | {"faces": 12_000, "epochs": 24},
    },
    # Chapter 07: faces that directions are found from, sums of averages to count smiling men in.
    "arithmetic": {
        "quick": {"faces": 2000, "sums": 200},
        "colab": {"faces": 20_000, "sums": 1000},
        "full": {"faces": 20_000, "sums": 1000},
    },
    # Chapter 03: faces for the detector, z to look for a face and to learn the way back from, epochs of the encoder.
    "noise": {
        "quick": {"faces": 100, "z": 1500, "encoder_epochs": 5},
        "colab": {"faces": 1000, "z": 20_000, "encoder_epochs": 10},
        "full": {"faces": 1000, "z": 20_000, "encoder_epochs": 10},
    },
    # Chapter 04: faces to label, others to judge by, samples to be judged, those that MTCNN sees, steps with the guard.
    "conditionality": {
        "quick": {"faces": 2000, "others": 1500, "samples": 1000, "detected": 150, "guarded_steps": 40},
        "colab": {"faces": 10_000, "others": 4000, "samples": 4000, "detected": 1000, "guarded_steps": 40},
        "full": {"faces": 20_000, "others": 4000, "samples": 4000, "detected": 1000, "guarded_steps": 40},
    },
    # Chapter 06: faces a side, networks that may make the features (the first that can be had), bootstrap samples.
    "fid": {
        "quick": {"faces": 2000, "extractors": ("onet",), "resamples": 20},
        "colab": {"faces": 10_000, "extractors": ("inception", "onet"), "resamples": 20},
        "full": {"faces": 10_000, "extractors": ("inception", "onet"), "resamples": 50},
    },
    # Chapter 08: faces of the generator's own to find again, steps where λ is turned and pictures are completed, faces
    # to find a direction from, faces that a small encoder learns from.
    "projection": {
        "quick": {"own": 24, "knob_steps": 100, "faces": 3000, "encoder_faces": 2000},
        "colab": {"own": 240, "knob_steps": 300, "faces": 20_000, "encoder_faces": 20_000},
        "full": {"own": 240, "knob_steps": 300, "faces": 20_000, "encoder_faces": 20_000},
    },
    # Chapter 10: faces to count likeness from, z given to all GANs, faces a side to score, faces to fit a matrix to.
    "same_faces": {
        "quick": {"faces": 400, "noise": 300, "scored": 1500, "probe": 2000},
        "colab": {"faces": 2000, "noise": 2000, "scored": 10_000, "probe": 20_000},
        "full": {"faces": 2000, "noise": 2000, "scored": 10_000, "probe": 20_000},
    },
    # Chapter 05's short run of a 2N-GAN. In few steps its average must keep up.
    "family": {
        "quick": _FAMILY_FULL
        | {"width": 32, "steps_per_epoch": 50, "epochs": 8, "switches": _FAMILY_SWITCHES | {"ema": 0.97}},
        "colab": _FAMILY_FULL | {"epochs": 20},
        "full": _FAMILY_FULL | {"epochs": 100},
    },
    # What guesses the z of a generator: see facelib.models.LatentEncoder.
    "encoder": {"quick": _ENCODER_QUICK | {"epochs": 8}, "colab": _ENCODER_FULL, "full": _ENCODER_FULL},
    # What judges conditional models: see facelib.models.Classifier.
    "judge": {
        "quick": {"image_size": 32, "width": 32, "faces": 1500, "epochs": 4, "batch_size": 32},
        "colab": {"image_size": 64, "width": 64, "faces": 20_000, "epochs": 8, "batch_size": 32},
        "full": {"image_size": 64, "width": 64, "faces": 20_000, "epochs": 8, "batch_size": 32},
    },
    # What finds directions and what scores them: see facelib.models.AttributeClassifier. `faces` is half of them.
    "finder": {"quick": _ATTRIBUTES_QUICK, "colab": _FINDER_FULL, "full": _FINDER_FULL},
    "scorer": {"quick": _ATTRIBUTES_QUICK, "colab": _ATTRIBUTES_FULL, "full": _ATTRIBUTES_FULL},
    "vae": {
        # Training: image_size to epochs. The chapter's measurements: test_faces, study_faces, trials.
        "quick": {
            "image_size": 32,
            "latent_dim": 64,
            "width": 32,
            "beta": 0.3,
            "learning_rate": 4e-3,
            "batch_size": 32,
            "faces": 2000,
            "epochs": 8,
            "test_faces": 200,
            "study_faces": 1200,
            "trials": 100,
        },
        "colab": _VAE_FULL | {"faces": 20_000, "epochs": 40, "test_faces": 1000, "study_faces": 4000, "trials": 500},
        "full": _VAE_FULL | {"faces": 10_000, "epochs": 14, "test_faces": 500, "study_faces": 4000, "trials": 500},
    },
}
# One fold of the accordion, and nothing else changed.
SETTINGS["autoencoder"] = {name: sizes | {"folds": 1} for name, sizes in SETTINGS["accordion"].items()}

# Expected run times, as in the table at the head of each chapter (a test compares them).
RUN_TIMES = {
    "00_faces": {"quick": "under a minute on 2 CPU cores", "colab": "not measured", "full": "not measured"},
    "01_vae": {"quick": "under a minute on 2 CPU cores", "colab": "not measured", "full": "not measured"},
    "02_accordion": {"quick": "about a minute on 2 CPU cores", "colab": "not measured", "full": "not measured"},
    "03_dcgan": {"quick": "one to three minutes on 2 CPU cores", "colab": "not measured", "full": "not measured"},
    "04_conditional_gan": {
        "quick": "one to three minutes on 2 CPU cores",
        "colab": "not measured",
        "full": "not measured",
    },
    "05_conditional_family": {
        "quick": "about a minute on 2 CPU cores",
        "colab": "not measured",
        "full": "not measured",
    },
    "06_fid": {"quick": "one to two minutes on 2 CPU cores", "colab": "not measured", "full": "not measured"},
    "07_arithmetic": {"quick": "about a minute on 2 CPU cores", "colab": "not measured", "full": "not measured"},
    "08_projection": {"quick": "two minutes on 2 CPU cores", "colab": "not measured", "full": "not measured"},
    "09_cyclegan": {
        "quick": "two to three minutes on 2 CPU cores",
        "colab": "not measured",
        "full": "not measured; the trainings alone took 41 and 47 minutes on a CPU",
    },
    "10_same_faces": {"quick": "one to two minutes on 2 CPU cores", "colab": "not measured", "full": "not measured"},
}


def settings(model: str, profile: str = "quick") -> SimpleNamespace:
    """The numbers of a model under a profile.

    >>> settings("vae", "full").latent_dim
    256

    Raises:
        ValueError: for an unknown model or profile.
    """
    if model not in SETTINGS:
        raise ValueError(f"model must be one of {sorted(SETTINGS)}, got {model!r}.")
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {PROFILES}, got {profile!r}.")
    return SimpleNamespace(profile=profile, **deepcopy(SETTINGS[model][profile]))
