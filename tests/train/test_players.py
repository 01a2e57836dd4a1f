import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tasks import batches, game_task, init_params, noisy_regression, run

from train.players import Learner, Player, alternating, side_by_side
from train.task import supervised
from train.transforms import accumulate


def test_two_players_follow_the_closed_form_of_a_bilinear_game(float64):
    """min_x max_y x·y in turn: x ← x − η y, then y ← y + η x with the new x."""
    rate = 0.1
    players = {
        "x": Player(lambda p, batch, keys: (batch * p["x"] * p["y"], {}), optax.sgd(rate)),
        "y": Player(lambda p, batch, keys: (-batch * p["x"] * p["y"], {}), optax.sgd(rate)),
    }
    task = alternating(players, lambda key: {"x": jnp.array(1.0), "y": jnp.array(0.5)})
    state, _ = run(task, jnp.ones((20, 4)))
    turn = np.array([[1, -rate], [rate, 1 - rate**2]])
    expected = np.linalg.matrix_power(turn, 20) @ [1.0, 0.5]
    np.testing.assert_allclose([state.params["x"], state.params["y"]], expected, rtol=1e-12)


def test_a_player_may_update_several_times_in_a_step(float64):
    twice, _ = run(game_task(updates=2), batches(3, 4))
    once, _ = run(game_task(), batches(3, 4))
    assert twice.opt_state["defender"][0].count == 6
    assert once.opt_state["defender"][0].count == 3
    assert twice.step == once.step == 3


def test_every_update_of_a_step_sees_examples_and_noise_of_its_own(float64):
    """x sums what it has seen, each player every third example; the sums of a player are those of the whole batch."""

    def sees(name):
        def loss_fn(params, batch, keys):
            noise = jax.vmap(jax.random.normal)(keys)
            return params[name]["seen"] @ batch["one_hot"].T + params[name]["noise"] * noise, {}

        return loss_fn

    def init(key):
        return {name: {"seen": jnp.zeros(12), "noise": jnp.zeros(())} for name in ("busy", "idle", "lazy")}

    players = {name: Player(sees(name), optax.sgd(1.0), n) for name, n in {"busy": 3, "idle": 0, "lazy": 1}.items()}
    task = alternating(players, init)
    whole, _ = run(task, {"one_hot": jnp.eye(12)[None]})
    seen = {name: np.asarray(-4 * own["seen"]) for name, own in whole.params.items()}
    np.testing.assert_allclose(seen["busy"], np.ones(12))
    np.testing.assert_allclose(seen["lazy"], np.arange(12) % 3 == 0)
    assert not seen["idle"].any()
    parts, _ = run(accumulate(task, 2), {"one_hot": jnp.eye(12)[None]})
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12), parts.params, whole.params)
    key = jax.random.fold_in(task.init(jax.random.key(0)).key, 0)
    noise = [jax.vmap(jax.random.normal)(jax.random.split(jax.random.fold_in(key, i), 12)[i::3]) for i in range(3)]
    np.testing.assert_allclose(whole.params["busy"]["noise"], -np.sum(noise) / 4)
    with pytest.raises(ValueError, match="a batch of size 8 cannot be shared by its updates in 3"):
        task.step(task.init(jax.random.key(0)), {"one_hot": jnp.eye(12)[:8]})


def test_players_without_parameters_of_their_name_are_refused():
    task = alternating({"a": Player(noisy_regression, optax.sgd(0.1))}, lambda key: {"b": init_params(key)})
    with pytest.raises(ValueError, match=r"players \['a'\].*got \['b'\]"):
        task.init(jax.random.key(0))


def test_learners_side_by_side_end_where_each_ends_alone(float64):
    """Each from where its name and the seed put it, by its own optimizer, whoever stands beside it."""

    def squared(params, batch, keys):
        return (jnp.tanh(batch["x"] @ params["first"]) @ params["second"] - batch["y"]) ** 2, {}

    optimizers = {"slow": optax.sgd(0.01), "fast": optax.adam(0.1), "third": optax.sgd(0.02)}
    learners = {name: Learner(squared, init_params, optimizer) for name, optimizer in optimizers.items()}
    data = batches(5, 6)
    together, metrics = run(side_by_side(learners), data)
    starts = side_by_side(learners).init(jax.random.key(0)).params
    assert len({start["first"].tobytes() for start in jax.tree.map(np.asarray, starts).values()}) == 3
    for name, optimizer in optimizers.items():
        beside_none, _ = run(side_by_side({name: learners[name]}), data)
        alone, _ = run(supervised(squared, lambda key, name=name: starts[name], optimizer), data)
        jax.tree.map(np.testing.assert_array_equal, beside_none.params[name], together.params[name])
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), alone.params, together.params[name])
        assert f"{name}/loss" in metrics
