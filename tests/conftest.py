"""Strictness for all tests: types and shapes are checked, promotions are errors, and there are two devices."""

import gc
import os
import platform
import re
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"
# Compiled programs are shared by the processes of the tests and kept for the next time, also of another checkout; the
# caches of runs that a test starts as a user would live as long as the tests.
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lectern" / "test-programs"
PROGRAMS = Path(os.environ.setdefault("LECTERN_TEST_PROGRAMS", str(KEPT)))  # one folder for the workers of pytest-xdist
MOST_BYTES = 2**30
CACHE = tempfile.TemporaryDirectory(prefix="lectern-tests-")
os.environ["XDG_CACHE_HOME"] = CACHE.name
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(PROGRAMS)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.02"
# Most of the time of the tests is compilation, so they ask for little optimisation. What is promised to the bit holds
# under these flags and without: `JAX_DISABLE_MOST_OPTIMIZATIONS=0 XLA_FLAGS= pytest` takes longer.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
if platform.machine() == "x86_64":
    # With little optimisation XLA may fuse a product and a sum into one rounding in one program and not in another: AVX
    # has no such instruction. Without its fusion emitters, which later versions cannot do without, it compiles faster.
    emitters = "--xla_cpu_use_fusion_emitters=false " if version("jaxlib").startswith("0.10.") else ""
    os.environ.setdefault("XLA_FLAGS", emitters + "--xla_cpu_max_isa=AVX")
gc.set_threshold(100_000, 20, 100)  # a process that has run a thousand tests holds much, and looks through it often

import jax
from jaxtyping import install_import_hook

jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_numpy_dtype_promotion", "strict")
install_import_hook(["models", "losses", "train"], "typecheck.checked").__enter__()

import matplotlib
import optax
import pytest
from typecheck import unchecked

matplotlib.use("Agg")


def _let_through(function):
    def called(*arguments, **options):
        with jax.numpy_dtype_promotion("standard"):
            return function(*arguments, **options)

    return called


# Optax raises a float to an integer count: the one implicit promotion that is not ours to write out.
optax.tree.bias_correction = _let_through(optax.tree.bias_correction)


def pytest_sessionfinish(session):
    """Of the kept programs those that were used last stay, as many as ``MOST_BYTES`` hold."""
    if hasattr(session.config, "workerinput") or not PROGRAMS.is_dir():
        return
    seen = sorted(((path.stat(), path) for path in PROGRAMS.iterdir()), key=lambda each: -each[0].st_atime)
    total = 0
    for stat, path in seen:
        total += stat.st_size
        if total > MOST_BYTES:
            path.unlink(missing_ok=True)


@pytest.fixture(autouse=True, scope="module")
def forget_programs():
    """Compiled programs go with the file that needed them: with thousands in memory each new one takes longer."""
    yield
    jax.clear_caches()


@pytest.fixture
def float64():
    """Double precision, so that execution forms can be compared to 1e-9."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def types_checked_before():
    """What has just been run is run once more, and its types are not looked at again."""
    with unchecked():
        yield


@pytest.fixture
def undrawn(monkeypatch):
    """Runs without figures."""
    monkeypatch.setattr("experiments.run.runner.draw_figures", lambda run, workdir, params, folder: None)


@pytest.fixture
def numbers_alone(undrawn, monkeypatch):
    """Where numbers are compared nothing is drawn and no cost is counted: its contract does both once an experiment."""
    monkeypatch.setattr("experiments.run.summary.flops_per_step", lambda run, task, state: None)
    monkeypatch.setattr("experiments.run.runner.cost_of_one", lambda run, params: None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """What shares a fixture shares a process: the tests of a class or a file, and of an experiment its contract."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            experiment = re.search(r"contracts/test_experiments\.py::.*\[([a-z_]+)", nodeid)
            return experiment[1] if experiment else super()._split_scope(nodeid)

    return Scheduling(config, log)
