"""Ours and PyTorch's recurrent layers with the same weights; ``make bench`` builds an environment that has PyTorch."""

import os
import subprocess
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.layers.fast_lstm import lstm_recur
from models.layers.recurrence import Cell, bidirectional, recur, stack
from models.layers.recurrent_cells import RecurrentWeights, elman_step, gru_step, lstm_step

PROGRAM = Path(__file__).parents[3] / "experiments/bench/peers/lstm_torch.py"
PYTHON = Path(os.environ.get("PEERS", ".venv-peers")).absolute() / "bin" / "python"
LAYERS = {
    "RNN": (partial(recur, Cell(elman_step)), 1),
    "LSTM": (partial(recur, Cell(lstm_step)), 2),
    "LSTM by hand": (lstm_recur, 2),
    "GRU": (partial(recur, Cell(partial(gru_step, reset="after"))), 1),
}


def weights_of(numbers, place, *, gated):
    """PyTorch has two biases a layer: of ours the candidate of a GRU keeps both apart, everything else their sum."""
    inputs, recurrent, of_inputs, of_state = (
        jnp.asarray(numbers[f"{name}_{place}"]) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    if not gated:
        return RecurrentWeights(inputs.T, recurrent.T, of_inputs + of_state)
    units = recurrent.shape[1]
    bias = of_inputs + of_state.at[2 * units :].set(0)
    return RecurrentWeights(inputs.T, recurrent.T, bias, candidate_bias=of_state[2 * units :])


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.exists(), reason="no environment with PyTorch: make bench builds it")
@pytest.mark.parametrize("name", LAYERS)
def test_two_layers_both_ways_have_pytorchs_numbers_and_gradients(float64, name, tmp_path):
    subprocess.run([PYTHON, PROGRAM, "--to", tmp_path], check=True)
    numbers = np.load(tmp_path / f"{name.split()[0]}.npz")
    recurrence, states = LAYERS[name]
    both = bidirectional(recurrence, recurrence)
    state = tuple(jnp.zeros((2, 4)) for _ in range(states))

    def total(weights, inputs):
        _, outputs = stack(both, both)(weights, ((state, state),) * 2, inputs)
        return jnp.sum(jnp.sin(outputs)), outputs

    gated = name == "GRU"
    weights = tuple(
        tuple(weights_of(numbers, f"l{layer}{way}", gated=gated) for way in ("", "_reverse")) for layer in (0, 1)
    )
    run = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))
    (_, outputs), (slopes, of_inputs) = run(weights, jnp.asarray(numbers["inputs"]))
    np.testing.assert_allclose(outputs, numbers["outputs"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(of_inputs, numbers["slope/inputs"], rtol=1e-10, atol=1e-12)
    for layer, ways in enumerate(slopes):
        for way, own in zip(("", "_reverse"), ways, strict=True):
            place = f"l{layer}{way}"
            np.testing.assert_allclose(own.inputs.T, numbers[f"slope/weight_ih_{place}"], rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(own.recurrent.T, numbers[f"slope/weight_hh_{place}"], rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(own.bias, numbers[f"slope/bias_ih_{place}"], rtol=1e-9, atol=1e-12)
