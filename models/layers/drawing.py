"""Drawing a symbol from logits: how daring, and from which of them.

NaN counts as impossible: such a symbol is never drawn, and never pushes another out.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key


def keep_top_k(logits: Float[Array, " symbols"], *, k: int) -> Float[Array, " symbols"]:
    """The logits of the k likeliest symbols, −∞ for the others; with ties at the end, of all that are as likely.

        l_i  where l_i ≥ the k-th largest,  else −∞

    ``ValueError`` where k is not positive; more than there are keeps all. Fan et al. 2018, section 5.4.
    """
    if k < 1:
        raise ValueError(f"at least one symbol must stay, got k={k}")
    known = _without_nan(logits)
    least = jax.lax.top_k(known, min(k, len(known)))[0][-1]
    return jnp.where(known >= least, known, -jnp.inf)


def keep_top_p(logits: Float[Array, " symbols"], *, p: float) -> Float[Array, " symbols"]:
    """The logits of the nucleus, the fewest symbols whose probabilities reach p together; −∞ for the others.

        l_i  where the symbols that are likelier than i have less than p together,  else −∞

    The likeliest symbol always stays. Symbols that are as likely stay or go together. ``ValueError`` where p is not
    in (0, 1]. Holtzman et al. 2020, section 3.1.
    """
    if not 0 < p <= 1:
        raise ValueError(f"a nucleus has a probability in (0, 1], got p={p}")
    known = _without_nan(logits)
    if p == 1:
        return known
    probabilities = jax.nn.softmax(known)
    falling = jnp.sort(probabilities)[::-1]
    before = jnp.concatenate([jnp.zeros_like(falling[:1]), jnp.cumsum(falling)[:-1]])
    least = jnp.min(jnp.where(before < p, falling, jnp.inf))
    return jnp.where(probabilities >= least, known, -jnp.inf)


def draw_symbol(
    key: Key[Array, ""],
    logits: Float[Array, " symbols"],
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
) -> Int[Array, ""]:
    """A symbol of the distribution that is left when unlikely ones are taken out.

        P(i) ∝ exp(l_i / τ)  among the k likeliest, and then among the nucleus of p

    τ is the ``temperature``: 1 draws from the model, less prefers what is likely, and 0 takes the likeliest (the first
    of equals). The order is that of Hugging Face's generation: temperature, top-k, top-p. Logits in half precision are
    drawn in float32: noise of their own type, as JAX takes it, has 128 values in bfloat16. ``ValueError`` for a
    negative temperature. Ackley et al. 1985; Fan et al. 2018; Holtzman et al. 2020.
    """
    if temperature < 0:
        raise ValueError(f"a temperature is at least 0, got {temperature}")
    known = _without_nan(logits if logits.dtype.itemsize >= 4 else logits.astype(jnp.float32))
    if temperature < jnp.finfo(known.dtype).tiny:
        return jnp.argmax(known).astype(jnp.int32)
    most = known.max()
    kept = jnp.where(known == most, 0, known - most) / temperature
    if top_k is not None:
        kept = keep_top_k(kept, k=top_k)
    return jax.random.categorical(key, keep_top_p(kept, p=top_p)).astype(jnp.int32)


def _without_nan(logits: Float[Array, " symbols"]) -> Float[Array, " symbols"]:
    return jnp.where(jnp.isnan(logits), -jnp.inf, logits)
