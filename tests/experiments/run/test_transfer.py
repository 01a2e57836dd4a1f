"""A run that starts from another one: the parameters that fit are its own, the others are drawn."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from whole_runs import smoke_run

from experiments import open_run
from experiments.cli.main import main
from experiments.errors import WrongInput
from experiments.run.origins import origin_at
from experiments.run.run import prepare
from experiments.run.settings import configure
from experiments.run.transfer import transferred
from experiments.run.weights import digest, read_weights, save_weights
from models.yolo import YOLOv3
from train.task import seed_keys
from train.transforms import by_path

pytestmark = pytest.mark.usefixtures("undrawn")
WORDS = ["run", "mlp", "--preset", "smoke", "--steps", "4", "--chunk", "2", "--save-every", "2"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.run.runner.draw_figures", lambda run, workdir, params, folder: None)
        return smoke_run("mlp", tmp_path_factory.mktemp("mlp") / "run", widths=(8, 6), seeds=2)


def initial(workdir, seed=0):
    return by_path(open_run(workdir).params(seed=seed, step=0))


def test_it_starts_with_the_bits_of_the_other_and_resumes_to_its_own(source, tmp_path, capsys):
    words = [*WORDS, "--widths", "8", "6", "--seeds", "2", "--average-decay", "0.5", "--learning-rate", "0.01"]
    assert main([*words, "--from", str(source), "--workdir", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err
    assert f"starts from step 2 of {source}: 6 of 6 parameters" in said
    assert "learning_rate (0.001 → 0.01)" in said
    given = by_path(open_run(source).params(seed=0))
    for seed in (0, 1):
        found = initial(tmp_path / "run", seed)  # of the running average, which begins with them too
        assert all(np.array_equal(found[path], leaf) for path, leaf in given.items())
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["from"] == {"workdir": str(source), "step": 2, "frozen": [], "sha256": None}
    assert json.loads((tmp_path / "run" / "config.json").read_text())["from"] == summary["from"]
    for step in (tmp_path / "run" / "checkpoints").iterdir():
        step.rename(tmp_path / f"taken-{step.name}")  # as a kill before the first checkpoint leaves it
    (tmp_path / "run" / "summary.json").unlink()
    assert main(["resume", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["state_sha256"] == summary["state_sha256"]


def test_what_does_not_fit_is_drawn_and_named(source, tmp_path):
    origin = origin_at(source)
    run = open_run(source).run
    other = prepare("mlp", "smoke", configure(run.settings, widths=(8, 5)), origin)
    ready, lines = transferred(other)
    assert {path.split("/", 1)[1] for path in ready.initial} == {
        "MLP_0/Dense_0/bias",
        "MLP_0/Dense_0/kernel",
        "Dense_0/bias",
    }
    assert "3 of 6 parameters" in lines[0]
    assert lines[1] == "drawn anew: params/Dense_0/kernel, params/MLP_0/Dense_1"
    begun = by_path(ready.task().init(seed_keys([7])[0]).params)
    drawn = by_path(other.task().init(seed_keys([7])[0]).params)
    for path, leaf in begun.items():
        np.testing.assert_array_equal(leaf, ready.initial.get(path, drawn[path]))
    assert jax.tree.structure(other.task().init(seed_keys([7])[0])) == jax.tree.structure(
        ready.task().init(seed_keys([7])[0])
    )


def test_a_run_of_which_nothing_fits_is_refused(source, tmp_path, capsys):
    words = ["run", "pca", "--preset", "smoke", "--from", str(source), "--workdir", str(tmp_path / "run")]
    assert main(words) == 2
    assert "no parameter of" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    with pytest.raises(WrongInput, match="holds no run"):
        origin_at(tmp_path)


def test_weights_of_an_export_start_a_run(source, tmp_path, capsys):
    """As the run itself does, up to what was drawn with the other seed: a head for other widths."""
    assert main(["export", str(source), "--to", str(tmp_path / "model")]) == 0
    weights = tmp_path / "model" / "weights.safetensors"
    words = [*WORDS, "--widths", "8", "5", "--workdir", str(tmp_path / "run"), "--from", str(weights)]
    assert main([*words, "--freeze", "taken"]) == 0
    said = capsys.readouterr().err
    assert f"starts from {weights}: 3 of 6 parameters" in said
    assert "drawn anew: params/Dense_0/kernel, params/MLP_0/Dense_1" in said
    given, found = by_path(open_run(source).params(seed=0)), by_path(open_run(tmp_path / "run").params())
    same = {path for path in found if np.array_equal(given[path], found[path])}
    assert same == {"params/MLP_0/Dense_0/bias", "params/MLP_0/Dense_0/kernel", "params/Dense_0/bias"}
    origin = json.loads((tmp_path / "run" / "config.json").read_text())["from"]
    assert (origin["workdir"], origin["step"], origin["sha256"]) == (str(weights), None, digest(weights))
    for step in (tmp_path / "run" / "checkpoints").iterdir():
        step.rename(tmp_path / f"taken-{step.name}")
    save_weights({name: leaf + 1 for name, leaf in read_weights(weights).items()}, weights)
    assert main(["resume", str(tmp_path / "run")]) == 2
    assert "is another file than when the run was started" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no run"),
        ({"fc.weight": np.zeros((2, 2), np.float32)}, "read into AlexNet, VGG, GoogLeNet and ResNet, not into"),
        (b"no weights", "is no file of safetensors"),
    ],
    ids=["missing", "published", "other"],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, capsys, content, message):
    weights = tmp_path / "weights.safetensors"
    if isinstance(content, bytes):
        weights.write_bytes(content)
    elif content:
        save_weights(content, weights)
    assert main([*WORDS, "--from", str(weights), "--workdir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


NET = ["run", "convnet", "--preset", "smoke", "--pattern", "CONV 3 → BN → RELU → POOL → FC 5 → RELU → FC"]


def state_dict(classes):
    """As PyTorch has it of the net ``NET``, of images of 8×8."""
    shapes = {
        "features.0.weight": (3, 1, 3, 3),
        "features.0.bias": (3,),
        **{f"features.1.{name}": (3,) for name in ("weight", "bias", "running_mean", "running_var")},
        "classifier.0.weight": (5, 3 * 4 * 4),
        "classifier.0.bias": (5,),
        "classifier.2.weight": (classes, 5),
        "classifier.2.bias": (classes,),
    }
    rng = np.random.default_rng(0)
    weights = {name: rng.uniform(0.5, 1, size=shape).astype(np.float32) for name, shape in shapes.items()}
    return weights | {"features.1.num_batches_tracked": np.asarray(9)}


def test_published_weights_start_a_run_and_a_head_for_other_classes_is_drawn(tmp_path, capsys):
    weights, file = state_dict(classes=1000), tmp_path / "published.safetensors"
    save_weights(weights, file)
    words = [*NET, "--steps", "2", "--from", str(file), "--freeze", "taken", "--workdir", str(tmp_path / "run")]
    assert main(words) == 0
    said = capsys.readouterr().err
    assert f"starts from {file}: 8 of 10 parameters" in said
    assert "drawn anew: params/classifier_2" in said
    trained = open_run(tmp_path / "run").params()
    params, statistics = trained["params"], trained["batch_stats"]["features_1"]
    first = weights["features.0.weight"].transpose(2, 3, 1, 0)
    rows = weights["classifier.0.weight"].reshape(5, 3, 4, 4).transpose(2, 3, 1, 0).reshape(48, 5)
    np.testing.assert_array_equal(params["features_0"]["kernel"], first)
    np.testing.assert_array_equal(params["classifier_0"]["kernel"], rows)
    np.testing.assert_array_equal(statistics["variance"], weights["features.1.running_var"])
    assert params["classifier_2"]["kernel"].shape == (5, 10)


def test_a_partial_file_is_refused_with_names(tmp_path, capsys):
    weights = state_dict(classes=10)
    del weights["features.0.bias"]
    save_weights(weights | {"head.weight": np.zeros(2, np.float32)}, tmp_path / "published.safetensors")
    words = [*NET, "--from", str(tmp_path / "published.safetensors"), "--workdir", str(tmp_path / "run")]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "does not fit convnet: 1 missing: features.0.bias; 1 unexpected: head.weight" in error
    assert not (tmp_path / "run").exists()


def test_darknets_weights_start_a_detector(tmp_path, capsys):
    """Of four classes, where the scenes have three: the last layer of each map is drawn."""
    model = YOLOv3(4, widths=(4, 4, 4, 4), blocks=(0, 0, 0), head=1)
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1))))
    floats = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    file = tmp_path / "slim.weights"
    file.write_bytes(np.zeros(5, "<i4").tobytes()[:16] + np.linspace(0.1, 1, floats, dtype="<f4").tobytes())
    words = ["run", "yolo", "--preset", "smoke", "--steps", "1", "--chunk", "1", "--from", str(file)]
    assert main([*words, "--workdir", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err
    assert f"starts from {file}" in said
    assert "drawn anew: params/scale1_output, params/scale2_output, params/scale3_output" in said
    np.testing.assert_allclose(
        initial(tmp_path / "run")["params/stem/bn/bias"], np.linspace(0.1, 1, floats)[:4], rtol=1e-6
    )
    file.write_bytes(file.read_bytes() + bytes(4))
    assert main([*words, "--workdir", str(tmp_path / "other")]) == 2
    assert f"{floats + 1:,} floats after its header: expected" in capsys.readouterr().err
    assert main(["run", "mlp", "--from", str(file), "--workdir", str(tmp_path / "other")]) == 2
    assert "Darknet's weights are read into YOLOv3, not into mlp" in capsys.readouterr().err
