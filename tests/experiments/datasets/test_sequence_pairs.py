"""Pairs are what they say: every date is read back by the standard library, every reverse reversed, every sum added."""

from datetime import date, datetime

import numpy as np
import pytest

from experiments.datasets.sequence_pairs import FORMATS, MONTHS, WEEKDAYS, dates, drawn_sums, reversals, unique_sums

PATTERNS = ("%d %B %Y", "%B %d, %Y", "%B %d %Y", "%A, %d %B %Y", "%a %b %d %Y", "%d %b %Y", "%d.%m.%Y", "%m/%d/%Y")


def texts(dataset, split, key):
    return ["".join(dataset.symbols[number] for number in row) for row in dataset.splits[split][key]]


def test_every_format_means_its_day():
    """The names are those of the C locale, which ``strptime`` reads in any case."""
    assert len(PATTERNS) == len(FORMATS)
    for day in (date(1900, 1, 1), date(1987, 9, 30), date(2000, 2, 29), date(2099, 12, 31)):
        for write, pattern in zip(FORMATS, PATTERNS, strict=True):
            assert datetime.strptime(write(day), pattern).date() == day
    assert datetime(2024, 9, 4).strftime("%A %B") == f"{WEEKDAYS[2]} {MONTHS[8]}"


def test_no_two_formats_look_alike():
    """Of a day that two orders of day and month would both allow, so that no source has two meanings."""
    written = {}
    for day in (date(1999, m, d) for m in range(1, 13) for d in range(1, 13)):
        for write in FORMATS:
            assert written.setdefault(write(day), day) == day


def test_days_are_split_without_overlap():
    dataset = dates(train=300, held_out=50)
    days = {split: texts(dataset, split, "target") for split in ("train", "valid", "test")}
    assert [len(found) for found in days.values()] == [300, 50, 50]
    assert len(set().union(*days.values())) == 400
    for source, target in zip(texts(dataset, "test", "source"), days["test"], strict=True):
        readings = []
        for pattern in PATTERNS:
            try:
                readings.append(datetime.strptime(source, pattern).date().isoformat())
            except ValueError:
                continue
        assert target in readings
    assert dataset.fingerprint == dates(train=300, held_out=50).fingerprint


def test_reversed_twice_is_itself():
    dataset = reversals(length=5, symbols=4, train=40, held_out=8)
    for split in ("train", "valid", "test"):
        pairs = dataset.splits[split]
        np.testing.assert_array_equal(pairs["source"][:, ::-1], pairs["target"])
    assert dataset.symbols == ("", "0", "1", "2", "3")
    assert np.bincount(dataset.splits["train"]["source"].ravel(), minlength=5)[1:].min() == pytest.approx(50, abs=25)


def added(dataset, backwards):
    """The pairs of numbers of each split, having seen that their sums are right."""
    found = {}
    for split in ("train", "valid", "test"):
        sources = [source[:: -1 if backwards else 1] for source in texts(dataset, split, "source")]
        found[split] = [tuple(map(int, source.split("+"))) for source in sources]
        assert [str(sum(pair)) for pair in found[split]] == texts(dataset, split, "target")
    return found


def test_no_sum_is_asked_twice_in_either_order():
    pairs = added(unique_sums(digits=2, questions=5000), backwards=True)
    assert [len(found) for found in pairs.values()] == [4500, 250, 250]
    assert len({tuple(sorted(pair)) for found in pairs.values() for pair in found}) == 5000
    shares = [np.mean([min(pair) < 10 for pair in pairs[split]]) for split in ("train", "test")]
    assert shares[0] == pytest.approx(0.19, abs=0.01)  # of all 5,050 questions 955
    assert shares[1] == pytest.approx(0.19, abs=0.07)
    with pytest.raises(ValueError, match=r"5,051 questions of 2 digits: there are 5,050"):
        unique_sums(digits=2, questions=5051)


def test_drawn_sums_have_their_smaller_number_first():
    pairs = added(drawn_sums(train=3000, held_out=100), backwards=False)
    numbers = np.array(pairs["train"])
    assert (numbers[:, 0] <= numbers[:, 1]).all()
    assert numbers[:, 0].max() < 100 < 900 < numbers[:, 1].max() < 1000
