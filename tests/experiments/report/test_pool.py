"""Runs that differ in the seed or in the draw of a random split alone, as one row."""

import os

import pytest
from run_folders import make_run, nll, shown

from experiments.report.archive import find_runs
from experiments.report.ledger import ledger_rows
from experiments.report.page import html_page


def seeded(folder, seeds, values, *, age=0, config=None, **changes):
    """A run of these seeds with one metric; ``age``: seconds that it is older than a run of age 0."""
    given = {"rate": 0.001, "seed": seeds[0], "seeds": len(seeds)} | (config or {})
    make_run(folder, seeds=seeds, metrics=nll(*values), config=given, **changes)
    os.utime(folder / "summary.json", (1e9 - age, 1e9 - age))


def test_seeds_of_several_runs_have_one_mean_and_one_deviation(tmp_path):
    """Of 1, 2, 3 and 6: the mean is 3; squares 4 + 1 + 0 + 9 = 14 over 3, whose root is 2.1602."""
    seeded(tmp_path / "a", [0, 1], [1.0, 2.0], wall_seconds=60.0, device="cpu", commit="aaaaaaaaaaaaa")
    seeded(tmp_path / "b", [2], [3.0], wall_seconds=30.0, device="gpu", commit="bbbbbbbbbbbbb")
    seeded(tmp_path / "c", [3], [6.0], wall_seconds=35.0, device="cpu", commit="aaaaaaaaaaaaa")
    (row,) = ledger_rows(find_runs(tmp_path), pool=True)
    assert (row.mean, row.deviation) == (3.0, pytest.approx(2.160246899))
    assert shown(row, "ours") == "3.0 ± 2.2"
    assert shown(row, "run") == "a and 2 more"
    assert shown(row, "seeds") == "4 (of 3 runs)"
    assert shown(row, "time") == "2 min 5 s"
    assert (shown(row, "device"), shown(row, "commit")) == ("cpu; gpu", "aaaaaaaaa; bbbbbbbbb")
    assert row.difference == pytest.approx(3.0 - 20.01)
    assert len(ledger_rows(find_runs(tmp_path))) == 3, "without being asked nothing is pooled"


def test_a_seed_run_twice_counts_once_as_in_the_newer(tmp_path):
    """Seed 1 is 2 in the older and 8 in the newer run: 1, 8 and 3 have the mean 4 and the deviation √13."""
    seeded(tmp_path / "newer", [1, 2], [8.0, 3.0], age=10)
    seeded(tmp_path / "older", [0, 1], [1.0, 2.0], age=20)
    (row,) = ledger_rows(find_runs(tmp_path), pool=True)
    assert row.values == (1.0, 8.0, 3.0)
    assert (row.mean, row.deviation) == (4.0, pytest.approx(13**0.5))
    assert shown(row, "seeds") == "3 (of 2 runs; seed 1 in more than one, the newest counts)"


@pytest.mark.parametrize(
    "other",
    [{"experiment": "gan"}, {"preset": "paper"}, {"config": {"rate": 0.002}}, {"config": {"widths": [3]}},
     {"steps": 2999}, {"dataset": {"name": "digits", "protocol": "digits", "fingerprint": "sha256:cd"}},
     {"from": {"workdir": "x", "step": 3}}],
)  # fmt: skip
def test_what_differs_in_more_than_the_seed_is_not_pooled(tmp_path, other):
    seeded(tmp_path / "a", [0], [1.0])
    seeded(tmp_path / "b", [1], [2.0], **other)
    rows = ledger_rows(find_runs(tmp_path), pool=True)
    assert sorted(row.values for row in rows) == [(1.0,), (2.0,)]
    assert sorted(shown(row, "seeds") for row in rows) == ["1", "1 (seed 1)"]


def on_split(folder, split, seeds, values, *, size=9, **changes):
    """A run on a random split, which names itself in the protocol and has a fingerprint of its own."""
    protocol = f"cora {size}/5/5, random split {split}, counts" if split else f"cora {size}/5/5, counts"
    dataset = {"name": "cora", "protocol": protocol, "fingerprint": f"sha256:{split}"}
    seeded(folder, seeds, values, config={"split_seed": split}, dataset=dataset, **changes)


