"""Restricted Boltzmann machine: contrastive divergence, persistent chains, and a likelihood by annealing.

Papers: Hinton 2002 (contrastive divergence), Tieleman 2008 (persistent chains), Salakhutdinov & Murray 2008 (annealed
importance sampling). Claim: the gradient of the likelihood needs samples of the model, and one Gibbs step gives good
enough ones, whether it starts at the data or goes on from where a persistent chain stood; persistent chains give the
better likelihood, by a tenth of a nat on the digits. Command: ``lectern run rbm`` (digits, 20 s on two CPU cores),
``lectern run rbm --preset cd``. Expected figure: ``chains``, which go from digit to digit.
"""

from experiments.run.card import Card

DEFAULT = dict(schedule="cosine")
CD = DEFAULT | dict(persistent=False)

CARD = Card(
    systems=("A11",),
    samples=True,
    default=DEFAULT,
    smoke=dict(hidden=16, chains=8, temperatures=10, annealed_chains=10),
    presets=dict(cd=CD, cd10=CD | dict(gibbs_steps=10)),
)
