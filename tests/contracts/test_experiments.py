"""What every experiment promises; experiments are found, so a new one cannot escape."""

import json
import re
import shutil
from itertools import groupby
from operator import attrgetter

import jax
import numpy as np
import pytest
from command import snapshot
from legibility import assert_legible, texts_of

from experiments import open_run
from experiments.cli.flags import replace
from experiments.cli.main import main
from experiments.errors import WrongInput
from experiments.numerals import measured
from experiments.plots import canvas
from experiments.run import runner
from experiments.run.export import export
from experiments.run.registry import entries, folders, load
from experiments.run.reopening import reopen
from experiments.run.run import prepare
from experiments.run.run_folder import SUMMARY
from experiments.run.settings import configure, flatten, of_evaluation
from train.checkpoint import Checkpoints
from train.feed import take
from train.metrics import read_rows

FEW_OUTCOMES = {"label", "atoms", "bonds"}
"""Of what a sampler draws: where two draws may well be equal, as small molecules are."""
FIRST_OF_FAMILIES = {next(group).name for _, group in groupby(entries(), key=attrgetter("family"))}
SUMMARY_KEYS = {
    "experiment", "preset", "config", "from", "seeds", "steps", "stopped_early", "measured_steps", "epochs", "dataset",
    "metrics", "references", "wall_seconds", "compile_seconds", "examples_per_second", "parameters", "flops_per_step",
    "device", "versions", "commit", "state_sha256", "cost", "departs",
}  # fmt: skip


@pytest.fixture(scope="module", params=folders())
def name(request):
    """Each experiment in turn; its tests share a process, and so its compiled programs."""
    return request.param


def smoke(name, **fields):
    """The smallest settings, in chunks of two steps and with a checkpoint of each."""
    experiment = load(name)
    small = {"chunk": 2, "evaluate_every": 4, "save_every": 2}
    return configure(experiment.settings(), experiment.card.all_presets["smoke"] | small | fields)


def train(name, workdir, **fields):
    return runner.start(prepare(name, "smoke", smoke(name, **fields)), workdir)


def reopened(folder, **fields):
    config, settings = reopen(folder)
    return prepare(config.experiment, config.preset, replace(settings, **fields))


def assert_close(measured, summary):
    assert measured.keys() == summary.keys()
    for metric, value in measured.items():
        np.testing.assert_allclose(value["values"], summary[metric]["values"], rtol=2e-4, atol=2e-4, err_msg=metric)


@pytest.fixture(scope="module")
def drawn(name):
    """The figures that ``four_steps`` drew, by name."""
    return {}


@pytest.fixture(scope="module")
def four_steps(name, drawn, tmp_path_factory):
    """The folder and the summary of a run of four steps and two seeds."""

    def save(figure, path):
        drawn[path.stem] = figure
        canvas.save(figure, path)

    folder = tmp_path_factory.mktemp(name) / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "save", save)
        return folder, train(name, folder, steps=4, seeds=2)


def test_it_runs_and_its_folder_is_complete(name, four_steps):
    folder, summary = four_steps
    assert summary.keys() == SUMMARY_KEYS
    assert json.loads((folder / "summary.json").read_text()) == json.loads(json.dumps(summary))
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "metrics.jsonl", "tensorboard", "checkpoints", "figures", "summary.json",
    }  # fmt: skip
    assert summary["seeds"] == [0, 1]
    units = load(name).units_of(smoke(name))
    for metric, value in summary["metrics"].items():
        assert value["unit"] == units.get(metric, units.get(metric.rpartition("/")[2])), metric
    experiment, settings = load(name), smoke(name)
    told = experiment.protocols(settings, experiment.data(settings)) if experiment.protocols else {}
    assert {metric: value["protocol"] for metric, value in summary["metrics"].items() if "protocol" in value} == told
    held_out = {metric for row in read_rows(folder) if row["split"] != "train" for metric in row}
    assert {each.rpartition("/")[2] for each in held_out - {"step", "split"} - units.keys()} <= units.keys()
    for metric in summary["metrics"].values():
        assert np.isfinite(metric["values"]).all()
        assert len(metric["values"]) == 2
    drawn = {path.name for path in (folder / "figures").iterdir()}
    assert len(drawn) > 1
    assert ("learning_curves.png" in drawn) == (name != "pca")  # which has one step, and no loss while it trains


def test_its_figures_are_read_without_guessing(four_steps, drawn):
    assert drawn
    for name, figure in drawn.items():
        assert_legible(figure, name)


