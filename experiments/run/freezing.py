"""What a run leaves as it took it from another: by name, by collection, by depth, or all of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import accumulate

from jaxtyping import Array

from experiments.errors import WrongInput
from experiments.run.registry import nearest
from experiments.run.run import Run
from models.cost import layer_costs
from train.trainable import Params
from train.transforms import by_path

TAKEN = "taken"
"""The word for everything that is taken from the other run."""


def frozen_parts(run: Run, words: Sequence[str], params: Params, taken: Collection[str]) -> tuple[str, ...]:
    """The parts of ``params`` that ``words`` name, as few as hold no other parameter.

    A word is "taken": all that is ``taken`` from elsewhere; a whole number n: the first n layers, or all but the last
    −n; or a part of a path: a collection, a module, a parameter, ``*`` standing for anything. ``WrongInput`` where it
    names nothing, or what is drawn and would never be trained.
    """
    paths = by_path(params)
    chosen = {path for word in words for path in _named(run, word, params, paths, taken)}
    if drawn := sorted(chosen - set(taken)):
        raise WrongInput(f"--freeze would keep {_few(drawn)} as drawn, never trained: name less")
    return in_brief(chosen, paths)


def _named(run: Run, word: str, params: Params, paths: Mapping[str, Array], taken: Collection[str]) -> set[str]:
    if word == TAKEN:
        return set(taken)
    if word.removeprefix("-").isdecimal():
        return {path for layer in _counted(run, int(word), params) for path in layer}
    found = {path for path in paths if fnmatchcase(f"/{path}/", f"*/{word.strip('/')}/*")}
    if not found:
        parts = sorted({part for path in paths for part in [path, *path.split("/")]})
        raise WrongInput(f"--freeze {word} names no parameter; {nearest(word, [TAKEN, *parts])}")
    return found


def _counted(run: Run, number: int, params: Params) -> list[list[str]]:
    counted = layers(run, params)
    if not counted[:number]:
        raise WrongInput(f"--freeze {number}: {run.name} has {len(counted)} layers")
    return counted[:number]


def layers(run: Run, params: Params) -> list[list[str]]:
    """Paths of parameters by layer, in the order in which the network is computed.

    A layer is a module with a parameter of two or more axes, and those without one that follow it, as a normalisation.
    ``WrongInput`` where there is more than one network.
    """
    if "params" not in params:
        raise WrongInput(f"--freeze counts the layers of one network, and {run.name} has: {', '.join(params)}")
    modules: dict[str, list[str]] = {}
    for path in (paths := by_path(params)):
        modules.setdefault("/".join(path.split("/")[1:-1]), []).append(path)
    loss, example = run.loss_of_one()
    counted: list[list[str]] = []
    kernels = 0
    for row in layer_costs(loss, params, example):
        kernels += any(len(paths[path].shape) > 1 for path in modules[row.path])
        counted += [[]] * (max(kernels, 1) - len(counted))
        counted[-1] = counted[-1] + modules[row.path]
    return counted


def in_brief(chosen: Collection[str], paths: Collection[str]) -> tuple[str, ...]:
    """The fewest parts of the tree of ``paths`` that hold all of ``chosen`` and nothing else."""
    mixed = {part for path in paths if path not in chosen for part in _parts(path)}
    return tuple(sorted({next(part for part in _parts(path) if part not in mixed) for path in chosen}))


def _parts(path: str) -> Iterator[str]:
    """The path's beginnings, from its collection to itself."""
    return accumulate(path.split("/"), "{}/{}".format)


def _few(names: Sequence[str], most: int = 3) -> str:
    """The first of many names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
