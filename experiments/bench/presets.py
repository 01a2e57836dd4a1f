"""Estimates of what a preset's training takes, for those with published figures of which the ledger has no run.

``python -m experiments.bench.presets --data-dir mnist=FOLDER …`` times a few steps of one seed and writes the
seconds of the whole training to ``docs/ledger/estimates.json``. Compiling, evaluating, saving and drawing are left
out. What is estimated already stays; ``--again`` times it anew, and keeps the smaller: other work only makes it slower.
"""

import argparse
import json
import time
from collections.abc import Callable

import jax

from experiments.report.archive import find_runs
from experiments.report.costs import ESTIMATES, LEDGER, estimated_seconds, recorded_rates
from experiments.report.replication import lacks, places_of, wanted_presets
from experiments.run.registry import entries, load
from experiments.run.run import Run, prepare
from experiments.run.settings import configure
from train.loop import advance
from train.mesh import place_elements
from train.processes import place

TIMED_STEPS = 2
LEAST_SECONDS = 2.0  # that chunks of steps are timed for


def step_seconds(run: Run, steps: int = TIMED_STEPS, least: float = LEAST_SECONDS) -> float:
    """Seconds of a step of all seeds of a run: of chunks of so many steps, compiled before, one after the other."""
    where, feed, saved = run.where(), run.feed(), run.beginning()
    resident = feed.resident, run.dataset.context
    resident = place(resident, jax.tree.map(lambda _: where.replicated, resident))
    (elements,) = feed.read([(0, steps)])
    elements = place_elements(elements, where, part_of_batch=feed.is_part)
    chunk = jax.jit(advance(run.task_of(), feed, steps, run.settings.seeds.seeds_by, where))
    chunk = chunk.lower(saved.state, resident, elements).compile()
    return repeated(lambda: jax.block_until_ready(chunk(saved.state, resident, elements)), least) / steps


def repeated(call: Callable[[], object], least: float) -> float:
    """Seconds of a call: of the first where that takes ``least``, else the mean of as many more as these hold."""
    started = time.perf_counter()
    call()
    first, calls = time.perf_counter() - started, 0
    if first >= least:
        return first
    started = time.perf_counter()
    while (passed := time.perf_counter() - started) < least or not calls:
        call()
        calls += 1
    return passed / calls


def main() -> None:
    """Writes the estimates anew, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", nargs="+", default=(), metavar="NAME=PLACE")
    parser.add_argument("--again", action="store_true")
    given, wanted = parser.parse_args(), wanted_presets(entries())
    places = places_of(given.data_dir, {each.data for each in wanted} - {""})
    told = recorded_rates(find_runs(LEDGER)).keys()
    found = {name: value for name, value in estimated_seconds().items() if name not in told}
    for each in wanted:
        if each[:2] in told or lacks(each, places) or (each[:2] in found and not given.again):
            continue
        experiment = load(each.experiment)
        place = {"data_dir": places[each.data]} if each.data else {}
        settings = configure(experiment.settings(), experiment.card.all_presets[each.preset] | place)
        per_step = step_seconds(prepare(each.experiment, each.preset, settings))
        timed = float(f"{per_step * settings.loop.steps:.3g}")
        found[each[:2]] = min(timed, found.get(each[:2], timed))
        print(f"{each.title}: {1e3 * per_step:.3g} ms a step, {timed:,.10g} s a seed", flush=True)
        named = {" ".join(name): value for name, value in sorted(found.items())}
        ESTIMATES.write_text(json.dumps(named, indent=2) + "\n", encoding="utf-8")
        jax.clear_caches()


if __name__ == "__main__":
    main()
