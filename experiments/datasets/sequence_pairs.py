"""Generated pairs of sequences, of which one is to be made of the other: dates in words, symbols reversed, sums.

Examples are "source" and "target", numbers of symbols padded at their end with 0, which stands for no symbol: text is
``"".join(symbols[number] for number in …)``.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np

from experiments.datasets.dataset import SPLITS, Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.sources import Examples
from experiments.numerals import counted

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


def unique_sums(digits: int = 3, questions: int = 50_000) -> Dataset:
    """Sums of two numbers, "12+345 " from its end to its beginning and "357": no two numbers are added twice.

    A number has 1 to ``digits`` digits, as many of one length as of another; leading zeros are drawn, but not written.
    Spaces fill a question up to the longest, and are read first. Nine tenths of the questions are trained on, as in
    Merity et al. 2015; the rest is halved. ``ValueError`` where there are not so many, in either order of the numbers.
    """
    numbers = 10**digits
    if questions > (possible := numbers * (numbers + 1) // 2):
        raise ValueError(
            f"{questions:,} questions of {counted(digits, 'digit')}: there are {possible:,}; ask for fewer"
        )
    generator, asked = np.random.Generator(np.random.Philox(0)), {}
    while len(asked) < questions:
        lengths = generator.integers(1, digits + 1, size=(questions, 2))
        for first, second in (generator.integers(numbers, size=(questions, 2)) % 10**lengths).tolist():
            asked.setdefault((min(first, second), max(first, second)), (first, second))
    pairs = list(asked.values())[:questions]
    generator.shuffle(pairs)  # short questions are found first
    held_out = questions // 20
    sizes = (questions - 2 * held_out, held_out, held_out)
    protocol = f"sums of numbers of up to {counted(digits, 'digit')}, {'/'.join(map(str, sizes))} different questions"
    sources = [f"{first}+{second}".ljust(2 * digits + 1)[::-1] for first, second in pairs]
    return sequence_pairs("unique sums", protocol, sources, [str(first + second) for first, second in pairs], sizes)


def drawn_sums(train: int = 230_400, held_out: int = 2_000) -> Dataset:
    """Sums of a number below 100 and one below 1,000, the smaller first, drawn with replacement: "14+381" and "395".

    As in the example of Flax, of whose 1,800 steps of 128 these are the examples. Most held-out questions are therefore
    among the trained ones, as they are there.
    """
    generator, sizes = np.random.Generator(np.random.Philox(0)), (train, held_out, held_out)
    drawn = np.sort(generator.integers((100, 1000), size=(sum(sizes), 2)), axis=1).tolist()
    protocol = f"sums of a number below 100 and one below 1000, {'/'.join(map(str, sizes))} drawn with replacement"
    sources = [f"{first}+{second}" for first, second in drawn]
    return sequence_pairs("drawn sums", protocol, sources, [str(first + second) for first, second in drawn], sizes)


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
