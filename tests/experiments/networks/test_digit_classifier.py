"""The classifier that comes with the package: the file, its size, and what it is worth on images it has not seen."""

import hashlib
import re
from pathlib import Path

import jax
import numpy as np
import pytest
from whole_runs import smoke_run

from experiments.datasets.settings import GreyImageData
from experiments.errors import WrongInput
from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.networks.digit_classifier import classifier as module
from experiments.networks.digit_classifier.classifier import FILE, SHA256, digit_classifier

README = (FILE.parent / "README.md").read_text()


@pytest.fixture(scope="module")
def digits():
    return GreyImageData().load()


def test_the_file_is_the_one_that_the_readme_names():
    content = FILE.read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256
    assert SHA256 in README
    assert len(content) <= 100_000
    assert f"{len(content):,} bytes" in README


def test_its_errors_are_those_that_the_readme_names(digits):
    classifier = digit_classifier()
    for split, words in (("test", "test error"), ("valid", "validation error")):
        shown = digits.head(split, 10_000)
        wrong = np.argmax(jax.jit(classifier.logits)(classifier.params, shown["image"]), axis=-1) != shown["label"]
        percent, count, of = re.search(rf"{words} \| ([\d.]+) % \((\d+) of (\d+)\)", README).groups()
        assert (wrong.sum(), len(wrong)) == (int(count), int(of))
        assert float(percent) == 100 * wrong.mean()
        assert wrong.mean() <= 0.02


def test_its_parameters_are_those_of_the_network():
    classifier = digit_classifier()
    drawn = jax.eval_shape(classifier.network.init, jax.random.key(0), np.zeros((1, 8, 8, 1), np.float32))
    assert jax.tree.map(lambda leaf: leaf.shape, classifier.params) == jax.tree.map(lambda leaf: leaf.shape, drawn)
    assert sum(leaf.size for leaf in jax.tree.leaves(classifier.params)) == 19_850


def test_another_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "lenet.safetensors").write_bytes(FILE.read_bytes()[:-1] + b"\1")
    monkeypatch.setattr(module, "FILE", tmp_path / "lenet.safetensors")
    with pytest.raises(ValueError, match="not the file that came with the package"):
        digit_classifier()


def test_a_run_is_taken_in_its_place_and_must_fit_the_images(digits, tmp_path, undrawn):
    workdir = smoke_run("mlp", tmp_path / "run", widths=(4,))
    chosen = ClassifierChoice(classifier=workdir).load(digits)
    image = digits.head("test", 2)["image"]
    assert chosen.logits(chosen.params, jax.device_put(image)).shape == (2, 10)
    assert ClassifierChoice().load(digits).params.keys() == {"params"}
    half = digits._replace(classes=5)
    with pytest.raises(WrongInput, match="comes with the package takes images of 8×8×1 in 10 classes, and digits has "):
        ClassifierChoice().load(half)
    with pytest.raises(WrongInput, match="in 10 classes, and digits has images of 8×8×1 in 5 classes"):
        ClassifierChoice(classifier=workdir).load(half)
    with pytest.raises(WrongInput, match="holds no run"):
        ClassifierChoice(classifier=Path(tmp_path)).load(digits)
