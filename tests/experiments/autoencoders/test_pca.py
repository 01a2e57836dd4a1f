import jax
import numpy as np
import pytest
import sklearn.decomposition
from trained import assert_same_at_every_evaluation_batch, trained

from experiments.autoencoders.pca.experiment import EXPERIMENT, PCASettings
from experiments.autoencoders.pca.figures import principal_line, regression_line, related_pixels
from experiments.cli.flags import parse_flags
from experiments.errors import WrongInput
from experiments.run.registry import load
from experiments.run.settings import configure


@pytest.fixture(scope="module")
def fitted():
    return trained("pca", configure(PCASettings(), components=5))


def test_it_is_scikit_learns_pca_at_every_evaluation_batch(fitted):
    """What is unexplained is a ratio of sums: a mean of the batches' ratios is another number at every batch."""
    run, params = fitted
    measured = assert_same_at_every_evaluation_batch(run, params)
    train, test = run.dataset.splits["train"]["image"], run.dataset.head("test", 40)["image"]
    theirs = sklearn.decomposition.PCA(5).fit(train[0].reshape(-1, 64))
    flat = test.reshape(-1, 64)
    error = np.sum((flat - theirs.inverse_transform(theirs.transform(flat))) ** 2, axis=1)
    assert measured["squared_error"] == pytest.approx(error.mean(), rel=1e-4)
    total = np.sum((flat - train[0].reshape(-1, 64).mean(axis=0)) ** 2, axis=1)
    assert measured["unexplained"] == pytest.approx(100 * error.sum() / total.sum(), rel=1e-4)


def test_its_figures_are_drawn(fitted):
    run, params = fitted
    drawn = EXPERIMENT.figures(run.settings, run.dataset, jax.tree.map(lambda leaf: leaf[0], params))
    assert {"components", "samples", "averages", "reconstructions", "regression"} <= drawn.keys()


def test_the_two_lines_are_numpys_and_scikit_learns():
    points = np.random.default_rng(0).normal(size=(200, 2)) @ np.array([[0.9, 0.5], [0.0, 0.4]])
    fitted, principal = regression_line(points), principal_line(points)
    slope, intercept = np.polyfit(*points.T, 1)
    assert fitted.slope == pytest.approx(slope)
    np.testing.assert_allclose(fitted.feet[:, 1], slope * points[:, 0] + intercept)
    theirs = sklearn.decomposition.PCA(1).fit(points)
    np.testing.assert_allclose(principal.feet, theirs.inverse_transform(theirs.transform(points)))
    assert principal.slope == pytest.approx(theirs.components_[0, 1] / theirs.components_[0, 0])


def test_an_upright_line_and_the_pair_of_pixels_that_vary_together():
    upright = np.array([[0.5, 0.0], [0.5, 1.0], [0.5, 0.4]])
    assert np.isinf(principal_line(upright).slope)
    images = np.random.default_rng(1).uniform(size=(50, 3, 4, 1))
    images[:, 1, 2] = images[:, 1, 1]
    np.testing.assert_array_equal(related_pixels(images), images[:, 1, 1:3, 0])


def test_it_has_no_settings_of_gradients():
    assert load("pca").settings is PCASettings
    for fields in ({"optimizer": "sgd"}, {"dropout": 0.5}, {"precision": "bfloat16"}):
        with pytest.raises(ValueError, match=f"PCASettings has no field {next(iter(fields))}"):
            configure(PCASettings(), fields)


def test_a_batch_size_is_refused_as_it_has_no_effect():
    with pytest.raises(WrongInput, match="--batch-size has no effect on a closed form of the whole training set"):
        parse_flags(PCASettings(), ["--batch-size", "2"], prog="lectern run pca")
