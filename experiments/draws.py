"""Random splits of the data: runs on several are draws of one protocol, as runs of several seeds are."""

SPLIT_SEED = "split_seed"
"""The setting that says which random split; 0 is none of them, but the data's own."""


def random_split(seed: int) -> str:
    """What a protocol calls the split of this seed."""
    return f"random split {seed}"


def are_draws(setting: str, one: object, other: object) -> bool:
    """Whether two values of a setting name two random splits, either as good as the other."""
    return setting == SPLIT_SEED and bool(one) and bool(other)
