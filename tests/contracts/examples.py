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
from models import backpropagation, rbm
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


def _codebook_and_its_statistics(seed, dtype):
    keys = jax.random.split(jax.random.key(seed), 4)
    codebook, sums = (jax.random.normal(key, (3, 2), dtype) for key in keys[:2])
    usage, counts = (jax.random.uniform(key, (3,), dtype, 0.5, 2.0) for key in keys[2:])
    return codebook, usage, counts, sums


def _kernel_and_size(seed, dtype):
    return jax.random.normal(jax.random.key(seed), (2, 3, 1, 2), dtype), (3, 4)


def _matrix_gradient_and_shapes(seed, dtype):
    return jax.random.normal(jax.random.key(seed), (8, 12), dtype), (2, 3, 1, 2), (3, 4)


def _small_decoder(code):
    return jnp.tanh(jnp.asarray([[1.0, 0.3], [-0.4, 2.0], [1.0, 1.0]], code.dtype) @ code)


def _decoder_and(*shape):
    def arguments(seed, dtype):
        return _small_decoder, 0.3 * jax.random.normal(jax.random.key(seed), shape, dtype)

    return arguments


def _decision_and_two_codes(seed, dtype):
    return lambda code: code[0] < 0.1, *jax.random.normal(jax.random.key(seed), (2, 3), dtype)


def _codes_and_factors(seed, dtype):
    codes = jax.random.normal(jax.random.key(seed), (6, 3), dtype)
    return codes, jnp.asarray([[0, 0], [1, 0], [0, 1], [1, 1], [0, 1], [1, 0]])


def _groups_of_pairs(seed, dtype):
    train, test = jax.random.uniform(jax.random.key(seed), (2, 6, 3), dtype)
    return train, jnp.arange(6) % 2, test, (jnp.arange(6) + 1) % 2


def _reconstruction_and_a_torn_image(seed, dtype):
    image = jax.random.normal(jax.random.key(seed), (4,), dtype)
    return jnp.tanh, image, jnp.asarray([True, False, True, False])


def _key_and_mean_bits(seed, dtype):
    key, mean = jax.random.split(jax.random.key(seed))
    return key, jax.random.uniform(mean, (3,), dtype, 0.1, 0.9)


def _stacked_machines(seed, dtype):
    """Machines of 3 → 4 → 2 units, and a vector for each layer."""
    keys = iter(jax.random.split(jax.random.key(seed), 9))
    stack = tuple(
        rbm.RBM(*(jax.random.normal(next(keys), shape, dtype) for shape in (sizes, sizes[:1], sizes[1:])))
        for sizes in ((3, 4), (4, 2))
    )
    return stack, *(jax.random.normal(next(keys), (size,), dtype) for size in (3, 4, 2))


def _network_and_visible_bias(seed, dtype):
    stack, visible_bias, *_ = _stacked_machines(seed, dtype)
    layers = {f"Dense_{i}": {"kernel": each.weights, "bias": each.hidden_bias} for i, each in enumerate(stack)}
    return {"params": {"MLP_0": layers}}, visible_bias


def _dream_arguments(seed, dtype):
    stack, _, below_top, _ = _stacked_machines(seed, dtype)
    return jax.random.key(seed), stack, below_top


def _encoder_and_image(seed, dtype):
    return jnp.tanh, jax.random.normal(jax.random.key(seed), (3,), dtype)


