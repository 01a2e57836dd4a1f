"""The table of a network's layers against tables by hand, the tree of parameters, and XLA's count of the operations."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from models.cost import LayerCost, layer_costs, network_cost
from models.denoisers import GroupNorm
from models.layers.conv import flax_convolution
from models.mlp import MLP
from models.vae import conv_vae, mlp_vae


def floats(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def initialised(module, *inputs):
    return jax.eval_shape(module.init, jax.random.key(0), *inputs)


def size(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def total(rows):
    """All parameters, and all FLOPs."""
    return sum(row.parameters for row in rows), sum(row.flops for row in rows)


def counted_by_xla(function, *arguments):
    return jax.jit(function).lower(*arguments).cost_analysis()["flops"]


class ConvNet(nn.Module):
    """Grouped, dilated and strided convolutions without padding, then a dense layer."""

    @nn.compact
    def __call__(self, images):
        hidden = nn.tanh(nn.Conv(8, (3, 3), padding="VALID", conv_general_dilated=flax_convolution)(images))
        hidden = nn.tanh(nn.Conv(8, (3, 2), (2, 1), padding="VALID", feature_group_count=4, use_bias=False)(hidden))
        hidden = nn.tanh(nn.Conv(6, (3, 3), padding="VALID", kernel_dilation=2)(hidden))
        return nn.Dense(10, use_bias=False)(hidden.reshape(hidden.shape[0], -1))


class Twice(nn.Module):
    """One layer applied twice, another once, a third never."""

    def setup(self):
        self.shared, self.last, self.never = nn.Dense(4), nn.Dense(3), nn.Dense(5)

    def __call__(self, inputs):
        return self.last(self.shared(self.shared(inputs)))

    def everything(self, inputs):
        return self(inputs), self.never(inputs)


class Own(nn.Module):
    """A parameter of its own beside a layer's, and layers without a formula."""

    @nn.compact
    def __call__(self, inputs):
        scale = self.param("scale", nn.initializers.ones, (3,))
        return nn.LayerNorm()(nn.DenseGeneral((2, 2))(nn.Dense(3)(inputs) * scale))


class Recurrent(nn.Module):
    @nn.compact
    def __call__(self, inputs):
        return nn.Dense(2)(nn.RNN(nn.SimpleCell(3))(inputs))


def test_a_perceptron_by_hand():
    params = initialised(MLP((4, 2)), floats(1, 3))
    assert layer_costs(MLP((4, 2)).apply, params, floats(1, 3)) == [
        LayerCost("Dense_0", 3 * 4 + 4, 2 * 3 * 4 + 4),
        LayerCost("Dense_1", 4 * 2 + 2, 2 * 4 * 2 + 2),
    ]


def test_a_convolutional_encoder_by_hand():
    """9×7 pixels, 3×3 windows at stride 2: 5×4 positions, then 3×2; every window counts whole, also over the border."""
    model = conv_vae((9, 7, 1), outputs=1, latent=2, channels=(4, 6))
    images = floats(1, 9, 7, 1)
    encode = layer_costs(lambda p, x: model.apply(p, x, method="encode"), initialised(model, images), images)
    assert encode == [
        LayerCost("encoder/Conv_0", 9 * 4 + 4, (2 * 9 + 1) * 4 * 5 * 4),
        LayerCost("encoder/Conv_1", 9 * 4 * 6 + 6, (2 * 9 * 4 + 1) * 6 * 3 * 2),
        LayerCost("encoder/MLP_0/Dense_0", 36 * 128 + 128, 2 * 36 * 128 + 128),
        LayerCost("encoder/head/Dense_0", 128 * 4 + 4, 2 * 128 * 4 + 4),
    ]


@pytest.mark.parametrize(
    ("model", "inputs"),
    [(MLP((32, 16, 10), "tanh"), (1, 20)), (MLP((32, 16, 10), "tanh"), (5, 2, 20)), (ConvNet(), (3, 16, 15, 4))],
    ids=["perceptron", "perceptron on many", "convolutions"],
)
def test_parameters_are_the_trees_and_flops_are_xlas(model, inputs):
    """XLA counts tanh as transcendental, apart from FLOPs: nothing else is left, and the numbers are equal."""
    params = initialised(model, floats(*inputs))
    parameters, flops = total(layer_costs(model.apply, params, floats(*inputs)))
    assert parameters == size(params)
    assert flops == counted_by_xla(model.apply, params, floats(*inputs))


def test_relus_are_all_that_is_left_out():
    """XLA counts one operation for each of the 5,000 relus, less than 1 % of this network."""
    model = MLP((40, 10))
    params = initialised(model, floats(100, 60))
    _, flops = total(layer_costs(model.apply, params, floats(100, 60)))
    assert counted_by_xla(model.apply, params, floats(100, 60)) - flops == 100 * (40 + 10)


def test_the_vaes_methods_add_up_to_the_whole():
    model = mlp_vae((6, 5, 1), outputs=2, latent=3, widths=(8, 7))
    params = initialised(model, floats(1, 6, 5, 1))
    encode = layer_costs(lambda p, x: model.apply(p, x, method="encode"), params, floats(1, 6, 5, 1))
    decode = layer_costs(lambda p, z: model.apply(p, z, method="decode"), params, floats(1, 3))
    assert {row.path.split("/")[0] for row in encode} == {"encoder"}
    assert {row.path.split("/")[0] for row in decode} == {"decoder"}
    assert encode + decode == layer_costs(model.apply, params, floats(1, 6, 5, 1))
    assert total(encode + decode)[0] == size(params)


