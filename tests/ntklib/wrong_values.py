"""Which values are wrong for a parameter of each kind, and what has an error to say of what was got?"""

import jax
import numpy as np
import scipy.sparse
from argument_kinds import NETWORK, X, params, zeros

from ntklib import estimators, kernels, mlp

# Wrong values of each kind, each with what the message has to say of what was got.

NAN, INFINITE = np.where(np.eye(4, 2) > 0, np.nan, X), np.where(np.eye(4, 2) > 0, -np.inf, X)
RAGGED = [[1.0, 2.0], [3.0]]
SPARSE = scipy.sparse.csr_array(np.eye(4))
STRANGE = object()
ANY = [("fast", "'fast'"), (STRANGE, "object"), (None, "None"), (dict, "class dict")]
ARRAYS = [
    *ANY,
    (SPARSE, "sparse"),
    (RAGGED, "rows of different lengths"),
    (["a", "b"], "'a'"),
    (X + 0j, "complex64|(4, 2)"),
]
SHAPED = [*ARRAYS, (np.zeros((2, 2, 2), np.float32), "(2, 2, 2)"), (np.array([], np.float32), "(0,)")]
BROKEN = [(NAN, "nan at [0, 0]"), (INFINITE, "-inf at [0, 0]")]
NUMBERS = [*ANY, (np.nan, "nan"), (np.inf, "inf"), (-1.0, "-1"), (True, "True"), (1j, "1j"), (np.ones(2), "(2,)")]
COUNTS = [*NUMBERS, (2.5, "2.5"), ("3", "'3'")]
MATRICES = [*ARRAYS, (np.zeros((0, 0), np.float32), "(0, 0)"), (np.zeros((4, 4, 2, 2), np.float32), "(4, 4, 2, 2)")]
MATRICES += [(np.full((4, 4), np.nan), "nan at [0, 0]"), (np.ones((4, 3), np.float32), "(4, 3)")]
CALLABLES = [("fast", "'fast'"), (STRANGE, "object"), (None, "None"), (3, "3")]
CLASSES = [(estimators.NTK, "class NTK"), (kernels.RBF, "class RBF")]
NETWORKS = [(NETWORK, "MLP(depth=1"), (mlp.MLP, "class MLP")]
LISTS = [
    ("0", "'0'"),
    (STRANGE, "object"),
    (None, "None"),
    ([0.5, 1.5], "float|0.5"),
    ([[0], [1]], "(2, 1)|[[0]"),
    (SPARSE, "sparse"),
]
WRONG = {
    "points": [*SHAPED, *BROKEN, (np.zeros((4, 0), np.float32), "(4, 0)"), (np.ones((4, 2), int), "int")],
    "table": [
        *SHAPED[:-2],
        *((value, "NaN|infinity|inf at") for value, _ in BROKEN),
        (np.array([]), "1D array|(0,)|(1, 0)"),
        (np.zeros((2, 2, 2)), "3|(2, 2, 2)"),
    ],
    "plane": [*SHAPED, *BROKEN, (np.ones((4, 3)), "(4, 3)")],
    "array": [*ARRAYS, *BROKEN],
    "vector": [*SHAPED, (np.array([0, np.nan, 1], np.float32), "nan at [1]")],
    "targets": [
        *SHAPED,
        (np.array([0, 1, np.nan, 0], np.float32), "nan at [2]|contains NaN"),
        (np.ones(3, np.float32), "(3,)"),
    ],
    "classes": [
        (None, "None"),
        (STRANGE, "object"),
        ([0, 1, "a", 1], "int and str"),
        (np.array([0, 1, None, "a"], object), "NoneType"),
        ([0.5, 1.5, 2.5, 0.1], "continuous"),
        ([1, 1, 1, 1], "1"),
    ],
    "coefficients": [*SHAPED, (np.array([0, np.nan, 1], np.float32), "nan at [1]")],
    "functions": [
        *SHAPED,
        (np.full((4, 1), np.nan, np.float32), "nan at [0, 0]"),
        (2 * np.ones((4, 1), np.float32), "4"),
    ],
    "eigenvalues": [*SHAPED, (np.array([1.0, np.nan], np.float32), "nan at [1]"), (-np.ones(2, np.float32), "-1")],
    "matrix": [*MATRICES, (np.triu(np.ones((4, 4), np.float32)), "1"), (-np.eye(4, dtype=np.float32), "-1")],
    "cross matrix": [
        *ARRAYS,
        (np.ones((2, 3), np.float32), "(2, 3)"),
        (np.full((2, 4), np.inf, np.float32), "inf at [0, 0]"),
    ],
    "start": [*ARRAYS, (np.array([0, 1, np.nan, 0], np.float32), "nan at [2]"), (np.ones(3, np.float32), "(3,)")],
    "not negative": NUMBERS,
    "positive": [*NUMBERS, (0.0, "0")],
    "count": COUNTS,
    "positive count": [*COUNTS, (0, "0")],
    "rank": [*COUNTS, (0, "0"), (5, "5")],
    "lengthscale": [*NUMBERS[:-1], (0.0, "0"), (np.ones(3), "(3,)|1., 1., 1.")],
    "times": [
        *ANY,
        (np.nan, "nan"),
        (-1.0, "-1"),
        (1j, "1j|complex"),
        ("1", "'1'"),
        (["a"], "'a'"),
        (True, "True|bool"),
    ],
    "flag": [("yes", "'yes'"), (None, "None"), (1, "1"), (STRANGE, "object"), (np.ones(2), "(2,)")],
    "choice": [("nonsense", "'nonsense'"), (None, "None"), (3, "3"), (["relu"], "['relu']"), (str, "class str")],
    "activation": [
        ("nonsense", "'nonsense'"),
        (None, "None"),
        (["relu"], "['relu']"),
        (jax.nn.relu, "relu; make"),
        (str, "class str"),
    ],
    "text": [(None, "None"), (3, "3"), (["relu"], "['relu']"), (str, "class str")],
    "key": [
        (0, "0"),
        (None, "None"),
        ("key", "'key'"),
        (np.zeros(2), "float64"),
        (jax.random.split(jax.random.key(0), 3), "(3,)"),
    ],
    "function": CALLABLES,
    "callable kernel": [*CALLABLES, *CLASSES, *NETWORKS],
    "kernel": [*CALLABLES, *CLASSES, *NETWORKS, (zeros, "zeros")],
    "named kernel": [*CALLABLES, *CLASSES, *NETWORKS],
    "learner": [*CALLABLES, (estimators.KernelClassifier, "class KernelClassifier")],
    "network": [*CALLABLES, (mlp.MLP, "class MLP"), (NETWORK.ntk, "NetworkKernel")],
    "parameters": [
        *CALLABLES,
        ({"a": "b"}, "'b'"),
        (jax.tree.map(lambda leaf: leaf * np.nan, params()), "nan at [0, 0]"),
        (jax.tree.map(lambda leaf: leaf.astype(int), params()), "int32"),
    ],
    "indices": [*LISTS, ([-1, 0], "-1"), ([0, 99], "99"), ([], "(0,)|[]")],
    "image shape": [
        (None, "None"),
        (3, "3"),
        ("ab", "'ab'"),
        (STRANGE, "object"),
        ((4,), "(4,)"),
        ((2, 0), "0"),
        ((2, 2.5), "2.5"),
        ((1, 2, 3, 4), "(1, 2, 3, 4)"),
    ],
    "images": [
        *ARRAYS,
        (np.ones((2, 2), np.float32), "(2, 2)"),
        (np.ones((2, 0, 3), np.float32), "(2, 0, 3)"),
        (np.full((1, 2, 3), np.nan, np.float32), "nan at [0, 0, 0]"),
        (np.ones((1, 2, 3), int), "int"),
    ],
    "kernel of images": [*CALLABLES, *CLASSES, *NETWORKS, (kernels.RBF(), "RBF")],
    "shifts": [
        ("fast", "'fast'"),
        (STRANGE, "object"),
        (3, "3"),
        ([], "(0,)|[]"),
        ([0, 1], "(2,)|[0, 1]"),
        ([[0.5, 1.0]], "float|0.5"),
        (RAGGED, "rows of different lengths"),
    ],
    "integer labels": [*LISTS, ([], "(0,)|[]"), ([0, 0, 0, 1], "1 of one")],
    "batches": [
        *LISTS[:-2],
        ([0, 1], "(2,)"),
        (SPARSE, "sparse"),
        ([[0, 9]], "9"),
        ([[-1, 0]], "-1"),
        ([[]], "(1, 0)"),
    ],
    "settings": [(None, "None"), (3, "3"), ("ab", "'ab'"), ([], "[]"), (STRANGE, "object")],
    "layer sizes": [
        (None, "None"),
        (3, "3"),
        ("ab", "'ab'"),
        ([4], "[4]"),
        ([4, 0], "0"),
        ([4, 2.5], "2.5"),
        (STRANGE, "object"),
    ],
    "widths": [(None, "None"), (3, "3"), ("ab", "'ab'"), ([4, 0], "0"), ([4, 2.5], "2.5"), (STRANGE, "object")],
    "end": [*ANY, (np.nan, "nan"), (np.inf, "inf"), (True, "True"), (1j, "1j"), (np.ones(2), "(2,)")],
    "shallow": [*ANY, (np.ones((2, 3)), "(2, 3)")],
    "exact points": [*ANY, (RAGGED, "rows of different lengths"), (np.ones(3), "(3,)"), (NAN, "nan|(4, 2)")],
    "pairs of a layer": [
        *ANY,
        ([], "[]"),
        ([3], "3"),
        ([(np.ones((5, 2)), np.ones(2))], "(5, 2)"),
        ([(np.ones((1, 2)), np.ones(3))], "(1, 2)"),
    ],
    "share": [*NUMBERS, (1.5, "1.5")],
    "several": [*COUNTS, (0, "0"), (1, "1")],
    "label rows": [*LISTS[:-3], (SPARSE, "sparse"), ([[0, 1], [1]], "rows of different lengths"), ([[0.5]], "float")],
    "labellings": [
        *LISTS[:-3],
        ([[0, 2, 1, 0]], "2"),
        (np.zeros((0, 4), int), "(0, 4)"),
        (SPARSE, "sparse"),
        ([[0, 1], [1]], "rows of different lengths"),
    ],
    "domain": [
        (None, "None"),
        (3, "3|()"),
        ("abc", "'abc'"),
        (SPARSE, "sparse"),
        (RAGGED, "rows of different lengths"),
        *BROKEN,
        (np.zeros((0, 2)), "(0, 2)"),
    ],
    "estimator": [(None, "None"), (3, "3"), ("svm", "'svm'"), (estimators.KernelClassifier, "class KernelClassifier")],
    "exact": [
        (None, "None"),
        (3, "3"),
        ("abc", "'a'|'abc'"),
        ([0.5, 1], "0.5"),
        ([True, 1], "True"),
        (STRANGE, "object"),
    ],
    "exact rows": [
        (None, "None"),
        (3, "3"),
        ("abc", "'a'|'abc'"),
        ([[0.5, 1]], "0.5"),
        ([[1, 2], [1]], "[1, 2]|[2, 1]|different lengths"),
        (STRANGE, "object"),
    ],
    "bounds": [
        ("loose", "'loose'"),
        (3, "3"),
        ((1.0,), "(1.0,)"),
        ((2.0, 1.0), "(2.0, 1.0)"),
        ((-1.0, 1.0), "(-1.0, 1.0)"),
        (("a", "b"), "('a', 'b')"),
        (STRANGE, "object"),
    ],
    "path": [(3, "3"), (STRANGE, "object"), (["a"], "['a']")],
    "progress": [("yes", "'yes'"), (3, "3")],
    "devices": [("cpu", "'cpu'"), (3, "3"), ([], "none|[]"), (["cpu"], "'cpu'")],
    "dtype": [("nonsense", "'nonsense'"), ("int32", "int32"), (3, "3"), (STRANGE, "object"), (complex, "complex")],
    "weights": [
        ("fast", "'fast'"),
        (STRANGE, "object"),
        (SPARSE, "sparse"),
        (np.ones(3), "(3,)"),
        (-np.ones(4), "-1.0"),
    ],
    # of what a chapter shows
    "claim's name": [(None, "None"), (3, "3"), ("Big", "'Big'"), (str, "class str")],
    "measured": [(STRANGE, "object"), (dict, "class dict"), (SPARSE, "sparse"), ("text", "text"), ([], "[]")],
    "rejected": [(STRANGE, "object"), (dict, "class dict"), (SPARSE, "sparse"), ("text", "text")],
    "measurements": [
        (None, "None"),
        (3, "3"),
        ("abc", "'abc'"),
        ({}, "{}"),
        ({"a": STRANGE}, "object"),
        ({"a": np.ones(2)}, "(2,)"),
        ({"a": np.array([1, np.nan, 1])}, "nan at [1]"),
    ],
    "texts": [(3, "3"), (STRANGE, "object"), ([3], "3")],
    "function of the library": [(3, "3"), (STRANGE, "object"), ("os.path", "os.path"), (max, "max")],
    "shown number": [(STRANGE, "object"), (None, "None"), (dict, "dict"), (1j, "1j|complex128"), (np.ones(2), "(2,)")],
    "items": [(None, "None"), (3, "3"), (STRANGE, "object")],
    "mapping": [
        (None, "None"),
        (3, "3"),
        ("abc", "'abc'"),
        ({}, "{}|at least one"),
        ({"width": 3}, "3"),
        ({"a": STRANGE}, "object"),
    ],
    "rows of a table": [
        *((value, shown) for value, shown in [(None, "None"), (3, "3"), (STRANGE, "object"), ([1, 2], "1")]),
        ({"a": [1.0]}, "2"),
        ({"a": [STRANGE, 1.0]}, "object"),
        ({"a": [1j, 1.0]}, "1j|complex"),
    ],
    "forms": [(None, "None"), (3, "3"), (STRANGE, "object"), ("nonsense", "'nonsense'"), ([".1f"], "1"), ([3, 3], "3")],
    "ticks": [(3, "3"), ("abc", "'abc'"), ({"a": "b"}, "'a'")],
    "of parameters": [(3, "3"), ("abc", "'abc'"), ({"depth": 3}, "'depth'")],
    "ends": [("ab", "'ab'"), (3, "3"), ((1.0,), "(1.0,)"), ((1.0, 1.0), "(1.0, 1.0)"), ((np.nan, 1.0), "(nan, 1.0)")],
    "four": [("abcd", "'abcd'"), (None, "None"), ((1.0, 2.0), "(1.0, 2.0)|(0,)"), (STRANGE, "object")],
    "drawn": [
        ("fast", "'fast'"),
        (STRANGE, "object"),
        (None, "None"),
        (SPARSE, "sparse"),
        (RAGGED, "rows of different lengths"),
        (NAN, "nan"),
        (X + 0j, "complex"),
    ],
    "pairs": [
        (None, "None"),
        (3, "3"),
        ("abc", "'abc'"),
        ({"a": 3}, "3"),
        ({"a": (X, X[:1])}, "(1, 2)"),
        ({"a": (["b"], ["c"])}, "'b'"),
    ],
    "drawn matrix": [*MATRICES[:-2], (np.full((4, 4), np.nan), "nan at [0, 0]"), (-np.eye(4), "-1")],
    "names": [(None, "None"), (3, "3"), ("ab", "'ab'"), (["nonsense"], "['nonsense']")],
    "sizes": [
        *ARRAYS,
        (np.array([0.0, 1.0, 2.0]), "0.0"),
        (np.array([np.nan, 1.0, 2.0]), "nan at [0]"),
        (np.ones((3, 1)), "[1.0]"),
    ],
    "exponents": [(None, "None"), (3, "3"), ({}, "{}"), ({"a": "fast"}, "'fast'"), ({"a": -1.0, "b": 2.0}, "'b'")],
}
