"""Kernel regression without the matrix: against the direct solve, and what it refuses."""

import io
import pickle

import jax
import numpy as np
import pytest
from scipy import linalg
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from ntklib import _kernel_regression, _memory, _products, _progress, iterative
from ntklib.estimators import NTK, KernelClassifier, KernelRegressor
from ntklib.iterative import NotConvergedError, matmul, nystrom, solve_cg
from ntklib.kernels import RBF

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 4))
Y = np.stack([np.sin(X).sum(1), 1e-6 * X[:, 0] ** 2], 1)
SMALL = 40 * 20**2  # bytes: blocks of 20 points


@pytest.fixture(scope="module", autouse=True)
def in_64_bits():
    with jax.enable_x64(True):
        yield


def direct(kernel, x, y, ridge):
    return linalg.solve(np.asarray(kernel(x)) + ridge * np.eye(len(x)), y, assume_a="pos")


def test_the_coefficients_are_those_of_the_direct_solve_for_each_target():
    seen = []
    found = solve_cg(RBF(2.0), X, Y, 1e-3, tol=1e-9, max_bytes=SMALL, progress=lambda *numbers: seen.append(numbers))
    want = direct(RBF(2.0), X, Y, 1e-3)
    np.testing.assert_allclose(found.coefficients / abs(want).max(0), want / abs(want).max(0), atol=1e-6)
    assert found.residual < 1e-8
    assert [number for number, _ in seen] == list(range(1, found.iterations + 1))
    assert seen[-1][1] < 1e-6 < seen[0][1]
    assert solve_cg(RBF(2.0), X, Y[:, 0], 1e-3).coefficients.shape == (300,)


@pytest.mark.parametrize("kept", [0, 7, 120])
def test_blocks_for_which_there_is_room_are_computed_once(monkeypatch, kept):
    """Also those of a kernel that writes its values where it wrote the last ones."""
    monkeypatch.setattr(iterative, "_SIDE", 20)
    asked, pairs, buffer = 0, RBF(2.0), np.empty((20, 20))

    def kernel(a, b=None):
        nonlocal asked
        values = np.asarray(pairs(a, b))
        if values.shape != buffer.shape:
            return values
        asked += 1
        buffer[:] = values
        return buffer

    found = solve_cg(kernel, X, Y, 1e-3, tol=1e-9, max_bytes=SMALL + (kept + 1) * buffer.nbytes - 1)
    want = solve_cg(pairs, X, Y, 1e-3, tol=1e-9)
    np.testing.assert_allclose(found.coefficients, want.coefficients, rtol=1e-6, atol=1e-8)
    assert asked == kept + (120 - kept) * (found.iterations + 1)  # the last product gives the residual


def test_the_estimator_keeps_as_much_of_the_matrix_as_it_is_told(monkeypatch):
    allowed = []
    monkeypatch.setattr(
        iterative, "solve_cg", lambda *given, max_bytes, **how: allowed.append(max_bytes) or solve_cg(*given, **how)
    )
    monkeypatch.setattr(_memory, "available_bytes", lambda: 10 * 2**30)
    KernelRegressor(solver="cg").fit(X, Y)
    KernelRegressor(solver="cg", max_bytes=10**6).fit(X, Y)
    for available in (2**31, None):
        monkeypatch.setattr(_memory, "available_bytes", lambda available=available: available)
        KernelRegressor(solver="cg").fit(X, Y)
    assert allowed == [4 * 2**30, 10**6, 2**28, 2**28]
    with pytest.raises(ValueError, match="max_bytes must be an integer of at least 2560, got 100"):
        KernelRegressor(max_bytes=100).fit(X, Y)


def test_landmarks_save_iterations():
    few, many = (solve_cg(RBF(2.0), X, Y, 1e-2, landmarks=m, max_iter=3000).iterations for m in (1, 150))
    assert 5 * many < few


def test_products_are_those_of_the_matrix():
    v = RNG.standard_normal((300, 2))
    np.testing.assert_allclose(matmul(RBF(), X, None, v, max_bytes=SMALL), np.asarray(RBF()(X)) @ v, atol=1e-11)
    got = matmul(RBF(), X[:33], X, v[:, 0], max_bytes=SMALL)
    np.testing.assert_allclose(got, np.asarray(RBF()(X[:33], X)) @ v[:, 0], atol=1e-11)


