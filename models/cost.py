"""What a network costs, layer by layer: parameters and FLOPs, without computing anything."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.core import tracers

from models.layers.cost import convolution_cost, dense_cost


class LayerCost(NamedTuple):
    """One row of the table."""

    path: str  # as in the tree of parameters, "encoder/MLP_0/Dense_0"; the network's own parameters stand at ""
    parameters: int
    flops: int | None  # None: there is no formula for this layer


def layer_costs(apply_fn: Callable[..., Any], *args: Any) -> list[LayerCost]:
    """The layers with parameters that ``apply_fn(*args)`` calls, and what each costs in a forward pass.

    ``apply_fn`` is a network's ``apply``, or any function that calls networks. It is run on the shapes of ``args``
    only, so they may be ``jax.ShapeDtypeStruct``. FLOPs count all that is in the arrays: give one example, a batch of
    one.

        model = mlp_vae((28, 28, 1), outputs=1, latent=16, widths=(512,))
        layer_costs(lambda params, image: model.apply(params, image, method="encode"), params, image)

    ``nn.Dense`` and ``nn.Conv`` have formulas, those of ``models.layers.cost``: a multiply-add is two FLOPs, a bias
    one, and the zeros of a padding are multiplied. Activations and pooling are left out. Any other layer's FLOPs are
    ``None``, and so are those of a layer that the network puts inside a transformation such as ``nn.scan``, which
    shows it a part of the arrays only. A layer called twice stands once, its parameters counted once and its FLOPs
    twice; a layer that is not called does not stand there. A whole network inside a transformation, such as
    ``jax.vmap(model.apply)``, raises ``ValueError``. Lecture 003, sections 1.2.1 and 3.1.1.
    """
    rows: list[LayerCost] = []

    def trace(*given: Any) -> None:
        recorder = _Recorder()
        with nn.intercept_methods(recorder):
            apply_fn(*given)
        rows.extend(recorder.rows())

    with jax.disable_jit():  # a compiled function is not traced again, and its layers would not be seen
        jax.eval_shape(trace, *args)
    return rows


def network_cost(model: nn.Module, shape: Sequence[int]) -> LayerCost:
    """What all layers together cost on images of a shape, by the formulas of ``layer_costs``; what has none, as a
    normalisation, counts its parameters alone. Its path is "". Lecture 003, sections 1.2.1 and 3.1.1.
    """
    images = jax.ShapeDtypeStruct(tuple(shape), jnp.float32)
    rows = layer_costs(model.apply, jax.eval_shape(model.init, jax.random.key(0), images), images)
    return LayerCost("", sum(row.parameters for row in rows), sum(row.flops or 0 for row in rows))


class _Call(NamedTuple):
    path: tuple[str, ...]
    flops: int | None
    parameters: list[Any]


class _Recorder:
    """Told of every method of a module that returns, it writes down whose, its FLOPs and its parameters.

    A transformation shows its layers parts of the parameters. Such layers wait until a module around the transformation
    returns: it has the whole tree.
    """

    def __init__(self) -> None:
        self.trace = tracers.current_trace()
        self.calls: list[_Call] = []
        self.waiting: list[_Call] = []

    def __call__(self, method: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], context: Any) -> Any:
        result = method(*args, **options)
        module = context.module
        if module.scope is None:
            return result
        transformed = tracers.current_trace() != self.trace
        flops = None if transformed else _flops(module, args, options, result)
        self.waiting.append(_Call(module.path, flops, _own(module.variables.get("params", {}))))
        network = module.scope.root
        if not network.path and (tree := network.variables().get("params")):
            if transformed:
                raise ValueError(f"all of {type(module).__name__} is inside a transformation: apply it untransformed")
            self.calls += [call._replace(parameters=_own(tree, call.path)) for call in self.waiting]
            self.waiting.clear()
        return result

    def rows(self) -> list[LayerCost]:
        if any(call.parameters for call in self.waiting):
            raise ValueError(f"no module stands around the transformation of {self.waiting[-1].path}")
        layers: dict[tuple[Any, ...], list[_Call]] = {}
        for call in self.calls:
            if call.parameters:
                layers.setdefault((call.path, *map(id, call.parameters)), []).append(call)
        return [_row(calls) for calls in layers.values()]


def _own(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[Any]:
    """The arrays of the module at ``path``, without those of the modules inside it."""
    for name in path:
        tree = tree.get(name, {})
    return jax.tree.leaves([leaf for leaf in tree.values() if not isinstance(leaf, Mapping)])


def _row(calls: list[_Call]) -> LayerCost:
    flops = [call.flops for call in calls]
    parameters = sum(leaf.size for leaf in calls[0].parameters)
    return LayerCost("/".join(calls[0].path), parameters, None if None in flops else sum(flops))


def _flops(module: nn.Module, args: tuple[Any, ...], options: dict[str, Any], outputs: Any) -> int | None:
    """By the formula of exactly this layer, for every example of the batch."""
    if type(module) is nn.Dense:
        inputs = args[0] if args else options["inputs"]
        cost = dense_cost(inputs.shape[-1], module.features, bias=module.use_bias)
        return prod(outputs.shape[:-1]) * cost.flops
    if type(module) is nn.Conv:
        inputs = args[0] if args else options["inputs"]
        window = (module.kernel_size,) if isinstance(module.kernel_size, int) else tuple(module.kernel_size)
        space = outputs.ndim - 1 - len(window)
        cost = convolution_cost(
            window,
            inputs.shape[-1],
            module.features,
            positions=outputs.shape[space:-1],
            groups=module.feature_group_count,
            bias=module.use_bias,
        )
        return prod(outputs.shape[:space]) * cost.flops
    return None
