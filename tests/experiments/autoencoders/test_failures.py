"""What fails fails as the lecture says, and no measure of a whole set depends on the batch that is evaluated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from legibility import assert_legible
from sklearn.neighbors import NearestCentroid
from trained import assert_same_at_every_evaluation_batch, measured, trained

from experiments.autoencoders.failures.experiment import FailuresSettings, class_means, nearest, trained_nets
from experiments.autoencoders.failures.figures import goodness, table_of
from experiments.cli.flags import parse_flags
from experiments.errors import WrongInput
from experiments.run.settings import configure

SMALL = configure(FailuresSettings(), designs=("undercomplete",), latent=3, examples=260, batch_size=16, steps=30)


@pytest.fixture(scope="module")
def few_steps():
    return trained("failures", configure(SMALL, remedies=("none", "mean_activation")))


def test_its_numbers_are_the_same_at_every_evaluation_batch(few_steps):
    run, params = few_steps
    found = assert_same_at_every_evaluation_batch(run, params)
    train, test = (jax.tree.map(jnp.asarray, run.dataset.head(*split)) for split in (("train", 260), ("test", 40)))
    for name, each in trained_nets(run.settings, run.dataset).items():
        own = jax.tree.map(lambda leaf: leaf[0], params[name])
        difference = np.asarray(train["image"] - each.restore(own, train["image"]))
        expected = np.sum(difference**2, axis=(1, 2, 3)).mean()
        assert found[f"{name}/training_error"] == pytest.approx(expected, rel=1e-5)
        codes, new = (each.net.apply(own, split["image"], method="encode") for split in (train, test))
        theirs = NearestCentroid().fit(codes, train["label"]).predict(new)
        wrong = theirs != np.asarray(test["label"])
        assert found[f"{name}/class_error"] == pytest.approx(100 * wrong.mean(), rel=1e-6)


def test_a_class_without_an_image_is_nearest_to_none():
    codes = jnp.array([[0.1, 0.0], [4.0, 0.0], [6.0, 0.0]])
    means = class_means(codes, jnp.array([1, 2, 2]), classes=4)
    np.testing.assert_allclose(means[1:3], [[0.1, 0.0], [5.0, 0.0]])
    assert [int(nearest(code, means)) for code in codes] == [1, 2, 2]
    assert int(nearest(jnp.zeros(2), means)) == 1


def test_a_wide_code_copies_and_noise_in_training_removes_noise():
    designs = {"designs": ("undercomplete", "overcomplete"), "remedies": ("none", "denoising")}
    found = measured(*trained("failures", configure(FailuresSettings(), **designs, latent=8, steps=300)))
    assert found["overcomplete/none/scrambled_error"] < 0.6 * found["undercomplete/none/scrambled_error"]
    assert found["overcomplete/denoising/denoising"] > found["overcomplete/none/denoising"] + 3


def test_without_labels_no_class_is_wrong(few_steps):
    run, params = few_steps
    without = {name: {"image": split["image"]} for name, split in run.dataset.splits.items()}
    found = measured(run._replace(dataset=run.dataset._replace(splits=without, classes=0)), params)
    assert not [name for name in found if name.endswith("class_error")]
    assert found["undercomplete/none/training_error"] > 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"accumulate": 4},
            "remedy mean_activation is a function of the whole batch: leave out --accumulate or the remedy",
        ),
        ({"remedies": ()}, "--designs and --remedies need at least one name each"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        configure(FailuresSettings(), fields)


def test_parts_of_a_batch_are_as_good_where_no_remedy_is_of_the_whole_batch():
    few = configure(SMALL, remedies=("activity", "contraction"), steps=5)
    whole, parts = (trained("failures", configure(few, accumulate=count))[1] for count in (1, 4))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), whole, parts)


def test_the_size_of_a_net_that_is_not_there_is_refused():
    with pytest.raises(WrongInput, match="--overcomplete has no effect without --designs overcomplete"):
        parse_flags(SMALL, ["--overcomplete", "99"], prog="lectern run failures")


def test_the_darkest_cell_of_every_column_is_the_best():
    measures = ["error", "scrambled_error", "denoising", "class_error"]
    values = np.array([[1.0, 9.0, -1.0, 5.0], [2.0, 3.0, 4.0, 5.0]])
    np.testing.assert_array_equal(goodness(values, measures), [[1, 1, 0, 1], [0, 0, 1, 1]])
    names = ["as_wide/none", "as_wide/k_sparse"]
    cells = {f"{n}/{m}": v for n, row in zip(names, values, strict=True) for m, v in zip(measures, row, strict=True)}
    figure = table_of(cells, names, measures, images=1)
    assert_legible(figure)
    axes, bar = figure.axes
    assert axes.get_title() == "2 nets on 1 test image"
    assert "darker is better" in bar.get_xlabel()
    assert [label.get_text() for label in bar.get_xticklabels()] == ["worst", "best"]
    assert {text.get_text() for text in axes.texts} >= {"1.000", "9.000", "-1.000"}
    assert [label.get_text()[-20:].count("↓") for label in axes.get_xticklabels()] == [1, 0, 0, 1]
    shades = axes.images[0].cmap(axes.images[0].norm(goodness(values, measures)))[..., :3].sum(axis=-1)
    assert shades[0, 0] < shades[1, 0]
