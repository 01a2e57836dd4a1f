"""Shares of lists that are counted by hand."""

import numpy as np
import pytest

from experiments.evaluations.molecules import climb, percent, reconstruction, worth


def test_worth_of_a_list_by_hand():
    """Four of five are valid, three of these differ, two of the three are new."""
    found = worth(["C", "", "CC", "CO", "CC"], frozenset({"C", "N"}))
    np.testing.assert_allclose(found, (80.0, 75.0, 200 / 3))


@pytest.mark.parametrize("drawn", [[], ["", ""]])
def test_worth_of_nothing_is_nothing(drawn):
    assert worth(drawn, frozenset({"C"})) == (0.0, 0.0, 0.0)


def test_a_molecule_that_is_not_valid_has_not_come_back():
    assert reconstruction(["C", "CC", "CO", "N"], ["C", "CO", "", "N"]) == 50.0
    assert percent(1, 0) == 0.0


def test_a_climb_is_of_pairs_that_are_valid_at_both_ends():
    """Log P by Crippen of methane, methanol and water, which tables of its atoms give."""
    found = climb("logp", ["O", "CO", "C"], ["C", "", "C"])
    assert (found.before_smiles, found.after_smiles) == (("O", "C"), ("C", "C"))
    np.testing.assert_allclose(found.after - found.before, [0.6361 + 0.8247, 0.0], atol=1e-4)
    np.testing.assert_allclose(found.gain, (0.6361 + 0.8247) / 2, atol=1e-4)
    assert climb("qed", [""], ["C"]).gain == 0.0