def test_the_factor_approaches_the_matrix_from_below_and_the_best_of_its_rank():
    matrix = np.asarray(RBF(3.0)(X))
    best = np.sort(np.linalg.eigvalsh(matrix))[::-1]
    factor = nystrom(RBF(3.0), X, 60)
    rest = matrix - factor @ factor.T
    assert factor.shape == (300, 60)
    assert np.linalg.eigvalsh(rest).min() > -1e-10
    assert np.trace(rest) < 10 * best[60:].sum()
    np.testing.assert_allclose(nystrom(RBF(1.0), X, 300) @ nystrom(RBF(1.0), X, 300).T, RBF(1.0)(X), atol=1e-8)


def test_equal_points_and_zero_targets_are_solved():
    x = np.concatenate([X[:50], X[:50]])
    y = np.concatenate([Y[:50, 0], -Y[:50, 0]])
    np.testing.assert_allclose(solve_cg(RBF(), x, y, 1e-2).coefficients, direct(RBF(), x, y, 1e-2), atol=1e-3)
    assert not solve_cg(RBF(), X, 0 * Y, 1e-2).coefficients.any()


def test_too_few_iterations_are_an_error_that_says_what_to_do():
    with pytest.raises(NotConvergedError, match=r"after 3 iterations .* tol=1e-06 .* more landmarks \(2\)"):
        solve_cg(RBF(), X, Y, 1e-3, landmarks=2, max_iter=3)


def test_a_kernel_of_32_bits_that_the_ridge_does_not_exceed_is_an_error():
    x = X.astype(np.float32)
    with pytest.raises(ValueError, match=r"float32 this solve loses the answer: .* times the ridge.*float64"):
        solve_cg(RBF(3.0), x, Y, 1e-4)
    found = solve_cg(RBF(3.0), x, Y, 0.1).coefficients
    want = direct(RBF(3.0), X, Y, 0.1)
    assert np.abs(found - want).max(0) / np.abs(want).max(0) == pytest.approx(0, abs=1e-2)
    assert solve_cg(RBF(3.0), X, Y, 1e-4).residual < 1e-5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, Y[:5], 1.0), r"y must have shape \(300,\) or \(300, k\), got \(5, 2\)"),
        ((X, Y, 0.0), "ridge must be finite and positive, got 0.0"),
        ((X[0], Y, 1.0), r"x must have shape \(n, d\), got \(4,\)"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        solve_cg(RBF(), *arguments)
    with pytest.raises(ValueError, match="rank must be an integer from 1 to 300, got 301"):
        nystrom(RBF(), X, 301)


@pytest.mark.parametrize("kernel", ["laplace", NTK(depth=1)])
def test_the_estimator_solves_either_way(kernel):
    with jax.enable_x64(False):
        one, other = (KernelRegressor(kernel, ridge=0.1, solver=name).fit(X, Y[:, 0]) for name in ("direct", "cg"))
        np.testing.assert_allclose(one.predict(X[:7] + 0.1), other.predict(X[:7] + 0.1), rtol=1e-5)


def test_the_estimator_refuses_what_does_not_fit_and_what_is_no_solver(monkeypatch):
    with pytest.raises(ValueError, match="solver must be 'auto', 'direct' or 'cg', got 'lu'"):
        KernelRegressor(solver="lu").fit(X, Y)
    with pytest.raises(ValueError, match="for kernel='precomputed' take 'direct'"):
        KernelRegressor("precomputed", solver="cg").fit(np.eye(3), np.ones(3))
    monkeypatch.setattr(_memory, "available_bytes", lambda: 10**6)
    with pytest.raises(MemoryError, match=r"300 points needs about 1\.44 MB, and 1 MB are available; take solver='cg'"):
        KernelRegressor(solver="direct").fit(X, Y)
    with pytest.raises(MemoryError, match=r"1\.44 MB"):
        KernelClassifier().fit(X, X[:, 0] > 0)


def test_points_of_64_bits_do_not_make_a_kernel_of_64_bits():
    x = np.linspace(0, 1, 12)[:, None]
    with jax.enable_x64(False), pytest.raises(ValueError, match="in float32 this solve loses the answer"):
        solve_cg(RBF(), x, np.sin(5 * x[:, 0]), 1e-8)
    assert solve_cg(RBF(), x, np.sin(5 * x[:, 0]), 1e-8).residual < 1e-5


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (
            lambda a, b=None: a[:, 0],
            r"must return shape \(300, 2\) for .* \(300, 4\) and \(2, 4\), got \(300,\)",
        ),
        (lambda a, b=None: a[:, :1], r"kernel must return shape \(300, 2\) .*, got \(300, 1\)"),
        (lambda a, b=None: np.ones(len(b)), r"kernel must return shape \(300, 2\) .*, got \(2,\)"),
        (
            lambda a, b=None: 1j * np.ones((len(a), len(b))),
            "the kernel returns must have a real dtype, got complex",
        ),
    ],
)
def test_a_kernel_of_another_shape_or_dtype_is_refused(kernel, message):
    with pytest.raises(ValueError, match=message):
        matmul(kernel, X, X[:2], np.ones(2))
    with pytest.raises((ValueError, TypeError)):
        solve_cg(kernel, X, Y, 1.0)


