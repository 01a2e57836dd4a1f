"""What modules show, by name; nothing of it is kept or computed unless it is asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from flax import linen as nn

from models.feature_maps import as_volume, feature_maps, feature_shapes, influence, show


class Doubled(nn.Module):
    @nn.compact
    def __call__(self, features):
        return show(self, 2 * features)


class Net(nn.Module):
    @nn.compact
    def __call__(self, features):
        hidden = show(self, features * self.param("scale", nn.initializers.ones, ()).astype(features.dtype), "scaled")
        return Doubled(name="second")(Doubled(name="first")(hidden)) + 1


VARIABLES = {"params": {"scale": np.float32(3.0)}}
IMAGES = jnp.ones((2, 3, 3, 1))
CASES = {
    as_volume: Case(lambda rng: (rng.normal(size=(2, 3)),)),
    feature_maps: Case(lambda rng: (Net(), VARIABLES, rng.normal(size=(2, 3, 3, 1)))),
    influence: Case(lambda rng: (Net(), VARIABLES, rng.normal(size=(2, 3, 3, 1))), {"name": "first"}),
}


def test_a_dense_layer_is_a_volume_of_one_place():
    features = jnp.arange(6.0).reshape(2, 3)
    volume = as_volume(features)
    assert volume.shape == (2, 1, 1, 3)
    np.testing.assert_array_equal(volume[:, 0, 0], features)
    assert as_volume(IMAGES) is IMAGES


def test_names_are_those_of_features_and_of_modules_in_their_order():
    shown = feature_maps(Net(), VARIABLES, IMAGES)
    assert {name: float(features[0, 0, 0, 0]) for name, features in shown.items()} == {
        "scaled": 3, "first": 6, "second": 12,
    }  # fmt: skip
    assert list(shown) == ["scaled", "first", "second"]
    assert feature_shapes(Net(), VARIABLES, (3, 3, 1)) == {name: (3, 3, 1) for name in shown}


def test_a_net_that_shows_nothing_has_none():
    class Silent(nn.Module):
        def __call__(self, features):
            return features

    assert feature_maps(Silent(), {}, IMAGES) == {}


def test_what_is_shown_is_no_part_of_the_variables_or_of_the_output():
    variables = Net().init(jax.random.key(0), IMAGES)
    assert variables.keys() == {"params"}
    np.testing.assert_array_equal(Net().apply(VARIABLES, IMAGES), 13.0)


def test_what_has_no_place_sees_no_pixels():
    class Flat(nn.Module):
        @nn.compact
        def __call__(self, features):
            return show(self, features.reshape(len(features), -1), "flat")

    with pytest.raises(ValueError, match=r"flat has no height and width: \(2, 9\)"):
        influence(Flat(), {}, IMAGES, name="flat")
