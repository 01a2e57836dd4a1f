"""A corpus of which it is known what its words have to do with each other: sentences about pairs of related words.

A sentence is one word, and beside it words that go with what it is ("throne" beside king and queen), words that go with
its form ("she" beside queen and aunt), and words that go with everything. As the neighbours of a word are drawn from
these three kinds independently of each other, the pointwise mutual information of a word and a neighbour is a sum of
what the word is and of its form: king − man + woman is queen, exactly, in a corpus without end.
"""

from itertools import permutations
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from experiments.datasets.dataset import SPLITS, Dataset
from experiments.datasets.hashing import fingerprint
from experiments.numerals import counted


class Relation(NamedTuple):
    """Pairs of words in two forms, and the words that each pair and each form is found beside."""

    name: str
    pairs: dict[tuple[str, str], str]
    """beside both words of a pair"""
    forms: tuple[str, str]
    """beside the first words of all pairs, and beside the second"""


RELATIONS = (
    Relation(
        "gender",
        {
            ("man", "woman"): "adult person grown",
            ("king", "queen"): "throne crown palace",
            ("prince", "princess"): "heir castle ball",
            ("father", "mother"): "children parent home",
            ("uncle", "aunt"): "nephew cousins visit",
            ("actor", "actress"): "stage film role",
            ("waiter", "waitress"): "menu table tip",
            ("host", "hostess"): "guests dinner welcome",
        },
        ("he him his beard", "she her hers dress"),
    ),
    Relation(
        "capital",
        {
            ("france", "paris"): "baguette seine louvre",
            ("italy", "rome"): "pasta tiber forum",
            ("spain", "madrid"): "paella prado siesta",
            ("japan", "tokyo"): "sushi sakura kimono",
            ("egypt", "cairo"): "nile pyramid pharaoh",
            ("peru", "lima"): "llama andes ceviche",
            ("norway", "oslo"): "fjord skiing salmon",
            ("kenya", "nairobi"): "safari savanna lion",
        },
        ("border nation flag army", "mayor streets metro airport"),
    ),
    Relation(
        "tense",
        {
            ("walk", "walked"): "feet road slowly",
            ("sing", "sang"): "song voice choir",
            ("write", "wrote"): "letter pen novel",
            ("eat", "ate"): "bread lunch hungry",
            ("swim", "swam"): "water pool lake",
            ("drive", "drove"): "car fast wheel",
            ("build", "built"): "bricks wall house",
            ("teach", "taught"): "school pupils lesson",
        },
        ("now today usually often", "yesterday ago once last"),
    ),
)
ANYWHERE = "the and of a with to in was that"
OF_PAIR, OF_FORM, OF_ANYTHING = 2, 2, 2
"""Words of each kind in a sentence, drawn from their kind with replacement."""


def planted_words(sentences: int) -> Dataset:
    """Pairs of a "word" and a "neighbour" in the same sentence, numbers in the vocabulary, which is `symbols`.

    Nine tenths of the sentences are for training; of each sentence there is every ordered pair of two places. The
    context is ``questions`` [questions, 4]: a is to b as c is to d, for all pairs of one relation, either way.
    """
    vocabulary = _vocabulary()
    sizes = dict(zip(SPLITS, (sentences - 2 * (sentences // 20), *2 * (sentences // 20,)), strict=True))
    splits = {}
    for seed, (split, count) in enumerate(sizes.items()):
        texts = _sentences(np.random.Generator(np.random.Philox(seed)), count, vocabulary)
        places = np.array(list(permutations(range(texts.shape[1]), 2)))
        word, neighbour = texts[:, places].reshape(-1, 2).T
        splits[split] = {"word": word.astype(np.int32), "neighbour": neighbour.astype(np.int32)}
    context = {"questions": _questions(vocabulary)}
    counts = "/".join(map(str, sizes.values()))
    protocol = (
        f"{counts} sentences of {counted(texts.shape[1], 'word')}, {counted(len(vocabulary), 'different word')}, "
        f"{counted(len(context['questions']), 'question')}"
    )
    return Dataset(
        "planted words",
        protocol,
        fingerprint(splits, context),
        splits,
        symbols=tuple(vocabulary),
        context=context,
    )


def related_words() -> tuple[str, ...]:
    """The words of all pairs, each pair's two after one another."""
    return tuple(word for relation in RELATIONS for pair in relation.pairs for word in pair)


def _vocabulary() -> dict[str, int]:
    """The number of each word; related ones come first."""
    kinds = [kind for relation in RELATIONS for kind in (*relation.pairs.values(), *relation.forms)]
    beside = " ".join(kinds).split()
    words = dict.fromkeys([*related_words(), *beside, *ANYWHERE.split()])
    return {word: number for number, word in enumerate(words)}


def _sentences(
    generator: np.random.Generator, count: int, vocabulary: dict[str, int]
) -> Int[np.ndarray, "count words"]:
    """Each about one related word, with its neighbours in any order."""
    subjects = [
        (pair[form], of_pair, relation.forms[form], ANYWHERE)
        for relation in RELATIONS
        for pair, of_pair in relation.pairs.items()
        for form in range(2)
    ]
    which = generator.integers(len(subjects), size=count)

    def drawn(kind: int, number: int) -> Int[np.ndarray, "count number"]:
        candidates = np.array([[vocabulary[word] for word in subject[kind].split()] for subject in subjects])[which]
        return np.take_along_axis(candidates, generator.integers(candidates.shape[1], size=(count, number)), axis=1)

    parts = [drawn(kind, number) for kind, number in enumerate((1, OF_PAIR, OF_FORM, OF_ANYTHING))]
    return generator.permuted(np.concatenate(parts, axis=1), axis=1)


def _questions(vocabulary: dict[str, int]) -> Int[np.ndarray, "questions 4"]:
    """Every two pairs of a relation, from the first form to the second and back."""
    found = [
        [vocabulary[word] for word in (*one[::way], *other[::way])]
        for relation in RELATIONS
        for one, other in permutations(relation.pairs, 2)
        for way in (1, -1)
    ]
    return np.array(found, np.int32)
