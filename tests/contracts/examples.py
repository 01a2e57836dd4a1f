"""Arguments for pure functions, made from the shapes in their types.

``GIVEN`` holds those that types cannot tell; a new function whose arguments do not fit each other is added there.
``OPTIONS`` holds hyperparameters without a default, ``CONSTANT_ALMOST_EVERYWHERE`` the functions whose gradient is 0.
"""

import functools
import importlib
import inspect
import pkgutil
from typing import get_type_hints

import jax
import jax.numpy as jnp

import losses
import models
from models import backpropagation
from models.layers import conv

SIZES = (3, 2, 4, 5, 6, 7)


def pure_functions():
    """Every public function of ``models`` and ``losses`` that takes arrays, by name."""
    found = {}
    for package in (models, losses):
        for module_info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            module = importlib.import_module(module_info.name)
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if function.__module__ == module.__name__ and not name.startswith("_") and takes_arrays(function):
                    found[f"{module.__name__}.{name}"] = with_options(f"{module.__name__}.{name}", function)
    return found


def with_options(name, function):
    """``function`` of its arrays alone, where it has hyperparameters without a default."""
    return functools.wraps(function)(functools.partial(function, **OPTIONS[name])) if name in OPTIONS else function


def positional(function):
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters.values()
    return {p.name: hints.get(p.name) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}


def takes_arrays(function):
    hints = positional(function).values()
    return any(hasattr(hint, "dim_str") or hasattr(hint, "leaftype") or is_record(hint) for hint in hints)


def is_record(hint):
    return hasattr(hint, "_fields") and all(hasattr(h, "dim_str") for h in get_type_hints(hint).values())


def example(name, function, seed, dtype):
    """One set of arguments; different numbers for every ``seed``, the same shapes."""
    if name in GIVEN:
        return GIVEN[name](seed, dtype)
    sizes = {}
    return tuple(
        make(hint, jax.random.fold_in(jax.random.key(seed), number), sizes, dtype)
        for number, hint in enumerate(positional(function).values())
    )


def make(hint, key, sizes, dtype):
    if is_record(hint):
        fields = get_type_hints(hint).values()
        return hint(*(make(field, jax.random.fold_in(key, i), sizes, dtype) for i, field in enumerate(fields)))
    shape = []
    for axis in hint.dim_str.split():
        sizes.setdefault(axis, SIZES[len(sizes)])
        shape += [2, sizes[axis]] if axis.startswith("*") else [sizes[axis]]
    kinds = " ".join(str(kind) for kind in hint.dtypes)
    if "key" in kinds:
        return jax.random.split(key, shape) if shape else key
    if "float" in kinds:
        return jax.random.normal(key, shape, dtype)
    return jax.random.randint(key, shape, 0, 2)


def _images_and_kernel(seed, dtype):
    images, kernel = jax.random.split(jax.random.key(seed))
    return jax.random.normal(images, (2, 5, 6, 3), dtype), jax.random.normal(kernel, (3, 2, 3, 4), dtype)


def _flax_arguments(seed, dtype):
    return *_images_and_kernel(seed, dtype), (1, 1), "SAME"


def _distributions(count):
    def arguments(seed, dtype):
        return tuple(jax.nn.softmax(jax.random.normal(jax.random.key(seed), (count, 5), dtype)))

    return arguments


def _probabilities(seed, dtype):
    return (jax.random.uniform(jax.random.key(seed), (2, 3), dtype, 0.1, 0.9),)


def _multivariate_gaussians(count):
    def arguments(seed, dtype):
        mean, factor = jax.random.split(jax.random.key(seed))
        means = jax.random.normal(mean, (count, 3), dtype)
        factors = jax.random.normal(factor, (count, 3, 3), dtype)
        covariances = factors @ factors.swapaxes(-1, -2) + jnp.eye(3, dtype=dtype)
        return tuple(array for gaussian in zip(means, covariances, strict=True) for array in gaussian)

    return arguments


def _covariance(seed, dtype):
    return _multivariate_gaussians(1)(seed, dtype)[1:]


