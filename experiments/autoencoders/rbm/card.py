"""Restricted Boltzmann machine: contrastive divergence, persistent chains, and a likelihood by annealing.

Papers: Hinton 2002 (contrastive divergence), Tieleman 2008 (persistent chains), Salakhutdinov & Murray 2008 (annealed
importance sampling). Claim: the gradient of the likelihood needs samples of the model, and one Gibbs step gives good
enough ones, whether it starts at the data or goes on from where a persistent chain stood; persistent chains give the
better likelihood, by a tenth of a nat on the digits. Command: ``lectern run rbm`` (digits, 20 s on two CPU cores),
``lectern run rbm --preset cd``. Expected figure: ``chains``, which go from digit to digit.
"""

from experiments.run.card import Card, Reference

DEFAULT = dict(schedule="cosine")
CD = DEFAULT | dict(persistent=False)
EPOCH = 2500
"""Steps in which batches of 20 pass over MNIST's 50,000 training images."""
LISA = dict(
    data="mnist", binarization="none", hidden=500, gibbs_steps=15, chains=20, batch_size=20, learning_rate=0.1,
    schedule="constant", steps=15 * EPOCH, chunk=500, evaluate_every=EPOCH, save_every=EPOCH,
)  # fmt: skip

CARD = Card(
    systems=("A11",),
    samples=True,
    default=DEFAULT,
    smoke=dict(hidden=16, chains=8, temperatures=10, annealed_chains=10),
    presets=dict(cd=CD, cd10=CD | dict(gibbs_steps=10), lisa=LISA),
    references=(
        Reference(
            "pseudo_likelihood",
            -62.76,
            "nats",
            cite="lisa2015",
            where="tutorial on restricted Boltzmann machines",
            read="source",
            protocol="MNIST, 50,000 training images whose intensities stand for bits, 15 epochs of persistent chains; "
            "printed is the last epoch's mean over training images, rounded, one bit of each, while the parameters "
            "move; ours counts every bit of the test images, rounded, after the last update; first weights are ours",
            preset="lisa",
        ),
    ),
)
