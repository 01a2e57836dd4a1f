"""A run that keeps parts of what it took: which parts the words mean, and that they keep their bits."""

import json

import jax
import numpy as np
import pytest
from whole_runs import smoke_run

from experiments import open_run
from experiments.cli.main import main
from experiments.errors import WrongInput
from experiments.run.freezing import frozen_parts, in_brief, layers
from experiments.run.origins import origin_at
from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.settings import configure
from experiments.run.transfer import transferred
from train.task import seed_keys
from train.transforms import by_path

pytestmark = pytest.mark.usefixtures("undrawn")
PATTERN = "CONV 3 stride 2 unbiased → BN → RELU → CONV 4 stride 2 unbiased → BN → RELU → POOL all → FC"
NET = dict(pattern=PATTERN, batch_size=16)
FIRST = ("batch_stats/features_1", "params/features_0", "params/features_1")
TRUNK = ("batch_stats", "params/features_0", "params/features_1", "params/features_3", "params/features_4")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.run.runner.draw_figures", lambda run, workdir, params, folder: None)
        return smoke_run("convnet", tmp_path_factory.mktemp("convnet") / "run", **NET)


@pytest.fixture(scope="module")
def run(source):
    return open_run(source).run


@pytest.fixture(scope="module")
def params(run):
    return jax.eval_shape(lambda keys: run.task().init(keys[0]).params, seed_keys([0]))


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["1"], FIRST),
        (["2"], TRUNK),
        (["-1"], TRUNK),
        (["-2"], FIRST),
        (["batch_stats"], ("batch_stats",)),
        (["params/features_0", "features_3/kernel"], ("params/features_0", "params/features_3")),
        (["features_4"], ("batch_stats/features_4", "params/features_4")),
        (["features_[03]"], ("params/features_0", "params/features_3")),
        (["scale"], ("params/features_1/scale", "params/features_4/scale")),
        (["taken"], TRUNK),
    ],
)
def test_words_name_parts(run, params, words, parts):
    taken = [path for path in by_path(params) if "classifier_0" not in path]
    assert frozen_parts(run, words, params, taken) == parts


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["features_7"], "--freeze features_7 names no parameter; did you mean features_"),
        (["classifier_0"], "--freeze would keep params/classifier_0/bias, params/classifier_0/kernel as drawn"),
        *(
            (["1", str(n)], f"--freeze {n}: convnet has 3 layers.*: type 1 to 2, or -1 for")
            for n in (0, 3, -3, 99, -99)
        ),
        (["params"], "as drawn, never trained"),
    ],
)
def test_words_that_cannot_be_meant_are_refused(run, params, words, message):
    taken = [path for path in by_path(params) if "classifier_0" not in path]
    with pytest.raises(WrongInput, match=message):
        frozen_parts(run, words, params, taken)


@pytest.mark.parametrize("words", [["taken"], ["params"], ["-1", "classifier_*"], ["taken", "batch_stats"]])
def test_words_for_all_that_would_be_trained_are_refused_as_they_were_typed(run, params, words):
    with pytest.raises(WrongInput) as refused:
        frozen_parts(run, words, params, list(by_path(params)))
    assert str(refused.value) == (
        f"--freeze {' '.join(words)}: nothing of convnet would be trained; name fewer of its 5 parts: "
        "params/classifier_0, params/features_0, params/features_1 and 2 more"
    )


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("FC", "1 layer, and one must be left to train: leave --freeze out"),
        ("CONV 3 → RELU → FC", "2 layers.*: type 1$"),
    ],
)
def test_of_few_layers_no_more_are_offered_than_there_are(run, pattern, said):
    small = run._replace(settings=configure(run.settings, pattern=pattern))
    shapes = jax.eval_shape(lambda keys: small.task().init(keys[0]).params, seed_keys([0]))
    with pytest.raises(WrongInput, match=f"--freeze 5: convnet has {said}"):
        frozen_parts(small, ["5"], shapes, list(by_path(shapes)))


def test_layers_are_in_the_order_of_computation_and_not_of_names(run, params):
    """``features_10`` is not the second."""
    deep = run._replace(settings=configure(run.settings, pattern="[CONV 2 → RELU]*7 → FC"))
    shapes = jax.eval_shape(lambda keys: deep.task().init(keys[0]).params, seed_keys([0]))
    kernels = [path for layer in layers(deep, shapes) for path in layer if path.endswith("kernel")]
    assert kernels == [f"params/features_{i}/kernel" for i in range(0, 14, 2)] + ["params/classifier_0/kernel"]


