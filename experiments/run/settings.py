"""Settings are frozen dataclasses made of groups: an experiment has the groups that mean something to it.

A group marked ``Flat`` shows its fields under their own names, on the command line, in presets and in ``config.json``;
any other group puts its own name and a full stop before them, so that two optimisers stand side by side
(``generator.learning_rate``). Bounds stand in the fields' types and are checked when settings are made.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from annotated_types import BaseMetadata, Ge, Gt, Le, Lt
from optax import Schedule
from tyro.conf import OmitArgPrefixes as Flat

from train.loop import LoopSettings
from train.mesh import Shard
from train.optimizers import UpdateRule, learning_rate_schedule
from train.transforms import SeedsBy

Count = Annotated[int, Gt(0)]
S = TypeVar("S", bound="Options")


class OfEvaluation:
    """Marks, in a field's type, what training never reads: it may differ when a run is resumed or evaluated."""


_TESTS = {
    Gt: (lambda value, bound: value > bound.gt, lambda bound: f"greater than {bound.gt}"),
    Ge: (lambda value, bound: value >= bound.ge, lambda bound: f"at least {bound.ge}"),
    Lt: (lambda value, bound: value < bound.lt, lambda bound: f"less than {bound.lt}"),
    Le: (lambda value, bound: value <= bound.le, lambda bound: f"at most {bound.le}"),
}


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Which random seeds are trained, side by side in one compiled program."""

    seed: Annotated[int, Ge(0), Lt(2**31)] = 0
    """the first seed"""
    seeds: Annotated[int, Gt(0), Lt(2**16)] = 1
    """how many seeds to train, in one compiled program"""
    seeds_by: SeedsBy = "map"
    """one seed after the other, with the bits of each alone; or all together"""

    def __post_init__(self):
        if self.seed + self.seeds > 2**31:
            raise ValueError(f"--seed {self.seed} and --seeds {self.seeds} go beyond the largest seed, {2**31 - 1}")

    @property
    def all(self) -> range:
        """The seeds of the run."""
        return range(self.seed, self.seed + self.seeds)


@dataclass(frozen=True, kw_only=True)
class PlacementSettings:
    """Where the work is done; none of it changes what is computed."""

    evaluation_batch: Count = 250
    """held-out examples measured at a time; changes memory, not numbers"""
    feed: Literal["resident", "stream"] = "resident"
    """resident: the training set stays on the device (arrays only); stream: it is read ahead through Grain"""
    devices: Count = 1
    """devices of each process to train on"""
    shard: Shard = "batch"
    """what is divided over the devices: the batch, the seeds, or the batch and the parameters"""
    deterministic: bool = False
    """forbid the GPU kernels whose sums depend on timing; CPU runs are deterministic as they are"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Groups and fields whose bounds, as their types tell them, are checked when they are made."""

    def __post_init__(self):
        for field in flat_fields(type(self)):
            value = field.of(self)
            for each in value if isinstance(value, tuple) else (value,):
                if each is not None:
                    _check_bounds(field.name, each, field.hint)

    def idle(self) -> dict[str, str]:
        """Fields without an effect beside the others' values, by flat name, and the reason: "with --schedule constant".

        An experiment adds its own; flags that name such a field are refused.
        """
        return {
            group.prefix + name: reason.replace("--", f"--{group.prefix}")
            for group in groups(type(self))
            if hasattr(value := getattr(self, group.attribute), "idle")
            for name, reason in value.idle().items()
        }


