"""What a finished run says of itself: its metrics beside the published ones, what it cost, and what made it."""

import importlib.metadata
import math
import platform
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.draws import are_draws
from experiments.run import run_folder
from experiments.run.card import Reference
from experiments.run.inconsequential import INCONSEQUENTIAL
from experiments.run.run import Run, first_seed
from experiments.run.settings import as_json, configure
from models.cost import layer_costs
from models.program_cost import has_loops, product_flops
from train.feed import size_of
from train.loop import Outcome
from train.manifest import tree_sha256
from train.task import Batch, State, Task
from train.trainable import Params, count_parameters

Cost = dict[str, Any]
VERSIONED = ("lectern", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def summarise(
    run: Run, task: Task, outcome: Outcome, metrics: dict[str, np.ndarray], *, cost: Cost, wall_seconds: float
) -> dict:
    """The content of ``summary.json``, of a run whose task was trained."""
    settings, dataset = run.settings, run.dataset
    config = as_json(settings)
    config.pop("data_dir", None)  # where the data lay is no part of the result; the fingerprint is
    examples = outcome.steps_taken * settings.loop.batch_size * settings.seeds.seeds
    one = jax.eval_shape(lambda state: jax.tree.map(lambda leaf: leaf[0], state), outcome.state)
    measured, departs = statistics(run, metrics), departures(run)
    return {
        "experiment": run.name,
        "preset": run.preset,
        "config": config,
        "departs": {name: config[name] for name in departs if name != "from"},
        "from": run.origin and run.origin._asdict(),
        "seeds": list(settings.seeds.all),
        "steps": outcome.step,
        "stopped_early": outcome.stopped_early,
        "measured_steps": outcome.measured_steps,
        "epochs": round(outcome.step * settings.loop.batch_size / size_of(dataset.splits["train"]), 2),
        "dataset": {"name": dataset.name, "protocol": dataset.protocol, "fingerprint": dataset.fingerprint},
        "metrics": measured,
        "references": [
            _compared(r, measured, departs) for r in run.experiment.card.references if r.preset == run.preset
        ],
        "wall_seconds": round(wall_seconds, 2),
        "compile_seconds": round(outcome.compile_seconds, 2),
        "examples_per_second": round(examples / outcome.train_seconds, 2) if outcome.steps_taken else None,
        "parameters": count_parameters(first_seed(outcome.params), task.trainable),
        "flops_per_step": flops_per_step(run, task, one),
        "cost": cost,
        "device": device(run),
        "versions": {name: importlib.metadata.version(name) for name in VERSIONED}
        | {"python": platform.python_version()},
        "commit": run_folder.commit(),
        "state_sha256": tree_sha256(outcome.state),
    }


def statistics(run: Run, metrics: dict[str, np.ndarray]) -> dict:
    """Mean and sample standard deviation over seeds by metric; null for what is not finite, as JSON has no NaN.

    A metric of a part, "zebra/ap50", has the unit of "ap50" where it has none of its own. A metric whose name does not
    say how it was taken has its protocol beside it.
    """
    units, protocols_of = run.experiment.units_of(run.settings), run.experiment.protocols
    protocols = protocols_of(run.settings, run.dataset) if protocols_of else {}

    def unit(name: str) -> str:
        return units.get(name, units.get(name.rpartition("/")[2], ""))

    return {
        name: _statistics(values, unit(name)) | ({"protocol": protocols[name]} if name in protocols else {})
        for name, values in metrics.items()
    }


def _statistics(values: np.ndarray, unit: str) -> dict:
    finite, exact = bool(np.isfinite(values).all()), values.astype(np.float64)
    return {
        "mean": float(exact.mean()) if finite else None,
        "std": float(exact.std(ddof=1)) if finite and len(values) > 1 else None,
        "values": [value if math.isfinite(value) else None for value in values.tolist()],
        "unit": unit,
    }


def departures(run: Run) -> list[str]:
    """The settings in which a run departs from its preset: those that may change a metric, but for the length and
    the draw of a random split.
    """
    preset = configure(run.experiment.settings(), run.experiment.card.all_presets.get(run.preset, {}))
    ours, theirs = as_json(run.settings), as_json(preset)
    differing = [
        name
        for name in ours
        if ours[name] != theirs[name] and name not in INCONSEQUENTIAL and not are_draws(name, ours[name], theirs[name])
    ]
    return ["from", *differing] if run.origin else differing


def _compared(reference: Reference, measured: dict, departs: list[str]) -> dict:
    """A published figure beside ours; the difference only where the run kept to the preset."""
    ours = measured[reference.metric]["mean"]
    difference = None if ours is None or departs else ours - reference.value
    return reference.as_json() | {"ours": ours, "difference": difference, "departs_in": departs}


def flops_per_step(run: Run, task: Task, state: State) -> int | None:
    """Floating-point operations of the products of one seed's step; None without any, or where a loop has no length."""
    batch = run.shapes_of("train", run.settings.loop.batch_size)
    return product_flops(task.step, *run.where().shapes((state, batch))) or None


def cost_of_one(run: Run, params: Params) -> Cost:
    """What the loss of one example costs: by the formulas of its layers, or of its products where it has no layers that
    have formulas; and by XLA's own count, which is left out where there are loops, as it takes their bodies once.
    """
    loss, example = run.loss_of_one()
    rows = layer_costs(loss, params, example)
    known = rows and all(row.flops is not None for row in rows)
    return {
        "flops_by_formula": sum(row.flops for row in rows) if known else product_flops(loss, params, example) or None,
        "flops_by_xla": None if has_loops(loss, params, example) else _counted_by_xla(loss, params, example),
        "layers": [{"layer": row.path, "parameters": row.parameters, "flops": row.flops} for row in rows],
    }


def _counted_by_xla(loss: jax.stages.Wrapped, params: Params, example: Batch) -> float | None:
    counted = loss.lower(params, example).cost_analysis()
    return float(counted["flops"]) if counted and "flops" in counted else None


def device(run: Run) -> str:
    """What trained: platform, number of devices, and the chip's name."""
    devices = run.where().mesh.devices.flat
    name = devices[0].device_kind
    if devices[0].platform == "cpu":
        name = _processor() or platform.machine()
    return f"{devices[0].platform} ×{len(devices)} ({name})"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if not information.is_file():
        return platform.processor()
    lines = information.read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
