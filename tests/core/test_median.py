import numpy as np
import pytest

from evcam.core.median import median


@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (44,), (9, 2), (10, 2, 2)])
def test_median_is_that_of_numpy(shape):
    values = np.random.default_rng(0).normal(size=shape)
    assert np.array_equal(median(values), np.median(values, axis=0))
