"""How tests compile."""

import os
from functools import partial

import jax

FUSION_EMITTERS = "xla_cpu_use_fusion_emitters"

# `jax.jit` for what draws random numbers. The tests go without XLA's fusion emitters, which small programs compile
# faster without; but a draw that is fused into its uses is then written out for each of them, up to a minute's work.
jit_of_draws = partial(
    jax.jit, compiler_options={FUSION_EMITTERS: True} if FUSION_EMITTERS in os.environ.get("XLA_FLAGS", "") else None
)
