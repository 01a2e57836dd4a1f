import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.linear_model import LogisticRegression
from trained import assert_same_at_every_evaluation_batch, measured, trained

from experiments.datasets import DataError
from experiments.foundations.mlp import experiment
from experiments.foundations.mlp.experiment import EXPERIMENT, MLPSettings, monitor
from experiments.plots.classifier import classifier_figures, confusion
from experiments.run.run import prepare
from experiments.run.settings import configure
from experiments.run.summary import statistics


def test_error_and_loss_are_those_of_the_logits():
    settings = configure(MLPSettings(), widths=())
    dataset = settings.images.load()
    kernel = np.random.default_rng(0).normal(size=(64, 10)).astype(np.float32)
    params = {"params": {"Dense_0": {"kernel": kernel, "bias": np.zeros(10, np.float32)}}}
    batch = jax.tree.map(jnp.asarray, dataset.head("test", 50))
    logits = np.asarray(batch["image"]).reshape(50, -1) @ kernel
    found = EXPERIMENT.metrics(settings, dataset)(params, batch, jax.random.split(jax.random.key(0), 50))
    np.testing.assert_array_equal(found["error"], 100.0 * (logits.argmax(axis=1) != np.asarray(batch["label"])))
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-4)


def test_dropout_is_in_the_training_loss_alone():
    settings = configure(MLPSettings(), dropout=0.5)
    dataset = settings.images.load()
    batch, keys = jax.tree.map(jnp.asarray, dataset.head("train", 20)), jax.random.split(jax.random.key(1), 20)
    task = EXPERIMENT.task(settings, dataset)
    state = jax.jit(task.init)(jax.random.key(0))
    noise = np.random.default_rng(0)  # the last layer starts at zero
    params = jax.tree.map(lambda leaf: leaf + noise.normal(0, 0.1, leaf.shape).astype(leaf.dtype), state.params)
    losses = [
        EXPERIMENT.monitor(s, dataset)(params, batch, keys)[0] for s in (settings, configure(settings, dropout=0.0))
    ]
    np.testing.assert_array_equal(*losses)
    plain = EXPERIMENT.task(configure(settings, dropout=0.0), dataset)
    (dropped,), (whole,) = ([jax.jit(t.step)(state._replace(params=params), batch)[1]["loss"]] for t in (task, plain))
    assert dropped != whole


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge"])
def test_what_is_averaged_begins_with_every_network_as_it_is_measured(loss, monkeypatch):
    shown = []
    monkeypatch.setattr(experiment, "averaging", shown.append)
    settings = configure(MLPSettings(), widths=(), loss=loss)
    dataset, noise = settings.images.load(), np.random.default_rng(0)
    seeds = {"Dense_0": {"kernel": noise.normal(size=(3, 64, 10)), "bias": np.zeros((3, 10))}}
    seeds = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), {"params": seeds})
    EXPERIMENT.figures_of_seeds(settings, dataset, seeds)
    batch, keys = jax.tree.map(jnp.asarray, dataset.whole("test")), jax.random.split(jax.random.key(0), 250)
    found = jax.vmap(lambda params: EXPERIMENT.metrics(settings, dataset)(params, batch, keys))(seeds)
    (panels,) = shown
    assert list(panels) == (["error, %", "loss, nats"] if loss == "cross_entropy" else ["error, %"])
    for label, values in panels.items():
        np.testing.assert_allclose(values[0], found[label.split(",")[0]].mean(axis=1), rtol=1e-5)


