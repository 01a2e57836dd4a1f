"""The classifier of patches that comes with the package: the file, its size, and what it is worth."""

import hashlib
import re

import jax
import numpy as np
import pytest

from experiments.datasets import load
from experiments.networks.patch_classifier import classifier as module
from experiments.networks.patch_classifier.classifier import FILE, PATTERN, SHA256, patch_classifier

README = (FILE.parent / "README.md").read_text()


def test_the_file_is_the_one_that_the_readme_names():
    content = FILE.read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256
    assert SHA256 in README
    assert PATTERN in README
    assert len(content) <= 100_000
    assert f"{len(content):,} bytes" in README


def test_its_errors_are_those_that_the_readme_names():
    """But for the few patches that another JPEG decoder may tip."""
    classifier, dataset = patch_classifier(), load("patches", data_dir=None)
    for split, words in (("test", "test error"), ("valid", "validation error")):
        shown = dataset.whole(split)
        wrong = np.argmax(jax.jit(classifier.logits)(classifier.params, shown["image"]), axis=-1) != shown["label"]
        percent, count, of = re.search(rf"{words} \| ([\d.]+) % \((\d+) of (\d+)\)", README).groups()
        assert len(wrong) == int(of)
        assert abs(wrong.sum() - int(count)) <= 3
        assert float(percent) == round(100 * int(count) / int(of), 2)


def test_its_parameters_are_those_of_the_network():
    classifier = patch_classifier()
    drawn = jax.eval_shape(classifier.network.init, jax.random.key(0), np.zeros((1, 32, 32, 3), np.float32))
    assert jax.tree.map(lambda leaf: leaf.shape, classifier.params) == jax.tree.map(lambda leaf: leaf.shape, drawn)
    assert sum(leaf.size for leaf in jax.tree.leaves(classifier.params["params"])) == 20_508
    assert sum(leaf.size for leaf in jax.tree.leaves(classifier.params["batch_stats"])) == 192


def test_another_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "convnet.safetensors").write_bytes(FILE.read_bytes()[:-1] + b"\1")
    monkeypatch.setattr(module, "FILE", tmp_path / "convnet.safetensors")
    with pytest.raises(ValueError, match="not the file that came with the package"):
        patch_classifier()