def test_nothing_imaginary_is_cut_off():
    for name, call in (("y", lambda v: solve_cg(RBF(), X, v, 1.0)), ("vectors", lambda v: matmul(RBF(), X, None, v))):
        with pytest.raises(ValueError, match=f"{name} must have a real dtype, got complex128"):
            call(1j * Y)


def test_a_kernel_that_is_zero_is_solved_and_one_that_is_none_is_refused():
    def times(factor):
        return lambda a, b=None: factor * np.ones((len(a), len(a if b is None else b)))

    np.testing.assert_allclose(solve_cg(times(0.0), X, Y, 2.0).coefficients, Y / 2)
    for factor in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="kernel must be finite and not negative on the diagonal, got from"):
            solve_cg(times(factor), X, Y, 1.0)
    with pytest.raises(ValueError, match=r"x must be finite, got nan at \[0, 0\], and 1199 more"):
        solve_cg(RBF(), np.full_like(X, np.nan), Y, 1.0)


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def little_memory(monkeypatch):
    """One in which 300 points have no room for a direct solve."""
    monkeypatch.setattr(_memory, "available_bytes", lambda: 10**6)


def test_the_solver_is_chosen_by_memory_and_said(monkeypatch, capsys):
    roomy = KernelRegressor(ridge=0.1, verbose=1).fit(X, Y)
    assert (roomy.solver_, roomy.n_iter_) == ("direct", None)
    assert (
        "KernelRegressor: solver='direct', a direct solve with 300 points needs about 1.44 MB"
        in capsys.readouterr().out
    )
    monkeypatch.setattr(_memory, "available_bytes", lambda: 10**6)
    model = KernelRegressor(ridge=0.1, verbose=1).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "KernelRegressor: solver='cg', a direct solve with 300 points needs about 1.44 MB, 1 MB are available"
    )
    assert f"iteration {model.n_iter_}, residual" in lines[-1]
    assert lines[-1].startswith("[####")
    assert model.solver_ == "cg"
    assert 1 <= model.n_iter_ < 100
    np.testing.assert_allclose(
        model.dual_coef_ / abs(roomy.dual_coef_).max(0), roomy.dual_coef_ / abs(roomy.dual_coef_).max(0), atol=1e-6
    )
    KernelRegressor(ridge=0.1).fit(X, Y)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(_memory, "available_bytes", lambda: None)  # the system does not say
    assert KernelRegressor(ridge=0.1).fit(X, Y).solver_ == "direct"


def test_what_can_only_be_solved_directly_is_not_iterated(little_memory):
    for arguments, x in ((("rbf",), X), (("precomputed",), np.eye(300))):
        with pytest.raises(MemoryError, match="take a positive ridge, or fewer points"):
            KernelRegressor(*arguments, ridge=0.0).fit(x, Y)
    with pytest.raises(MemoryError, match="fewer points"):
        KernelRegressor("precomputed").fit(np.eye(300), Y)


