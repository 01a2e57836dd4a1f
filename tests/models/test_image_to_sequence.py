import jax
import jax.numpy as jnp
import numpy as np
from cases import Case

from models.image_to_sequence import ImageToSequence, say


def arguments(rng):
    """A small network with parameters drawn, and two images."""
    model, said = ImageToSequence(symbols=5, units=4), jnp.zeros((2, 3), jnp.int32)
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((2, 2, 3, 1), jnp.float32), said)
    return model, jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), shapes), rng.normal(size=(2, 2, 3, 1))


CASES = {say: Case(arguments, options={"count": 3}, constant_almost_everywhere=True)}


def test_what_is_said_is_likeliest_when_it_is_read_back():
    model = ImageToSequence(symbols=5, cell="lstm", units=4, layers=2)
    images = jax.random.normal(jax.random.key(0), (3, 4, 4, 1))
    params = jax.jit(model.init)(jax.random.key(1), images, jnp.zeros((3, 6), jnp.int32))
    params = jax.tree.map(lambda leaf: 3 * leaf, params)
    said = jax.jit(say, static_argnums=0, static_argnames="count")(model, params, images, count=6)
    np.testing.assert_array_equal(jax.jit(model.apply)(params, images, said).argmax(axis=-1), said)
