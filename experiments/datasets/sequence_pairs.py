"""Generated pairs of sequences, of which one is to be made of the other: dates in words, and symbols reversed.

Examples are "source" and "target", numbers of symbols padded at their end with 0, which stands for no symbol: text is
``"".join(symbols[number] for number in …)``.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np

from experiments.datasets.dataset import SPLITS, Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.sources import Examples

PADDING = ""
"""The symbol of number 0."""
FIRST_DAY, DAYS = date(1900, 1, 1), 73_049
"""Two centuries, to the end of 2099."""
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FORMATS: tuple[Callable[[date], str], ...] = (
    lambda day: f"{day.day} {MONTHS[day.month - 1]} {day.year}",
    lambda day: f"{MONTHS[day.month - 1]} {day.day}, {day.year}",
    lambda day: f"{MONTHS[day.month - 1].upper()} {day.day} {day.year}",
    lambda day: f"{WEEKDAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1]} {day.year}",
    lambda day: f"{WEEKDAYS[day.weekday()][:3]} {MONTHS[day.month - 1][:3]} {day.day} {day.year}",
    lambda day: f"{day.day} {MONTHS[day.month - 1][:3].lower()} {day.year}",
    lambda day: f"{day.day}.{day.month}.{day.year}",
    lambda day: f"{day.month}/{day.day}/{day.year}",
)
"""How people write a day; each can be told from the others, and so has one meaning."""


def dates(train: int = 20_000, held_out: int = 1_000) -> Dataset:
    """Days between 1900 and 2099 as people write them, and as ISO 8601 has them: "Mon Mar 3 1986" → "1986-03-03".

    No day occurs twice, so none of a held-out split was trained on; its format is drawn.
    """
    generator = np.random.Generator(np.random.Philox(0))
    days = [FIRST_DAY + timedelta(int(number)) for number in generator.permutation(DAYS)[: train + 2 * held_out]]
    formats = generator.integers(len(FORMATS), size=len(days))
    sources = [FORMATS[which](day) for which, day in zip(formats, days, strict=True)]
    sizes = (train, held_out, held_out)
    protocol = f"dates in {len(FORMATS)} formats, {'/'.join(map(str, sizes))} different days of 1900 to 2099"
    return sequence_pairs("dates", protocol, sources, [day.isoformat() for day in days], sizes)


def reversals(length: int = 16, symbols: int = 10, train: int = 50_000, held_out: int = 1_000) -> Dataset:
    """Sequences of uniformly drawn digits and letters, and the same from their end to their beginning.

    Sixteen of ten symbols, 50,000 for training, is the task of Lippe 2022, "Sequence to sequence".
    """
    alphabet = np.array(list("0123456789abcdefghijklmnopqrstuvwxyz"[:symbols]))
    drawn = np.random.Generator(np.random.Philox(0)).integers(symbols, size=(train + 2 * held_out, length))
    sources = ["".join(row) for row in alphabet[drawn]]
    sizes = (train, held_out, held_out)
    protocol = f"{length} of {symbols} symbols and their reverse, {'/'.join(map(str, sizes))}"
    return sequence_pairs("reversals", protocol, sources, [source[::-1] for source in sources], sizes)


def sequence_pairs(
    name: str, protocol: str, sources: Sequence[str], targets: Sequence[str], sizes: Sequence[int]
) -> Dataset:
    """The data set of these pairs, in their order, over one alphabet."""
    symbols = (PADDING, *sorted(set("".join(sources) + "".join(targets))))
    whole = {"source": padded(sources, symbols), "target": padded(targets, symbols)}
    ends = np.cumsum(sizes)
    splits: dict[str, Examples] = {
        split: {key: array[end - size : end] for key, array in whole.items()}
        for split, size, end in zip(SPLITS, sizes, ends, strict=True)
    }
    return Dataset(name, protocol, fingerprint(splits), splits, symbols=symbols)


def padded(texts: Sequence[str], symbols: Sequence[str]) -> np.ndarray:
    """The numbers of the texts' characters [texts, longest], uint8; 0 after their end."""
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    table = np.zeros((len(texts), max(map(len, texts))), np.uint8)
    for row, text in zip(table, texts, strict=True):
        row[: len(text)] = [numbers[character] for character in text]
    return table
