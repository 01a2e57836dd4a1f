import dataclasses
import json
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge, Gt

from experiments.run.settings import ImageSettings, Settings, as_json, from_json


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example(ImageSettings):
    widths: tuple[Annotated[int, Gt(0)], ...] = (3, 2)
    rate: Annotated[float, Ge(0)] | None = None


def test_settings_survive_json():
    settings = Example(widths=(5,), data_dir=Path("/somewhere"), steps=7, rate=0.5)
    assert from_json(Example, json.loads(json.dumps(as_json(settings)))) == settings


@pytest.mark.parametrize(
    ("change", "named"), [({"wdths": [1]}, "wdths"), ({"widths": None}, "widths"), ({"steps": 0}, "--steps")]
)
def test_a_config_that_does_not_fit_names_the_field(change, named):
    fields = as_json(Example()) | change
    if change == {"widths": None}:
        del fields["widths"]
    with pytest.raises(ValueError, match=named):
        from_json(Example, fields)


@pytest.mark.parametrize("fields", [{"seeds": 0}, {"widths": (1, 0)}, {"momentum": 1.0}, {"rate": -0.1}, {"chunk": -3}])
def test_bounds_in_types_are_checked_everywhere(fields):
    with pytest.raises(ValueError, match=f"--{next(iter(fields))} must be"):
        Example(**fields)


def test_seeds_count_from_the_first():
    assert list(Settings(seed=3, seeds=2).all_seeds) == [3, 4]


def test_what_is_trained_on_is_not_held_out():
    assert ImageSettings().held_out == "valid"
    assert ImageSettings(train_on="train+valid").held_out == "test"
