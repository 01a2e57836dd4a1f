"""Recurrent networks learn what they are said to learn, and one of them what it cannot."""

import pytest
from trained import metrics_of_run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "most"), [("gru", 0.02), ("lstm", 0.02), ("mgu", 0.02), ("irnn", 0.08), ("tcn", 0.08)]
)
def test_two_of_twenty_numbers_are_found_and_added(cell, most, numbers_alone, tmp_path):
    """Answering 1 costs 1/6; without gates 2,000 steps are the beginning."""
    rate = 1e-3 if cell == "irnn" else 5e-3
    assert (
        metrics_of_run("adding_problem", tmp_path, cell=cell, length=20, steps=2000, learning_rate=rate)["loss"] < most
    )


@pytest.mark.slow
def test_who_reads_one_way_errs_at_opening_brackets_alone(numbers_alone, tmp_path):
    one, both = (
        metrics_of_run("sequence_tagging", tmp_path / str(ways), both_ways=ways, steps=1500) for ways in (False, True)
    )
    assert both["error"] < 0.5
    assert one["closing_error"] < 0.5
    assert one["opening_error"] > 25


@pytest.mark.slow
def test_ways_are_found_on_larger_grids(numbers_alone, tmp_path):
    found = metrics_of_run("grid_recurrence", tmp_path, steps=1500)
    assert found["error"] < 0.1
    assert found["larger_error"] < 3


@pytest.mark.slow
def test_an_expression_is_evaluated_along_its_tree(numbers_alone, tmp_path):
    assert metrics_of_run("tree_recurrence", tmp_path, steps=1000)["error"] < 0.5


@pytest.mark.slow
def test_digits_are_spelt(numbers_alone, tmp_path):
    assert metrics_of_run("image_to_sequence", tmp_path, steps=1000)["name_error"] < 6


@pytest.mark.slow
def test_ten_symbols_are_remembered_by_convolutions(numbers_alone, tmp_path):
    fields = dict(cell="tcn", units=10, layers=4, window=8, delay=20, steps=1500)
    assert metrics_of_run("copy_memory", tmp_path, **fields)["error"] < 1
