"""What an experiment is: a card, settings, and functions of the settings and the data set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from flax import linen as nn
from jaxtyping import Array, Key

from experiments.datasets import Dataset
from experiments.evaluations.codec import Codec
from experiments.run.card import Card
from experiments.run.sampling import Sampler
from experiments.run.settings import Settings
from losses.metrics.detection import Detections
from train.evaluation import MetricFn, WholeSet
from train.task import Batch, LossFn, Metrics, Params, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class DataOf(Protocol):
    """The data set that settings name; raises ``DataError`` where it cannot be had."""

    def __call__(self, settings: Settings, /) -> Dataset: ...


class TaskOf(Protocol):
    """What is trained, for one seed."""

    def __call__(self, settings: Settings, dataset: Dataset, /) -> Task: ...


class LossOf(Protocol):
    """A loss function whose losses and metrics on held-out data are the learning curve."""

    def __call__(self, settings: Settings, dataset: Dataset, /) -> LossFn: ...


class MetricsOf(Protocol):
    """The function ``(params, batch, keys) → {name: one value per example}`` of the test split."""

    def __call__(self, settings: Settings, dataset: Dataset, /) -> MetricFn: ...


class WholeSetOf(Protocol):
    """A measure of the whole test split at once, taken once a seed and never of a batch."""

    def __call__(self, settings: Settings, dataset: Dataset, /) -> WholeSet: ...


class FiguresOf(Protocol):
    """Pictures by name, from the parameters of one seed."""

    def __call__(self, settings: Settings, dataset: Dataset, params: Params, /) -> "dict[str, Figure]": ...


class FiguresOfSeeds(Protocol):
    """Pictures by name, from the parameters of all seeds, which have a leading axis."""

    def __call__(self, settings: Settings, dataset: Dataset, params: Params, /) -> "dict[str, Figure]": ...


class UnitOf(Protocol):
    """The unit of a metric where settings choose what it measures, as they do by naming a loss."""

    def __call__(self, settings: Settings, /) -> str: ...


class ProtocolsOf(Protocol):
    """How metrics were taken where their names do not say it: ``{metric: text}``."""

    def __call__(self, settings: Settings, dataset: Dataset, /) -> Mapping[str, str]: ...


class NetworkOf(Protocol):
    """The network whose parameters are trained."""

    def __call__(self, settings: Settings, dataset: Dataset, /) -> nn.Module: ...


class InputsOf(Protocol):
    """What the network takes of a batch of the data's examples."""

    def __call__(self, settings: Settings, examples: Mapping[str, Array], /) -> Array: ...


class ClassifierOf(Protocol):
    """The function ``(params, images) → logits [images, classes]``."""

    def __call__(self, settings: Settings, dataset: Dataset, /) -> Callable[[Params, Array], Array]: ...


class DetectorOf(Protocol):
    """The function ``(params, images [images, H, W, C]) → Detections``: boxes, scores and labels of each image."""

    def __call__(self, settings: Settings, dataset: Dataset, /) -> Callable[[Params, Array], Detections]: ...


class SegmenterOf(Protocol):
    """The function ``(params, picture [H, W, C]) → labels [H, W]``, of a picture of any size."""

    def __call__(self, settings: Settings, dataset: Dataset, /) -> Callable[[Params, Array], Array]: ...


class CodecOf(Protocol):
    """The trained encoder and decoder as two functions."""

    def __call__(self, settings: Settings, dataset: Dataset, params: Params, /) -> Codec: ...


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One replication: what the card claims, as functions that take its settings first."""

    card: Card
    """systems, presets and published figures"""
    settings: type[Settings]
    """a frozen dataclass of groups and fields, all with a default"""
    data: DataOf
    """the data set"""
    task: TaskOf
    """what is trained"""
    monitor: LossOf
    """what is measured while training: cheap, and the same whatever the batch"""
    evaluate: MetricsOf | None = None
    """the result, on the test split; without one the losses and metrics of ``monitor``"""
    evaluate_whole: WholeSetOf | None = None
    """what no mean over examples gives"""
    figures: FiguresOf
    """pictures of the result"""
    figures_of_seeds: FiguresOfSeeds | None = None
    """pictures of what the networks of several seeds are together; drawn where there are several"""
    monitored: str
    """the metric of ``monitor`` that early stopping watches and the learning curve shows; lower is better"""
    units: Mapping[str, str | UnitOf]
    """of every metric that ``monitor`` or an evaluation gives, "" where it has none; a function where settings choose
    it. That of "ap50" is also that of its parts, "zebra/ap50".
    """
    protocols: ProtocolsOf | None = None
    """how metrics of drawn examples were taken: how many there were, of which weights, and who judged them"""
    network: NetworkOf | None = None
    """its network, where it has exactly one"""
    inputs: InputsOf | None = None
    """what its network takes, where that is one array and not the examples' image, symbols or point as they are"""
    classifier: ClassifierOf | None = None
    """what it takes images for, where it learns classes"""
    detector: DetectorOf | None = None
    """what it finds in images, where it learns boxes"""
    segmenter: SegmenterOf | None = None
    """what it takes every pixel for, where it learns classes of pixels"""
    codec: CodecOf | None = None
    """its encoder and decoder, where it has them"""
    sampler: Sampler | None = None
    """how it draws new examples, where it can; its card says so too"""

    def units_of(self, settings: Settings) -> dict[str, str]:
        """The unit of every metric under these settings."""
        return {name: unit if isinstance(unit, str) else unit(settings) for name, unit in self.units.items()}

    def monitored_metrics(self, settings: Settings, dataset: Dataset) -> MetricFn:
        """The losses and metrics of ``monitor``."""
        return with_loss(self.monitor(settings, dataset))

    def metrics(self, settings: Settings, dataset: Dataset) -> MetricFn:
        """``evaluate``, or what stands in for it."""
        if self.evaluate is not None:
            return self.evaluate(settings, dataset)
        return self.monitored_metrics(settings, dataset)


def with_loss(loss_fn: LossFn) -> MetricFn:
    """A loss function's losses and metrics as one table of metrics."""

    def metric_fn(params: Params, batch: Batch, keys: Key[Array, " batch"]) -> Metrics:
        losses, metrics, *_ = loss_fn(params, batch, keys)
        return {"loss": losses, **metrics}

    return metric_fn
