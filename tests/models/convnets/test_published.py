"""Published parameter counts, without computing anything; and, slowly, one descent of each net at full size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.convnets.inception import googlenet, googlenet_torchvision
from models.convnets.lenet import ConvNet1989, LeNet5
from models.convnets.pattern import parse_pattern
from models.convnets.pattern_net import pattern_net
from models.convnets.published import PATTERNS
from models.convnets.resnet import cifar_resnet, resnet
from models.convnets.volumes import volumes
from models.feature_maps import SHOWN, feature_maps

PHOTO, COLOUR, DIGIT = (224, 224, 3), (32, 32, 3), (28, 28, 1)
NETS = {
    "lenet5": (pattern_net(PATTERNS["lenet5"], 10), DIGIT, 61_706),
    "lenet5_tanh": (pattern_net(PATTERNS["lenet5_tanh"], 10), DIGIT, 61_706),
    "lenet5_paper": (LeNet5(), DIGIT, 60_000),  # LeCun et al. 1998, section II.B
    "convnet_1989": (ConvNet1989(), (16, 16, 1), 9_760),  # LeCun et al. 1989, section 3
    "alexnet": (pattern_net(PATTERNS["alexnet"], 1000), (227, 227, 3), 60_965_224),
    "alexnet_torchvision": (pattern_net(PATTERNS["alexnet_torchvision"], 1000), PHOTO, 61_100_840),
    "zfnet": (pattern_net(PATTERNS["zfnet"], 1000), PHOTO, 62_357_608),
    "vgg11": (pattern_net(PATTERNS["vgg11"], 1000), PHOTO, 132_863_336),
    "vgg13": (pattern_net(PATTERNS["vgg13"], 1000), PHOTO, 133_047_848),
    "vgg16": (pattern_net(PATTERNS["vgg16"], 1000), PHOTO, 138_357_544),
    "vgg19": (pattern_net(PATTERNS["vgg19"], 1000), PHOTO, 143_667_240),
    "googlenet": (googlenet(1000), PHOTO, 6_998_552),
    "googlenet_auxiliary": (googlenet(1000, auxiliary=True), PHOTO, 13_378_280),
    "googlenet_torchvision": (googlenet_torchvision(1000), PHOTO, 6_624_904),
    "googlenet_torchvision_auxiliary": (googlenet_torchvision(1000, auxiliary=True), PHOTO, 13_004_888),
    "resnet18": (resnet(18, 1000), PHOTO, 11_689_512),
    "resnet34": (resnet(34, 1000), PHOTO, 21_797_672),
    "resnet50": (resnet(50, 1000), PHOTO, 25_557_032),
    "resnet50_paper": (resnet(50, 1000, stride_in_first=True), PHOTO, 25_557_032),
    "resnet101": (resnet(101, 1000), PHOTO, 44_549_160),
    "resnet152": (resnet(152, 1000), PHOTO, 60_192_808),
    "resnet20": (cifar_resnet(20), COLOUR, 269_722),  # He et al. 2016, table 6: 0.27 M
    "resnet20_projection": (cifar_resnet(20, shortcut="projection"), COLOUR, 272_474),
    "resnet32": (cifar_resnet(32), COLOUR, 464_154),  # 0.46 M
    "resnet44": (cifar_resnet(44), COLOUR, 658_586),  # 0.66 M
    "resnet56": (cifar_resnet(56), COLOUR, 853_018),  # 0.85 M
    "resnet110": (cifar_resnet(110), COLOUR, 1_727_962),  # 1.7 M
}


@pytest.mark.parametrize("name", NETS)
def test_it_has_the_published_number_of_parameters(name):
    model, shape, parameters = NETS[name]
    variables = jax.eval_shape(model.init, jax.random.key(0), jax.ShapeDtypeStruct((1, *shape), jnp.float32))
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == parameters


@pytest.mark.parametrize("name", PATTERNS)
def test_a_patterns_volumes_are_the_nets(name):
    """The table by formula against the shapes of every layer's output and parameters, by evaluation of shapes."""
    model, shape, _ = NETS[name]
    image = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    variables = jax.eval_shape(model.init, jax.random.key(0), image)
    seen = []

    def shown(variables, image):
        seen.extend(feature_maps(model, variables, image).values())

    jax.eval_shape(shown, variables, image)
    table = volumes(parse_pattern(PATTERNS[name]), shape, classes=model.classes)[1:]
    assert [np.prod(features.shape[1:]) for features in seen] == [volume.units for volume in table]
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(layer)) for layer in variables["params"].values()]
    assert sorted(sizes) == sorted(volume.parameters for volume in table if volume.parameters)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_at_full_size_every_parameter_has_a_finite_gradient(name):
    """Two images forward and backward, batch normalisation by their moments."""
    model, shape, _ = NETS[name]
    images = jnp.asarray(np.random.default_rng(0).normal(size=(2, *shape)), jnp.float32)
    variables = jax.jit(model.init)(jax.random.key(0), images)
    statistics = {name: tree for name, tree in variables.items() if name != "params"}

    @jax.jit
    def gradient_of_loss(params):
        def loss(params):
            kept = [*statistics, SHOWN]
            logits, state = model.apply({"params": params, **statistics}, images, training=True, mutable=kept)
            heads = [logits, *(tree["output"] for name, tree in state[SHOWN].items() if name.startswith("aux"))]
            return sum(jnp.mean(jax.nn.logsumexp(head, axis=-1) - head[:, 3]) for head in heads)

        return jax.value_and_grad(loss)(params)

    loss, gradient = gradient_of_loss(variables["params"])
    assert np.isfinite(loss)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert np.isfinite(leaf).all(), path
        assert np.any(np.asarray(leaf) != 0), path
