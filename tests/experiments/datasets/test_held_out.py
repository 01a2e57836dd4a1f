"""Examples go from one split to the other, and none is lost."""

import numpy as np
import pytest

from experiments.datasets import DataError, load
from experiments.datasets.held_out import with_held_out

DIGITS = load("digits", data_dir=None)


@pytest.mark.parametrize("count", [100, 250, 400])
def test_all_stay_in_their_order(count):
    found = with_held_out(DIGITS, count)
    assert [len(found.splits[split]["label"]) for split in ("train", "valid", "test")] == [1547 - count, count, 250]
    for name in ("image", "label"):
        before, after = (
            np.concatenate([dataset.splits[split][name] for split in ("train", "valid")]) for dataset in (DIGITS, found)
        )
        np.testing.assert_array_equal(before, after)
    assert (found.fingerprint == DIGITS.fingerprint) == (count == 250)
    assert found.protocol.endswith(f", of which {1547 - count:,} are trained on and {count:,} held out")


def test_what_cannot_be_held_out_is_a_line():
    with pytest.raises(DataError, match=r"^--held-out 1,547 leaves none of the 1,547 images of digits$"):
        with_held_out(DIGITS, 1547)
    both = load("digits", data_dir=None, train_on="train+valid")
    with pytest.raises(DataError, match=r"leave one of them out$"):
        with_held_out(both, 10)
