r"""What does a mean over patches do to Gaussian pairs that stand at each position of two images?

Positions come first: of a set of pairs of images the variances are (h, w, n1, 1) and (h, w, 1, n2), the rest (h, w, n1,
n2). At position p stands the pair of p in the first image and q = p + s in the second, for one displacement s of a
whole matrix; on a torus, that is how all pairs of positions are had, one displacement after the other.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ntklib._pairs import Pairs, safe_divide, safe_sqrt

__all__ = ["Neighbours", "mean", "mean_of_pairs", "neighbours"]


class Neighbours(NamedTuple):
    """Where the k neighbours along an axis of n positions are, by one matrix (n, n) for each.

    Attributes:
        first: 1 at [p, p'] if p' is the neighbour of p in the first image, (k, n, n); no 1 in a row if that is outside.
        second: the same in the second image, whose positions are counted as those of the first that they stand beside.
    """

    first: Array
    second: Array


def neighbours(size: int, shape: Sequence[int], displacement: Array, dtype: Any, *, torus: bool) -> list[Neighbours]:
    """What a square filter sees around each position, along the height and along the width.

    Args:
        size: of the filter, odd.
        shape: height and width of the images.
        displacement: s, two integers.
        dtype: of the matrices.
        torus: whether positions beyond one end are those at the other; else they hold zeros.
    """
    found = []
    for number, by in zip(shape, displacement, strict=True):
        here, step = jnp.arange(number), jnp.arange(-(size // 2), size // 2 + 1)[:, None]
        matrix = (here == ((here + step) % number)[..., None]).astype(dtype)

        def inside(place: Array, step: Array = step, number: int = number, matrix: Array = matrix) -> Array:
            beside = place + step
            return matrix if torus else matrix * ((beside >= 0) & (beside < number))[..., None]

        found.append(Neighbours(inside(here), inside((here + by) % number)))
    return found


def mean(x: Array, around: Sequence[Neighbours]) -> Array:
    """The mean over the patch around each position of what belongs to both images, (h, w, n1, n2)."""
    for axis, (first, second) in enumerate(around):
        x = _along(axis, jnp.mean(first * second, 0), x)
    return x


def mean_of_pairs(pairs: Pairs, around: Sequence[Neighbours]) -> Pairs:
    r"""The second moments of the mean over the patch around each position: means of them.

    Along one axis after the other. With :math:`r_i^2, s_i^2` the variances of k neighbours the gap of the means is the
    mean of the gaps and what Cauchy and Schwarz leave,
    :math:`\sqrt{\bar a\bar b} - \overline{rs} = \sum_{i<j}(r_is_j - r_js_i)^2/k^2(\sqrt{\bar a\bar b} + \overline{rs})`
    (Lagrange's identity): sums of what is not negative, so that nothing cancels for nearly equal images.
    """
    for axis, (first, second) in enumerate(around):
        k, both = len(first), jnp.mean(first * second, 0)
        a, b = (
            jnp.einsum("kpq,qw...->kpw..." if axis == 0 else "kpq,hq...->khp...", *each, precision="highest")
            for each in ((first, pairs.a), (second, pairs.b))
        )
        gap, cogap = (_along(axis, both, each) for each in (pairs.gap, pairs.cogap))
        mean_a, mean_b = jnp.mean(a, 0), jnp.mean(b, 0)
        # XLA would take the roots of what belongs to one image again for each pair
        sides = [safe_sqrt(jnp.concatenate([each, jnp.mean(each, 0, keepdims=True)])) for each in (a, b)]
        r, s = jax.lax.optimization_barrier(sides)
        products = sum(r[i] * s[i] for i in range(k)) / k
        squares = sum(jnp.square(r[i] * s[j] - r[j] * s[i]) for j in range(k) for i in range(j)) / k**2
        rest = safe_divide(squares, r[k] * s[k] + products)
        pairs = Pairs(mean_a, mean_b, (cogap - gap) / 2, gap + rest, cogap + rest)
    return pairs


def _along(axis: int, matrix: Array, x: Array) -> Array:
    """Sums over positions along an axis of (h, w, n1, n2), as products with a matrix.

    As slices of x they would be fused with what computes x, and that computed once for each neighbour. The width is
    taken row by row of the image, since a product over all of them would be of a transposed x, which costs more than
    the product.
    """
    height, width = x.shape[:2]
    if axis == 0:
        return jnp.matmul(matrix, x.reshape(height, -1), precision="highest").reshape(x.shape)
    rows = jnp.broadcast_to(matrix, (height, width, width))
    return jnp.matmul(rows, x.reshape(height, width, -1), precision="highest").reshape(x.shape)
