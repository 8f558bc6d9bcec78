"""A chapter that computes in 64 bits must not leave that to other tests."""

import jax
import pytest


@pytest.fixture(autouse=True)
def precision():
    """A chapter that computes in 64 bits must not leave that to other tests."""
    before = jax.config.jax_enable_x64
    yield
    jax.config.update("jax_enable_x64", before)