def _probabilities_of_units(seed, dtype):
    return (jax.random.uniform(jax.random.key(seed), (3,), dtype, 0.1, 0.9),)


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
    "losses.quantization.codebook_perplexity": _distributions(1),
    "models.layers.quantize.moving_average_codebook": _codebook_and_its_statistics,
    "losses.collapse.free_bits": _probabilities,
    "losses.information.self_information": _probabilities,
    "losses.information.entropy": _distributions(1),
    "losses.information.cross_entropy": _distributions(2),
    "losses.information.multivariate_gaussian_entropy": _covariance,
    "losses.information.multivariate_gaussian_cross_entropy": _multivariate_gaussians(2),
    "models.chart.pull_back_metric": _decoder_and(2),
    "models.chart.magnification": _decoder_and(2),
    "models.chart.curve_length": _decoder_and(4, 2),
    "models.chart.curve_energy": _decoder_and(4, 2),
    "models.chart.geodesic": _decoder_and(4, 2),
    "models.latent.boundary": _decision_and_two_codes,
    "models.latent.radius_log_density": lambda seed, dtype: (jnp.asarray(0.5 + seed, dtype),),
    "models.disentanglement.mutual_information": _codes_and_factors,
    "models.disentanglement.mutual_information_gap": _codes_and_factors,
    "models.disentanglement.beta_vae_score": _groups_of_pairs,
    "models.representation.impute": _reconstruction_and_a_torn_image,
    "losses.sparsity.contraction": _encoder_and_image,
    "losses.sparsity.kl_sparsity": _probabilities_of_units,
    "models.perceptron.perceptron_update": _example_of_a_perceptron,
    "models.rbm.init_rbm": _key_and_mean_bits,
    "models.rbm.independent_bias": lambda seed, dtype: _key_and_mean_bits(seed, dtype)[1:],
    "models.deep_belief_net.upward": lambda seed, dtype: _stacked_machines(seed, dtype)[:2],
    "models.deep_belief_net.downward": lambda seed, dtype: _stacked_machines(seed, dtype)[::3],
    "models.deep_belief_net.dream": _dream_arguments,
    "models.deep_belief_net.stack_of": _network_and_visible_bias,
    "models.perceptron.xor_network": _two_bits,
    "losses.classification.multiclass_hinge": _scores_within_the_margin,
    "losses.classification.multiclass_squared_hinge": _scores_within_the_margin,
    "losses.regularization.l1_penalty": _parameters,
    "losses.regularization.l2_penalty": _parameters,
}

OPTIONS = {
    "models.rbm.gibbs_chain": {"steps": 2},
    "models.rbm.init_rbm": {"hidden": 2},
    "models.rbm_partition.annealed_log_weight": {"temperatures": 3},
    "models.deep_belief_net.dream": {"steps": 2},
    "models.chart.straight_line": {"points": 4},
    "models.chart.geodesic": {"steps": 4},
    "models.latent.radius_log_density": {"dimensions": 3},
    "models.linear_map.ridge_map": {"penalty": 0.5},
    "models.disentanglement.mutual_information": {"bins": 4, "values": 2},
    "models.disentanglement.mutual_information_gap": {"bins": 4, "values": 2},
    "models.disentanglement.beta_vae_score": {"factors": 2},
    "models.layers.cells.cell_membership": {"levels": 4},
    "models.representation.quantized": {"levels": 4},
    "models.representation.code_bits": {"levels": 4},
    "models.representation.precision_at_k": {"k": 2},
    "models.representation.recall_at_k": {"k": 2},
    "models.representation.impute": {"iterations": 3},
    "models.layers.augment.random_crop": {"padding": 1},
    "models.layers.dropout.dropout": {"rate": 0.4},
    "models.layers.top_k.keep_largest": {"k": 2},
    "models.layers.corruption.gaussian_noise": {"level": 0.3},
    "models.layers.corruption.masking_noise": {"level": 0.3},
    "models.layers.corruption.salt_and_pepper_noise": {"level": 0.3},
    "models.pca.fit_pca": {"components": 2},
    "losses.sparsity.kl_sparsity": {"target": 0.2},
    "losses.sparsity.l1_sparsity": {"target": 0.2},
    "losses.sparsity.l2_sparsity": {"target": 0.2},
    "models.layers.quantize.moving_average_codebook": {"decay": 0.9},
    "losses.collapse.free_bits": {"least": 0.3},
    "losses.collapse.linear_warmup": {"steps": 10},
}

CONSTANT_ALMOST_EVERYWHERE = {
    "models.disentanglement.mutual_information",
    "models.disentanglement.mutual_information_gap",
    "models.disentanglement.beta_vae_score",
    "models.layers.cells.cell_membership",
    "models.representation.code_bits",
    "models.representation.roc_auc",
    "losses.classification.zero_one_loss",
    "models.layers.quantize.nearest_code",
    "losses.collapse.active_units",
    "models.perceptron.threshold_unit",
    "models.perceptron.xor_network",
    "models.rbm.gibbs_step",
    "models.rbm.gibbs_chain",
}


def is_array(value):
    return all(isinstance(leaf, jnp.ndarray) for leaf in jax.tree.leaves(value))