def test_a_split_counts_once_by_the_mean_of_its_seeds(tmp_path):
    """The splits' means are 2, 4 and 6: mean 4, deviation 2, whatever the seeds within differ by."""
    on_split(tmp_path / "a", 1, [0, 1], [1.0, 3.0])
    on_split(tmp_path / "b", 2, [0, 1], [0.0, 8.0])
    on_split(tmp_path / "c", 10, [5], [6.0])
    (row,) = ledger_rows(find_runs(tmp_path), pool=True)
    assert (row.values, row.mean, row.deviation) == ((2.0, 4.0, 6.0), 4.0, 2.0)
    assert (row.splits, row.draws) == (3, "3 splits")
    assert shown(row, "seeds") == "5 on 3 splits (of 3 runs)"
    assert row.protocol == "cora 9/5/5, 3 random splits, counts"


def test_of_one_split_each_seed_counts_and_of_a_seed_run_twice_on_it_the_newest(tmp_path):
    on_split(tmp_path / "a", 4, [0, 1], [1.0, 3.0], age=2)
    on_split(tmp_path / "b", 4, [1], [5.0], age=1)
    (row,) = ledger_rows(find_runs(tmp_path), pool=True)
    assert (row.values, row.repeated, row.splits) == ((1.0, 5.0), (1,), 0)
    assert row.protocol == "cora 9/5/5, random split 4, counts"
    on_split(tmp_path / "c", 5, [1], [7.0])
    (row,) = ledger_rows(find_runs(tmp_path), pool=True)
    assert (row.values, row.repeated) == ((3.0, 7.0), (1,))
    assert shown(row, "seeds") == "3 on 2 splits (of 3 runs; seed 1 in more than one, the newest counts)"


def test_the_datas_own_split_and_splits_of_other_sizes_are_not_pooled_with_random_ones(tmp_path):
    for name, split, size in (("a", 1, 9), ("b", 0, 9), ("c", 2, 8)):
        on_split(tmp_path / name, split, [0], [float(split)], size=size)
    assert len(ledger_rows(find_runs(tmp_path), pool=True)) == 3


def test_a_split_of_which_a_seed_was_lost_has_no_value(tmp_path):
    on_split(tmp_path / "a", 1, [0, 1], [1.0, None])
    on_split(tmp_path / "b", 2, [0, 1], [2.0, 3.0])
    (row,) = ledger_rows(find_runs(tmp_path), pool=True)
    assert shown(row, "ours") == "not finite (1 of 2 splits)"


def test_other_metrics_and_values_that_are_not_one_a_seed_are_not_pooled(tmp_path):
    seeded(tmp_path / "a", [0], [1.0])
    seeded(tmp_path / "b", [1], [2.0, 3.0])
    make_run(tmp_path / "c", seeds=[2], metrics=nll(4.0, unit="bits"), config={"rate": 0.001})
    make_run(tmp_path / "d", seeds=[3], metrics={"elbo": {"values": [5.0], "unit": ""}}, config={"rate": 0.001})
    assert len({row.run for row in ledger_rows(find_runs(tmp_path), pool=True)}) == 4


def test_a_seed_that_was_lost_leaves_no_mean(tmp_path):
    seeded(tmp_path / "a", [0], [1.0])
    seeded(tmp_path / "b", [1], [None])
    (row,) = ledger_rows(find_runs(tmp_path), pool=True)
    assert shown(row, "ours") == "not finite (1 of 2 seeds)"


def test_a_pooled_row_on_the_page_leads_to_its_first_run(tmp_path):
    for seed in range(3):
        seeded(tmp_path / f"run{seed}", [seed], [float(seed)])
    page = html_page(find_runs(tmp_path), pool=True)
    table = page[page.index("<tbody>") : page.index("</tbody>")]
    assert table.count("<tr>") == 1
    assert '<a href="#run-0">vae</a><small>run0 and 2 more</small>' in table
    assert "1.0 ± 1.0" in table
    assert all(f'id="run-{index}"' in page for index in range(3))
