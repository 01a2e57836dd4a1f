"""What a run leaves as it took it from another: by name, by collection, by depth, or all of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import accumulate

import jax
from jaxtyping import Array

from experiments.errors import WrongInput
from experiments.numerals import counted
from experiments.run.registry import nearest
from experiments.run.run import Run
from models.cost import layer_costs
from train.trainable import Params, trainable_part
from train.transforms import by_path

TAKEN = "taken"
"""The word for everything that is taken from the other run."""


def frozen_parts(run: Run, words: Sequence[str], params: Params, taken: Collection[str]) -> tuple[str, ...]:
    """The parts of ``params`` that ``words`` name, as few as hold no other parameter.

    A word is "taken": all that is ``taken`` from elsewhere; a whole number n: the first n layers, or all but the last
    −n; or a part of a path: a collection, a module, a parameter, ``*`` standing for anything. ``WrongInput`` where it
    names nothing, what is drawn and would never be trained, or all that would be trained.
    """
    paths = by_path(params)
    chosen = {path for word in words for path in _named(run, word, params, paths, taken)}
    if drawn := sorted(chosen - set(taken)):
        raise WrongInput(f"--freeze would keep {_few(drawn)} as drawn, never trained: name less")
    trained = _trained(run, params)
    if trained <= chosen:
        raise WrongInput(f"--freeze {' '.join(words)}: nothing of {run.name} would be trained; {_less(trained)}")
    return in_brief(chosen, paths)


def _trained(run: Run, params: Params) -> set[str]:
    """Paths of what descends where nothing is frozen."""
    trainable = run._replace(origin=None).task().trainable
    return set(by_path(jax.eval_shape(lambda params: trainable_part(params, trainable), params)))


def _less(trained: Collection[str]) -> str:
    """What to type in place of words that name all of these paths."""
    modules = sorted({path.rpartition("/")[0] or path for path in trained})
    if len(modules) == 1:
        return f"it has no part but {modules[0]}: leave --freeze out"
    return f"name fewer of its {counted(len(modules), 'part')}: {_few(modules)}"


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
    found = layers(run, params)
    if not 0 < abs(number) < len(found):
        less = {1: "leave --freeze out", 2: "type 1"}.get(
            len(found), f"type 1 to {len(found) - 1}, or -1 for all but the last"
        )
        has = f"{run.name} has {counted(len(found), 'layer')}"
        raise WrongInput(f"--freeze {number}: {has}, and one must be left to train: {less}")
    return found[:number]


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
    found: list[list[str]] = []
    kernels = 0
    for row in layer_costs(loss, params, example):
        kernels += any(len(paths[path].shape) > 1 for path in modules[row.path])
        found += [[]] * (max(kernels, 1) - len(found))
        found[-1] = found[-1] + modules[row.path]
    return found


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
