from run_folders import make_run

from experiments.report.archive import find_runs
from experiments.report.costs import LEDGER
from experiments.report.systems import between
from experiments.report.times import MARKS, times_table
from experiments.run.registry import entries


def test_default_runs_have_a_row_and_all_are_summed(tmp_path):
    make_run(tmp_path / "b", wall_seconds=60.0)
    make_run(tmp_path / "a", experiment="gan", wall_seconds=3540.0, compile_seconds=None)
    make_run(tmp_path / "c", preset="paper", wall_seconds=3600.0)
    make_run(tmp_path / "d", wall_seconds=None)
    table = times_table(find_runs(tmp_path), ["vae", "gan", "mlp"]).splitlines()
    assert table[2:4] == [
        "| gan | `a` | 4 | 3,000 | 59 min 0 s |  | 14 min 45 s | cpu x1 (AMD EPYC) |",
        "| vae | `b` | 4 | 3,000 | 1 min 0 s | 3.1 s | 15 s | cpu x1 (AMD EPYC) |",
    ]
    assert table[-1] == ("1 experiment without a default run here. 3 runs of any preset: 2 h 0 min of wall time.")


def test_the_ledgers_readme_has_the_times_of_the_archive():
    """``make ledger`` writes them."""
    readme = (LEDGER / "README.md").read_text(encoding="utf-8")
    table = times_table(find_runs(LEDGER), [entry.name for entry in entries()])
    assert between(readme, MARKS, table) == readme
