"""What may differ from a preset and leave a published figure comparable: where, in what pieces, how long."""

INCONSEQUENTIAL = frozenset(
    {
        *("data_dir", "steps", "chunk", "evaluate_every", "save_every", "accumulate"),
        *("seed", "seeds", "seeds_by"),
        *("evaluation_batch", "feed", "devices", "shard", "deterministic"),
    }
)
"""Flat names of settings; the length of the training stands beside the figure."""
