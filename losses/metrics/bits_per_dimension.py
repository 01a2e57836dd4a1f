"""How many bits a pixel costs."""

from math import log

from jaxtyping import Array, Float


def bits_per_dimension(log_likelihood: Float[Array, ""], *, dimensions: int) -> Float[Array, ""]:
    """The code length of grey levels for each of their D numbers, in bits.

        −log P(x) / (D log 2)

    ``log_likelihood`` is of *levels*, in nats: a probability, or a lower bound of it by a density whose bins have the
    width 1. For a density over [0, 1] that is D log L less, L the number of levels; leaving it out gives log₂ L bits
    too few. A uniform distribution costs log₂ L bits, so figures compare at an equal number of levels only: 8 bits for
    256 levels, 4.09 for the 17 of scikit-learn's digits. Theis et al. 2016, section 3.1.
    """
    return -log_likelihood / (dimensions * log(2))
