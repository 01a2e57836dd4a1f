"""What the network is held against: pictures whose own values descend. Gatys et al. 2016."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

Pictures = Float[Array, "pictures height width 3"]


def descended(
    loss: Callable[[Pictures], Float[Array, " pictures"]], pictures: Pictures, *, steps: int, rate: float
) -> tuple[Pictures, Float[Array, "steps_and_one pictures"]]:
    """Pictures after so many steps of Adam, each on its own loss and kept in [0, 1], and all losses on the way.

    Row t are the losses after t steps. As in Johnson et al. 2016, figure 5, whose descent is L-BFGS.
    """
    rule = optax.adam(rate)

    def step(carried, _):
        pictures, state = carried
        losses, back = jax.vjp(loss, pictures)
        updates, state = rule.update(back(jnp.ones_like(losses))[0], state)
        return (jnp.clip(pictures + updates, 0, 1), state), losses

    (reached, _), losses = jax.lax.scan(step, (pictures, rule.init(pictures)), length=steps)
    return reached, jnp.concatenate([losses, loss(reached)[None]])