def test_softmax_regression_comes_to_the_optimum_of_scikit_learn():
    """The regularised loss is convex: the trained classifier is the one that another program finds."""
    settings = configure(
        MLPSettings(),
        widths=(), optimizer="nesterov", learning_rate=0.5, batch_size=1297, steps=3000, weight_decay=1e-2,
    )  # fmt: skip
    run, params = trained("mlp", settings)
    train, test = run.dataset.splits["train"], run.dataset.splits["test"]
    exact = LogisticRegression(C=1 / (1e-2 * 1297), tol=1e-8, max_iter=5000, fit_intercept=True)
    exact.fit(train["image"].reshape(1297, -1), train["label"])
    found = measured(run, params)
    wrong = 100 * (exact.predict(test["image"].reshape(250, -1)) != test["label"]).mean()
    # the biases are decayed too here, and are not there: the two may differ in an image
    assert found["error"] == pytest.approx(wrong, abs=0.8)
    assert found["loss"] == pytest.approx(
        -np.mean(exact.predict_log_proba(test["image"].reshape(250, -1))[np.arange(250), test["label"]]), rel=0.02
    )


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge", "squared_hinge", "crammer_singer_hinge"])
def test_every_loss_learns_digits(loss):
    run, params = trained("mlp", configure(MLPSettings(), loss=loss, widths=(64,), steps=500))
    assert measured(run, params)["error"] < 8.0


@pytest.mark.parametrize(("loss", "unit"), [("cross_entropy", "nats"), ("hinge", ""), ("squared_hinge", "")])
def test_what_is_reported_of_a_loss_has_its_unit(loss, unit):
    run = prepare("mlp", "default", configure(MLPSettings(), loss=loss))
    reported = statistics(run, {"loss": np.ones(2), "error": np.ones(2)})
    assert {metric: value["unit"] for metric, value in reported.items()} == {"loss": unit, "error": "%"}


def test_numbers_are_the_same_at_every_evaluation_batch():
    assert_same_at_every_evaluation_batch(*trained("mlp", configure(MLPSettings(), widths=(8,), steps=3)))


def test_the_monitor_is_the_loss_without_keys_effect():
    settings = MLPSettings()
    dataset = settings.images.load()
    params = EXPERIMENT.task(settings, dataset).init(jax.random.key(0)).params
    batch = jax.tree.map(jnp.asarray, dataset.head("valid", 5))
    left, right = (monitor(settings, dataset)(params, batch, jax.random.split(jax.random.key(k), 5))[0] for k in (0, 1))
    np.testing.assert_array_equal(left, right)
    np.testing.assert_allclose(left, np.log(10), rtol=1e-6)  # at the beginning all classes are equally probable


def test_the_confusion_matrix_counts():
    labels, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 0, 0])
    texts = {(t.get_position(), t.get_text()) for t in confusion(labels, predicted).axes[0].texts}
    assert texts == {((0, 0), "1"), ((1, 0), "1"), ((1, 1), "1"), ((2, 2), "1"), ((0, 2), "2")}
    assert "3 of 6 test images wrong (50.00 %)" in confusion(labels, predicted).axes[0].get_title()
    images = np.random.default_rng(0).random((6, 4, 4, 1))
    assert classifier_figures(images, labels, labels).keys() == {"confusion"}
    assert classifier_figures(images, labels, predicted).keys() == {"confusion", "mistakes"}


def test_whole_batches_leave_the_last_images_out():
    """Those of the last batch that is not full count for the error alone."""
    settings = configure(MLPSettings(), widths=(), batch_size=64, steps=20, whole_batches=True)
    run, params = trained("mlp", settings)
    plain, _ = trained("mlp", configure(settings, whole_batches=False))
    valid, test = (run.dataset.splits[split] for split in ("valid", "test"))
    images, labels = (plain.dataset.splits["test"][name] for name in ("image", "label"))
    assert len(labels) % 64
    np.testing.assert_array_equal(valid["label"], plain.dataset.splits["valid"]["label"][: len(valid["label"])])
    assert len(valid["label"]) % 64 == 0
    np.testing.assert_array_equal(test["image"], images)
    logits = run.experiment.classifier(settings, run.dataset)(
        jax.tree.map(lambda leaf: leaf[0], params), jnp.asarray(images)
    )
    wrong = np.asarray(logits).argmax(axis=1) != labels
    for batch in (250, 33):
        found = measured(run, params, batch)
        assert found["error"] == pytest.approx(100 * wrong.mean())
        assert found["whole_batches/error"] == pytest.approx(100 * wrong[: len(labels) // 64 * 64].mean())
    with pytest.raises(DataError, match="less than --batch-size 600"):
        prepare("mlp", "default", configure(settings, batch_size=600))
