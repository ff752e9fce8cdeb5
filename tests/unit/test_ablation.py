"""The variants of `experiments/ablation.py`: what their names say, and nothing else."""

import importlib.util

import pytest

from facelib import results
from facelib.models import DCGAN
from facelib.training import recipe


@pytest.fixture(scope="module")
def ablation(root):
    spec = importlib.util.spec_from_file_location("ablation", root / "experiments" / "ablation.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settings(**how) -> dict:
    gan = DCGAN(16, 4, width=8)
    gan.compile(**how)
    return gan.settings


def test_faithful_and_modern_are_the_recipes(ablation):
    assert ablation.compiled(frozenset(), 0).settings == settings(**recipe("faithful"))
    # As the light weights are trained, but for augmentation.
    modern = recipe("modern", learning_rate=5e-4, r1=0.3, mixed_precision=False)
    assert ablation.compiled(ablation.ALL, 0).settings == settings(**modern)


@pytest.mark.parametrize(
    ("switch", "changed"),
    [
        ("learning rate", {"generator_optimizer", "discriminator_optimizer"}),
        ("faster discriminator", {"discriminator_optimizer"}),
        ("whole batches", {"half_batches"}),
        ("average", {"ema"}),
        ("R1", {"r1"}),
        ("augmentation", {"augment"}),
    ],
)
def test_a_switch_changes_one_thing(ablation, switch, changed):
    off, on = (ablation.compiled(switches, 0).settings for switches in (frozenset(), frozenset({switch})))
    assert {name for name in off if off[name] != on[name]} == changed
    on, off = (ablation.compiled(switches, 0).settings for switches in (ablation.ALL, ablation.ALL - {switch}))
    assert {name for name in off if off[name] != on[name]} == changed


def test_every_run_is_in_the_table(ablation):
    table = results.load("ablation")
    runs = {(v, seed) for v in ablation.VARIANTS for seed in ablation.SEEDS[: 3 if v in ablation.REPEATED else 1]}
    assert set(zip(table["variant"], table["seed"], strict=True)) == runs and len(table) == len(runs)
    assert (table["steps"] == ablation.STEPS).all()
    assert set(results.sheets("ablation")) == set(ablation.VARIANTS)