@dataclass(frozen=True, kw_only=True)
class Settings(Options):
    """What every experiment can be told; each adds groups and fields of its own."""

    loop: Flat[LoopSettings] = LoopSettings()
    seeds: Flat[Seeds] = Seeds()
    placement: Flat[PlacementSettings] = PlacementSettings()

    def __post_init__(self):
        super().__post_init__()
        self._check_division()

    def _check_division(self) -> None:
        loop, placement = self.loop, self.placement
        parts = self.parts
        if loop.batch_size % parts:
            raise ValueError(f"--batch-size {loop.batch_size} must be a multiple of --accumulate {parts}")
        divided = {"seeds": self.seeds.seeds}.get(placement.shard, loop.batch_size // parts)
        if divided % placement.devices:
            what = "--seeds" if placement.shard == "seeds" else "--batch-size over --accumulate"
            raise ValueError(f"{what} is {divided}: it must be a multiple of --devices {placement.devices}")

    @property
    def parts(self) -> int:
        """In how many parts a batch is taken; one where nothing is accumulated."""
        return max(getattr(group, "accumulate", 1) for group in vars(self).values())

    @property
    def average_decay(self) -> float:
        """The decay of the running average of parameters that is evaluated; 0 where none is carried."""
        return max(getattr(group, "average_decay", 0.0) for group in vars(self).values())

    def learning_rates(self) -> dict[str, Schedule]:
        """The learning rate as a function of the step, for each optimiser, by the name under which it is logged."""
        return {
            f"{group.prefix}learning_rate": learning_rate_schedule(config, self.loop.steps)
            for group in groups(type(self))
            if isinstance(config := getattr(self, group.attribute), UpdateRule)
        }


class Group(NamedTuple):
    """A field of the settings that holds a group."""

    attribute: str
    kind: type
    prefix: str


class FlatField(NamedTuple):
    """A field of the settings or of one of their groups, under the name that users know."""

    name: str
    hint: Any
    path: tuple[str, ...]

    def of(self, settings: Options) -> Any:
        """Its value."""
        value = settings
        for attribute in self.path:
            value = getattr(value, attribute)
        return value


def groups(kind: type[Options]) -> list[Group]:
    """The groups, in their order."""
    found = []
    for attribute, hint in _hints(kind).items():
        plain, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        if dataclasses.is_dataclass(plain):
            found.append(Group(attribute, plain, "" if Flat in marks else f"{attribute}."))
    return found


def flat_fields(kind: type[Options]) -> Iterator[FlatField]:
    """All fields, those of the groups included."""
    by_attribute = {group.attribute: group for group in groups(kind)}
    for attribute, hint in _hints(kind).items():
        if group := by_attribute.get(attribute):
            for name, inner in _hints(group.kind).items():
                yield FlatField(group.prefix + name, inner, (attribute, name))
        else:
            yield FlatField(attribute, hint, (attribute,))


def of_evaluation(kind: type[Settings]) -> set[str]:
    """The flat names of the fields that training never reads."""
    return {field.name for field in flat_fields(kind) if OfEvaluation in get_args(field.hint)}


def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _check_bounds(name: str, value: object, hint: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"--{name.replace('_', '-')} must be a finite number, got {value}")
    if get_origin(hint) is Literal and value not in get_args(hint):
        raise ValueError(f"--{name.replace('_', '-')} must be one of {', '.join(get_args(hint))}, got {value}")
    for argument in get_args(hint):
        if isinstance(argument, BaseMetadata):
            holds, words = _TESTS[type(argument)]
            if not holds(value, argument):
                raise ValueError(f"--{name.replace('_', '-')} must be {words(argument)}, got {value}")
        elif get_args(argument):
            _check_bounds(name, value, argument)


def flatten(settings: Options) -> dict[str, Any]:
    """Values by flat name."""
    return {field.name: field.of(settings) for field in flat_fields(type(settings))}


def configure(settings: S, fields: Mapping[str, Any] | None = None, /, **more: Any) -> S:
    """``settings`` with other values, by flat name; ``ValueError`` where a name is unknown or values do not fit."""
    given = {**(fields or {}), **more}
    places = {field.name: field.path for field in flat_fields(type(settings))}
    if unknown := sorted(given.keys() - places.keys()):
        raise ValueError(f"{type(settings).__name__} has no field {', '.join(unknown)}")
    changed: dict[str, Any] = {}
    inside: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        first, *rest = places[name]
        if rest:
            inside.setdefault(first, {})[rest[0]] = value
        else:
            changed[first] = value
    for attribute, values in inside.items():
        changed[attribute] = dataclasses.replace(getattr(settings, attribute), **values)
    return dataclasses.replace(settings, **changed)


def as_json(settings: Options) -> dict[str, Any]:
    """Values by flat name, as JSON can hold them."""
    return {name: _plain(value) for name, value in flatten(settings).items()}


def from_json(kind: type[S], fields: Mapping[str, Any]) -> S:
    """The inverse of ``as_json``; ``ValueError`` names fields that are missing, unknown, of another type or out of
    bounds.
    """
    hints = {field.name: field.hint for field in flat_fields(kind)}
    if odd := sorted(hints.keys() ^ fields.keys()):
        raise ValueError(f"the saved config and this version differ in the fields: {', '.join(odd)}")
    restored = {name: _restored(value, hints[name]) for name, value in fields.items()}
    if wrong := [name for name, value in restored.items() if not _is_of(value, hints[name])]:
        raise ValueError(f"the saved {wrong[0]} cannot be {fields[wrong[0]]!r}")
    return configure(kind(), restored)


def _restored(value: Any, hint: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return Path(value) if isinstance(value, str) and Path in get_args(hint) else value


def _is_of(value: Any, hint: Any) -> bool:
    """Whether a value is of the type that a field's hint names; bounds are not looked at."""
    arguments = get_args(hint)
    match get_origin(hint):
        case None:
            wanted = (int, float) if hint is float else hint
            return isinstance(value, wanted) and (hint is bool or not isinstance(value, bool))
        case origin if origin is Annotated:
            return _is_of(value, arguments[0])
        case origin if origin is Literal:
            return any(type(value) is type(each) and value == each for each in arguments)
        case origin if origin in (Union, UnionType):
            return any(_is_of(value, each) for each in arguments)
        case _:  # a tuple of one type
            return isinstance(value, tuple) and all(_is_of(each, arguments[0]) for each in value)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value.expanduser().absolute())  # a run is resumed from anywhere
    return list(value) if isinstance(value, tuple) else value
