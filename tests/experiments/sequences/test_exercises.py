"""Sums are added, sequences reversed, analogies found, and images named by attention."""

import numpy as np
import pytest
from trained import metrics_of_run

from experiments.datasets.planted_words import RELATIONS, planted_words
from experiments.datasets.sequence_pairs import sequence_pairs
from experiments.sequences.addition.experiment import carries


def test_carries_are_counted_as_on_paper():
    questions, counts = ["1+2", "9+1", "99+1", "55+66", "500+500"], [0, 1, 2, 2, 1]
    sums = [str(sum(map(int, question.split("+")))) for question in questions]
    backwards = [question[::-1] for question in questions]
    for sources in (questions, backwards):
        dataset = sequence_pairs("sums", "", sources, sums, (3, 1, 1))
        whole = {key: np.concatenate([dataset.splits[s][key] for s in dataset.splits]) for key in ("source", "target")}
        np.testing.assert_array_equal(carries(dataset, whole), counts)


def test_a_words_neighbours_are_of_its_pair_its_form_or_anything():
    dataset = planted_words(400)
    pairs, words = dataset.splits["train"], np.array(dataset.symbols)
    king = words[pairs["neighbour"][words[pairs["word"]] == "king"]]
    assert {"throne", "he"} <= set(king)
    assert not {"she", "nile", "stage"} & set(king)
    questions = words[dataset.context["questions"]]
    assert len(questions) == sum(2 * len(r.pairs) * (len(r.pairs) - 1) for r in RELATIONS)
    assert ["man", "woman", "king", "queen"] in questions.tolist()


@pytest.mark.slow
def test_unseen_sums_are_added(numbers_alone, tmp_path):
    fields = dict(digits=2, questions=5000, units=64, learning_rate=1e-2)
    assert metrics_of_run("addition", tmp_path, steps=2500, **fields)["exact_match"] > 80


@pytest.mark.slow
def test_sequences_are_reversed(numbers_alone, tmp_path):
    assert metrics_of_run("reversal", tmp_path, steps=1000)["exact_match"] > 99


@pytest.mark.slow
def test_planted_analogies_are_found(numbers_alone, tmp_path):
    found = metrics_of_run("word_vectors", tmp_path, steps=1500)
    assert found["skip_gram/analogies"] > 95
    assert found["counting/analogies"] > 95


@pytest.mark.slow
def test_digits_are_named_by_their_patches(numbers_alone, tmp_path):
    assert metrics_of_run("image_transformer", tmp_path, steps=800)["error"] < 8
