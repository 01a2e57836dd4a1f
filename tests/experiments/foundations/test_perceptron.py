import jax
import numpy as np
import pytest
from trained import assert_same_at_every_evaluation_batch, measured, trained

from experiments.datasets.generated import TRUTH_TABLES
from experiments.foundations.perceptron.experiment import PerceptronSettings
from experiments.run.settings import configure


def run(**fields):
    return trained("perceptron", configure(PerceptronSettings(), **fields))


def test_fourteen_functions_are_learnt_whatever_the_order():
    """A line separates the ones from the zeros of all but XOR and XNOR."""
    for seed in range(3):
        found = measured(*run(seed=seed))
        assert found["learnt"] == 14.0
        for name in TRUTH_TABLES:
            assert (found[f"{name}/wrong"] > 0) == (name in ("xor", "xnor")), name
        assert found["xor_by_two_layers/wrong"] == 0.0
        assert found["most_updates_of_a_learnt"] <= 51


def test_updates_are_counted_of_all_units_and_of_those_that_have_learnt():
    prepared, params = run(steps=40)
    found = assert_same_at_every_evaluation_batch(prepared, params)
    updates = dict(zip(TRUTH_TABLES, np.asarray(params["counts"]["updates"][0]), strict=True))
    assert found["updates"] == sum(updates.values())
    learnt = [updates[name] for name in TRUTH_TABLES if found[f"{name}/wrong"] == 0]
    assert 0 < found["most_updates_of_a_learnt"] == max(learnt) < max(updates.values())


def test_the_learning_rate_changes_no_answer():
    one, other = (run(learning_rate=rate, function="nand", steps=60) for rate in (1.0, 0.25))
    assert measured(*one) == measured(*other)
    units, scaled = (params["params"] for _, params in (one, other))
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(0.25 * np.asarray(a), b), units, scaled)


@pytest.mark.parametrize("flag", ["optimizer", "clip_norm", "accumulate"])
def test_it_has_no_flags_of_gradients(flag):
    with pytest.raises(ValueError, match=f"no field {flag}"):
        configure(PerceptronSettings(), {flag: 2})