def _example_of_a_perceptron(seed, dtype):
    keys = jax.random.split(jax.random.key(seed), 4)
    weights, inputs = (jax.random.normal(key, (3,), dtype) for key in keys[:2])
    return weights, jax.random.normal(keys[2], (), dtype), inputs, jax.random.bernoulli(keys[3]).astype(dtype)


def _two_bits(seed, dtype):
    return (jax.random.bernoulli(jax.random.key(seed), shape=(2,)).astype(dtype),)


def _scores_within_the_margin(seed, dtype):
    scores, label = jax.random.split(jax.random.key(seed))
    return 0.1 * jax.random.normal(scores, (3,), dtype), jax.random.randint(label, (), 0, 3)


def _parameters(seed, dtype):
    kernel, bias = jax.random.split(jax.random.key(seed))
    dense = {"kernel": jax.random.normal(kernel, (3, 2), dtype), "bias": jax.random.normal(bias, (2,), dtype)}
    return ({"dense": dense},)


def _small_net(seed, dtype):
    """An input, a target, layers of 3 → 4 → 2 as (kernel, bias), and a pre-activation of each."""
    keys = iter(jax.random.split(jax.random.key(seed), 8))
    inputs, target = (jax.random.normal(next(keys), (size,), dtype) for size in (3, 2))
    layers = [
        backpropagation.Layer(
            jax.random.normal(next(keys), shape, dtype), jax.random.normal(next(keys), shape[1:], dtype)
        )
        for shape in ((3, 4), (4, 2))
    ]
    return inputs, target, layers, [jax.random.normal(next(keys), (size,), dtype) for size in (4, 2)]


def _forward_arguments(seed, dtype):
    inputs, _, layers, _ = _small_net(seed, dtype)
    return inputs, layers


def _deltas_arguments(seed, dtype):
    _, target, layers, pre_activations = _small_net(seed, dtype)
    return layers, pre_activations, target


def _kernel_and_size(seed, dtype):
    return jax.random.normal(jax.random.key(seed), (2, 3, 1, 2), dtype), (3, 4)


def _matrix_gradient_and_shapes(seed, dtype):
    return jax.random.normal(jax.random.key(seed), (8, 12), dtype), (2, 3, 1, 2), (3, 4)


GIVEN = {
    f"{conv.__name__}.convolve": _images_and_kernel,
    f"{conv.__name__}.flax_convolution": _flax_arguments,
    "models.layers.sparse.convolution_matrix": _kernel_and_size,
    "models.layers.sparse.tied_gradient": _matrix_gradient_and_shapes,
    "models.backpropagation.forward": _forward_arguments,
    "models.backpropagation.deltas": _deltas_arguments,
    "models.backpropagation.backpropagate": lambda seed, dtype: _small_net(seed, dtype)[:3],
    "losses.divergences.kl_divergence": _distributions(2),
    "losses.divergences.multivariate_gaussian_kl": _multivariate_gaussians(2),
    "losses.information.self_information": _probabilities,
    "losses.information.entropy": _distributions(1),
    "losses.information.cross_entropy": _distributions(2),
    "losses.information.multivariate_gaussian_entropy": _covariance,
    "losses.information.multivariate_gaussian_cross_entropy": _multivariate_gaussians(2),
    "models.perceptron.perceptron_update": _example_of_a_perceptron,
    "models.perceptron.xor_network": _two_bits,
    "losses.classification.multiclass_hinge": _scores_within_the_margin,
    "losses.classification.multiclass_squared_hinge": _scores_within_the_margin,
    "losses.regularization.l1_penalty": _parameters,
    "losses.regularization.l2_penalty": _parameters,
}

OPTIONS = {"models.layers.dropout.dropout": {"rate": 0.4}}

CONSTANT_ALMOST_EVERYWHERE = {
    "losses.classification.zero_one_loss",
    "models.perceptron.threshold_unit",
    "models.perceptron.xor_network",
}


def is_array(value):
    return all(isinstance(leaf, jnp.ndarray) for leaf in jax.tree.leaves(value))
