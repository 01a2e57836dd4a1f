"""A task of which parts of the network are frozen."""

from collections.abc import Callable, Collection
from functools import wraps

from models.batch_norm import COLLECTION, fixed_statistics
from train.task import Task
from train.transforms import freeze, is_within, with_gradient


def frozen(task: Task, parts: Collection[str]) -> Task:
    """``task`` with these parts of its parameters frozen, as ``train.transforms.freeze`` does it.

    Where the running statistics of a network are frozen, training normalises by them too: a trunk that stands still
    makes the same of an example whatever the batch.
    """

    def fixed(module: str) -> bool:
        return any(is_within(f"{COLLECTION}/{module}", part) for part in parts)

    def transform(gradient: Callable) -> Callable:
        @wraps(gradient)
        def inside(*given):
            with fixed_statistics(fixed):
                return gradient(*given)

        return inside

    return with_gradient(freeze(task, parts), transform)
