"""Restricted Boltzmann machine: contrastive divergence, persistent chains, and a likelihood by annealing.

Papers: Hinton 2002 (contrastive divergence), Tieleman 2008 (persistent chains), Salakhutdinov & Murray 2008 (annealed
importance sampling). Claim: the gradient needs samples of the model, and one Gibbs step is enough, from the data or
from chains that go on; these give the better likelihood, by a tenth of a nat on the digits. Command: ``lectern run
rbm`` (digits, 20 s on two CPU cores), ``lectern run rbm --preset cd``. Expected figure: ``chains``, which go from digit
to digit.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("A11",),
    default=dict(schedule="cosine"),
    smoke=dict(hidden=16, chains=8, temperatures=10, annealed_chains=10),
    presets=dict(
        cd=dict(schedule="cosine", persistent=False),
        cd10=dict(schedule="cosine", persistent=False, gibbs_steps=10),
    ),
)