WRITTEN = {
    "amortization_gap": ("gaps", r"(amortization|approximation)_gap"),
    "code_classifier": ("errors", ".*/error"),
    "convnet": ("confusion", "error"),
    "deep_belief_net": ("errors", ".*/error"),
    "failures": ("table", ".*"),
    "information": ("fits", r"(covering|seeking)/(forward|reverse)_kl"),
    "latent_uses": ("anomalies", r"autoencoder/anomaly_.*"),
    "mlp": ("confusion", "error"),
    "posterior_collapse": ("kl", ".*/kl"),
    "stacked_autoencoder": ("errors", ".*/error"),
    "universal_approximation": ("error_by_width", "width_.*/sup"),
    "vanishing_gradients": ("errors", ".*/error"),
    "vqvae": ("usage", "perplexity"),
}
"""By experiment a figure in which metrics are written, and a pattern of their names."""


def test_what_a_figure_says_of_a_metric_is_what_the_terminal_says(name, four_steps, drawn):
    """Of the first seed; the test split of the digits is so small that figures see all of it."""
    figure, pattern = WRITTEN.get(name, ("", ""))
    if not figure:
        return
    texts = " ".join(text.get_text() for text in texts_of(drawn[figure]))
    metrics = {metric: value for metric, value in four_steps[1]["metrics"].items() if re.fullmatch(pattern, metric)}
    assert metrics
    for metric, value in metrics.items():
        said = measured(value["values"][0], unit=value["unit"])
        assert re.search(rf"(?<![\d.]){re.escape(said)}(?![\d.])", texts), (metric, said, texts)


CLAIMS = (
    "beats?|decides?|ends?|falls?|gives?|grows?|hands|helps?|keeps?|learns?|learned|loses?|lost|needs?|proves?|rises?|"
    "sees?|shows?|tells?|wins?|alone|always|never|nothing|better|worse|less than|more than"
)


def test_a_title_says_what_is_drawn_and_claims_no_outcome(four_steps, drawn):
    """After four steps nothing has come of anything yet: a title that says so is wrong at times."""
    for figure in drawn.values():
        titles = [figure.get_suptitle(), *(axes.get_title(side) for axes in figure.axes for side in ("left", "center"))]
        for title in titles:
            assert not re.search(rf"\b({CLAIMS})\b", title), title


@pytest.fixture
def training_alone(numbers_alone, types_checked_before, monkeypatch):
    """Runs that are not measured on the test split: equal parameters measure alike, which is tested elsewhere."""
    monkeypatch.setattr(runner, "measure_test_split", lambda run, params, check: {})


def rows_of_training(folder):
    """All but what was measured last, on the test split."""
    return [row for row in read_rows(folder) if row["split"] != "final"]


def assert_same_seed(folder, together):
    """The first seed of a run, alone or not, has the numbers of seed 1 of another after every step."""
    for row, expected in zip(rows_of_training(folder), rows_of_training(together), strict=True):
        for metric, values in expected.items():
            measured = row[metric]
            if isinstance(values, list):
                assert (measured[0] if isinstance(measured, list) else measured) == values[1], (metric, row["step"])
            else:
                assert measured == values


def test_a_seed_is_the_same_alone(name, four_steps, training_alone, tmp_path):
    """Of one experiment of a family; the slow tests look at all of them."""
    if name not in FIRST_OF_FAMILIES:
        return
    train(name, tmp_path / "run", steps=4, seed=1)
    assert_same_seed(tmp_path / "run", four_steps[0])


@pytest.mark.slow
def test_a_seed_in_an_ensemble_is_the_seed_alone(name, four_steps, training_alone, tmp_path):
    train(name, tmp_path / "alone", steps=4, seed=1)
    assert_same_seed(tmp_path / "alone", four_steps[0])


def test_resumed_is_never_stopped(four_steps, training_alone, tmp_path):
    """From the checkpoint of the second step, as a kill before the last one leaves it."""
    folder, whole = four_steps
    shutil.copytree(folder, tmp_path / "run")
    (tmp_path / "run" / SUMMARY).unlink()
    with Checkpoints(tmp_path / "run" / "checkpoints") as checkpoints:
        checkpoints.discard(4)
        assert checkpoints.steps()[-1] == 2
    resumed = runner.resume(reopened(tmp_path / "run"), tmp_path / "run")
    assert resumed["state_sha256"] == whole["state_sha256"]
    assert rows_of_training(tmp_path / "run") == rows_of_training(folder)


@pytest.mark.usefixtures("types_checked_before")
def test_a_saved_run_evaluates_to_its_summary(four_steps):
    """At another evaluation batch, to rounding; at its own, by the same programs, to the bit (test_cli.py)."""
    folder, summary = four_steps
    saved, metrics = runner.evaluate(reopened(folder, evaluation_batch=33), folder, None)
    assert (saved.step, saved.measured_steps) == (4, [4, 4])
    assert_close(metrics, summary["metrics"])


