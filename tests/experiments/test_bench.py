import sys

import numpy as np
import pytest

from experiments import bench
from experiments.bench import Benchmark, Contender, bench_images, benchmarks
from experiments.errors import WrongInput


def printing(rate, log, letter):
    code = f"print('noise'); print('{{\"examples_per_second\": {rate}}}'); open({str(log)!r}, 'a').write('{letter}')"
    return Contender(letter, (sys.executable, "-c", code))


def test_contenders_alternate_and_are_compared_to_the_first(tmp_path, capsys):
    log = tmp_path / "order"
    work = Benchmark("work", "examples/s", (printing(3000, log, "a"), printing(1500, log, "b")))
    samples = bench._alternate(work, 3, tmp_path)
    assert log.read_text() == "ababab"
    assert [sample.value for sample in samples["b"]] == [1500.0] * 3
    assert all(sample.megabytes > 5 for sample in samples["a"])
    bench._report(work, samples)
    printed = capsys.readouterr().out
    assert "1.00×" in printed
    assert "0.50×" in printed


def test_a_contender_that_fails_says_why(tmp_path):
    failing = Benchmark("work", "examples/s", (Contender("x", (sys.executable, "-c", "raise SystemExit('no disk')")),))
    with pytest.raises(WrongInput, match="x failed: no disk"):
        bench._alternate(failing, 1, tmp_path)


def test_the_images_are_binary_and_of_the_size_that_all_contenders_read(tmp_path):
    images = bench_images()
    assert images.shape == (5000, 784)
    assert images.dtype == np.float32
    assert set(np.unique(images)) == {0.0, 1.0}
    assert {"vae", "mlp", "loop", "stream", "conv", "start"} == benchmarks(tmp_path, tmp_path).keys()
