import dataclasses
import json
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge, Gt

from experiments.cli.flags import parse_flags
from experiments.datasets.settings import ImageData
from experiments.errors import WrongInput
from experiments.run.settings import Flat, LoopSettings, Seeds, Settings, as_json, configure, flatten, from_json
from train.optimizers import Optimization


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example(Settings):
    """An experiment with two optimisers, one of which has a name of its own."""

    loop: Flat[LoopSettings] = LoopSettings(steps=70)
    images: Flat[ImageData] = ImageData()
    optimization: Flat[Optimization] = Optimization()
    critic: Optimization = Optimization(learning_rate=0.5)
    widths: tuple[Annotated[int, Gt(0)], ...] = (3, 2)
    """units"""
    rate: Annotated[float, Ge(0)] | None = None
    """a rate"""


def test_settings_survive_json():
    settings = configure(
        Example(), {"critic.momentum": 0.5}, widths=(5,), data_dir=Path("/somewhere"), steps=7, rate=0.5
    )
    assert from_json(Example, json.loads(json.dumps(as_json(settings)))) == settings
    assert (settings.critic.momentum, settings.optimization.momentum) == (0.5, 0.9)


def test_flat_groups_lend_their_names_and_others_their_own_besides():
    values = flatten(Example())
    assert (values["steps"], values["learning_rate"], values["critic.learning_rate"]) == (70, 1e-3, 0.5)
    assert "loop" not in values
    with pytest.raises(ValueError, match="no field loop"):
        configure(Example(), loop=3)


def test_flags_are_flat_and_two_optimisers_stand_side_by_side():
    flags = ["--steps", "9", "--critic.learning-rate", "0.25", "--learning-rate", "0.125"]
    settings = parse_flags(Example(), flags, prog="lectern run example")
    assert (settings.loop.steps, settings.critic.learning_rate, settings.optimization.learning_rate) == (9, 0.25, 0.125)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--decay-steps", "3"], "--decay-steps has no effect with --schedule constant"),
        (["--critic.decay-factor", "0.3"], "--critic.decay-factor has no effect with --critic.schedule constant"),
        (["--optimizer", "sgd", "--beta1", "0.5"], "--beta1 has no effect with --optimizer sgd"),
        (["--momentum", "0.5"], "--momentum has no effect with --optimizer adam"),
    ],
)
def test_a_flag_without_an_effect_is_refused(flags, said):
    with pytest.raises(WrongInput, match=said):
        parse_flags(Example(), flags, prog="lectern run example")


def test_a_preset_with_an_idle_field_can_still_be_changed():
    """What the user did not type is not held against them."""
    preset = configure(Example(), schedule="step", decay_steps=(3,))
    assert parse_flags(preset, ["--schedule", "constant"], prog="x").optimization.schedule == "constant"


@pytest.mark.parametrize(
    ("change", "named"), [({"wdths": [1]}, "wdths"), ({"widths": None}, "widths"), ({"steps": 0}, "--steps")]
)
def test_a_config_that_does_not_fit_names_the_field(change, named):
    fields = as_json(Example()) | change
    if change == {"widths": None}:
        del fields["widths"]
    with pytest.raises(ValueError, match=named):
        from_json(Example, fields)


@pytest.mark.parametrize(
    "fields",
    [{"seeds": 0}, {"widths": (1, 0)}, {"momentum": 1.0}, {"rate": -0.1}, {"chunk": -3}, {"critic.epsilon": 0.0},
     {"rate": float("inf")}, {"momentum": float("nan")}],
)  # fmt: skip
def test_bounds_in_types_are_checked_everywhere(fields):
    with pytest.raises(ValueError, match=f"--{next(iter(fields))} must be"):
        configure(Example(), fields)


def test_a_batch_is_a_multiple_of_its_parts_and_of_the_devices():
    with pytest.raises(ValueError, match="--batch-size 128 must be a multiple of --accumulate 3"):
        configure(Example(), accumulate=3)
    with pytest.raises(ValueError, match="must be a multiple of --devices 3"):
        configure(Example(), devices=3)


def test_seeds_count_from_the_first():
    assert list(Seeds(seed=3, seeds=2).all) == [3, 4]
