"""Normalising flows: a chain of bijections that takes data to N(0, I), and draws of N(0, I) to new data.

Each part is called on a batch of values and gives what comes of them with the log-determinant of each; ``invert`` goes
the other way, with the log-determinants of that way. Dinh et al. 2017 (RealNVP); Kingma & Dhariwal 2018 (Glow). Lecture
003, section 4.3.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from models.layers.activation_normalization import (
    activation_normalize,
    invert_activation_normalization,
    standardizing_start,
)
from models.layers.coupling import (
    additive_coupling,
    affine_coupling,
    bounded_log_scale,
    channel_mask,
    invert_additive_coupling,
    invert_affine_coupling,
)
from models.layers.invertible_mixing import TriangularFactors, factor_matrix, mix_channels, unmix_channels
from models.layers.multiscale import join_channels, split_channels, squeeze, unsqueeze
from models.mlp import MLP

FIXED = "fixed"
"""The collection of what is drawn at the start and never learned."""
Values = Float[Array, "batch *space channels"]
Squeezed = Float[Array, "batch half_height half_width four_channels"]
LogDeterminants = Float[Array, " batch"]
Mask = Callable[[Sequence[int]], Bool[Array, "*space channels"]]


class DenseConditioner(nn.Module):
    """Dense layers, and a last one that starts at zero: at first a coupling moves nothing."""

    widths: Sequence[int]
    outputs: int
    activation: str

    @nn.compact
    def __call__(self, values: Float[Array, "batch inputs"]) -> Float[Array, "batch outputs"]:
        return nn.Dense(self.outputs, kernel_init=nn.initializers.zeros)(MLP(self.widths, self.activation)(values))


class ActivationNormalization(nn.Module):
    """A scale and a shift for each channel; initialised with a batch, it standardises that batch."""

    def __call__(self, values: Values) -> tuple[Values, LogDeterminants]:
        return jax.vmap(activation_normalize, (0, None, None))(values, *self._parameters(values))

    def invert(self, values: Values) -> tuple[Values, LogDeterminants]:
        """The other way."""
        return jax.vmap(invert_activation_normalization, (0, None, None))(values, *self._parameters(values))

    @nn.compact
    def _parameters(self, values: Values) -> tuple[Array, Array]:
        log_scale = self.param("log_scale", lambda _: standardizing_start(values)[0])
        return log_scale, self.param("bias", lambda _: standardizing_start(values)[1])


class Mixing(nn.Module):
    """An invertible 1×1 convolution by its triangular factors; it starts as a random rotation."""

    def __call__(self, values: Values) -> tuple[Values, LogDeterminants]:
        return jax.vmap(mix_channels, (0, None))(values, self._factors(values.shape[-1]))

    def invert(self, values: Values) -> tuple[Values, LogDeterminants]:
        """The other way."""
        return jax.vmap(unmix_channels, (0, None))(values, self._factors(values.shape[-1]))

    @nn.compact
    def _factors(self, channels: int) -> TriangularFactors:
        def draw() -> Array:
            return jax.random.orthogonal(self.make_rng("params"), channels, dtype=jnp.float32)

        rotation = self.variable(FIXED, "rotation", draw).value

        def start(name: str) -> Array:
            return getattr(factor_matrix(rotation), name)

        fixed = {name: self.variable(FIXED, name, start, name).value for name in ("permutation", "signs")}
        learned = {name: self.param(name, lambda _, name: start(name), name) for name in _LEARNED}
        return TriangularFactors(**fixed, **learned)


_LEARNED = ("lower", "upper", "log_diagonal")


class AdditiveCoupling(nn.Module):
    """What the mask does not keep is shifted by what ``conditioner`` makes of the rest, and of a context beside it."""

    conditioner: nn.Module
    """from values with channels (and those of the context) to values with ``outputs`` times as many channels"""
    mask: Mask
    """what is kept, by the shape of a value"""
    outputs = 1

    def __call__(self, values: Values, context: Values | None = None) -> tuple[Values, LogDeterminants]:
        return self._each(additive_coupling, values, context)

    def invert(self, values: Values, context: Values | None = None) -> tuple[Values, LogDeterminants]:
        """The other way."""
        return self._each(invert_additive_coupling, values, context)

    def _each(self, move: Callable, values: Values, context: Values | None) -> tuple[Values, LogDeterminants]:
        kept = self.mask(values.shape[1:])
        seen = jnp.where(kept, values, 0.0)
        seen = seen if context is None else jnp.concatenate([seen, context], axis=-1)
        numbers = self.moves(jnp.split(self.conditioner(seen), self.outputs, axis=-1))
        return jax.vmap(lambda value, *own: move(value, *own, kept))(values, *numbers)

    def moves(self, outputs: list[Values]) -> list[Values]:
        """What the conditioner's outputs say of the values that are not kept: their shift."""
        return outputs


