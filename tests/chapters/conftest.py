"""What a chapter sets for itself must not stay with other tests: 64 bits, and the style of its figures."""

import jax
import matplotlib as mpl
import pytest


@pytest.fixture(autouse=True)
def settings():
    """Set back after each test."""
    before = jax.config.jax_enable_x64
    with mpl.rc_context():
        yield
    jax.config.update("jax_enable_x64", before)