def test_layers_of_several_networks_are_not_counted():
    several = load("latent_space")
    settings = configure(several.settings(), several.card.all_presets["smoke"])
    game = prepare("latent_space", "smoke", settings)
    shapes = jax.eval_shape(lambda keys: game.task().init(keys[0]).params, seed_keys([0]))
    with pytest.raises(WrongInput, match="layers of one network, and latent_space has: "):
        layers(game, shapes)


def test_parts_are_as_few_as_can_be():
    paths = ["a/b/x", "a/b/y", "a/bc", "d"]
    assert in_brief(["a/b/x", "a/b/y"], paths) == ("a/b",)
    assert in_brief(["a/b/x", "a/b/y", "a/bc"], paths) == ("a",)
    assert in_brief(["a/b/y", "d"], paths) == ("a/b/y", "d")


def test_a_frozen_trunk_keeps_its_bits_also_when_resumed(source, tmp_path, capsys):
    words = ["run", "convnet", "--preset", "smoke", "--chunk", "2", "--save-every", "2", "--evaluate-every", "2"]
    words += ["--pattern", PATTERN, "--batch-size", "16", "--steps", "4", "--average-decay", "0.5"]
    words += ["--optimizer", "adamw", "--weight-decay", "0.1", "--workdir", str(tmp_path / "run")]
    assert main([*words, "--from", str(source), "--freeze", "-1", "--seed", "3"]) == 0
    said = capsys.readouterr().err
    whole = sum(leaf.size for path, leaf in by_path(open_run(source).params()).items() if path.startswith("params"))
    assert f"frozen: {', '.join(TRUNK)}; trains {4 * 10 + 10} of {whole} numbers" in said
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["parameters"] == 4 * 10 + 10
    assert summary["from"] == {"workdir": str(source), "step": 2, "frozen": list(TRUNK), "sha256": None}
    given, found = by_path(open_run(source).params()), by_path(open_run(tmp_path / "run").params())
    same = {path for path in given if np.array_equal(given[path], found[path])}
    assert in_brief(same, given) == TRUNK
    (tmp_path / "run" / "summary.json").unlink()
    (tmp_path / "run" / "checkpoints" / "4").rename(tmp_path / "taken")
    assert main(["resume", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["state_sha256"] == summary["state_sha256"]
    assert main(["evaluate", str(tmp_path / "run")]) == 0


def test_a_frozen_trunk_trains_on_the_features_that_it_is_evaluated_with(source):
    """The whole trunk's statistics are fixed, so an example's loss in training does not depend on its batch."""
    run, _ = transferred(open_run(source).run._replace(origin=origin_at(source)), ["-1"])
    state = jax.jit(run.task().init)(seed_keys([0])[0])
    batch = {name: leaf[:16] for name, leaf in run.dataset.splits["train"].items()}
    (phase,) = run.task().phases
    keys = seed_keys(range(16))
    _, trained = jax.jit(phase.gradient)(state, batch, keys)
    losses, _ = jax.jit(run.experiment.monitor(run.settings, run.dataset))(state.params, batch, keys)
    np.testing.assert_allclose(trained["loss"], losses.mean(), rtol=1e-6)
    free, _ = transferred(open_run(source).run._replace(origin=origin_at(source)), ["params/features_0"])
    _, moving = jax.jit(free.task().phases[0].gradient)(state, batch, keys)
    assert abs(moving["loss"] - losses.mean()) > 1e-2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--freeze", "taken"], "--freeze keeps what is taken from elsewhere: add --from"),
        (["--from", "SOURCE", "--freeze", "params"], "--freeze params: nothing of convnet would be trained"),
    ],
)
def test_what_cannot_be_frozen_leaves_no_folder(source, tmp_path, capsys, words, message):
    words = [str(source) if word == "SOURCE" else word for word in words]
    base = ["run", "convnet", "--preset", "smoke", "--pattern", PATTERN, "--workdir", str(tmp_path / "run")]
    assert main([*base, *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_what_does_not_descend_cannot_be_frozen(tmp_path, capsys):
    rbm = smoke_run("rbm", tmp_path / "rbm")
    words = ["run", "rbm", "--preset", "smoke", "--from", str(rbm), "--freeze", "weights"]
    assert main([*words, "--workdir", str(tmp_path / "run")]) == 2
    assert "--freeze weights: only what descends by an optimiser can be frozen" in capsys.readouterr().err
