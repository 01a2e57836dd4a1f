"""``lectern bench``: contenders run as processes of their own, in alternation, so that a noisy machine is noisy for
all.
"""

import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.bench.contenders import (
    EXAMPLES,
    GROUPS,
    PEERS,
    WHEN_ASKED,
    Benchmark,
    Contender,
    benchmarks,
    graph_of,
    labels_of,
)
from experiments.bench.process import finished
from experiments.errors import WrongInput
from experiments.numerals import significant
from experiments.run.registry import nearest

ROOT = Path(__file__).parents[2]


class Sample(NamedTuple):
    """One run of a contender: its rate (or seconds), and its peak resident memory."""

    value: float
    megabytes: float


def bench(names: Sequence[str], *, rounds: int) -> None:
    """Runs the named benchmarks or groups (by default all but those ``WHEN_ASKED``), prints medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        data = scratch / "images.npy"
        np.save(data, bench_images())
        np.save(labels_of(data), bench_labels(EXAMPLES))
        np.savez(graph_of(data), **bench_graph())
        available = benchmarks(data, scratch)
        names = [each for name in names for each in GROUPS.get(name, (name,))]
        for name in names:
            if name not in available:
                raise WrongInput(f"no benchmark {name!r}; {nearest(name, [*available, *GROUPS])}")
        for name in names or [name for name in available if name not in WHEN_ASKED]:
            _report(available[name], _alternate(available[name], rounds, scratch))
    if not PEERS.exists():
        print(f"peers are not installed ({PEERS} is missing): type `make bench`")


def bench_images() -> np.ndarray:
    """5,000 binary images [N, 784]: scikit-learn's digits, enlarged and drawn once from their intensities."""
    from sklearn.datasets import load_digits

    small = np.tile(load_digits().images / 16, (3, 1, 1))[:EXAMPLES]
    large = np.pad(np.kron(small, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2)))
    drawn = np.random.Generator(np.random.Philox(0)).random(large.shape) < large
    return drawn.reshape(len(large), -1).astype(np.float32)


def bench_labels(count: int) -> np.ndarray:
    """The labels [N] of the same images."""
    from sklearn.datasets import load_digits

    return np.resize(load_digits().target, count).astype(np.int32)


def bench_graph() -> dict[str, np.ndarray]:
    """A graph of Cora's size, drawn at random: nodes, features, entries, edges, classes and splits are as many."""
    rng = np.random.Generator(np.random.Philox(0))
    nodes, features, classes = 2708, 1433, 7
    entries = rng.choice(nodes * features, 49_216, replace=False)
    pairs = rng.choice(nodes * (nodes - 1) // 2, 5_278, replace=False)
    order = rng.permutation(nodes)
    return {
        "feature_index": np.stack(np.divmod(np.sort(entries), features)),
        "feature_value": np.ones(len(entries), np.float32),
        "shape": np.array([nodes, features]),
        "labels": rng.permutation(np.arange(nodes) % classes),
        "edges": np.stack(np.triu_indices(nodes, 1), axis=1)[np.sort(pairs)],
        "train": order[:140],
        "valid": order[140:640],
        "test": order[640:1640],
    }


def _alternate(benchmark: Benchmark, rounds: int, scratch: Path) -> dict[str, list[Sample]]:
    """Every contender once a round, the first round unrecorded where it warms a cache."""
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in benchmark.contenders}
    warm_up = 1 if benchmark.unit == "s" else 0
    for number in range(rounds + warm_up):
        for contender in benchmark.contenders:
            run = f"{contender.name}-{number}".replace(" ", "-")
            sample = _measure(contender, benchmark.unit, run, scratch)
            if number >= warm_up:
                samples[contender.name].append(sample)
    return samples


def _measure(contender: Contender, unit: str, run: str, scratch: Path) -> Sample:
    command = [word.replace("{run}", run) for word in contender.command]
    environment = os.environ | {name: value.replace("{run}", run) for name, value in contender.environment.items()}
    environment["PYTHONPATH"] = str(ROOT)
    with (scratch / "output").open("w+") as output, (scratch / "errors").open("w+") as errors:
        ended = finished(command, environment, output, errors)
        if ended.status:
            errors.seek(0)
            raise WrongInput(f"{contender.name} failed: {' '.join(errors.read().split())[-500:]}")
        output.seek(0)
        if unit == "s":
            return Sample(ended.seconds, ended.megabytes)
        printed = json.loads(output.read().splitlines()[-1])
    return Sample(printed["examples_per_second"], printed.get("megabytes", ended.megabytes))


def _report(benchmark: Benchmark, samples: dict[str, list[Sample]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=benchmark.title, title_justify="left")
    for column in ("", f"median {benchmark.unit}", "lowest – highest", "times the first", "peak memory"):
        table.add_column(column, justify="left" if not column else "right")
    first = statistics.median(sample.value for sample in next(iter(samples.values())))
    for name, taken in samples.items():
        values = sorted(sample.value for sample in taken)
        median = statistics.median(values)
        memory = max(sample.megabytes for sample in taken)
        spread = f"{significant(values[0], 3)} – {significant(values[-1], 3)}"
        table.add_row(name, significant(median, 3), spread, f"{median / first:.2f}×", f"{memory:,.0f} MB")
    Console().print(table)
