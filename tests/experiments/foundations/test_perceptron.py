import numpy as np
import pytest

from experiments.datasets.generated import TRUTH_TABLES
from experiments.foundations.perceptron.experiment import PerceptronSettings
from experiments.run import runner

pytestmark = pytest.mark.usefixtures("numbers_alone")


def run(tmp_path, **fields):
    prepared = runner.prepare("perceptron", "default", PerceptronSettings(**fields))
    return {name: metric["values"] for name, metric in runner.start(prepared, tmp_path / "run")["metrics"].items()}


def test_fourteen_functions_are_learnt_whatever_the_order(tmp_path):
    """A line separates the ones from the zeros of all but XOR and XNOR."""
    measured = run(tmp_path, seeds=3)
    assert measured["learnt"] == [14.0] * 3
    for name in TRUTH_TABLES:
        wrong = np.array(measured[f"wrong/{name}"])
        assert (wrong > 0).all() if name in ("xor", "xnor") else (wrong == 0).all(), name
    assert measured["wrong/xor_by_two_layers"] == [0.0] * 3
    assert max(measured["most_updates_of_a_learnt"]) <= 51


def test_the_learning_rate_changes_no_answer(tmp_path):
    one, other = (run(tmp_path / str(rate), learning_rate=rate, function="nand", steps=60) for rate in (1.0, 0.25))
    assert one == other


@pytest.mark.parametrize("fields", [{"optimizer": "sgd"}, {"clip_norm": 1.0}, {"accumulate": 2, "batch_size": 2}])
def test_flags_of_gradients_are_refused(fields):
    with pytest.raises(ValueError, match="has no effect: this experiment learns without gradients"):
        PerceptronSettings(**fields)
