import numpy as np
import pytest
import sklearn.decomposition

from experiments.autoencoders.pca.experiment import PCASettings
from experiments.run import runner
from experiments.run.registry import load


def test_a_run_is_scikit_learns_pca(tmp_path):
    settings = PCASettings(components=5)
    run = runner.prepare("pca", "default", settings)
    summary = runner.start(run, tmp_path / "run")
    train, test = (run.dataset.splits[split]["image"] for split in ("train", "test"))
    theirs = sklearn.decomposition.PCA(5).fit(train[0].reshape(-1, 64))
    flat = test.reshape(-1, 64)
    error = np.sum((flat - theirs.inverse_transform(theirs.transform(flat))) ** 2, axis=1)
    assert summary["metrics"]["squared_error"]["mean"] == pytest.approx(error.mean(), rel=1e-4)
    total = np.sum((flat - train[0].reshape(-1, 64).mean(axis=0)) ** 2, axis=1).mean()
    assert summary["metrics"]["unexplained"]["mean"] == pytest.approx(100 * error.mean() / total, rel=1e-4)
    assert {"components", "samples", "averages", "reconstructions"} <= {
        path.stem for path in (tmp_path / "run" / "figures").iterdir()
    }


def test_flags_of_gradients_are_refused():
    assert load("pca").settings is PCASettings
    for fields in ({"optimizer": "sgd"}, {"dropout": 0.5}, {"precision": "bfloat16"}):
        with pytest.raises(ValueError, match="has no effect: this experiment learns without gradients"):
            PCASettings(**fields)
