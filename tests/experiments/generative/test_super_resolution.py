"""The least squared error blurs, and a game does not."""

import pytest
from trained import assert_same_at_every_evaluation_batch, held_out, trained

from experiments.datasets import DataError
from experiments.run.registry import load
from experiments.run.settings import configure


def test_sides_that_cannot_be_divided_are_refused():
    with pytest.raises(DataError, match="8×8 cannot be made 3 times smaller"):
        load("super_resolution").data(configure(load("super_resolution").settings(), factor=3))


@pytest.mark.slow
def test_the_mean_is_closer_to_the_truth_and_blurred_and_so_is_the_mean_of_what_the_game_answers():
    run, params = trained("super_resolution", configure(load("super_resolution").settings(), steps=800))
    found = held_out(run, params)
    psnr, sharp = (
        {name: found[f"held-out {name}/{measure}"] for name in ("mean", "game", "mean_of_game")}
        for measure in ("psnr", "sharpness")
    )
    assert psnr["mean"] > psnr["mean_of_game"] > psnr["game"]
    assert max(sharp["mean"], sharp["mean_of_game"]) < 65 < 80 < sharp["game"]
    assert_same_at_every_evaluation_batch(run, params)
