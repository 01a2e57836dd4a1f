"""Losses of a classifier against scikit-learn's losses and trained classifiers, figures by hand, and differences."""

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest
import scipy.special
import sklearn.linear_model
import sklearn.metrics
import sklearn.svm
from cases import Case

from losses.classification import (
    BINARY_LOSSES,
    CLASSIFICATION_LOSSES,
    LOSS_UNITS,
    binary_hinge,
    binary_squared_hinge,
    multiclass_hinge,
    multiclass_squared_hinge,
    signed_squared_error,
    zero_one_loss,
)

WITHIN_THE_MARGIN = Case(lambda rng: (0.1 * rng.normal(size=3), rng.integers(0, 3, ())))
CASES = {
    multiclass_hinge: WITHIN_THE_MARGIN,
    multiclass_squared_hinge: WITHIN_THE_MARGIN,
    signed_squared_error: WITHIN_THE_MARGIN,
    zero_one_loss: Case(constant_almost_everywhere=True),
}

pytestmark = pytest.mark.usefixtures("float64")

EXAMPLES, CLASSES = 20, 5


def close(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=tolerance, atol=tolerance)


def scores(*shape):
    """Wide enough that hinges are found on both sides of their corners."""
    return np.random.default_rng(0).normal(scale=2.0, size=shape)


def labels(classes, examples=EXAMPLES):
    return np.random.default_rng(1).integers(0, classes, examples)


def each(loss, logits, labels):
    return jax.jit(jax.vmap(loss))(jnp.asarray(logits), jnp.asarray(labels))


def test_binary_hinge_is_scikit_learns():
    y, t = scores(EXAMPLES), labels(2)
    expected = [sklearn.metrics.hinge_loss(t, y, sample_weight=one) for one in np.eye(EXAMPLES)]
    close(each(BINARY_LOSSES["hinge"], y, t), expected)


@pytest.mark.parametrize(
    ("score", "label", "hinge"), [(0.25, 1, 0.75), (0.25, 0, 1.25), (-3.0, 1, 4.0), (-3.0, 0, 0.0), (1.0, 1, 0.0)]
)
def test_binary_hinges_by_hand(score, label, hinge):
    arguments = jnp.float64(score), jnp.asarray(label)
    assert (binary_hinge(*arguments), binary_squared_hinge(*arguments)) == (hinge, hinge**2)


def test_binary_cross_entropy_is_scikit_learns():
    found = each(BINARY_LOSSES["cross_entropy"], scores(EXAMPLES), labels(2))
    probabilities = scipy.special.expit(scores(EXAMPLES))
    expected = [
        sklearn.metrics.log_loss([t], [y], labels=[0, 1]) for y, t in zip(probabilities, labels(2), strict=True)
    ]
    close(found, expected)


def test_cross_entropy_is_scikit_learns():
    logits = scores(EXAMPLES, CLASSES)
    found = each(CLASSIFICATION_LOSSES["cross_entropy"], logits, labels(CLASSES))
    probabilities = scipy.special.softmax(logits, axis=-1)
    expected = [
        sklearn.metrics.log_loss([t], y[None], labels=range(CLASSES))
        for y, t in zip(probabilities, labels(CLASSES), strict=True)
    ]
    close(found, expected)


def test_crammer_singer_hinge_is_scikit_learns():
    logits = scores(EXAMPLES, CLASSES)
    found = each(CLASSIFICATION_LOSSES["crammer_singer_hinge"], logits, labels(CLASSES))
    expected = [
        sklearn.metrics.hinge_loss([t], y[None], labels=range(CLASSES))
        for y, t in zip(logits, labels(CLASSES), strict=True)
    ]
    close(found, expected)


@pytest.mark.parametrize("power", [1, 2])
def test_multiclass_hinges_sum_optaxs_binary_hinge_over_the_other_classes(power):
    logits, t = scores(EXAMPLES, CLASSES), labels(CLASSES)
    loss = {1: multiclass_hinge, 2: multiclass_squared_hinge}[power]
    expected = [
        sum(optax.hinge_loss(y[i] - y[j], 1) ** power for j in range(CLASSES) if j != i)
        for y, i in zip(logits, t, strict=True)
    ]
    close(each(loss, logits, t), expected)


