"""The LSTM along a sequence with a gradient written by hand, the fast path beside the recurrence of any cell.

Autodiff of a scan adds up the gradient of the recurrent matrix place by place. Here the scan backwards hands out what
each place asks of its gates, and one product of all places, after it, is the gradient of the matrix.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from models.layers.recurrence import project, without_padding
from models.layers.recurrent_cells import HiddenAndMemory, RecurrentWeights


def lstm_recur(
    weights: RecurrentWeights,
    state: HiddenAndMemory,
    inputs: Float[Array, "time *batch features"],
    lengths: Int[Array, "*batch"] | None = None,
) -> tuple[HiddenAndMemory, Float[Array, "time *batch units"]]:
    """``recur(Cell(lstm_step), …)``, faster: the LSTM with a forget gate and without peepholes.

        δz_t = (δc ⊙ c̃ ⊙ i(1 − i),  δc ⊙ c_{t−1} ⊙ f(1 − f),  δc ⊙ i ⊙ (1 − c̃²),  δh ⊙ tanh c_t ⊙ o(1 − o))
        δU = Σ_t h_{t−1}ᵀ δz_t,   δh_{t−1} = δz_t Uᵀ,   δc_{t−1} = δc ⊙ f

    Beyond the length of a sequence its gates are shut, i = 0 and f = 1. ``ValueError`` where there are peepholes, and
    where the inputs' blocks are not four. There is no derivative in forward mode. Hochreiter & Schmidhuber 1997; Gers
    et al. 2000; the gradient as in Graves & Schmidhuber 2005, appendix A.
    """
    units = weights.recurrent.shape[0]
    if weights.peephole is not None or weights.recurrent.shape[1] != 4 * units:
        raise ValueError(f"expected an LSTM with forget gate, without peepholes; U is {weights.recurrent.shape}")
    if not len(inputs):
        return state, jnp.zeros((0, *state[0].shape), state[0].dtype)
    projected = project(weights, without_padding(inputs, lengths))
    if lengths is not None:
        within = jnp.arange(len(inputs), dtype=lengths.dtype).reshape(-1, *[1] * lengths.ndim) < lengths
        shut = jnp.repeat(jnp.asarray([-jnp.inf, jnp.inf, 0, 0], projected.dtype), units)
        projected = jnp.where(within[..., None], projected, shut)
    flat = [each.reshape(-1, units) for each in state]
    outputs, memory = _run(projected.reshape(len(inputs), -1, 4 * units), weights.recurrent, *flat)
    outputs, memory = outputs.reshape(len(inputs), *state[0].shape), memory.reshape(state[1].shape)
    if lengths is None:
        return (outputs[-1], memory), outputs
    last = jnp.take_along_axis(outputs, jnp.clip(lengths - 1, 0, len(inputs) - 1)[None, ..., None], axis=0)[0]
    hidden = jnp.where(lengths[..., None] > 0, last, state[0])
    return (hidden, memory), jnp.where(within[..., None], outputs, 0)


@jax.custom_vjp
def _run(projected: Array, recurrent: Array, hidden: Array, memory: Array) -> tuple[Array, Array]:
    return _forward(projected, recurrent, hidden, memory)[0]


def _forward(projected: Array, recurrent: Array, hidden: Array, memory: Array) -> tuple[tuple[Array, Array], tuple]:
    """All outputs and the last memory; what every place was and did is kept."""

    def step(state: tuple[Array, Array], now: Array) -> tuple[tuple[Array, Array], tuple]:
        hidden, memory = state
        i, f, g, o = jnp.split(_squash(now + hidden @ recurrent), 4, axis=-1)
        after = f * memory + i * g
        squashed = jnp.tanh(after)
        hidden = o * squashed
        return (hidden, after), (hidden, (i, f, g, o, memory, squashed))

    (_, last), (outputs, kept) = lax.scan(step, (hidden, memory), projected)
    return (outputs, last), (recurrent, hidden, outputs, kept)


def _squash(blocks: Array) -> Array:
    """(σ, σ, tanh, σ) of the four blocks as one function of all, σ(x) = ½ tanh(x/2) + ½: XLA makes one loop of it."""
    scale = jnp.repeat(jnp.asarray([0.5, 0.5, 1, 0.5], blocks.dtype), blocks.shape[-1] // 4)
    return scale * jnp.tanh(scale * blocks) + (1 - scale)


def _backward(residuals: tuple, cotangents: tuple[Array, Array]) -> tuple[Array, Array, Array, Array]:
    recurrent, begun, outputs, kept = residuals
    transposed = recurrent.T

    def step(state: tuple[Array, Array], given: tuple[Array, tuple]) -> tuple[tuple[Array, Array], Array]:
        hidden, memory = state
        of_output, (i, f, g, o, before, squashed) = given
        hidden = hidden + of_output
        memory = memory + hidden * o * (1 - squashed**2)
        asked = (
            memory * g * i * (1 - i),
            memory * before * f * (1 - f),
            memory * i * (1 - g**2),
            hidden * squashed * o * (1 - o),
        )
        of_gates = jnp.concatenate(asked, axis=-1)
        return (of_gates @ transposed, memory * f), of_gates

    of_outputs, of_last = cotangents
    (hidden, memory), of_gates = lax.scan(step, (jnp.zeros_like(begun), of_last), (of_outputs, kept), reverse=True)
    before = jnp.concatenate([begun[None], outputs[:-1]]).reshape(-1, begun.shape[-1])
    return of_gates, before.T @ of_gates.reshape(-1, of_gates.shape[-1]), hidden, memory


_run.defvjp(_forward, _backward)
