"""Nets on grids and trees, and their data: rules that do not depend on the net."""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.datasets.generated_structures import KINDS, expressions, maze_cells, reached
from models.structured_recurrence import GridNet, TreeNet


def test_a_cell_is_reached_where_a_path_leads():
    """By all paths: right and down, as powers of the grid's adjacency."""
    cells = maze_cells(0, 4, free=0.6, count=50)
    found = reached(cells)
    for free, expected in zip(cells, found, strict=True):
        number = np.arange(16).reshape(4, 4)
        steps = np.zeros((16, 16), int)
        steps[number[:-1].ravel(), number[1:].ravel()] = 1
        steps[number[:, :-1].ravel(), number[:, 1:].ravel()] = 1
        steps *= np.outer(free.ravel(), free.ravel())
        ways = sum(np.linalg.matrix_power(steps, length)[0] for length in range(7))
        np.testing.assert_array_equal((ways > 0).reshape(4, 4), expected)


def test_an_expression_has_the_value_that_python_gives_it():
    train = expressions(6, examples=60).splits["train"]
    assert (train["children"] < np.arange(11)[:, None]).all()  # children come before
    signs = {"and": "&", "or": "|", "xor": "^"}
    rows = zip(train["kinds"], train["children"], train["root"], train["value"], train["depth"], strict=True)
    for kinds, children, root, value, depth in rows:

        def written(node, kinds=kinds, children=children):
            kind = KINDS[kinds[node]]
            if kind not in signs:
                return kind, 0
            (left, below), (right, beside) = (written(child) for child in children[node])
            return f"({left} {signs[kind]} {right})", 1 + max(below, beside)

        text, levels = written(root)
        assert (eval(text, {}), levels) == (value, depth)
        assert not kinds[root + 1 :].any()
        assert (children[root + 1 :] == -1).all()


def test_a_trees_logit_depends_on_what_is_below_and_not_on_padding():
    kinds = jnp.asarray([[1, 2, 3, 2, 4, 0, 0]])
    children = jnp.asarray([[[-1, -1], [-1, -1], [0, 1], [-1, -1], [2, 3], [-1, -1], [-1, -1]]])
    model = TreeNet(len(KINDS), 4)
    params = jax.jit(model.init)(jax.random.key(0), kinds, children)
    apply = jax.jit(model.apply)
    whole = apply(params, kinds, children)
    np.testing.assert_allclose(apply(params, kinds.at[0, 5].set(3), children)[0, :5], whole[0, :5], rtol=1e-6)
    changed = apply(params, kinds.at[0, 0].set(2), children)[0]
    np.testing.assert_array_equal(np.asarray(changed != whole[0])[:5], [True, False, True, False, True])
    swapped = apply(params, kinds, children[:, :, ::-1])
    np.testing.assert_allclose(swapped, whole, rtol=1e-5, atol=1e-6)


def test_a_grid_of_one_column_and_its_transpose_agree():
    model = GridNet("gru", 4)
    inputs = jax.random.normal(jax.random.key(0), (2, 5, 1, 3))
    params = jax.jit(model.init)(jax.random.key(1), inputs)
    turned = jax.jit(model.apply)(params, inputs.swapaxes(1, 2))
    np.testing.assert_allclose(turned[:, 0], jax.jit(model.apply)(params, inputs)[..., 0], rtol=1e-5, atol=1e-6)