@pytest.mark.usefixtures("types_checked_before")
def test_what_only_the_evaluation_reads_is_no_part_of_training(name):
    """The step, the initial state and what is monitored are the same programs with other values."""
    settings = smoke(name)
    changed = {field: flatten(settings)[field] + 1 for field in of_evaluation(type(settings))}
    if not changed:
        return
    run = prepare(name, "smoke", settings)
    batch = take(run.dataset.splits["train"], np.zeros(settings.loop.batch_size, np.int32))

    def programs(settings):
        run_of = run._replace(settings=settings)
        task, monitor = run_of.task(), run_of.experiment.monitored_metrics(settings, run.dataset)
        state = jax.eval_shape(task.init, jax.random.key(0))
        keys = jax.random.split(jax.random.key(0), settings.loop.batch_size)
        made = (jax.make_jaxpr(task.step)(state, batch), jax.make_jaxpr(monitor)(state.params, batch, keys))
        return [re.sub(r"0x[0-9a-f]+", "", str(each)) for each in made]

    assert programs(settings) == programs(configure(settings, changed))


def test_it_draws_the_same_samples_and_nothing_else_changes(name, four_steps, tmp_path, capsys):
    """By the command and from Python, where the one of one is the first of the command's four."""
    experiment = load(name)
    assert (experiment.sampler is not None) == experiment.card.samples
    folder = shutil.copytree(four_steps[0], tmp_path / "run")
    if experiment.sampler is None:
        assert main(["sample", str(folder)]) == 2
        assert f"{name} draws no new examples; these do: deep_belief_net, " in capsys.readouterr().err
        return
    before = snapshot(folder)
    for words in ([], ["--seed", "1"]):
        assert main(["sample", str(folder), "--count", "4", *words, "--of-seed", "1", "--step", "2"]) == 0
    after = snapshot(folder)
    assert before.items() <= after.items()
    assert {path.relative_to(folder).parts[0] for path in after.keys() - before.keys()} == {"samples"}
    four, other = ({**np.load(folder / "samples" / f"2-{i}" / "samples.npz")} for i in (1, 2))
    one = open_run(folder).sample(1, of_seed=1, step=2)
    assert one.keys() == four.keys()
    example = prepare(name, "smoke", smoke(name)).dataset.head("test", 1)
    assert four.keys() & example.keys()
    for key, drawn in four.items():
        if key in example:
            assert (drawn[0].shape, drawn.dtype) == (example[key][0].shape, example[key].dtype)
        assert drawn[:1].tobytes() == one[key].tobytes()
        assert np.isfinite(drawn).all()
        assert len({each.tobytes() for each in (*drawn, *other[key])}) == 8 or key in FEW_OUTCOMES


@pytest.mark.usefixtures("types_checked_before")
def test_its_network_is_exported_or_refused_in_a_line(name, four_steps, tmp_path):
    experiment = load(name)
    if experiment.network is None:
        return
    try:
        said = export(open_run(four_steps[0]), tmp_path / "model").inputs
    except WrongInput as refusal:
        said = str(refusal)
    refused = f"the network of {name} cannot be exported: an exported one takes one array"
    assert "[batch" in said or (said.startswith(refused) and experiment.inputs is None)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [7, 1])
def test_numbers_do_not_depend_on_small_evaluation_batches(four_steps, batch):
    folder, summary = four_steps
    assert_close(runner.evaluate(reopened(folder, evaluation_batch=batch), folder, None)[1], summary["metrics"])


@pytest.mark.slow
@pytest.mark.parametrize("batch", [33, 1])
def test_the_learning_curve_does_not_depend_on_the_evaluation_batch(name, four_steps, numbers_alone, tmp_path, batch):
    train(name, tmp_path / "run", steps=4, seeds=2, evaluation_batch=batch)
    rows = zip(read_rows(tmp_path / "run"), read_rows(four_steps[0]), strict=True)
    for row, expected in rows:
        assert row.keys() == expected.keys()
        for key in row.keys() - {"split"}:
            np.testing.assert_allclose(row[key], expected[key], rtol=2e-4, atol=2e-4, err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("parts", [4, 32])
def test_accumulated_is_the_same_training_or_refused(name, four_steps, numbers_alone, tmp_path, parts):
    words = ["run", name, "--preset", "smoke", "--workdir", str(tmp_path / "run"), "--accumulate", str(parts)]
    try:
        settings = smoke(name, steps=4, seeds=2, accumulate=parts)
    except ValueError:
        assert main(words) == 2
        return
    summary = runner.start(prepare(name, "smoke", settings), tmp_path / "run")
    assert_close(summary["metrics"], four_steps[1]["metrics"])
