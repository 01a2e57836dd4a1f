"""A text whose entropy is known: what is learnt from pairs cannot be better, and comes close."""

import numpy as np
import pytest

from experiments.run import runner
from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.settings import configure

TRANSITIONS = np.array([[0.1, 0.8, 0.1], [0.2, 0.0, 0.8], [0.45, 0.1, 0.45]])


@pytest.fixture
def chain(tmp_path):
    """A Markov chain of 40,000 letters in a file, and its entropy rate in nats."""
    generator, state, letters = np.random.default_rng(0), 0, []
    for uniform in generator.random(40_000):
        state = int(np.searchsorted(TRANSITIONS[state].cumsum(), uniform))
        letters.append("abc"[state])
    (tmp_path / "chain.txt").write_text("".join(letters))
    stationary = np.linalg.matrix_power(TRANSITIONS, 200)[0]
    logs = np.log(TRANSITIONS, out=np.zeros_like(TRANSITIONS), where=TRANSITIONS > 0)
    return tmp_path / "chain.txt", -float(stationary @ (TRANSITIONS * logs).sum(axis=1))


def test_pairs_learn_the_entropy_of_a_markov_chain(chain, numbers_alone, tmp_path):
    text, entropy = chain
    settings = configure(
        load("fixed_window").settings(),
        load("fixed_window").card.all_presets["bigram"],
        data_dir=text, steps=300, chunk=100, evaluate_every=300, save_every=300, learning_rate=0.03, embedding=3,
    )  # fmt: skip
    summary = runner.start(prepare("fixed_window", "bigram", settings), tmp_path / "run")
    assert summary["metrics"]["loss"]["mean"] == pytest.approx(entropy, abs=0.02)  # 2,000 letters are tested
