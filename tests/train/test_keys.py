"""No two draws share a key: every path of folds from a seed ends in a key of its own."""

import jax
import numpy as np

from train.task import Draw, Stream, initial_state, seed_keys

SEEDS, STEPS, PHASES, PLACES = (0, 1, 2, 7), (0, 1, 2, 1000), 3, 5


def words(key):
    return tuple(np.asarray(jax.random.key_data(key)).tolist())


def fold(key, *path):
    for number in path:
        key = jax.random.fold_in(key, number)
    return key


def test_a_draw_is_what_splitting_gives_so_that_either_is_used_and_never_both():
    key = jax.random.key(3)
    for draw in Draw:
        assert words(fold(key, draw)) == words(jax.random.split(key, len(Draw))[draw])


def test_streams_data_steps_phases_examples_and_draws_have_keys_of_their_own():
    found = {}
    for seed, key in zip(SEEDS, seed_keys(SEEDS), strict=True):
        found |= {(seed, stream): fold(key, stream) for stream in Stream}
        found |= {(seed, Stream.DATA, which): fold(key, Stream.DATA, which) for which in range(PLACES)}
        found |= {(seed, Stream.EVALUATION, place): fold(key, Stream.EVALUATION, place) for place in range(PLACES)}
        begin = initial_state(key, {}, ()).key
        assert words(begin) == words(found[seed, Stream.STEPS])
        for step in STEPS:
            found[seed, "step", step] = fold(begin, step)
            for phase in range(PHASES):
                found[seed, "step", step, phase] = fold(begin, step, phase)
                examples = jax.random.split(fold(begin, step, phase), PLACES)
                found |= {(seed, "step", step, phase, place): examples[place] for place in range(PLACES)}
                found |= {
                    (seed, "step", step, phase, place, draw): fold(examples[place], draw)
                    for place in range(PLACES)
                    for draw in Draw
                }
    assert len(found) == len(SEEDS) * (
        len(Stream) + 2 * PLACES + len(STEPS) * (1 + PHASES * (1 + PLACES * (1 + len(Draw))))
    )
    names = {}
    for name, key in found.items():
        assert names.setdefault(words(key), name) == name