@pytest.mark.parametrize("kernel", ["rbf", "laplace", "linear", RBF(2.0), NTK(depth=1)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_iterating_gives_what_the_direct_solve_gives(monkeypatch, kernel, weighted):
    weights = np.random.default_rng(5).uniform(0, 2, len(X)) if weighted else None
    direct = KernelRegressor(kernel, ridge=0.1, solver="direct").fit(X, Y, weights)
    with jax.enable_x64(False):  # whatever is switched on
        model = KernelRegressor(kernel, ridge=0.1, solver="cg").fit(X, Y, weights)
        got = pickle.loads(pickle.dumps(model)).predict(X[:40] + 0.1)
    scale = np.abs(direct.predict(X)).max(0)
    np.testing.assert_allclose(got / scale, direct.predict(X[:40] + 0.1) / scale, atol=1e-6)
    assert clone(model).get_params()["solver"] == "cg"
    monkeypatch.setattr(_kernel_regression, "_PART", 8 * 300 * 7)  # in parts of seven points
    np.testing.assert_allclose(model.predict(X[:40] + 0.1), got, rtol=1e-12, atol=1e-12 * scale.max())


def test_scikit_learn_accepts_the_estimator_that_iterates():
    check_estimator(KernelRegressor(solver="cg", ridge=0.5), on_skip=None)


@pytest.mark.parametrize("shift", [0.0, 1e3, 1e6])
@pytest.mark.parametrize("lengthscale", [1.0, np.array([0.5, 1.0, 2.0, 3.0]), 1e-3])
def test_the_gaussian_kernel_by_products_is_exact_or_not_taken(shift, lengthscale):
    x = X.copy()
    x[1] = x[0] + 1e-9
    x[2] = x[0]
    x[3] = x[3] + shift  # far from the others
    with jax.enable_x64(True):
        quick = _products.gaussian(x, np.asarray(lengthscale))
        furthest = np.max(np.sum(((x - x.mean(0)) / lengthscale) ** 2, axis=1))
        assert (quick is None) == (furthest > 1.2e4)
        if quick is not None:
            np.testing.assert_allclose(quick(x), RBF(lengthscale)(x), atol=1e-11)
            np.testing.assert_allclose(quick(x[:7], x + 0.1), RBF(lengthscale)(x[:7], x + 0.1), atol=1e-11)


def test_the_bar_is_one_line_on_a_terminal_and_few_lines_elsewhere(monkeypatch):
    clock = iter(np.arange(0.0, 100.0, 4.0))
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(clock))
    terminal, file = _Terminal(), io.StringIO()
    for stream in (terminal, file):
        show = _progress.bar(1e-8, stream)
        for number in range(5):
            show(number + 1, 10.0 ** (-2 * number))
        show(6, 2e-9, done=True)
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().count("\r") == 6
    assert len(file.getvalue().splitlines()) == 3  # at 4 s, 16 s, and the last
    first, middle, last = file.getvalue().splitlines()
    assert first == "[........................] iteration 1, residual 1.0e+00 of 1e-08, 4 s"
    assert middle.startswith("[##################......] iteration 4, residual 1.0e-06")
    assert last.startswith("[########################] iteration 6, residual 2.0e-09")


def test_the_estimator_stops_at_the_residual_that_is_asked_for():
    few, many = (KernelRegressor(ridge=0.01, solver="cg", tol=tol).fit(X, Y).n_iter_ for tol in (1e-2, 1e-10))
    assert few < many
    for tol in (1.0, 2):
        with pytest.raises(ValueError, match="tol must be below 1"):
            KernelRegressor(tol=tol).fit(X, Y)


def test_predictions_far_away_are_those_of_the_exact_kernel():
    far = X.copy()
    far[:5] = 1.7e308  # products with which are infinite, of either sign
    models = [KernelRegressor(ridge=0.1, solver=solver).fit(X, Y) for solver in ("direct", "cg")]
    one, other = (model.predict(far) for model in models)
    np.testing.assert_allclose(one, other, atol=1e-6)
