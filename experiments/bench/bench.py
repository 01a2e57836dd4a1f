"""``lectern bench``: contenders run as processes of their own, in alternation, so that a noisy machine is noisy for
all.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.errors import WrongInput
from experiments.numerals import significant
from experiments.run.registry import nearest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = Path(os.environ.get("PEERS", ROOT / ".venv-peers")) / "bin" / "python"
EXAMPLES, BATCH, EPOCHS = 5000, 128, 100  # the peers' epochs; about the steps of programs.py


class Contender(NamedTuple):
    """A program; it prints a JSON line with ``examples_per_second`` last, or is timed as a whole.

    ``megabytes`` in that line are its memory above that after imports; else the whole process's is taken.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}


class Benchmark(NamedTuple):
    """Contenders for the same work; the first is the one that the others are compared to."""

    title: str
    unit: str
    contenders: tuple[Contender, ...]


class Sample(NamedTuple):
    """One run of a contender: its rate (or seconds), and its peak resident memory."""

    value: float
    megabytes: float


def _ours(program: str, data: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "experiments.bench.programs", program, str(data))


def _peer(program: str, data: Path, *options: str, batch: int = BATCH) -> tuple[str, ...]:
    sizes = ("--examples", str(EXAMPLES), "--batch", str(batch), "--epochs", str(EPOCHS))
    return (str(PEERS), str(HERE / "peers" / program), *sizes, "--data", str(data), *options)


def benchmarks(data: Path, scratch: Path) -> dict[str, Benchmark]:
    """All benchmarks by name; peers are among the contenders where their environment is installed (``make bench``)."""
    installed = PEERS.exists()

    def against(program: str, *peers: Contender) -> tuple[Contender, ...]:
        return (Contender("lectern", _ours(program, data)), *(peers if installed else ()))

    def pythae(model: str) -> Contender:
        return Contender("Pythae", _peer("vae_pythae.py", data, "--model", model))

    def convolution(net: str, title: str) -> Benchmark:
        ours = Contender("lectern", (sys.executable, "-m", "experiments.bench.convolution", net))
        program = (str(PEERS), str(HERE / "peers" / "convolution_torch.py"), net, "--layout")
        peers = (
            Contender("PyTorch, channels last", (*program, "channels_last")),
            Contender("PyTorch, channels first", (*program, "contiguous_format")),
        )
        return Benchmark(title, "examples/s", (ours, *(peers if installed else ())))

    lectern = (sys.executable, "-m", "experiments.cli")
    smoke = (*lectern, "run", "vae", "--preset", "smoke", "--workdir")
    warm, cold = scratch / "warm-cache", scratch / "cold-cache"
    return {
        "vae": Benchmark(
            "MLP VAE 784-512-16, batch 128: whole runs",
            "examples/s",
            against("engine", Contender("PyTorch loop", _peer("vae_torch.py", data)), pythae("vae")),
        ),
        "iwae": Benchmark(
            "the same trained on the importance-weighted bound of 5 samples: whole runs",
            "examples/s",
            against("iwae", pythae("iwae")),
        ),
        "vqvae": Benchmark(
            "MLP VQ-VAE 784-512-16, one of 512 codes an image, batch 128: whole runs",
            "examples/s",
            against("vqvae", pythae("vqvae")),
        ),
        "mlp": Benchmark(
            "MLP 784-500-10, SGD in batches of 20: whole runs",
            "examples/s",
            against(
                "classifier",
                Contender("PyTorch loop", _peer("mlp_torch.py", data, "--labels", str(labels_of(data)), batch=20)),
            ),
        ),
        "loop": Benchmark(
            "the engine against a hand-written scan of the same steps",
            "examples/s",
            (Contender("lectern", _ours("engine", data)), Contender("bare lax.scan", _ours("scan", data))),
        ),
        "stream": Benchmark(
            "the engine fed from the device against fed through Grain, the same examples",
            "examples/s",
            (Contender("resident", _ours("engine", data)), Contender("streamed", _ours("stream", data))),
        ),
        "conv": Benchmark(
            "convolutional VAE 32-64-16, batch 128: step inside a scan against step by step",
            "examples/s",
            (Contender("scanned", _ours("conv-scanned", data)), Contender("stepwise", _ours("conv-stepwise", data))),
        ),
        "three-layers": convolution("three-layers", "convolutions 1-32-64-64 on 28×28, two max pools, batch 128"),
        "resnet20": convolution("resnet20", "ResNet-20 on 32×32, batch 128"),
        "lenet": convolution("lenet", "LeNet of 20 and 50 features on 28×28, batch 500"),
        "start": Benchmark(
            "from the command to the end of 20 steps, with figures",
            "s",
            (
                Contender("cache warm", (*smoke, str(scratch / "{run}")), {"JAX_COMPILATION_CACHE_DIR": str(warm)}),
                Contender(
                    "cache empty", (*smoke, str(scratch / "{run}")), {"JAX_COMPILATION_CACHE_DIR": str(cold) + "{run}"}
                ),
                Contender("--help", (*lectern, "--help")),
                Contender("list", (*lectern, "list")),
            ),
        ),
    }


GROUPS = {"autoencoders": ("vae", "iwae", "vqvae"), "convolution": ("three-layers", "resnet20", "lenet")}
"""Benchmarks that a name of their own stands for."""


def bench(names: Sequence[str], *, rounds: int) -> None:
    """Runs the named benchmarks or groups of them (all by default) and prints medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        data = scratch / "images.npy"
        np.save(data, bench_images())
        np.save(labels_of(data), bench_labels(EXAMPLES))
        available = benchmarks(data, scratch)
        names = [each for name in names for each in GROUPS.get(name, (name,))]
        for name in names:
            if name not in available:
                raise WrongInput(f"no benchmark {name!r}; {nearest(name, [*available, *GROUPS])}")
        for name in names or available:
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


def labels_of(data: Path) -> Path:
    """Where the labels of the images in ``data`` are."""
    return data.with_name("labels.npy")


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
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise WrongInput(f"{contender.name} failed: {' '.join(errors.read().split())[-500:]}")
        output.seek(0)
        whole = usage.ru_maxrss / 1024
        if unit == "s":
            return Sample(seconds, whole)
        printed = json.loads(output.read().splitlines()[-1])
    return Sample(printed["examples_per_second"], printed.get("megabytes", whole))


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