class AffineCoupling(AdditiveCoupling):
    """What the mask does not keep is scaled and shifted by what ``conditioner`` makes of the rest."""

    outputs = 2

    def __call__(self, values: Values, context: Values | None = None) -> tuple[Values, LogDeterminants]:
        return self._each(affine_coupling, values, context)

    def invert(self, values: Values, context: Values | None = None) -> tuple[Values, LogDeterminants]:
        """The other way."""
        return self._each(invert_affine_coupling, values, context)

    @nn.compact
    def moves(self, outputs: list[Values]) -> list[Values]:
        """Log-scale, within a learned bound for each channel, and shift."""
        log_bound = self.param("log_bound", nn.initializers.zeros, outputs[0].shape[-1:], jnp.float32)
        return [jax.vmap(bounded_log_scale, (0, None))(outputs[0], log_bound), outputs[1]]


class Squeeze(nn.Module):
    """Blocks of 2 × 2 places become channels."""

    def __call__(self, values: Values) -> tuple[Squeezed, LogDeterminants]:
        return jax.vmap(squeeze)(values), jnp.zeros(values.shape[0], values.dtype)

    def invert(self, values: Squeezed) -> tuple[Values, LogDeterminants]:
        """The other way."""
        return jax.vmap(unsqueeze)(values), jnp.zeros(values.shape[0], values.dtype)


class Flow(nn.Module):
    """Bijections one after the other, in scales: after each but the last, half of the channels are part of the latent.

    The latent is one vector of as many numbers as a value of ``shape`` has. Initialise it with a batch of data:
    activation normalisation takes its start from that.
    """

    shape: tuple[int, ...]
    scales: Sequence[Sequence[nn.Module]]

    def __call__(self, values: Values) -> dict[str, Array]:
        """Latents and log-determinants, under named keys; ``ValueError`` for values of another shape."""
        if values.shape[1:] != self.shape:
            raise ValueError(f"a flow of values {self.shape} was given {values.shape[1:]}")
        parts, total = [], jnp.zeros(values.shape[0], values.dtype)
        for number, layers in enumerate(self.scales, 1):
            for layer in layers:
                values, log_determinants = layer(values)
                total += log_determinants
            if number < len(self.scales):
                values, let_out = jax.vmap(split_channels)(values)
                parts.append(let_out)
        latent = jnp.concatenate([part.reshape(part.shape[0], -1) for part in (*parts, values)], axis=-1)
        return {"latent": latent, "log_determinant": total}

    def invert(self, latents: Float[Array, "batch latent"]) -> tuple[Values, LogDeterminants]:
        """Values of these latents, and the log-determinants of the way from latent to value."""
        shapes = self._latent_shapes()
        ends = [sum(map(prod, shapes[:number])) for number in range(1, len(shapes))]
        parts = [part.reshape(-1, *shape) for part, shape in zip(jnp.split(latents, ends, -1), shapes, strict=True)]
        values, total = parts.pop(), jnp.zeros(latents.shape[0], latents.dtype)
        for layers in reversed(self.scales):
            for layer in reversed(layers):
                values, log_determinants = layer.invert(values)
                total += log_determinants
            values = jax.vmap(join_channels)(values, parts.pop()) if parts else values
        return values, total

    def _latent_shapes(self) -> list[tuple[int, ...]]:
        """Of what each scale adds to the latent."""
        shapes, shape = [], self.shape
        for number, layers in enumerate(self.scales, 1):
            for _ in (layer for layer in layers if isinstance(layer, Squeeze)):
                shape = (shape[0] // 2, shape[1] // 2, 4 * shape[2])
            shape = (*shape[:-1], shape[-1] // 2) if number < len(self.scales) else shape
            shapes.append(shape)
        return shapes


COUPLINGS: dict[str, type[AdditiveCoupling]] = {"affine": AffineCoupling, "additive": AdditiveCoupling}


def real_nvp(
    dimensions: int,
    *,
    depth: int,
    widths: Sequence[int],
    activation: str = "silu",
    coupling: str = "affine",
    mixing: bool = False,
) -> Flow:
    """A flow of vectors: ``depth`` times activation normalisation and a coupling that keeps either half in turn.

    With ``mixing`` an invertible matrix stands between the two. The density is as smooth as the activation. Dinh et al.
    2017; its own normalisation is that of batches.
    """
    kind = COUPLINGS[coupling]

    def block(number: int) -> list[nn.Module]:
        conditioner = DenseConditioner(widths, kind.outputs * dimensions, activation)
        mask = partial(channel_mask, parity=number % 2)
        return [ActivationNormalization(), *([Mixing()] if mixing else []), kind(conditioner, mask)]

    layers = [layer for number in range(depth) for layer in block(number)]
    return Flow((dimensions,), (tuple(layers),))
