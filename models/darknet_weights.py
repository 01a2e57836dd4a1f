"""Darknet's files of weights, as parameters of a net whose convolutions are told in their order."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from models.yolo import YOLOv3

Variables = dict[str, dict[str, Any]]
_VERSION_OF_WIDE_COUNT = 2  # from 0.2 on the count of images seen has 64 bits


def read_yolo(path: Path, model: YOLOv3, channels: int) -> Variables:
    """The parameters and running statistics of ``model`` that a file has, which may be of other classes.

    The number of classes is told by the file's length. ``ValueError`` as ``read_darknet_weights``.
    """
    one, two, ours = (_shapes(model.clone(classes=classes), channels) for classes in (1, 2, model.classes))
    each = _size(two) - _size(one)
    more, rest = divmod(len(_floats(path)) - _size(one), each)
    theirs = ours if rest or more < 0 else _shapes(model.clone(classes=1 + more), channels)
    return read_darknet_weights(path, model.layer_names(), theirs)


def _shapes(model: YOLOv3, channels: int) -> Variables:
    side = 2 ** len(model.blocks)
    return jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, side, side, channels))))


def _size(variables: Variables) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(variables))


def read_darknet_weights(path: Path, names: Iterator[str], variables: Mapping[str, Any]) -> Variables:
    """The collections "params" and "batch_stats" of a net, of the shapes in ``variables``, from a file.

    The file has three int32 (major, minor, revision), the number of images seen as int64 (int32 before version 0.2),
    then float32: of each convolution in turn its bias, scale, running mean, running variance and kernel [out, in,
    height, width], or where nothing is normalised its bias and kernel. All numbers are little-endian. A file that ends
    with a layer before the last, as one of the trunk alone, gives the layers that it has. ``ValueError`` names how many
    floats were expected and found where these differ. Redmon 2013–2018, *Darknet*, src/parser.c.
    """
    floats, read, whole = _floats(path), {}, [_places(name, variables) for name in names]
    ends = np.cumsum([sum(size for *_, size in layer) for layer in whole])
    if len(floats) not in ends:
        raise ValueError(f"{path} has {len(floats):,} floats after its header: expected {ends[-1]:,}")
    places = [place for layer, end in zip(whole, ends, strict=True) if end <= len(floats) for place in layer]
    for collection, name, part, leaf, size in places:
        layer = variables[collection][name]
        shape = (layer[part] if part else layer)[leaf].shape
        taken, floats = floats[:size], floats[size:]
        array = taken.reshape([shape[i] for i in (3, 2, 0, 1)]).transpose(2, 3, 1, 0) if leaf == "kernel" else taken
        inner = read.setdefault(collection, {}).setdefault(name, {})
        (inner.setdefault(part, {}) if part else inner)[leaf] = np.array(array, np.float32)
    return read


def _places(name: str, variables: Mapping[str, Any]) -> list[tuple[str, str, str, str, int]]:
    """Where each array of a layer belongs, in the order of the file, and its size."""
    normalized = "bn" in variables["params"][name]
    order = [("params", "bn", "bias"), ("params", "bn", "scale")] if normalized else [("params", "", "bias")]
    order += [("batch_stats", "bn", "mean"), ("batch_stats", "bn", "variance")] if normalized else []
    order += [("params", "conv" if normalized else "", "kernel")]
    found = []
    for collection, part, leaf in order:
        layer = variables[collection][name]
        found.append((collection, name, part, leaf, int(np.prod((layer[part] if part else layer)[leaf].shape))))
    return found


def _floats(path: Path) -> Float[np.ndarray, " floats"]:
    """What follows the header."""
    content = path.read_bytes()
    if len(content) < 16:
        raise ValueError(f"{path} has {len(content)} bytes, and no header of Darknet's")
    major, minor, _ = np.frombuffer(content, "<i4", 3)
    start = 20 if 10 * major + minor >= _VERSION_OF_WIDE_COUNT else 16
    found, rest = divmod(len(content) - start, 4)
    if rest or found < 0:
        raise ValueError(f"{path} has {found:,} floats and {rest} bytes after its header: expected whole floats")
    return np.frombuffer(content, "<f4", offset=start)
