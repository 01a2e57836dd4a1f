import pytest
from trained import measured, trained

from experiments.graphs.karate_club.experiment import KarateClubSettings
from experiments.run.settings import configure


def test_two_labels_divide_the_club():
    """All but two of 32: Zachary's own method misses one, who had his own reasons."""
    assert measured(*trained("karate_club", KarateClubSettings()))["error"] <= 100 * 2 / 32


def test_what_is_drawn_lies_on_a_plane():
    with pytest.raises(ValueError, match=r"it must be 2, got \(4, 3\)"):
        configure(KarateClubSettings(), widths=(4, 3))
