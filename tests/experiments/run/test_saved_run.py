"""A run folder from Python: what is read is what was trained, and nothing is written."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from whole_runs import smoke_run

from experiments import open_run
from experiments.errors import WrongInput
from experiments.run.prediction import predict
from experiments.run.reopening import restored_params

pytestmark = pytest.mark.usefixtures("numbers_alone")


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.run.runner.draw_figures", lambda run, workdir, params, folder: None)
        return smoke_run("vae", tmp_path_factory.mktemp("vae") / "run", widths=(8,), latent=3, seeds=2, seed=4)


def test_a_run_is_its_settings_data_network_and_parameters(vae):
    run = open_run(vae)
    assert (run.settings.architecture.latent, run.settings.seeds.seeds, run.dataset.name) == (3, 2, "digits")
    images = jax.device_put(run.dataset.head("test", 5)["image"])
    first, second = run.params(), run.params(seed=5)
    both = restored_params(run.run, vae).params
    for place, params in enumerate((first, second)):
        assert jax.tree.all(jax.tree.map(lambda leaf, all, i=place: np.array_equal(leaf, all[i]), params, both))
    codes = run.codec(seed=5).encode(images)
    np.testing.assert_array_equal(codes, run.network.apply(second, images)["mean"])
    assert [row["split"] for row in run.rows()] == ["train", "valid", "final"]
    assert run.summary == json.loads((vae / "summary.json").read_text())
    assert not np.array_equal(run.params(step=0)["params"]["decoder"], None)


def test_samples_are_functions_of_seeds_step_and_options(vae):
    run = open_run(str(vae))
    drawn = run.sample(3)["image"]
    np.testing.assert_array_equal(run.sample(2, of_seed=4)["image"], drawn[:2])
    for other in ({"seed": 1}, {"of_seed": 5}, {"step": 0}, {"temperature": 0.5}):
        assert not np.array_equal(run.sample(3, **other)["image"], drawn)
    still = run.sample(20, temperature=0.0)["image"]
    np.testing.assert_array_equal(still, np.broadcast_to(still[:1], still.shape))
    np.testing.assert_allclose(still[0], run.codec().decode(jax.numpy.zeros((1, 3)))[0], atol=1e-6)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda run: run.params(seed=0), "has no seed 0: it was trained with seeds 4 to 5"),
        (lambda run: run.params(step=1), "no checkpoint of step 1"),
        (lambda run: run.sample(temperature=-1.0), "--temperature must be at least 0"),
        (lambda run: run.sample(length=3), "has no field length"),
        (lambda run: run.sample(0), "--count must be at least 1, got 0"),
        (lambda run: run.sample(-3), "--count must be at least 1, got -3"),
        (lambda run: run.codec().encode(np.zeros((2, 9, 9, 1))), r"images \[N, 8, 8, 1\], found \[2, 9, 9, 1\]: give"),
        (lambda run: run.codec().encode(np.zeros((2, 4, 16, 1))), r"images \[N, 8, 8, 1\], found \[2, 4, 16, 1\]"),
        (lambda run: run.codec().encode(np.zeros((8, 8, 1))), r"found \[8, 8, 1\]: add the first axis: images\[None\]"),
        (lambda run: run.codec().encode(np.float32(0)), r"found \[\]: give images as"),
        (lambda run: run.codec().decode(np.zeros((2, 4))), r"expected codes \[N, 3\], found \[2, 4\]"),
        (lambda run: run.codec().decode(np.zeros(3)), r"found \[3\]: add the first axis: codes\[None\]"),
        (lambda run: run.codec().reconstruct(np.zeros((2, 64))), r"images \[N, 8, 8, 1\], found \[2, 64\]"),
        (lambda run: run.classify(np.zeros((1, 8, 8, 1))), "vae has no classes to tell apart; these have: "),
        (lambda run: predict(run, [Path("a.png")]), "vae says nothing of pictures; these do: .*lenet.* unet, yolo"),
    ],
)
def test_what_cannot_be_had_is_a_line(vae, ask, said):
    with pytest.raises(WrongInput, match=said) as refused:
        ask(open_run(vae))
    assert "\n" not in str(refused.value)


def test_a_folder_without_a_run_is_refused_at_once(tmp_path):
    with pytest.raises(WrongInput, match="holds no run"):
        open_run(tmp_path)


def picture(path: Path, brightness: int, size: int = 6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(brightness).integers(0, 40, (size, size))
    Image.fromarray((brightness + noise).astype(np.uint8)).save(path)
    return path


def test_own_pictures_are_given_the_names_of_their_classes(tmp_path):
    for name, least in (("dark", 0), ("light", 160)):
        for number in range(30):
            picture(tmp_path / "pictures" / name / f"{number}.png", least + number)
    smoke_run(
        "mlp", tmp_path / "run", data="folder", data_dir=tmp_path / "pictures", widths=(8,), batch_size=8, steps=60,
        learning_rate=0.05,
    )  # fmt: skip
    files = [picture(tmp_path / "own" / f"{b}-{size}.png", b, size) for b, size in ((10, 6), (200, 6), (200, 20))]
    found = predict(open_run(tmp_path / "run"), files)
    assert [each.name for each in found] == ["dark", "light", "light"]
    assert [each.resized_from for each in found] == [None, None, (20, 20)]
    assert all(each.probabilities.sum() == pytest.approx(1, abs=1e-6) for each in found)
    assert json.loads(json.dumps(found[0].as_json()))["label"] == 0
    for images in (np.zeros((2, 7, 6, 1)), np.zeros((6, 6, 1)), np.zeros((2, 6, 6, 3))):
        with pytest.raises(WrongInput, match=r"expected images \[N, 6, 6, 1\], found "):
            open_run(tmp_path / "run").classify(images)
    (tmp_path / "own" / "text.png").write_text("no picture")
    with pytest.raises(WrongInput, match="cannot be read as PNG or JPEG"):
        predict(open_run(tmp_path / "run"), [tmp_path / "own" / "text.png"])
    with pytest.raises(
        WrongInput, match=r"none\.png: no such file: .*; .*own: is a folder: give its files, .*own/\*\.png"
    ):
        predict(open_run(tmp_path / "run"), [*files, tmp_path / "none.png", tmp_path / "own"])
    moved = (tmp_path / "pictures").rename(tmp_path / "moved")
    assert [each.name for each in predict(open_run(tmp_path / "run", data_dir=moved), files[:1])] == ["dark"]