@pytest.mark.parametrize(
    ("logits", "label", "violations"),
    [
        ([3.2, 5.1, -1.7], 0, [2.9]),
        ([1.3, 4.9, 2.0], 1, []),
        ([2.2, 2.5, -3.1], 2, [6.3, 6.6]),
        ([1.0, 0.0, -0.5], 0, []),  # exactly at the margin
    ],
)
def test_multiclass_hinges_by_hand(logits, label, violations):
    arguments = jnp.asarray(logits), jnp.asarray(label)
    close(multiclass_hinge(*arguments), sum(violations), 1e-14)
    close(multiclass_squared_hinge(*arguments), sum(v**2 for v in violations), 1e-14)


def test_crammer_singers_hinge_is_the_largest_violation_and_the_hinge_their_sum():
    logits, label = jnp.asarray([2.2, 2.5, -3.1]), jnp.asarray(2)
    close(CLASSIFICATION_LOSSES["crammer_singer_hinge"](logits, label), 6.6, 1e-14)
    close(CLASSIFICATION_LOSSES["hinge"](logits, label), 6.3 + 6.6, 1e-14)


@pytest.mark.parametrize(
    ("name", "binary"), [*((name, name) for name in BINARY_LOSSES), ("crammer_singer_hinge", "hinge")]
)
def test_two_classes_are_the_binary_case_of_the_scores_difference(name, binary):
    logits = scores(EXAMPLES, 2)
    found = each(CLASSIFICATION_LOSSES[name], logits, labels(2))
    close(found, each(BINARY_LOSSES[binary], logits[:, 1] - logits[:, 0], labels(2)))


@pytest.mark.parametrize("name", CLASSIFICATION_LOSSES)
def test_only_differences_of_scores_matter(name):
    logits, t = scores(EXAMPLES, CLASSES), labels(CLASSES)
    close(each(CLASSIFICATION_LOSSES[name], logits + 3.7, t), each(CLASSIFICATION_LOSSES[name], logits, t))


@pytest.mark.parametrize("name", CLASSIFICATION_LOSSES)
def test_classes_have_no_order(name):
    logits, t = scores(EXAMPLES, CLASSES), labels(CLASSES)
    order = np.random.default_rng(2).permutation(CLASSES)
    close(
        each(CLASSIFICATION_LOSSES[name], logits[:, order], np.argsort(order)[t]),
        each(CLASSIFICATION_LOSSES[name], logits, t),
    )


def differences(function, point, step=1e-5):
    """Central differences: an error of order step² and of rounding / step, both about 1e-10."""
    steps = step * np.eye(point.size).reshape(-1, *point.shape)
    up, down = (np.asarray([function(point + s) for s in sign * steps]) for sign in (1, -1))
    return ((up - down) / (2 * step)).reshape(point.shape)


@pytest.mark.parametrize("name", CLASSIFICATION_LOSSES)
def test_gradients_are_finite_differences(name):
    loss, gradient = jax.jit(CLASSIFICATION_LOSSES[name]), jax.jit(jax.grad(CLASSIFICATION_LOSSES[name]))
    for logits, label in zip(scores(EXAMPLES, CLASSES), labels(CLASSES), strict=True):
        expected = differences(lambda y: loss(y, label), logits)
        close(gradient(logits, label), expected, 1e-8)


@pytest.mark.parametrize("name", BINARY_LOSSES)
def test_binary_gradients_are_finite_differences(name):
    loss, gradient = jax.jit(BINARY_LOSSES[name]), jax.jit(jax.grad(BINARY_LOSSES[name]))
    for logit, label in zip(scores(EXAMPLES), labels(2), strict=True):
        expected = differences(lambda y: loss(y, label), logit)
        close(gradient(logit, label), expected, 1e-8)


def test_cross_entropys_gradient_is_the_error_of_the_probabilities():
    logits, t = scores(EXAMPLES, CLASSES), labels(CLASSES)
    found = each(jax.grad(CLASSIFICATION_LOSSES["cross_entropy"]), logits, t)
    close(found, scipy.special.softmax(logits, axis=-1) - np.eye(CLASSES)[t])


def overlapping_classes(classes):
    """Two inputs each, of classes that no line separates."""
    t = labels(classes, 60)
    centres = np.random.default_rng(3).normal(size=(classes, 2))
    return centres[t] + np.random.default_rng(4).normal(size=(60, 2)), t


