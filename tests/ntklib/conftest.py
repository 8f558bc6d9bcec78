"""Precision for the tests of the library: 64 bits are switched on for a test and off again after it."""

import hypothesis
import jax
import jax.numpy as jnp
import pytest

hypothesis.settings.register_profile(
    "ntklib",
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("ntklib")


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    with jax.enable_x64(request.param == "float64"):
        yield jnp.dtype(request.param)
