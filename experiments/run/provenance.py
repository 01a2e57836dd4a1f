"""What made a run besides its settings and data: flags of JAX that change bits, versions, and the source's commit."""

import importlib.metadata

import jax

from experiments.run.run_folder import commit

NUMERICS = (
    "jax_default_matmul_precision",
    "jax_default_prng_impl",
    "jax_enable_x64",
    "jax_threefry_partitionable",
)
"""Flags of JAX with which the same settings give other numbers."""
VERSIONS = ("jax", "jaxlib")


def provenance() -> dict:
    """What a checkpoint notes of it."""
    return {
        "numerics": {name: getattr(jax.config, name) for name in NUMERICS},
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS},
        "commit": commit(),
    }


def differing_numerics(notes: dict | None) -> str:
    """With which other flags a run was begun, in words: "with JAX_ENABLE_X64=True, not False"; "" where with none."""
    noted, current = (notes or {}).get("numerics", {}), provenance()["numerics"]
    other = [name for name in NUMERICS if name in noted and noted[name] != current[name]]
    return ", ".join(f"with {name.upper()}={noted[name]}, not {current[name]}" for name in other)


def other_source(notes: dict) -> str:
    """A line where the source or a version is another than a run was begun with; "" where they are the same."""
    noted = {"commit": notes.get("commit"), **notes.get("versions", {})}
    current = {"commit": commit(), **provenance()["versions"]}
    other = [f"{name} {noted[name]}, now {current[name]}" for name in noted if noted[name] not in (None, current[name])]
    return f"its steps so far were made by {'; '.join(other)}: its bits may be other than in one go" if other else ""
