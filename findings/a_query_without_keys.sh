#!/usr/bin/env bash
# What attention answers to a query that may see no key: a bias, NaN, or the mean of all that is hidden from it.
#
# Versions:   torch 2.13.0 (CPU), jax 0.10.2, flax 0.12.7.
# Setting:    a sequence of three places, all of them padding, as in a batch that was filled up. PyTorch's
#             MultiheadAttention, with and without the weights asked for, in training and in evaluation, and its
#             function scaled_dot_product_attention; jax.nn.dot_product_attention by a mask, by a length of 0 and by a
#             bias of −∞; Flax's dot_product_attention.
# Usual guess: one library has one answer, and whether attention weights are returned too changes no output. What is
#             masked has no share in any answer.
# Behaviour:  with need_weights=True, the default, PyTorch's module answers NaN, which then is the gradient of all
#             parameters if the loss weighs the place by 0; with need_weights=False, the same module on the same input
#             answers the bias of its last layer, as if nothing had been seen. JAX's and Flax's masks are large finite
#             numbers, so that all places are equally unlikely: the answer is the mean of the values that were hidden.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 jax==0.10.2 jaxlib==0.10.2 flax==0.12.7 numpy==2.4.6

cat > "$folder/attend.py" <<'PYTHON'
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import torch

values = np.random.default_rng(0).normal(size=(1, 3, 4)).astype(np.float32)
mean = values.mean(axis=1)[0]


def show(name, found):
    found = np.asarray(found).reshape(3, 4)[0]
    kinds = {"NaN": np.isnan(found).all(), "0": not found.any(), "the mean of the hidden values": np.allclose(found, mean)}
    print(f"{name}: {next(kind for kind, holds in kinds.items() if holds)}")


sequence, padding = torch.tensor(values), torch.ones(1, 3, dtype=torch.bool)
module = torch.nn.MultiheadAttention(4, 1, batch_first=True)
torch.nn.init.zeros_(module.out_proj.bias)
for training in (True, False):
    for asked in (True, False):
        module.train(training)
        with torch.no_grad():
            output, _ = module(sequence, sequence, sequence, key_padding_mask=padding, need_weights=asked)
        show(f"PyTorch's module, {'training' if training else 'evaluation'}, need_weights={asked}", output)
for asked in (True, False):
    module.train().zero_grad()
    output, _ = module(sequence, sequence, sequence, key_padding_mask=padding, need_weights=asked)
    (0 * output).sum().backward()
    finite = all(bool(each.grad.isfinite().all()) for each in module.parameters())
    print(f"gradients of 0 times that, need_weights={asked}: {'finite' if finite else 'NaN'}")
alone = sequence[:, None]
function = torch.nn.functional.scaled_dot_product_attention
show("PyTorch's function", function(alone, alone, alone, attn_mask=torch.zeros(1, 1, 3, 3, dtype=torch.bool)))

sequence, mask = jnp.asarray(values)[:, :, None], jnp.zeros((1, 1, 3, 3), bool)
attend = jax.nn.dot_product_attention
show("JAX, a mask", attend(sequence, sequence, sequence, mask=mask))
show("JAX, a length of 0", attend(sequence, sequence, sequence, key_value_seq_lengths=jnp.zeros(1, int)))
show("JAX, a bias of −∞", attend(sequence, sequence, sequence, bias=jnp.full((1, 1, 3, 3), -jnp.inf)))
show("Flax, a mask", nn.dot_product_attention(sequence, sequence, sequence, mask=mask))
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore "$folder/attend.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
PyTorch's module, training, need_weights=True: NaN
PyTorch's module, training, need_weights=False: 0
PyTorch's module, evaluation, need_weights=True: NaN
PyTorch's module, evaluation, need_weights=False: 0
gradients of 0 times that, need_weights=True: NaN
gradients of 0 times that, need_weights=False: finite
PyTorch's function: 0
JAX, a mask: the mean of the hidden values
JAX, a length of 0: the mean of the hidden values
JAX, a bias of −∞: NaN
Flax, a mask: the mean of the hidden values
EXPECTED
