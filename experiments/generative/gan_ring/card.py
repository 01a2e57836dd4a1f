"""Generative adversarial networks on a ring or grid of Gaussians: mode collapse counted, with remedies and without.

Papers: Goodfellow et al. 2014; Lin et al. 2018 (packing; ring and grid); Salimans et al. 2016 and Karras et al. 2018
(minibatch statistics); Miyato et al. 2018 (spectral normalisation). Claim: a generator that fools the discriminator
need not reach all modes; a discriminator that judges packs of examples sees that they are too alike, and makes it reach
them, by either loss; so does one of bounded slope, if the bound is not 1: modes are narrow, and who may not rise
steeply hardly sees them. Command: ``lectern run gan_ring`` (8 modes, 25 s on two CPU cores), ``lectern run gan_ring
--preset packing``. Expected figures: ``samples``, ``opinion``, ``modes``.
"""

from functools import partial

from experiments.run.card import Card, Reference

RULE = {
    f"{player}.{name}": value
    for player in ("generator", "discriminator")
    for name, value in (("learning_rate", 1e-4), ("beta1", 0.8))
}
RING = RULE | dict(
    steps=400_000, batch_size=100, evaluate_every=20_000, save_every=20_000, chunk=200, generator_widths=(400,) * 4,
    discriminator_widths=(200,) * 3, pieces=5, initial_deviation=0.02, statistics_decay=0.95, average_decay=0.0,
)  # fmt: skip
GRID = RING | dict(data="grid")
MINIMAX = dict(loss="minimax")
REMEDIES = dict(
    spectral=dict(spectral=True, slope=16.0),
    deviation=dict(minibatch="deviation"),
    closeness=dict(minibatch="closeness", group=32),
    packing=dict(packing=2),
)
TABLE_1 = (
    "100,000 points, 400 epochs of 1,000 packs of 100 each, 2,500 samples of the last epoch, mean of 10 trials, with "
    "standard errors of 0.1 to 0.8 modes. Packs are drawn without replacement here and with it there, and players "
    "move in turn, not at once"
)


def packed(size: int, preset: dict) -> dict:
    """As many packs as there were examples, normalised in groups as large as before."""
    return preset | dict(packing=size, batch_size=100 * size, group=100)


def printed(
    preset: str, modes: float, high_quality: float | None = None, kl: float | None = None
) -> tuple[Reference, ...]:
    """A row of the table."""
    of_table = partial(Reference, cite="lin2018", where="table 1", read="source", protocol=TABLE_1, preset=preset)
    rows = (("modes", modes, "modes"), ("high_quality", high_quality, "%"), ("reverse_kl", kl, "nats"))
    return tuple(of_table(*row) for row in rows if row[1] is not None)


CARD = Card(
    systems=("G1",),
    samples=True,
    smoke=dict(
        batch_size=16,
        examples=200,
        generator_widths=(8,),
        discriminator_widths=(8,),
        updates=2,
        samples=100,
        draws=8,
        spectral=True,
    ),
    presets=dict(
        **REMEDIES,
        minimax=MINIMAX,
        **{f"minimax_{name}": MINIMAX | remedy for name, remedy in REMEDIES.items()},
        wasserstein=dict(loss="wasserstein", gradient_penalty=0.1, updates=5, batch_size=640),
        grid=dict(data="grid", steps=10_000),
        paper_ring=RING,
        paper_ring_packed2=packed(2, RING),
        paper_grid=GRID,
        paper_grid_packed4=packed(4, GRID),
    ),
    references=(
        *printed("paper_ring", 6.3, 98.2, 0.45),
        *printed("paper_ring_packed2", 7.9, 95.6, 0.07),
        *printed("paper_grid", 17.3),
        *printed("paper_grid_packed4", 24.8),
    ),
)
