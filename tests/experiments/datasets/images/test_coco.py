"""Folders in COCO's format, written here: what is read is what was written, and what is wrong is named."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.datasets import DataError
from experiments.datasets.images.coco import load_coco
from experiments.datasets.images.fitting import fit

CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}]


def write(folder: Path, count: int = 10, *, size=(16, 8), file="instances.json", pictures="images", **changes):
    """``count`` pictures, of which number i has i % 3 objects; returns the JSON's content."""
    generator = np.random.default_rng(0)
    (folder / pictures).mkdir(parents=True, exist_ok=True)
    content = {"images": [], "annotations": [], "categories": CATEGORIES}
    for i in range(count):
        pixels = generator.integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(folder / pictures / f"{i}.png")
        content["images"].append({"id": 100 + i, "file_name": f"{i}.png", "width": size[0], "height": size[1]})
        for j in range(i % 3):
            box = {"id": 10 * i + j, "image_id": 100 + i, "category_id": 7 - 4 * j, "bbox": [1 + j, 2, 3, 4.5]}
            content["annotations"].append(box | {"iscrowd": j, "area": 13.5})
    content |= changes
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(json.dumps(content))
    return content


def load(folder: Path, **options):
    return load_coco(folder, **({"side": 16, "channels": 3} | options))


def everything(dataset, name: str) -> np.ndarray:
    return np.concatenate([dataset.splits[split][name] for split in ("train", "valid", "test")])


def test_what_is_read_is_what_was_written(tmp_path):
    """The picture lies in the middle of its square: 4 rows of grey above it and below."""
    write(tmp_path)
    dataset = load(tmp_path)
    assert (dataset.class_names, dataset.classes, dataset.image_shape) == (("dog", "cat"), 2, (16, 16, 3))
    assert "10/80" not in dataset.protocol
    assert "8/1/1, split 80/10/10 by a fixed permutation, 9 objects of 2 classes, fitted into 16×16" in dataset.protocol
    order = np.random.Generator(np.random.Philox(0)).permutation(10)
    for place, number in enumerate(order):
        image, box, label, crowd = (everything(dataset, name)[place] for name in ("image", "box", "label", "crowd"))
        pixels = np.asarray(Image.open(tmp_path / "images" / f"{number}.png"))
        np.testing.assert_array_equal(image[4:12], pixels.astype(np.float32) / np.float32(255))
        np.testing.assert_array_equal(image[[0, 3, 12, 15]], np.float32(128 / 255))
        found = number % 3
        np.testing.assert_array_equal(box[:found], np.array([[1, 6, 4, 10.5], [2, 6, 5, 10.5]])[:found])
        assert label.tolist() == [1, 0][:found] + [-1] * (2 - found)
        assert crowd.tolist() == [False, found == 2]
        assert not box[found:].any()


def test_names_of_classes_are_one_line_and_never_empty(tmp_path):
    write(tmp_path, categories=[{"id": 7, "name": " traffic\n light"}, {"id": 3, "name": ""}, {"id": 9}])
    assert load(tmp_path).class_names == ("3", "traffic light", "9")


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_several_sizes_are_fitted_with_their_boxes(tmp_path, channels):
    """A white rectangle on black: what is bright in the square is what the box goes around."""
    content = {"images": [], "annotations": [], "categories": CATEGORIES}
    for i, (width, height) in enumerate([(96, 64), (64, 96), (128, 128), (64, 64), (200, 80)] * 2):
        pixels = np.zeros((height, width), np.uint8)
        pixels[16:48, 8:56] = 255
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        content["images"].append({"id": i, "file_name": f"{i}.png", "width": width, "height": height})
        content["annotations"].append({"id": i, "image_id": i, "category_id": 3, "bbox": [8, 16, 48, 32]})
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    dataset = load(tmp_path, side=64, channels=channels)
    for image, box in zip(everything(dataset, "image"), everything(dataset, "box"), strict=True):
        rows, columns = np.nonzero(image[..., 0] > 0.51)  # more than the grey around
        bright = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        np.testing.assert_allclose(bright, box[0], atol=0.6)