def test_a_layer_called_twice_has_its_parameters_once_and_its_flops_twice():
    model = Twice()
    params = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, method="everything"), floats(1, 4))
    rows = layer_costs(model.apply, params, floats(1, 4))
    assert rows == [LayerCost("shared", 20, 2 * 36), LayerCost("last", 15, 27)]
    assert total(rows)[1] == counted_by_xla(model.apply, params, floats(1, 4))


def test_the_same_parameters_in_two_applications_are_counted_once():
    def both(params, x):
        return Twice().apply(params, x), Twice().apply(params, x + 1)

    params = jax.eval_shape(lambda x: Twice().init(jax.random.key(0), x, method="everything"), floats(1, 4))
    assert layer_costs(both, params, floats(1, 4)) == [LayerCost("shared", 20, 4 * 36), LayerCost("last", 15, 2 * 27)]


def test_two_networks_with_layers_of_one_name_stand_apart():
    def both(one, other, x):
        return MLP((3,)).apply(one, x), MLP((3,)).apply(other, x)

    params = initialised(MLP((3,)), floats(1, 2))
    rows = layer_costs(both, params, params, floats(1, 2))
    assert rows == [LayerCost("Dense_0", 9, 15), LayerCost("Dense_0", 9, 15)]


def test_layers_without_a_formula_have_their_parameters_and_are_flagged():
    rows = layer_costs(Own().apply, initialised(Own(), floats(1, 5)), floats(1, 5))
    assert set(rows) == {
        LayerCost("", 3, None),
        LayerCost("Dense_0", 18, 33),
        LayerCost("DenseGeneral_0", 3 * 4 + 4, None),
        LayerCost("LayerNorm_0", 4, None),
    }


def test_a_scanned_layer_is_flagged_and_its_parameters_are_counted_once():
    rows = layer_costs(Recurrent().apply, params := initialised(Recurrent(), floats(1, 6, 4)), floats(1, 6, 4))
    assert sum(row.parameters for row in rows) == size(params)
    assert {row.path: row.flops for row in rows} == {
        "SimpleCell_0/i": None,
        "SimpleCell_0/h": None,
        "Dense_0": 6 * (2 * 3 * 2 + 2),
    }


def test_layers_stacked_by_a_transformation_have_all_their_parameters():
    class Stacked(nn.Module):
        @nn.compact
        def __call__(self, inputs):
            return nn.vmap(nn.Dense, variable_axes={"params": 0}, split_rngs={"params": True})(2)(inputs)

    rows = layer_costs(Stacked().apply, initialised(Stacked(), floats(7, 1, 3)), floats(7, 1, 3))
    assert rows == [LayerCost("VmapDense_0", 7 * (3 * 2 + 2), None)]


def test_a_compiled_network_is_seen_every_time():
    model = MLP((4,))
    params, inputs = model.init(jax.random.key(0), jnp.ones((1, 3))), jnp.ones((1, 3))
    compiled = jax.jit(model.apply)
    compiled(params, inputs)
    for _ in range(2):
        assert layer_costs(compiled, params, inputs) == [LayerCost("Dense_0", 16, 28)]


def test_initialisation_has_the_costs_of_a_forward_pass():
    params = initialised(ConvNet(), floats(1, 16, 15, 4))
    rows = layer_costs(ConvNet().init, jax.random.key(0), floats(1, 16, 15, 4))
    assert rows == layer_costs(ConvNet().apply, params, floats(1, 16, 15, 4))


@pytest.mark.parametrize(
    "apply_fn",
    [
        nn.remat(MLP)((4,)).apply,
        jax.vmap(MLP((4,)).apply, (None, 0)),
        lambda params, x: (jax.vmap(MLP((4,)).apply, (None, 0))(params, x), MLP((4,)).apply(params, x)),
        lambda params, x: jax.grad(lambda p: MLP((4,)).apply(p, x).sum())(params),
    ],
    ids=["remat", "vmap", "one of two", "grad"],
)
def test_a_network_that_is_transformed_as_a_whole_is_refused(apply_fn):
    params = initialised(MLP((4,)), floats(1, 3))
    with pytest.raises(ValueError, match="inside a transformation"):
        layer_costs(apply_fn, params, floats(1, 3))


def test_a_transformed_layer_that_is_called_without_its_network_is_refused():
    class Inside(nn.Module):
        def setup(self):
            self.layer = nn.remat(nn.Dense)(4)

        def __call__(self, inputs):
            return self.layer(inputs)

    params = initialised(Inside(), floats(1, 3))
    assert layer_costs(Inside().apply, params, floats(1, 3)) == [LayerCost("layer", 16, None)]
    with pytest.raises(ValueError, match="layer"):
        layer_costs(lambda p, x: Inside().apply(p, x, method=lambda m, x: m.layer(x)), params, floats(1, 3))


def test_a_network_costs_what_its_layers_do_and_normalisation_its_parameters_alone():
    class Normalized(nn.Module):
        @nn.compact
        def __call__(self, images):
            hidden = GroupNorm()(nn.Conv(8, (3, 3), conv_general_dilated=flax_convolution)(images))
            return nn.Conv(2, (1, 1), use_bias=False, conv_general_dilated=flax_convolution)(hidden)

    parameters, flops = 9 * 3 * 8 + 8 + 2 * 8 + 8 * 2, 2 * 5 * 6 * (2 * 9 * 3 * 8 + 8 + 2 * 8 * 2)
    assert network_cost(Normalized(), (2, 5, 6, 3)) == LayerCost("", parameters, flops)
