import json

from run_folders import make_run

from experiments.report.archive import find_runs
from experiments.report.costs import LEDGER, DefaultCost, default_costs
from experiments.report.systems import between
from experiments.report.times import MARKS, times_table
from experiments.run.registry import entries

LONG = DefaultCost(seconds=75.0, cpu_seconds=130.4, megabytes=1234, steps=3000, device="cpu ×1 (AMD)", commit="1a2b3c4")
SHORT = LONG._replace(seconds=9.0, cpu_seconds=12.0, megabytes=456)


def test_experiments_have_a_row_the_longest_first_and_all_are_summed(tmp_path):
    make_run(tmp_path / "a", wall_seconds=3540.0)
    make_run(tmp_path / "b", wall_seconds=None)
    make_run(tmp_path / "c", preset="paper", wall_seconds=3660.0)
    costs = {"gan": SHORT, "vae": LONG, "gone": LONG}
    table = times_table(costs, ["vae", "gan", "mlp"], find_runs(tmp_path)).splitlines()
    assert table[2:] == [
        "| vae | 3,000 | 1 min 15 s | 2 min 10 s | 1,234 MB |",
        "| gan | 3,000 | 9.0 s | 12 s | 456 MB |",
        "",
        "2 default runs on cpu ×1 (AMD): 1 min 24 s; 1 experiment not yet measured. The archive's 2 runs: 2 h 0 min of "
        "wall time.",
    ]
    assert times_table({}, [], []).splitlines()[-1].startswith("No default run was measured")


def test_costs_are_read_as_they_were_written(tmp_path):
    file = tmp_path / "defaults.json"
    assert default_costs(file) == {}
    file.write_text(json.dumps({"vae": LONG._asdict()}))
    assert default_costs(file) == {"vae": LONG}


def test_the_ledgers_readme_has_what_was_measured():
    """``make ledger`` writes it."""
    readme = (LEDGER / "README.md").read_text(encoding="utf-8")
    table = times_table(default_costs(), [entry.name for entry in entries()], find_runs(LEDGER))
    assert between(readme, MARKS, table) == readme
