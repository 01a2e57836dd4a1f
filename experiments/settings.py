"""Settings that experiments share; each experiment's own dataclass inherits from these."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args, get_origin, get_type_hints

from annotated_types import BaseMetadata, Ge, Gt, Lt

from models.dropout import with_dropout
from train.loop import Rhythm
from train.mesh import Shard
from train.optimizers import Fraction, Optimization
from train.precision import Precision, compute_in
from train.transforms import SeedsBy

if TYPE_CHECKING:
    from experiments.datasets import Dataset

_TESTS = {
    Gt: (lambda value, bound: value > bound.gt, lambda bound: f"greater than {bound.gt}"),
    Ge: (lambda value, bound: value >= bound.ge, lambda bound: f"at least {bound.ge}"),
    Lt: (lambda value, bound: value < bound.lt, lambda bound: f"less than {bound.lt}"),
}


@dataclass(frozen=True, kw_only=True)
class Settings(Rhythm, Optimization):
    """What every experiment can be told. Bounds stand in the fields' types and are checked on construction."""

    seed: Annotated[int, Ge(0), Lt(2**31)] = 0
    """the first seed"""
    seeds: Annotated[int, Gt(0), Lt(2**16)] = 1
    """how many seeds to train, in one compiled program"""
    seeds_by: SeedsBy = "map"
    """one seed after the other, with the bits of each alone; or all together"""
    evaluation_batch: Annotated[int, Gt(0)] = 250
    """held-out examples measured at a time; changes memory, not numbers"""
    accumulate: Annotated[int, Gt(0)] = 1
    """equal parts of the batch whose gradients are taken one after the other; changes memory, not numbers"""
    feed: Literal["resident", "stream"] = "resident"
    """resident: the training set stays on the device (arrays only); stream: it is read ahead through Grain"""
    devices: Annotated[int, Gt(0)] = 1
    """devices of each process to train on"""
    shard: Shard = "batch"
    """what is divided over the devices: the batch, the seeds, or the batch and the parameters"""
    deterministic: bool = False
    """forbid the GPU kernels whose sums depend on timing; CPU runs are deterministic as they are"""

    def __post_init__(self):
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            for each in value if isinstance(value, tuple) else (value,):
                if each is not None:
                    _check_bounds(name, each, hint)
        super().__post_init__()
        if self.batch_size % self.accumulate:
            raise ValueError(f"--batch-size {self.batch_size} must be a multiple of --accumulate {self.accumulate}")
        divided = {"seeds": self.seeds}.get(self.shard, self.batch_size // self.accumulate)
        if divided % self.devices:
            what = "--seeds" if self.shard == "seeds" else "--batch-size over --accumulate"
            raise ValueError(f"{what} is {divided}: it must be a multiple of --devices {self.devices}")

    @property
    def all_seeds(self) -> range:
        """The seeds of the run."""
        return range(self.seed, self.seed + self.seeds)

    @property
    def held_out(self) -> str:
        """The split that is measured while training."""
        return "valid"


def _check_bounds(name: str, value: object, hint: object) -> None:
    if get_origin(hint) is Literal and value not in get_args(hint):
        raise ValueError(f"--{name.replace('_', '-')} must be one of {', '.join(get_args(hint))}, got {value}")
    for argument in get_args(hint):
        if isinstance(argument, BaseMetadata):
            holds, words = _TESTS[type(argument)]
            if not holds(value, argument):
                raise ValueError(f"--{name.replace('_', '-')} must be {words(argument)}, got {value}")
        elif get_args(argument):
            _check_bounds(name, value, argument)


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(Settings):
    """Settings of an experiment whose network is trained by gradients."""

    dropout: Fraction = 0.0
    """share of a hidden layer's output that is dropped in training"""
    input_dropout: Fraction = 0.0
    """share of the network's input that is dropped in training"""
    precision: Precision = "float32"
    """of the network in training; parameters, losses and the final evaluation are float32"""

    def in_training(self, apply: Callable) -> Callable:
        """A network's ``apply`` as a loss calls it, with one key per example first: ``(keys, params, *inputs)``."""
        mixed = compute_in(self.precision, apply)
        return with_dropout(mixed, rate=self.dropout, input_rate=self.input_dropout)


@dataclass(frozen=True, kw_only=True)
class RuleSettings(Settings):
    """Settings of an experiment that learns by a rule of its own, without gradients: flags that have a meaning for
    gradients only are refused.
    """

    def __post_init__(self):
        super().__post_init__()
        without_effect = {field.name for field in dataclasses.fields(Optimization)} - {"learning_rate"}
        without_effect |= {"dropout", "input_dropout", "precision"}
        for field in dataclasses.fields(self):
            idle = field.name in without_effect | {"accumulate"}
            if idle and getattr(self, field.name) != field.default:
                flag = field.name.replace("_", "-")
                raise ValueError(f"--{flag} has no effect: this experiment learns without gradients")


@dataclass(frozen=True, kw_only=True)
class ImageSettings(NetworkSettings):
    """Settings of an experiment on images: which, and how they become what the model sees."""

    data: str = "auto"
    """digits, mnist, idx (an IDX folder) or tfds:NAME; auto is the IDX folder of --data-dir, or digits without one"""
    data_dir: Path | None = None
    """where the files of the data set are"""
    train_on: Literal["train", "train+valid"] = "train"
    """train+valid: train on both, as papers without a validation split did"""
    binarization: Literal["none", "static", "stochastic"] = "stochastic"
    """static: bits drawn once from the intensities; stochastic: drawn anew at each use"""

    def __post_init__(self):
        super().__post_init__()
        if self.patience and self.train_on == "train+valid":
            raise ValueError("--patience needs held-out images: leave out --train-on train+valid")

    @property
    def held_out(self) -> str:
        """The split that is measured while training: ``valid``, unless it is trained on."""
        return "test" if self.train_on == "train+valid" else "valid"

    def load(self) -> "Dataset":
        """The data set; raises ``DataError`` where it cannot be had."""
        from experiments.datasets import DataError, load

        dataset = load(self.data, data_dir=self.data_dir, binarization=self.binarization, train_on=self.train_on)
        if dataset.image_shape[-1] not in (1, 3):
            raise DataError(f"images of {dataset.image_shape[-1]} channels in {dataset.name}: expected 1 or 3")
        return dataset


def as_json(settings: Settings) -> dict:
    """The fields, as JSON can hold them."""
    fields = dataclasses.asdict(settings)
    return {name: _plain(value) for name, value in fields.items()}


def from_json(kind: type[Settings], fields: dict) -> Settings:
    """The inverse of ``as_json``; ``ValueError`` names fields that are missing, unknown or out of bounds."""
    known = {field.name for field in dataclasses.fields(kind)}
    if odd := sorted(known ^ fields.keys()):
        raise ValueError(f"the saved config and this version differ in the fields: {', '.join(odd)}")
    restored = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    hints = get_type_hints(kind)
    paths = {name for name, hint in hints.items() if Path in get_args(hint)}
    return kind(**{n: Path(v) if n in paths and v is not None else v for n, v in restored.items()})


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value.expanduser().absolute())  # a run is resumed from anywhere
    return list(value) if isinstance(value, tuple) else value
