"""Zachary's karate club: 34 members, who meets whom outside of it, and the two factions into which it fell apart."""

import numpy as np

from experiments.datasets.graphs.raw import RawGraph

FACTIONS = ("Mr. Hi", "Officer")


def read_karate_club() -> RawGraph:
    """The club as networkx has it, 78 edges; a member's only feature is who it is.

    networkx gives edges weights, how often two members met: they are left out, as everywhere where methods on this
    graph are compared. The two leaders' factions are known, all others are for the test, and nothing is chosen on
    them. Zachary 1977.
    """
    import networkx

    club = networkx.karate_club_graph()
    labels = np.array([FACTIONS.index(club.nodes[member]["club"]) for member in club], np.int32)
    members, leaders = np.arange(len(club)), np.array([0, len(club) - 1])
    others = np.setdiff1d(members, leaders)
    return RawGraph(
        "karate club",
        len(club),
        len(club),
        np.stack([members, members]),
        np.ones(len(club)),
        np.array(club.edges),
        labels,
        {"train": leaders, "valid": others, "test": others},
        FACTIONS,
        ("the two leaders known", "valid is test"),
    )
