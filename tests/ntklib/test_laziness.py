"""Is my network a kernel machine? The measures, and what the diagnosis says of networks of which it is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntklib.laziness import alignment


def matrices(n=7, k=2, seed=0):
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((n, 5))
    return factor @ factor.T + 3.0, rng.standard_normal((n, k))


@pytest.mark.parametrize("k", [1, 3])
def test_alignment_is_the_correlation_of_what_pairs_of_points_have_in_common(x64, k):
    kernel, y = matrices(k=k)
    n = len(kernel)

    def double_centred(m):  # by its definition over pairs, without matrices
        return [[m[i][j] - sum(m[i]) / n - sum(row[j] for row in m) / n + sum(map(sum, m)) / n**2
                 for j in range(n)] for i in range(n)]  # fmt: skip

    labels = [[sum(y[i, o] * y[j, o] for o in range(k)) for j in range(n)] for i in range(n)]
    a, b = (np.ravel(double_centred(m)) for m in (kernel.tolist(), labels))
    np.testing.assert_allclose(float(alignment(kernel, y)), np.corrcoef(a, b)[0, 1], rtol=1e-12)
    if k == 1:
        assert float(alignment(kernel, y[:, 0])) == float(alignment(kernel, y))


def test_alignment_sees_neither_scales_nor_constants(x64):
    kernel, y = matrices()
    wanted = float(alignment(kernel, y))
    for changed in (alignment(1e-200 * kernel, y), alignment(kernel + 50.0, 1e150 * (y + 7.0))):
        np.testing.assert_allclose(float(changed), wanted, rtol=1e-10)
    np.testing.assert_allclose(float(jax.jit(alignment)(kernel, y)), wanted, rtol=1e-12)
    assert float(alignment(y @ y.T + 2.0, y)) == pytest.approx(1.0)
    beside = np.linalg.svd(np.column_stack([np.ones(7), y]))[0][:, -1:]  # knows nothing of the labels
    assert abs(float(alignment(beside @ beside.T, y))) < 1e-12


def test_alignment_refuses_what_is_constant(dtype):
    kernel, y = (jnp.asarray(m, dtype) for m in matrices())
    with pytest.raises(ValueError, match="y must not be constant"):
        alignment(kernel, jnp.full(7, 0.1, dtype))
    with pytest.raises(ValueError, match="kernel must not be constant"):
        alignment(jnp.full((7, 7), 0.1, dtype), y)
    with pytest.raises(ValueError, match=r"y must have shape \(7,\) or \(7, k\)"):
        alignment(kernel, y[:6])