@pytest.mark.parametrize(("width", "height", "side"), [(640, 480, 416), (3, 1000, 64), (64, 64, 64), (5, 7, 32)])
def test_boxes_go_there_and_back(width, height, side):
    place = fit(width, height, side)
    boxes = np.array([[0, 0, width, height], [width / 4, height / 3, width / 2, height / 2]])
    inside = place.into(boxes)
    assert inside.min() >= 0
    assert inside.max() <= side
    np.testing.assert_allclose(place.back(inside), boxes, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(place.back(np.array([-5.0, -5, 2000, 2000])), [0, 0, width, height])


def test_splits_of_cocos_own_names(tmp_path):
    """Its folder also has captions; the test's labels are not published, so that validation is the test."""
    write(tmp_path, 12, file="annotations/instances_train2017.json", pictures="train2017")
    write(tmp_path, 3, file="annotations/instances_val2017.json", pictures="val2017")
    (tmp_path / "annotations" / "captions_val2017.json").write_text("{}")
    dataset = load(tmp_path)
    assert [len(dataset.splits[split]["image"]) for split in ("train", "valid", "test")] == [10, 2, 3]
    assert "a sixth of train held out" in dataset.protocol


def test_three_files_are_three_splits(tmp_path):
    for split, count in (("train", 4), ("valid", 2), ("test", 3)):
        write(tmp_path, count, file=f"{split}/_annotations.coco.json", pictures=split)
    assert [len(load(tmp_path).splits[split]["image"]) for split in ("train", "valid", "test")] == [4, 2, 3]


ANNOTATION = {"id": 41, "image_id": 100, "category_id": 3, "bbox": [0, 0, 4, 4]}
IMAGE = {"id": 100, "file_name": "0.png", "width": 16, "height": 8}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"annotations": [ANNOTATION | {"bbox": [1, 1, 0, 4]}]}, r"annotation 41: the box \[1, 1, 0, 4\] has no area"),
        ({"annotations": [ANNOTATION | {"bbox": [1, 1, 4, -2]}]}, "annotation 41: .* has no area"),
        (
            {"annotations": [ANNOTATION | {"bbox": [1, 1, 1e-15, 4]}]},
            "annotation 41: .* has no area: a side below 0.01",
        ),
        ({"annotations": [ANNOTATION | {"bbox": [10, 1, 7, 4]}]}, "annotation 41: .* beyond its image of 16×8"),
        ({"annotations": [ANNOTATION | {"bbox": [-1, 1, 7, 4]}]}, "annotation 41: .* beyond its image of 16×8"),
        (
            {"annotations": [ANNOTATION | {"bbox": [16 - 1e-7, 1, 0.4, 4]}]},
            "annotation 41: .* beyond its image of 16×8",
        ),
        ({"annotations": [ANNOTATION | {"iscrowd": "0"}]}, "annotation 41: expected 0 or 1 as 'iscrowd', found '0'"),
        ({"categories": [*CATEGORIES, {"id": 9, "name": "cat"}]}, "two categories have one name: cat, cat, dog"),
        ({"annotations": [ANNOTATION | {"bbox": [1, 1, 7]}]}, "annotation 41: expected 'bbox'"),
        ({"annotations": [ANNOTATION | {"bbox": [1, 1, float("nan"), 2]}]}, "annotation 41: expected 'bbox'"),
        ({"annotations": [ANNOTATION | {"category_id": 5}]}, "annotation 41: category 5 is unknown; .* 7 cat, 3 dog"),
        ({"annotations": [ANNOTATION | {"image_id": 5}]}, "annotation 41: image 5 is not among the 10"),
        ({"images": [IMAGE | {"file_name": "none.png"}], "annotations": []}, "image 100: there is no none.png"),
        ({"images": [IMAGE | {"file_name": "../0.png"}], "annotations": []}, "image 100: .* outside"),
        ({"images": [IMAGE | {"file_name": "/etc/0.png"}], "annotations": []}, "image 100: .* outside"),
        ({"images": [IMAGE | {"width": 17}] * 1, "annotations": []}, "0.png: the picture is of 16×8, .* says 17×8"),
        ({"annotations": [ANNOTATION | {"bbox": [-0.4, 1, 0.3, 4]}]}, "annotation 41: .* beyond its image of 16×8"),
        ({"annotations": [ANNOTATION | {"bbox": [2, 8.2, 3, 0.2]}]}, "annotation 41: .* beyond its image of 16×8"),
        ({"annotations": [ANNOTATION | {"bbox": [1, 1, 10**400, 2]}]}, "annotation 41: expected 'bbox'"),
        ({"annotations": [ANNOTATION | {"image_id": [100]}]}, r"whole number under 'image_id', found \[100\]"),
        ({"annotations": [ANNOTATION | {"category_id": {}}]}, "whole number under 'category_id', found {}"),
        ({"images": [IMAGE, IMAGE], "annotations": []}, "two entries have the id 100: .*0.png"),
        ({"categories": [*CATEGORIES, {"id": 3, "name": "cow"}]}, "two entries have the id 3: .*dog.*cow"),
        ({"images": [IMAGE | {"id": "a"}], "annotations": []}, "whole number under 'id', found 'a'"),
        ({"images": [], "annotations": []}, "expected images, found none"),
        ({"categories": {}}, "a list of objects under 'categories'"),
        ({"categories": [], "annotations": []}, "expected categories, found none"),
        ({"annotations": [3]}, "a list of objects under 'annotations'"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path, wrong, message):
    write(tmp_path, **wrong)
    with pytest.raises(DataError, match=message) as raised:
        load(tmp_path)
    assert str(tmp_path) in str(raised.value)


def test_boxes_that_rounding_let_out_are_cut(tmp_path):
    write(tmp_path, annotations=[ANNOTATION | {"bbox": [12, 3, 4.4, 5.4]}])
    boxes = everything(load(tmp_path), "box").reshape(-1, 4)
    np.testing.assert_array_equal(boxes[boxes.any(axis=1)], [[12, 7, 16, 12]])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "expected a .json file"),
        ({"a.json": "[", "images/x": ""}, "cannot be read as JSON"),
        ({"a.json": "{}", "b.json": "{}"}, "one .json file, or one each .* found a.json, b.json"),
        ({"val.json": "{}", "test.json": "{}"}, "expected a .json file for train beside that for test and valid"),
    ],
)
def test_folders_without_one_meaning_are_refused(tmp_path, files, message):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        load(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        load(tmp_path / "other")
