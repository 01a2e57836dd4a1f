"""The protocol of Burda et al. 2016, section 5, as its numbers are printed."""

import math

from experiments.autoencoders.vae.card import CARD


def test_the_protocol_has_3280_epochs_and_a_rate_that_falls_to_a_tenth():
    paper = CARD.presets["paper"]
    assert paper["steps"] == 3280 * 60_000 // 20
    assert paper["decay_steps"] == (3000, 12_000, 39_000, 120_000, 363_000, 1_092_000, 3_279_000)
    assert math.isclose(paper["decay_factor"] ** len(paper["decay_steps"]), 0.1)


def test_presets_differ_from_the_paper_in_what_they_are_named_after():
    paper = CARD.presets["paper"]
    iwae, fixed = {"objective": "iwae", "samples": 50}, {"binarization": "static"}
    assert CARD.presets["iwae"] == paper | iwae
    assert CARD.presets["paper_fixed"] == paper | fixed
    assert CARD.presets["iwae_fixed"] == paper | iwae | fixed
