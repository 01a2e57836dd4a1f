"""What a run says of pictures: the network's own boxes and classes of pixels, where they belong in the picture."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from whole_runs import smoke_run

from experiments.cli.main import main
from experiments.datasets.labelled_pixels import PixelData
from experiments.errors import WrongInput
from experiments.objectives.segmentation import centred
from experiments.report.model_card import model_card
from experiments.run.export import Exported
from experiments.run.prediction import predict
from experiments.run.saved_run import SavedRun
from experiments.vision.fcn import experiment as fcn
from experiments.vision.fcn.experiment import FCNSettings
from experiments.vision.unet.experiment import UNetSettings, at_once, by_tiles, data, task


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return smoke_run("yolo", tmp_path_factory.mktemp("yolo") / "run", steps=1, chunk=1, evaluate_every=1, save_every=1)


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    return smoke_run("unet", tmp_path_factory.mktemp("unet") / "run", steps=1, chunk=1, evaluate_every=1, save_every=1)


def picture(path, height, width):
    pixels = np.random.default_rng(height * width).integers(0, 256, (height, width), np.uint8)
    Image.fromarray(pixels).save(path)
    return path, pixels


@pytest.mark.parametrize("times", [2, 8])
def test_boxes_lie_in_the_picture_as_they_lie_in_its_square(detector, tmp_path, times):
    """What is found in the square is as many times as large in a wide picture, the margin taken off.

    Boxes in the margin alone are not told.
    """
    run = SavedRun(detector)
    side = run.dataset.image_shape[0]
    path, pixels = picture(tmp_path / "wide.png", side, times * side)
    (said,) = predict(run, [path], least_score=0)
    square, height = np.full((side, side), 128, np.uint8), side // times
    top = (side - height) // 2
    square[top : top + height] = np.asarray(Image.fromarray(pixels).resize((side, height), Image.Resampling.LANCZOS))
    box, score, label = (part[0] for part in run.detect(np.divide(square, 255, dtype=np.float32)[None, ..., None]))
    cut = np.clip(times * (box - [0, top] * 2), 0, [times * side, side] * 2)
    beside = np.any(cut[:, 2:] <= cut[:, :2], axis=1)
    assert beside[np.isfinite(score)].any() == (times == 8)
    there = np.isfinite(score) & ~beside
    np.testing.assert_allclose(said.scores, -np.sort(-score[there]), rtol=1e-6)
    order = np.argsort(-score[there], kind="stable")
    np.testing.assert_allclose(said.boxes, cut[there][order], rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(said.labels, label[there][order])


def test_boxes_are_told_from_a_score_on(detector, tmp_path, capsys):
    run = SavedRun(detector)
    path, _ = picture(tmp_path / "wide.png", 20, 40)
    (said,) = predict(run, [path], least_score=0)
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(WrongInput, match="--least-score must be from 0 to 1"):
            predict(run, [path], least_score=wrong)
    assert main(["predict", str(detector), str(path), "--least-score", "0", "--json"]) == 0
    objects = json.loads(capsys.readouterr().out)["objects"]
    assert [each["score"] for each in objects] == said.scores.tolist()
    assert main(["predict", str(detector), str(path), "--least-score", "1"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [f"{path}  0 objects", f"pictures  {detector / 'predictions' / '2'}"]
    assert (detector / "predictions" / "1" / "wide.png").is_file()


def test_every_pixel_of_a_picture_of_any_size_has_its_class(segmenter, tmp_path, capsys):
    run = SavedRun(segmenter)
    (path, pixels), (odd, _) = picture(tmp_path / "own.png", 48, 48), picture(tmp_path / "odd.png", 21, 50)
    said, other = predict(run, [path, odd])
    assert other.labels.shape == (21, 50)
    whole = jax.jit(at_once(run.settings, run.dataset))
    scores = whole(run.params(), np.divide(pixels, 255, dtype=np.float32)[..., None])
    np.testing.assert_array_equal(said.labels, scores.argmax(axis=-1))
    assert sum(said.shares.values()) == pytest.approx(1)
    assert main(["predict", str(segmenter), str(path), str(path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == f"pictures  {segmenter / 'predictions' / '1'}"
    for name in ("own.png", "own-1.png"):
        mask = Image.open(segmenter / "predictions" / "1" / name)
        np.testing.assert_array_equal(np.asarray(mask), said.labels)
        assert len(np.unique(np.asarray(mask.convert("RGB")).reshape(-1, 3), axis=0)) == len(np.unique(said.labels))
    assert json.loads(json.dumps(said.as_json()))["width"] == 48
    with pytest.raises(WrongInput, match="--least-score is of boxes, and unet"):
        predict(run, [path], least_score=0.1)


def test_arrays_of_other_shapes_are_told_in_a_line(detector, segmenter):
    run = SavedRun(detector)
    height, width, channels = run.dataset.image_shape
    with pytest.raises(WrongInput, match=rf"images \[N, {height}, {width}, {channels}\], found \[1, 9, 9, 1\]"):
        run.detect(np.zeros((1, 9, 9, 1), np.float32))
    assert [len(part) for part in run.detect(np.zeros((0, height, width, channels), np.float32))] == [0, 0, 0]
    for shape in ((8, 8), (8, 8, 3), (2, 8, 8, 1), (0, 8, 1)):
        with pytest.raises(WrongInput, match=r"expected pictures \[height, width, 1\], each by itself, found one of"):
            SavedRun(segmenter).segment([np.zeros((8, 8, 1), np.float32), np.zeros(shape, np.float32)])


def test_pixels_beyond_0_to_1_are_told_in_a_line(detector, segmenter):
    boxes, classes = SavedRun(detector), SavedRun(segmenter)
    image = np.full(boxes.dataset.image_shape, 0.5, np.float32)
    told = {
        "found uint8: divide bytes by 255": (255 * image).astype(np.uint8),
        "found 0 to 200: divide": np.where(np.eye(*image.shape[:2])[..., None] == 0, np.float32(0), np.float32(200)),
        "found nan to nan": image * np.nan,
        "found -0.5 to -0.5": -image,
    }
    for words, wrong in told.items():
        with pytest.raises(WrongInput, match=f"from 0 to 1, {words}"):
            boxes.detect(wrong[None])
        with pytest.raises(WrongInput, match=f"from 0 to 1, {words}"):
            classes.segment([image, wrong])
    assert classes.segment([jnp.asarray(image)])[0].shape == image.shape[:2]


def test_the_last_fully_convolutional_net_says_the_class_of_every_pixel():
    small = PixelData(scenes=2, held_out=1, side=16)
    settings = FCNSettings(pixels=small, channels=(2, 2, 2), forms=("32s", "8s"), depth=1)
    dataset = fcn.data(settings)
    params = jax.jit(fcn.task(settings, dataset).init)(jax.random.key(0)).params
    says, net = jax.jit(fcn.segmenter(settings, dataset)), fcn.networks(settings, dataset)["8s"]
    wide = jax.random.uniform(jax.random.key(1), (16, 24, 1))
    scores = jax.jit(net.apply)(params["8s"], centred(wide[None]))
    np.testing.assert_array_equal(says(params, wide), scores[0].argmax(axis=-1))
    assert says(params, wide[:1, :9]).shape == (1, 9)


def test_the_card_of_an_exported_detector_tells_its_classes_and_anchors(detector):
    run = SavedRun(detector)
    card = model_card(run, Exported(0, 1, 1, 1, ("cpu",), "", {}))
    classes = ", ".join(f"{number} {name}" for number, name in enumerate(run.dataset.class_names))
    assert f"- **classes**: {classes}\n- **anchors**: {run.dataset.context['anchors'].tolist()}\n" in card


def test_the_memory_of_a_large_picture_is_that_of_a_tile():
    """Beside the picture and its scores: of 16 times as many pixels no more, where all at once takes 16 times."""
    few = PixelData(scenes=1, held_out=1)
    settings = UNetSettings(pixels=few, channels=(4, 8), border_weight=0.0)
    dataset = data(settings)

    def beside(make, side):
        params = jax.eval_shape(task(settings, dataset).init, jax.random.key(0)).params
        of = jax.ShapeDtypeStruct((side, side, 1), jnp.float32)
        found = jax.jit(make(settings, dataset)).lower(params, of).compile().memory_analysis()
        scores = 4 * side * side * dataset.classes
        return found.temp_size_in_bytes - 2 * scores

    assert beside(by_tiles, 1024) < 1.2 * beside(by_tiles, 256) + 2**20
    assert beside(at_once, 1024) > 8 * beside(at_once, 256)
