"""YOLOv3 at full size by its number of parameters, and its weights in Darknet's format there and back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.darknet_weights import read_darknet_weights, read_yolo
from models.yolo import YOLOv3

SLIM = YOLOv3(2, widths=(4, 6, 8, 10), blocks=(0, 1, 0))


def shapes(model, size=64, channels=3):
    return jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, size, size, channels))))


def count(tree):
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree))


def test_the_full_size_has_the_published_number_of_parameters_and_maps():
    """62,001,757 floats follow the header of Darknet's yolov3.weights, whose file has 248,007,048 bytes."""
    model = YOLOv3(80)
    variables = shapes(model, 416)
    assert count(variables["params"]) == 61_949_149
    assert count(variables) == 62_001_757 == (248_007_048 - 20) / 4
    assert list(model.strides) == [32, 16, 8]
    maps = jax.eval_shape(model.apply, variables, jax.ShapeDtypeStruct((2, 416, 608, 3), jnp.float32))
    assert [each.shape for each in maps] == [(2, 13, 19, 3, 85), (2, 26, 38, 3, 85), (2, 52, 76, 3, 85)]
    names = list(model.layer_names())
    assert len(names) == len(set(names)) == 75
    assert set(names) == variables["params"].keys()


def test_the_trunk_is_darknet_53():
    """He who counts it as a classifier adds the dense layer: 52 convolutions and one."""
    names = list(YOLOv3(80).layer_names())
    assert len([name for name in names if not name.startswith("scale")]) == 52


def written(model, variables, header):
    """A file as Darknet writes it: layer by layer, in the order of the configuration."""
    parts = []
    for name in model.layer_names():
        layer = variables["params"][name]
        if "bn" in layer:
            statistics = variables["batch_stats"][name]["bn"]
            parts += [layer["bn"]["bias"], layer["bn"]["scale"], statistics["mean"], statistics["variance"]]
            kernel = layer["conv"]["kernel"]
        else:
            parts.append(layer["bias"])
            kernel = layer["kernel"]
        parts.append(np.moveaxis(np.asarray(kernel), (3, 2), (0, 1)))
    return header + b"".join(np.asarray(part, "<f4").tobytes() for part in parts)


WIDE = np.array([0, 2, 0], "<i4").tobytes() + np.array([32_013_312], "<i8").tobytes()
NARROW = np.array([0, 1, 0], "<i4").tobytes() + np.array([32_013_312], "<i4").tobytes()


@pytest.fixture(scope="module")
def variables():
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes(SLIM))


@pytest.mark.parametrize("header", [WIDE, NARROW], ids=["0.2", "0.1"])
def test_weights_come_back_from_darknets_format(variables, header, tmp_path):
    path = tmp_path / "slim.weights"
    path.write_bytes(written(SLIM, variables, header))
    read = read_darknet_weights(path, SLIM.layer_names(), variables)
    jax.tree.map(np.testing.assert_array_equal, read, dict(variables))


def test_files_of_another_length_are_refused_by_number(variables, tmp_path):
    path, content = tmp_path / "slim.weights", written(SLIM, variables, WIDE)
    floats = count(variables)
    for found, more in ((floats - 1, -4), (floats + 2, 8)):
        path.write_bytes(content[:more] if more < 0 else content + bytes(more))
        with pytest.raises(ValueError, match=f"has {found:,} floats after its header: expected {floats:,}$"):
            read_darknet_weights(path, SLIM.layer_names(), variables)
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match=f"{floats - 1:,} floats and 3 bytes after .* expected whole floats"):
        read_darknet_weights(path, SLIM.layer_names(), variables)
    path.write_bytes(b"1234567")
    with pytest.raises(ValueError, match="has 7 bytes, and no header"):
        read_darknet_weights(path, SLIM.layer_names(), variables)


@pytest.mark.parametrize("classes", [2, 5])
def test_weights_of_other_classes_are_told_by_the_files_length(variables, classes, tmp_path):
    path = tmp_path / "slim.weights"
    path.write_bytes(written(SLIM, variables, WIDE))
    read = read_yolo(path, SLIM.clone(classes=classes), 3)
    jax.tree.map(np.testing.assert_array_equal, read, dict(variables))


def test_a_file_of_the_trunk_gives_the_trunk(variables, tmp_path):
    class Trunk(YOLOv3):
        def layer_names(self):
            return (name for name in super().layer_names() if not name.startswith("scale"))

    path = tmp_path / "trunk.weights"
    path.write_bytes(written(Trunk(2, SLIM.widths, SLIM.blocks), variables, WIDE))
    read = read_yolo(path, SLIM, 3)
    names = [name for name in SLIM.layer_names() if not name.startswith("scale")]
    assert list(read["params"]) == names
    for name in names:
        jax.tree.map(np.testing.assert_array_equal, read["params"][name], variables["params"][name])


def test_every_map_sees_what_lies_in_its_cell():
    """Its anchors' first objectness is the prior, whatever the image."""
    model = YOLOv3(2, widths=(4, 4, 4, 4), blocks=(0, 0, 0), prior=0.01)
    images = jnp.asarray(np.random.default_rng(0).random((2, 32, 32, 1)), jnp.float32)
    maps = model.apply(model.init(jax.random.key(0), images), images)
    for said, side in zip(maps, (4, 8, 16), strict=True):
        assert said.shape == (2, side, side, 3, 7)
        np.testing.assert_allclose(jax.nn.sigmoid(said[..., 4]), 0.01, atol=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("size", [416, 608])
def test_the_full_size_runs(size):
    model = YOLOv3(80)
    images = jnp.zeros((1, size, size, 3))
    variables = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    maps = jax.jit(model.apply)(variables, images)
    assert [each.shape[1] for each in maps] == [size // 32, size // 16, size // 8]
    assert all(np.isfinite(each).all() for each in maps)
