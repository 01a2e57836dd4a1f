import pytest
from linear_gaussian import probabilistic_pca


@pytest.fixture
def ppca(float64):
    """The VAE that is probabilistic PCA, in double precision."""
    return probabilistic_pca()
