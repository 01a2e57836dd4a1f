"""Karate club: from one known member of each faction, graph convolutions tell where all others went.

Papers: Kipf & Welling 2017, appendix A (there with four communities); Zachary 1977. Claim: nodes that are joined come
to lie together in two dimensions even before training, and two labels divide the club. Command: ``lectern run
karate_club`` (seconds). Expected figures: ``club``: the members where the network puts them, before and after.
"""

from experiments.run.card import Card

CARD = Card(systems=("G4",))
