"""Link prediction: a graph autoencoder tells edges that were taken out from pairs that never were joined.

Paper: Kipf & Welling 2016 (GAE and VGAE). Claim: the inner product of two nodes' codes says whether they are joined.
Command: ``lectern run link_prediction`` (a generated graph); ``lectern sweep link_prediction --preset cora --data-dir
cora.npz --split-seed 1 2 3 --seeds 3``, ``--preset cora_variational``. Expected figures: ``scores``, ``roc``.
"""

from experiments.run.card import Card, Reference

CORA = dict(
    batch_size=4488,
    chunk=20,
    evaluate_every=20,
    save_every=200,
    evaluation_batch=1054,
    row_normalized=False,
    pairs="all",
    split_seed=1,
)
"""Cora's 4,488 edges that are trained on, as one batch."""
PROTOCOL = (
    "Cora, 85/5/10 % of the edges, all pairs weighed; there the mean of 10 initialisations on a fixed split that we "
    "do not have (so others quote the table's caption), here of random splits"
)


def _published(metric: str, value: float, preset: str, row: str) -> Reference:
    return Reference(
        metric, value, "%", cite="kipf2016", where=f"table 1, {row}", read="secondary", protocol=PROTOCOL,
        preset=preset, data="cora",
    )  # fmt: skip


CARD = Card(
    systems=("G4",),
    smoke=dict(batch_size=100, width=8, latent=4),
    presets=dict(variational=dict(variational=True), cora=CORA, cora_variational=CORA | dict(variational=True)),
    references=(
        _published("auc", 91.0, "cora", "GAE"),
        _published("average_precision", 92.0, "cora", "GAE"),
        _published("auc", 91.4, "cora_variational", "VGAE"),
        _published("average_precision", 92.6, "cora_variational", "VGAE"),
    ),
)