def objective_slope(loss, x, t, weights, strength=0.5):
    """Gradient of  ½‖w‖² + strength Σ_n loss_n  where a trained linear classifier stands."""

    def objective(weights):
        return 0.5 * jnp.sum(weights**2) + strength * jnp.sum(jax.vmap(loss)(jnp.asarray(x) @ weights, jnp.asarray(t)))

    return jax.jit(jax.grad(objective))(weights)


def test_squared_hinge_is_minimal_where_scikit_learns_support_vector_machine_ends():
    x, t = overlapping_classes(2)
    machine = sklearn.svm.LinearSVC(loss="squared_hinge", C=0.5, fit_intercept=False, dual=False, tol=1e-12).fit(x, t)
    close(objective_slope(BINARY_LOSSES["squared_hinge"], x, t, machine.coef_[0]), 0.0, 1e-8)


def test_cross_entropy_is_minimal_where_scikit_learns_logistic_regression_ends():
    x, t = overlapping_classes(3)
    options = {"C": 0.5, "fit_intercept": False, "tol": 1e-10, "solver": "newton-cg"}
    trained = sklearn.linear_model.LogisticRegression(**options).fit(x, t)
    close(objective_slope(CLASSIFICATION_LOSSES["cross_entropy"], x, t, trained.coef_.T), 0.0, 1e-8)


def test_zero_one_loss_is_scikit_learns_and_its_mean_the_error_rate():
    logits, t = scores(EXAMPLES, CLASSES), labels(CLASSES)
    found = np.asarray(each(zero_one_loss, logits, t))
    predicted = logits.argmax(axis=-1)
    np.testing.assert_array_equal(found, predicted != t)
    assert 0 < found.mean() < 1
    close(found.mean(), 1 - sklearn.metrics.accuracy_score(t, predicted), 1e-15)


@pytest.mark.parametrize(("label", "loss"), [(0, 1), (1, 0), (2, 1)])
def test_of_equal_scores_the_first_is_predicted(label, loss):
    assert zero_one_loss(jnp.asarray([-1.0, 2.0, 2.0]), jnp.asarray(label)) == loss


@pytest.mark.parametrize("name", ["hinge", "squared_hinge", "crammer_singer_hinge"])
def test_a_hinge_bounds_the_zero_one_loss(name):
    logits, t = scores(EXAMPLES, CLASSES), labels(CLASSES)
    slack = 1e-15  # Optax's form of Crammer & Singer's loss may round to just below 0
    assert (each(CLASSIFICATION_LOSSES[name], logits, t) >= each(zero_one_loss, logits, t) - slack).all()


@pytest.mark.parametrize("loss", [multiclass_hinge, multiclass_squared_hinge])
def test_a_whole_batch_is_refused(loss, monkeypatch):
    """Where types are not checked, as in a user's own program."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=r"of one example, got \(3, 3\), \(3,\)"):
        loss(jnp.zeros((3, 3)), jnp.zeros(3, jnp.int32))


def test_the_squared_error_of_signs_is_scikit_learns():
    y, t = scores(EXAMPLES, CLASSES), labels(CLASSES)
    expected = [
        sklearn.metrics.mean_squared_error(2.0 * np.eye(CLASSES)[label] - 1, row)
        for row, label in zip(y, t, strict=True)
    ]
    close(each(signed_squared_error, y, t), expected)


def test_only_a_loss_whose_exponentials_are_probabilities_is_in_nats():
    """L(y, t) = −log p(t) exactly where Σ_t exp(−L(y, t)) = 1, whatever the scores y."""
    y = scores(EXAMPLES, CLASSES)
    every_label = np.arange(CLASSES)
    for name, loss in CLASSIFICATION_LOSSES.items():
        losses = jax.vmap(jax.vmap(loss, (None, 0)), (0, None))(jnp.asarray(y), every_label)
        is_information = bool(np.allclose(np.exp(-np.asarray(losses)).sum(axis=1), 1.0))
        assert LOSS_UNITS[name] == ("nats" if is_information else ""), name
    assert LOSS_UNITS.keys() == CLASSIFICATION_LOSSES.keys()
