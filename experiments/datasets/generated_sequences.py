"""Sequences that are computed, not read: problems whose answer is known, and whose distance in time is a setting."""

import numpy as np

from experiments.datasets.dataset import Dataset
from experiments.datasets.generated import generated
from experiments.numerals import counted

COPIED, ALPHABET = 10, 8
"""Symbols to remember in ``copy_memory``, and of how many kinds they are."""
GO = ALPHABET + 1
"""The symbol at which the memory is asked for; 0 is nothing."""


def adding_problem(length: int, *, examples: int) -> Dataset:
    """Numbers between 0 and 1, "value" [length], of which two are "marked" [2], and their sum "target".

    Both places are drawn from all, the second another than the first: as in the code of Bai et al. 2018. Answering 1
    costs the variance of a sum of two uniform numbers, 1/6. Hochreiter & Schmidhuber 1997, experiment 4.
    """
    splits = {}
    for seed, (split, count) in enumerate(_sizes(examples).items()):
        generator = np.random.Generator(np.random.Philox(seed))
        value = generator.random((count, length), np.float32)
        first, gap = generator.integers(0, length, count), generator.integers(1, length, count)
        marked = np.stack([first, (first + gap) % length], axis=1).astype(np.int32)
        target = np.take_along_axis(value, marked, axis=1).sum(axis=1)
        splits[split] = {"value": value, "marked": marked, "target": target}
    return generated(
        "adding problem", f"{_counts(splits)} sequences of {counted(length, 'number')}, two of them marked", splits
    )


def copy_memory(delay: int, *, examples: int) -> Dataset:
    """Ten symbols, ``delay`` places later to be said again: "symbols" [delay + 20] read, and "target" of that length.

    Read are ten of the symbols 1 to 8, then zeros, and from place delay + 10 − 1 on the sign 9; to be said is 0
    everywhere, and at the last ten places the first ten symbols. Whoever remembers nothing says 0 where that is right
    and guesses otherwise, at 10 ln 8 / (delay + 20) nats a place. Hochreiter & Schmidhuber 1997; as in Arjovsky et al.
    2016 and in the code of Bai et al. 2018.
    """
    splits = {}
    for seed, (split, count) in enumerate(_sizes(examples).items()):
        generator = np.random.Generator(np.random.Philox(seed))
        remembered = generator.integers(1, ALPHABET + 1, (count, COPIED), np.uint8)
        symbols = np.zeros((count, delay + 2 * COPIED), np.uint8)
        symbols[:, :COPIED] = remembered
        symbols[:, -COPIED - 1 :] = GO
        target = np.zeros_like(symbols)
        target[:, -COPIED:] = remembered
        splits[split] = {"symbols": symbols, "target": target}
    return generated("copy memory", f"{_counts(splits)} sequences of 10 symbols and a delay of {delay}", splits)


BRACKETS = "x()"
"""The symbols of ``brackets``, by number."""
TAGS = ("none", "partner", "alone")
"""What a place of ``brackets`` can be: no bracket, one that has a partner, one that has none."""


def brackets(shortest: int, longest: int, *, examples: int) -> Dataset:
    """Letters and brackets: "symbols" [longest], "tags" of each place, and the "length"; beyond it both are 0.

    Lengths are uniform between the two, and each place is an opening bracket, a closing one, or x with equal
    probability. Whether an opening bracket has a partner is only known from what follows, of a closing one from what
    came before.
    """
    splits = {}
    for seed, (split, count) in enumerate(_sizes(examples).items()):
        generator = np.random.Generator(np.random.Philox(seed))
        length = generator.integers(shortest, longest + 1, count).astype(np.int32)
        symbols = generator.integers(0, len(BRACKETS), (count, longest), np.uint8)
        symbols[np.arange(longest) >= length[:, None]] = 0
        tags = np.stack([partners(row) for row in symbols])
        splits[split] = {"symbols": symbols, "tags": tags, "length": length}
    return generated(
        "brackets",
        f"{_counts(splits)} sequences of {shortest} to {longest} brackets and letters",
        splits,
        classes=len(TAGS),
    )


def partners(symbols: np.ndarray) -> np.ndarray:
    """The tag of each place: a closing bracket's partner is the last opening one that has none yet."""
    opened, tags = [], np.zeros(len(symbols), np.uint8)
    for place, symbol in enumerate(symbols):
        if BRACKETS[symbol] == "(":
            opened.append(place)
            tags[place] = TAGS.index("alone")
        elif BRACKETS[symbol] == ")":
            tags[place] = TAGS.index("partner" if opened else "alone")
            if opened:
                tags[opened.pop()] = TAGS.index("partner")
    return tags


def _sizes(examples: int) -> dict[str, int]:
    held_out = min(1000, max(examples // 4, 1))
    return {"train": examples, "valid": held_out, "test": held_out}


def _counts(splits: dict) -> str:
    return "/".join(f"{len(next(iter(arrays.values()))):,}" for arrays in splits.values())
