import jax.numpy as jnp
import numpy as np
from cases import Case

from losses.metrics.analogies import solve_analogies

CASES = {
    solve_analogies: Case(
        lambda rng: (rng.normal(size=(6, 3)), np.array([[0, 1, 2], [3, 4, 5]])), constant_almost_everywhere=True
    )
}


def test_the_answer_is_found_by_looking_at_every_word(float64):
    rng = np.random.default_rng(0)
    vectors, questions = rng.normal(size=(9, 4)), np.array([rng.permutation(9)[:3] for _ in range(30)])
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    for answer, (a, b, c) in zip(solve_analogies(jnp.asarray(vectors), jnp.asarray(questions)), questions, strict=True):
        wanted = unit[b] - unit[a] + unit[c]
        cosines = {word: wanted @ unit[word] / np.linalg.norm(wanted) for word in set(range(9)) - {a, b, c}}
        assert int(answer) == max(cosines, key=cosines.get)


def test_planted_parallelograms_are_found():
    """Orthogonal directions for what a word is, and for its form."""
    kinds, forms = np.eye(5)[:3], np.eye(5)[3:]
    vectors = jnp.asarray([kind + form for kind in kinds for form in forms])  # word 2k + f
    questions = jnp.asarray([[0, 1, 2], [3, 2, 5], [4, 5, 0]])
    np.testing.assert_array_equal(solve_analogies(vectors, questions), [3, 4, 1])
