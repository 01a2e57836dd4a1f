from itertools import product

import numpy as np
import pytest
import sklearn.metrics

from experiments.evaluations.model_averaging import cross_entropy, error, of_averages


def test_every_set_of_neighbours_is_averaged():
    rng = np.random.default_rng(0)
    outputs, labels = rng.dirichlet(np.ones(3), size=(4, 60)), rng.integers(0, 3, 60)
    errors, losses = (of_averages(outputs, measure(labels)) for measure in (error, cross_entropy))
    assert errors.shape == losses.shape == (4, 4)
    for size, start in product(range(1, 5), range(4)):
        mean = sum(outputs[(start + i) % 4] for i in range(size)) / size
        accuracy = sklearn.metrics.accuracy_score(labels, mean.argmax(axis=1))
        assert errors[size - 1, start] == pytest.approx(100 * (1 - accuracy))
        assert losses[size - 1, start] == pytest.approx(sklearn.metrics.log_loss(labels, mean), rel=1e-6)


def test_independent_mistakes_are_outvoted():
    """Nets that are wrong in three of ten, each by itself: a majority of n is wrong as the binomial has it."""
    rng = np.random.default_rng(1)
    right = rng.random((5, 40_000)) < 0.7
    outputs = np.stack([right, ~right], axis=-1).astype(np.float32)
    errors = of_averages(outputs, error(np.zeros(40_000, np.int64))).mean(axis=1)
    assert errors[0] == pytest.approx(30, abs=0.5)
    assert errors[2] == pytest.approx(100 * (3 * 0.3**2 * 0.7 + 0.3**3), abs=0.7)
    assert errors[4] == pytest.approx(100 * (10 * 0.3**3 * 0.7**2 + 5 * 0.3**4 * 0.7 + 0.3**5), abs=0.7)


def test_the_loss_of_an_average_is_at_most_the_average_of_the_losses():
    """−log is convex."""
    outputs = np.random.default_rng(2).dirichlet(np.ones(4), size=(5, 30))
    losses = of_averages(outputs, cross_entropy(np.arange(30) % 4))
    assert (losses[1:] <= losses[0].max()).all()
    assert losses[-1, 0] < losses[0].mean()


def test_a_class_that_none_thinks_possible_costs_much_and_not_infinitely():
    assert 700 < cross_entropy(np.array([1]))(np.array([[1.0, 0.0]])) < 710
