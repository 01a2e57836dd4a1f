"""How well differences of word vectors say what words have to do with each other."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def solve_analogies(
    vectors: Float[Array, "words size"], questions: Int[Array, "questions 3"]
) -> Int[Array, " questions"]:
    """The word that is to c as b is to a, of questions (a, b, c): "man is to woman as king is to …".

        argmax_d  cos(v_d, v_b − v_a + v_c),   d none of a, b, c;   v of length 1

    Mikolov et al. 2013, "Linguistic regularities in continuous space word representations", section 4. Lecture 004,
    "Word embeddings".
    """
    unit = vectors / jnp.maximum(jnp.linalg.norm(vectors, axis=1, keepdims=True), jnp.finfo(vectors.dtype).tiny)
    a, b, c = (unit[questions[:, column]] for column in range(3))
    similarity = (b - a + c) @ unit.T
    asked = jax.nn.one_hot(questions, len(vectors), dtype=bool).any(axis=1)
    return jnp.where(asked, -jnp.inf, similarity).argmax(axis=1)
