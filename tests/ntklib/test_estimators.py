"""Estimators: scikit-learn's own checker, closed forms, brute force on the evidence, and how they work with others."""

import pickle
import warnings

import jax
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from ntklib import _cholesky, _relevance, kernels
from ntklib.data import ripley
from ntklib.estimators import (
    NTK,
    KernelClassifier,
    KernelRegressor,
    RelevanceVectorClassifier,
    RelevanceVectorRegressor,
    SklearnKernel,
)
from ntklib.mlp import MLP

RNG = np.random.default_rng(0)
X, X_TEST = RNG.standard_normal((40, 2)), RNG.standard_normal((9, 2))
Y = np.sin(2 * X[:, 0]) + 0.1 * RNG.standard_normal(40)
LABELS = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
REGRESSORS = [KernelRegressor(), RelevanceVectorRegressor()]
CLASSIFIERS = [KernelClassifier(), RelevanceVectorClassifier()]
EVERY = [*REGRESSORS, *CLASSIFIERS]
name = lambda estimator: type(estimator).__name__  # noqa: E731


@parametrize_with_checks([KernelRegressor(), KernelClassifier(), RelevanceVectorClassifier()])
def test_scikit_learn_finds_no_fault(estimator, check):
    if check.func.__name__ == "check_array_api_input":
        return  # it only runs where SCIPY_ARRAY_API is set, and asks nothing of estimators that do not offer it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


@parametrize_with_checks([RelevanceVectorRegressor()])
def test_scikit_learn_finds_no_fault_in_the_regression(estimator, check):
    if check.func.__name__ == "check_array_api_input":
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def targets(estimator):
    return Y if name(estimator).endswith("Regressor") else LABELS


@pytest.mark.parametrize("estimator", EVERY, ids=name)
def test_pipeline_search_clone_pickle_and_pandas(estimator):
    y = targets(estimator)
    frame = pd.DataFrame(X, columns=["a", "b"])
    step = name(estimator).lower()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), estimator), {f"{step}__lengthscale": [0.5, 1.0]}, cv=2, error_score="raise"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.fit(frame, y)
        predicted = search.predict(frame)
        assert predicted.shape == (40,)
        again = pickle.loads(pickle.dumps(search))
        assert np.array_equal(again.predict(frame), predicted)
        assert clone(estimator).get_params() == estimator.get_params()
        by_frame, by_array = clone(estimator).fit(frame, y), clone(estimator).fit(X, y)
    assert list(by_frame.feature_names_in_) == ["a", "b"]
    assert np.array_equal(by_frame.predict(frame), by_array.predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        by_frame.predict(frame[["b", "a"]])


@pytest.mark.parametrize("estimator", EVERY, ids=name)
@pytest.mark.parametrize(
    "kernel",
    [
        NTK(),
        kernels.RBF(0.8),
        MLP(depth=2, b_std=0.1).ntk + 0.5,
        RBF(0.8) + ConstantKernel(0.1),
        SklearnKernel(MLP(b_std=0.3).nngp),
        lambda a, b: np.exp(-cdist(a, b)),
    ],
    ids=["NTK", "RBF", "network", "sum", "adapter", "function"],
)
def test_every_kind_of_kernel_is_its_precomputed_matrix(estimator, kernel):
    y, model = targets(estimator), clone(estimator).set_params(kernel=kernel).fit(X, targets(estimator))
    with jax.enable_x64(True):  # kernels of the library are computed in 64 bits, whatever JAX is set to
        gram, gram_test = np.asarray(kernel(X, X)), np.asarray(kernel(X_TEST, X))
    precomputed = clone(estimator).set_params(kernel="precomputed").fit(gram, y)
    predict = "decision_function" if y is LABELS else "predict"
    np.testing.assert_allclose(
        getattr(model, predict)(X_TEST), getattr(precomputed, predict)(gram_test), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("estimator", EVERY, ids=name)
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kernel": "cosine"}, "kernel must be one of 'rbf', 'laplace', 'linear', 'precomputed', .* got 'cosine'"),
        ({"kernel": 3}, "kernel must be a name, a callable or a scikit-learn kernel, got 3$"),
        ({"kernel": MLP()}, r"a scikit-learn kernel, got MLP\(.*\); .* two kernels: pass its .ntk or its .nngp"),
        ({"kernel": MLP}, r"got the class MLP; .* pass MLP\(\.\.\.\).ntk or MLP\(\.\.\.\).nngp"),
        ({"kernel": kernels.RBF}, r"got the class RBF; make one of the class: RBF\(\.\.\.\)"),
        ({"kernel": "precomputed"}, r"Precomputed matrix must be a square matrix. Input is a \(40, 2\) matrix"),
        ({"kernel": lambda a, b: np.ones(3)}, r"kernel must return shape \(40, 40\)"),
        ({"kernel": lambda a, b: np.full((len(a), len(b)), np.nan)}, "kernel must return finite values"),
        ({"lengthscale": 0.0}, "lengthscale must be finite and positive, .* got 0.0"),
        ({"lengthscale": [1.0, 1.0, 1.0]}, r"lengthscale must be .* shape \(2,\)"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(estimator, parameters, message):
    with pytest.raises(ValueError, match=message):
        clone(estimator).set_params(**parameters).fit(X, targets(estimator))


def test_numerical_trouble_is_told_as_scikit_learn_tells_it():
    doubled = np.r_[X, X]
    with pytest.warns(UserWarning, match="Singular matrix in solving dual problem. Using least-squares"):
        model = KernelRegressor("linear", ridge=0.0).fit(doubled, np.r_[Y, Y])
    assert np.isfinite(model.predict(X_TEST)).all()
    with pytest.warns(UserWarning, match="Singular matrix"):
        model = KernelRegressor(lengthscale=50.0, ridge=0.0).fit(X, Y)
    assert np.isfinite(model.predict(X_TEST)).all()
    for estimator in EVERY:
        with pytest.raises(NotFittedError):
            estimator.predict(X)
        with pytest.raises(ValueError, match="contains NaN"):
            clone(estimator).fit(np.where(X > 2, np.nan, X), targets(estimator))
    for estimator in CLASSIFIERS:
        with pytest.raises(ValueError, match="contains only one class"):
            clone(estimator).fit(X, np.zeros(40))
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        RelevanceVectorRegressor().fit(X[:1], Y[:1])
    for bad in ({"ridge": -1.0}, {"ridge": np.inf}):
        with pytest.raises(ValueError, match="ridge must be finite and not negative"):
            KernelRegressor(**bad).fit(X, Y)
    for steps in (2, 15):
        with pytest.warns(ConvergenceWarning, match=f"did not converge in {steps} steps; increase max_iter or tol"):
            assert RelevanceVectorRegressor(tol=1e-12, max_iter=steps).fit(X, Y).n_iter_ == steps
    with pytest.raises(ValueError, match="tol must be finite and positive, got 0"):
        RelevanceVectorClassifier(tol=0).fit(X, LABELS)


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize("lengthscale", [1.0, 5.0])
def test_without_a_ridge_repeated_points_have_the_least_of_the_coefficients_that_fit(times, lengthscale):
    gram = np.tile(np.exp(-(cdist(X, X) ** 2) / (2 * lengthscale**2)), (times, times))
    values, vectors = np.linalg.eigh(gram)
    known = values > len(gram) * np.finfo(float).eps * values[-1]  # with a cut-off of one unit, 30 to 300 times as much
    least = (vectors[:, known] / values[known]) @ (vectors[:, known].T @ np.tile(Y, times))
    with pytest.warns(UserWarning, match="Singular matrix"):
        model = KernelRegressor(lengthscale=lengthscale, ridge=0.0).fit(np.tile(X, (times, 1)), np.tile(Y, times))
    assert np.linalg.norm(model.dual_coef_) < 5 * np.linalg.norm(least)


@pytest.mark.parametrize("constant", [0.0, -3.0, 1e100, 1e-100])
def test_constant_targets_are_predicted(constant):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RelevanceVectorRegressor().fit(X, np.full(40, constant))
        mean, deviation = model.predict(X_TEST, return_std=True)
    np.testing.assert_allclose(mean, constant, rtol=1e-3)
    assert np.isfinite(deviation).all()


# --- kernel ridge


def test_regression_is_the_mean_of_a_gaussian_process():
    model = KernelRegressor(lengthscale=0.7, ridge=0.3).fit(X, Y)
    process = GaussianProcessRegressor(RBF(0.7), alpha=0.3, optimizer=None).fit(X, Y)
    np.testing.assert_allclose(model.predict(X_TEST), process.predict(X_TEST), atol=1e-10)
    two = KernelRegressor(lengthscale=0.7, ridge=0.3).fit(X, np.c_[Y, -Y])
    np.testing.assert_allclose(two.predict(X_TEST), np.c_[model.predict(X_TEST), -model.predict(X_TEST)])


def test_named_kernels_are_those_of_the_library():
    scales = np.array([0.7, 1.5])
    metrics = {
        "rbf": lambda a, b: np.exp(-cdist(a, b, "sqeuclidean") / 2),
        "laplace": lambda a, b: np.exp(-cdist(a, b)),
    }
    for word, metric in metrics.items():
        a = KernelRegressor(word, lengthscale=scales).fit(X, Y).predict(X_TEST)
        b = KernelRegressor(metric).fit(X / scales, Y).predict(X_TEST / scales)
        np.testing.assert_allclose(a, b, rtol=1e-10)
    linear = KernelRidge(alpha=1.0, kernel="linear").fit(X, Y).predict(X_TEST)
    np.testing.assert_allclose(KernelRegressor("linear").fit(X, Y).predict(X_TEST), linear, rtol=1e-8)


@pytest.mark.parametrize("ridge", [0.5, 0.0])
def test_the_solution_is_that_of_the_definition_and_nothing_given_is_overwritten(ridge):
    gram = np.asarray(np.exp(-np.abs(X[:, :1] - X[:, 0])) + np.outer(Y, Y))
    given = {"C": gram.copy(), "Fortran": np.asfortranarray(gram), "fixed": gram.copy()}
    given["fixed"].flags.writeable = False
    for y in (Y, np.c_[Y, -Y, Y**2]):
        wanted = np.linalg.solve(gram + ridge * np.eye(len(Y)), y)
        for matrix in given.values():
            for kernel, x in (("precomputed", matrix), (lambda a, b, matrix=matrix: matrix, X)):
                model = KernelRegressor(kernel, ridge=ridge).fit(x, y)
                np.testing.assert_allclose(model.dual_coef_, wanted, rtol=1e-7, atol=1e-9)
                np.testing.assert_array_equal(matrix, gram)


def test_a_singular_matrix_is_solved_by_least_squares_from_what_the_factorisation_left():
    gram = np.outer(Y, Y) + np.outer(X[:, 0], X[:, 0])
    gram[0, 0] -= 1e-3  # not even semi-definite
    with pytest.warns(UserWarning, match="least-squares"):
        model = KernelRegressor("precomputed", ridge=0.0).fit(gram, Y)
    np.testing.assert_allclose(model.dual_coef_, np.linalg.lstsq(gram, Y, rcond=None)[0], rtol=1e-6, atol=1e-8)


def test_a_kernel_that_overflows_is_refused():
    with (
        pytest.raises(ValueError, match="kernel must return finite values"),
        np.errstate(over="ignore", invalid="ignore"),
    ):
        KernelRegressor("linear").fit(X * 1e200, Y)


def test_classification_is_regression_on_signs():
    model = KernelClassifier(ridge=0.2).fit(X, LABELS)
    signs = KernelRegressor(ridge=0.2).fit(X, np.where(LABELS == "same", 1.0, -1.0))
    np.testing.assert_allclose(model.decision_function(X_TEST), signs.predict(X_TEST), rtol=1e-10)
    x, y = load_iris(return_X_y=True)
    outputs = KernelClassifier(ridge=0.2).fit(x, y)
    one = KernelRegressor(ridge=0.2).fit(x, np.where(y == 1, 1.0, -1.0))
    np.testing.assert_allclose(outputs.decision_function(x)[:, 1], one.predict(x), atol=1e-10)
    assert outputs.score(x, y) > 0.95


# --- relevance vectors


def log_evidence(logarithms, phi, y):
    """By the density of the targets, with all weights integrated out."""
    covariance = np.exp(logarithms[0]) * np.eye(len(y)) + phi * np.exp(-logarithms[1:]) @ phi.T
    return multivariate_normal(cov=covariance).logpdf(y)


def test_the_regression_is_at_a_maximum_of_the_evidence():
    phi = np.c_[np.ones(40), np.exp(-(cdist(X, X) ** 2) / 2)]
    found = _relevance.regression(phi, Y, tol=1e-9, max_iter=5000)
    assert found.converged
    assert np.all(np.diff(found.evidence) >= 0)
    kept, at = phi[:, found.active], np.log(np.r_[found.noise, found.precisions])
    np.testing.assert_allclose(found.evidence[-1], log_evidence(at, kept, Y), rtol=1e-9)
    best = minimize(lambda z: -log_evidence(z, kept, Y), at)
    assert -best.fun - found.evidence[-1] < 1e-5
    for column in range(41):  # none of the others gains anything
        if column not in found.active:
            for precision in (-2.0, 2.0, 6.0):
                more = log_evidence(np.r_[at, precision], np.c_[kept, phi[:, column]], Y)
                assert more < found.evidence[-1] + 1e-6
    posterior = np.linalg.inv(kept.T @ kept / found.noise + np.diag(found.precisions))
    np.testing.assert_allclose(found.covariance, posterior, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.weights, posterior @ kept.T @ Y / found.noise, rtol=1e-6)


def test_the_classification_is_at_a_mode_and_near_a_maximum_of_the_evidence():
    points = ripley(100)
    phi = np.c_[np.ones(100), np.exp(-(cdist(points.x_train, points.x_train) ** 2) / 0.25)]
    found = _relevance.classification(phi, points.y_train.astype(float), tol=1e-10, max_iter=5000)
    assert found.converged
    assert np.all(np.diff(found.evidence) >= 0)
    kept = phi[:, found.active]
    probability = 1 / (1 + np.exp(-kept @ found.weights))
    np.testing.assert_allclose(kept.T @ (points.y_train - probability), found.precisions * found.weights, atol=1e-6)
    hessian = (kept.T * (probability * (1 - probability))) @ kept + np.diag(found.precisions)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(hessian), rtol=1e-5)
    np.testing.assert_allclose(laplace_evidence(kept, points.y_train, found.precisions), found.evidence[-1], rtol=1e-9)
    for index in range(len(found.precisions)):  # Laplace moves with the mode: near, not at, a maximum
        for factor in (0.7, 1.4):
            moved = found.precisions * factor ** (np.arange(len(found.precisions)) == index)
            assert laplace_evidence(kept, points.y_train, moved) < found.evidence[-1] + 0.1
        rest = np.delete(kept, index, 1), points.y_train, np.delete(found.precisions, index)
        assert laplace_evidence(*rest) < found.evidence[-1]


def laplace_evidence(phi, labels, precisions):
    """By a general minimiser for the mode and the determinant of the Hessian there."""
    sign = 2 * labels - 1
    energy = lambda w: np.logaddexp(0, -sign * (phi @ w)).sum() + w @ (precisions * w) / 2  # noqa: E731
    slope = lambda w: precisions * w - phi.T @ (sign / (1 + np.exp(sign * (phi @ w))))  # noqa: E731
    mode = minimize(energy, np.zeros(phi.shape[1]), jac=slope, method="BFGS", options={"gtol": 1e-9}).x
    p = 1 / (1 + np.exp(-phi @ mode))
    hessian = (phi.T * (p * (1 - p))) @ phi + np.diag(precisions)
    return -energy(mode) + np.log(precisions).sum() / 2 - np.linalg.slogdet(hessian)[1] / 2


def test_the_regression_predicts_mean_and_deviation_of_its_weights():
    model = RelevanceVectorRegressor().fit(X, Y)
    phi = np.exp(-(cdist(X_TEST, X[model.relevance_]) ** 2) / 2)
    mean, deviation = model.predict(X_TEST, return_std=True)
    np.testing.assert_allclose(mean, phi @ model.coef_ + model.intercept_, rtol=1e-12)
    far = np.full((1, 2), 1e3)
    for intercept in (True, False):
        model = RelevanceVectorRegressor(fit_intercept=intercept).fit(X, Y + 2 * intercept)
        constant = model.covariance_[0, 0] if intercept else 0.0
        _, deviation = model.predict(far, return_std=True)
        np.testing.assert_allclose(deviation**2, model.noise_variance_ + constant, rtol=1e-12)
        assert intercept or model.predict(X, return_std=True)[1].min() > deviation[0]


def test_the_unit_of_targets_and_basis_does_not_matter():
    model, other = RelevanceVectorRegressor().fit(X, Y), RelevanceVectorRegressor().fit(X, 1e6 * Y)
    assert np.array_equal(model.relevance_, other.relevance_)
    for got, wanted in zip(other.predict(X_TEST, return_std=True), model.predict(X_TEST, return_std=True), strict=True):
        np.testing.assert_allclose(got, 1e6 * wanted, rtol=1e-4)
    shift = other.log_marginal_likelihood_ - model.log_marginal_likelihood_
    np.testing.assert_allclose(shift, -40 * np.log(1e6), rtol=1e-6)
    scaled = RelevanceVectorRegressor(lambda a, b: 100 * np.exp(-(cdist(a, b) ** 2) / 2)).fit(X, Y)
    np.testing.assert_allclose(scaled.predict(X_TEST), model.predict(X_TEST), rtol=1e-4)


def replicated():
    """Designs in which points recur: doses with replicates, every point five times, bootstraps; with targets."""
    draw = np.random.default_rng(0)
    doses = np.repeat(np.linspace(0, 4, 8), 10)[:, None]
    yield doses, np.sin(2 * doses[:, 0]) + 0.2 * draw.standard_normal(80)
    for noise in (0.0, 0.02, 0.3):
        yield np.tile(X, (5, 1)), np.tile(Y, 5) + noise * draw.standard_normal(200)
    for _ in range(6):
        chosen = draw.integers(0, 40, 40)
        yield X[chosen], Y[chosen]


@pytest.mark.parametrize("case", range(10))
def test_equal_points_are_kept_once(case):
    points, targets = list(replicated())[case]
    for model, wanted in ((RelevanceVectorRegressor(), targets), (RelevanceVectorClassifier(), targets > 0)):
        model.fit(points, wanted)  # a warning that it did not converge would be an error
        kept = points[model.relevance_]
        assert len(np.unique(kept, axis=0)) == len(kept) > 0


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_is_linearly_independent_where_columns_depend_on_each_other(seed):
    draw = np.random.default_rng(seed)
    design = draw.standard_normal((60, 8)) @ draw.standard_normal((8, 40))  # of rank 8
    targets = design[:, :3].sum(1) + 0.3 * draw.standard_normal(60)
    for found in (
        _relevance.regression(design, targets, tol=1e-6, max_iter=500),
        _relevance.classification(design, (targets > 0).astype(float), tol=1e-6, max_iter=500),
    ):
        assert found.converged
        kept = design[:, found.active] / np.linalg.norm(design[:, found.active], axis=0)
        assert np.linalg.svd(kept, compute_uv=False)[-1] > 1e-4


def test_a_copy_of_every_column_changes_nothing():
    phi = np.c_[np.ones(40), np.exp(-(cdist(X, X) ** 2) / 2)]
    for fit, wanted in ((_relevance.regression, Y), (_relevance.classification, (Y > 0).astype(float))):
        once, twice = (fit(design, wanted, tol=1e-9, max_iter=5000) for design in (phi, np.c_[phi, phi]))
        assert len(once.active) == len(twice.active)
        np.testing.assert_allclose(twice.evidence[-1], once.evidence[-1], atol=1e-6)


@pytest.mark.parametrize("lengthscale", [6.0, 12.0])
def test_columns_that_help_only_together_are_found(lengthscale):
    """With so wide a kernel no single function of these digits raises the evidence of the model without any."""
    images, digits = load_digits(return_X_y=True)
    images, odd = (images > 7).astype(float), digits % 2
    model = RelevanceVectorClassifier(lengthscale=lengthscale).fit(images[:200], odd[:200])
    assert 5 <= len(model.relevance_vectors_) <= 40
    assert model.score(images[200:], odd[200:]) > 0.8
    assert model.log_marginal_likelihood_ > 200 * np.log(0.5) + 40


def test_two_columns_of_nearly_the_same_direction_are_found_for_their_difference():
    common, wanted = np.ones(20), np.tile([1.0, -1.0], 10)
    design = np.c_[common + 0.05 * wanted, common - 0.05 * wanted]
    for fit, targets in ((_relevance.regression, wanted), (_relevance.classification, (wanted + 1) / 2)):
        found = fit(design, targets, tol=1e-9, max_iter=5000)
        assert list(found.active) == [0, 1]
        assert np.sign(found.weights[0]) == -np.sign(found.weights[1]) == 1


def test_noise_gives_few_relevance_vectors():
    noise = np.random.default_rng(3).standard_normal(200)
    model = RelevanceVectorRegressor(lengthscale=0.3).fit(np.linspace(0, 10, 200)[:, None], noise)
    assert len(model.relevance_) < 10


def test_three_classes_are_taken_one_against_the_others():
    x, y = load_iris(return_X_y=True)
    model = RelevanceVectorClassifier(lengthscale=2.0).fit(x, y)
    probability = model.predict_proba(x)
    np.testing.assert_allclose(probability.sum(1), 1)
    assert np.array_equal(model.classes_[probability.argmax(1)], model.predict(x))
    assert model.score(x, y) > 0.95
    single = RelevanceVectorClassifier(lengthscale=2.0).fit(x, y == 1)
    np.testing.assert_allclose(model.decision_function(x)[:, 1], single.decision_function(x), rtol=1e-8)
    odds = single.decision_function(x)
    np.testing.assert_allclose(single.predict_proba(x)[:, 1], 1 / (1 + np.exp(-odds)), rtol=1e-12)


def test_few_vectors_suffice_for_the_data_of_ripley():
    sizes, errors = [], []
    for seed in range(5):
        points = ripley(100, 2000, seed=seed)
        model = RelevanceVectorClassifier(lengthscale=0.5 / 2**0.5).fit(points.x_train, points.y_train)
        sizes.append(len(model.relevance_))
        errors.append(1 - model.score(points.x_test, points.y_test))
    assert 3 <= np.mean(sizes) <= 6
    assert np.mean(errors) < 0.12


# --- NTK as a kernel of scikit-learn


def test_the_kernel_is_that_of_the_network(x64):
    kernel = NTK(depth=2, activation="erf", w_std=1.3, b_std=0.4)
    mlp = MLP(depth=2, activation="erf", w_std=1.3, b_std=0.4)
    np.testing.assert_allclose(kernel(X), mlp.ntk(X), rtol=1e-14)
    np.testing.assert_allclose(kernel(X_TEST, X), mlp.ntk(X_TEST, X), rtol=1e-14)
    np.testing.assert_allclose(kernel.diag(X), np.diag(kernel(X)), rtol=1e-14)
    assert not kernel.is_stationary()


def test_the_kernel_is_in_64_bits_whatever_jax_is_set_to():
    x = np.array([[1.0, 0.0], [1.0, 1e-7]])
    gram, gradient = NTK()(x, eval_gradient=True)
    assert gram.dtype == gradient.dtype == np.float64
    assert gram[0, 0] - gram[0, 1] > 1e-9
    assert NTK()([[1, 2], [3, 4]]).shape == (2, 2)


@pytest.mark.parametrize(("depth", "activation"), [(1, "relu"), (2, "erf")])
def test_gradients_are_those_of_differences_of_the_logarithms(depth, activation):
    x = X[:6]
    cases = [({}, 2), ({"w_std_bounds": "fixed"}, 1), ({"b_std_bounds": "fixed"}, 1), ({"b_std": 0.0}, 1)]
    for bounds, count in cases if depth == 1 else cases[:1]:
        kernel = NTK(**{"depth": depth, "activation": activation, "w_std": 1.3, "b_std": 0.4} | bounds)
        assert kernel.n_dims == len(kernel.theta) == len(kernel.bounds) == count
        gram, gradient = kernel(x, eval_gradient=True)
        assert gradient.shape == (6, 6, count)
        np.testing.assert_allclose(gram, kernel(x), rtol=1e-13)
        for index in range(count):
            step = np.eye(count)[index] * 1e-6
            up, down = (kernel.clone_with_theta(kernel.theta + sign * step)(x) for sign in (1, -1))
            np.testing.assert_allclose(gradient[..., index], (up - down) / 2e-6, rtol=1e-6)
    fixed = NTK(w_std_bounds="fixed", b_std_bounds="fixed")
    assert fixed(x, eval_gradient=True)[1].shape == (6, 6, 0)
    with pytest.raises(ValueError, match="Gradient can only be evaluated when Y is None"):
        kernel(x, x, eval_gradient=True)


def test_a_gaussian_process_tunes_it_by_the_marginal_likelihood():
    truth = NTK(depth=1, w_std=0.8, b_std=0.5)
    x = np.random.default_rng(1).standard_normal((60, 2))
    y = np.random.default_rng(2).multivariate_normal(np.zeros(60), truth(x) + 0.01 * np.eye(60))
    process = GaussianProcessRegressor(NTK() + WhiteKernel(0.1)).fit(x, y)
    start = process.log_marginal_likelihood(process.kernel.theta)
    best = process.log_marginal_likelihood_value_
    assert best > start
    assert best > process.log_marginal_likelihood(np.log([0.5, 0.8, 0.01]))
    _, slope = process.log_marginal_likelihood(process.kernel_.theta, eval_gradient=True)
    assert np.abs(slope).max() < 0.05
    assert process.predict(X_TEST, return_std=True)[1].shape == (9,)


def test_it_adds_and_multiplies_with_the_kernels_of_scikit_learn():
    kernel = ConstantKernel(2.0) * NTK() + RBF(0.5)
    np.testing.assert_allclose(kernel(X), 2 * NTK()(X) + RBF(0.5)(X), rtol=1e-13)
    assert kernel(X[:4], eval_gradient=True)[1].shape == (4, 4, 4)
    assert clone(kernel) == kernel
    assert pickle.loads(pickle.dumps(kernel)) == kernel
    assert NTK() != NTK(depth=2)
    assert repr(NTK(2, "erf", 1.0, 0.5)) == "NTK(depth=2, activation='erf', w_std=1, b_std=0.5)"


def test_it_works_in_support_vector_machines_and_kernel_ridge():
    machine = SVC(kernel=NTK(depth=2)).fit(X, LABELS)
    precomputed = SVC(kernel="precomputed").fit(NTK(depth=2)(X), LABELS)
    np.testing.assert_allclose(
        machine.decision_function(X_TEST), precomputed.decision_function(NTK(depth=2)(X_TEST, X)), rtol=1e-8
    )
    ridge = KernelRidge(kernel=NTK(), alpha=0.3).fit(X, Y)
    np.testing.assert_allclose(
        ridge.predict(X_TEST), KernelRegressor(NTK(), ridge=0.3).fit(X, Y).predict(X_TEST), rtol=1e-9
    )
    search = GridSearchCV(KernelRegressor(NTK()), {"kernel__depth": [1, 2], "ridge": [0.1]}, cv=2).fit(X, Y)
    assert search.best_estimator_.kernel_.depth in (1, 2)


@pytest.mark.parametrize("bad", [{"depth": -1}, {"activation": "step"}, {"w_std": -1.0}, {"b_std": np.nan}])
def test_a_network_that_does_not_exist_is_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        NTK(**bad)(X)


# --- any kernel of the library as one of scikit-learn

OURS = [
    kernels.RBF(0.7),
    kernels.RBF(np.array([0.7, 1.5])),
    kernels.Laplace(1.2),
    kernels.Polynomial(2, 0.5),
    kernels.ArcCosine(1, 0.4),
    2.0 * kernels.RBF(0.7) + kernels.Polynomial(2, 0.0) * kernels.Laplace(1.2),
    MLP(depth=2, w_std=1.3, b_std=0.4).ntk,
    MLP(depth=1, activation="erf").nngp,
    MLP(depth=1, b_std=0.2).ntk * kernels.RBF(2.0) + 0.3,
]


@pytest.mark.parametrize("ours", OURS, ids=repr)
def test_every_kernel_of_the_library_is_one_of_scikit_learn(ours):
    kernel, x = SklearnKernel(ours), X[:6]
    with jax.enable_x64(True):
        wanted, between, numbers = np.asarray(ours(x)), np.asarray(ours(X_TEST, x)), jax.tree.leaves(ours)
    gram, gradient = kernel(x, eval_gradient=True)
    np.testing.assert_allclose(kernel(x), wanted, rtol=1e-14)
    np.testing.assert_allclose(gram, wanted, rtol=1e-12)
    np.testing.assert_allclose(kernel(X_TEST, x), between, rtol=1e-14)
    np.testing.assert_allclose(kernel.diag(x), np.diag(wanted), rtol=1e-13)
    assert gram.dtype == gradient.dtype == kernel.diag(x).dtype == np.float64
    free = np.hstack([number for number in numbers if np.all(number != 0)])
    np.testing.assert_allclose(np.exp(kernel.theta), free, rtol=1e-14)
    assert gradient.shape == (6, 6, kernel.n_dims) == (6, 6, len(free)) == (6, 6, len(kernel.bounds))
    for index in range(kernel.n_dims):
        step = np.eye(kernel.n_dims)[index] * 1e-6
        up, down = (kernel.clone_with_theta(kernel.theta + sign * step)(x) for sign in (1, -1))
        np.testing.assert_allclose(gradient[..., index], (up - down) / 2e-6, rtol=1e-6, atol=1e-9)
    assert clone(kernel) == kernel
    assert clone(kernel) is not kernel
    assert pickle.loads(pickle.dumps(kernel)) == kernel
    assert kernel.clone_with_theta(kernel.theta + 0.1) != kernel
    assert not kernel.is_stationary()
    machine = SVC(kernel=kernel).fit(X, LABELS)
    np.testing.assert_allclose(
        machine.decision_function(X_TEST),
        SVC(kernel="precomputed").fit(kernel(X), LABELS).decision_function(kernel(X_TEST, X)),
        rtol=1e-6,
        atol=1e-9,
    )
    ridge = KernelRidge(kernel=kernel, alpha=0.3).fit(X, Y).predict(X_TEST)
    np.testing.assert_allclose(KernelRegressor(ours, ridge=0.3).fit(X, Y).predict(X_TEST), ridge, rtol=1e-8)


def test_a_gaussian_process_tunes_it_as_it_tunes_its_own():
    scales = np.array([1.0, 1.0])
    ours = SklearnKernel(1.0 * kernels.RBF(scales)) + WhiteKernel(0.1)
    theirs = ConstantKernel(1.0) * RBF(scales) + WhiteKernel(0.1)
    processes = [GaussianProcessRegressor(kernel).fit(X, Y) for kernel in (ours, theirs)]
    np.testing.assert_allclose(*(each.log_marginal_likelihood_value_ for each in processes), rtol=1e-8)
    np.testing.assert_allclose(*(each.kernel_.theta for each in processes), rtol=1e-3)
    np.testing.assert_allclose(*(each.predict(X_TEST) for each in processes), rtol=1e-3)
    both = [each.log_marginal_likelihood(each.kernel.theta, eval_gradient=True) for each in processes]
    for got, wanted in zip(*both, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9)
    found = processes[0].kernel_.k1.kernel
    assert isinstance(found, kernels.Product)
    np.testing.assert_allclose(found.right.lengthscale, processes[1].kernel_.k1.k2.length_scale, rtol=1e-3)
    assert np.array_equal(scales, [1.0, 1.0])


def test_leaves_are_bounded_and_fixed_by_name():
    ours = 2.0 * kernels.RBF(np.array([0.5, 1.0])) + MLP(depth=2).nngp
    names = ["left__left__value", "left__right__lengthscale", "right__w_std", "right__b_std"]
    kernel = SklearnKernel(ours, {"right__w_std": "fixed", "left__right__lengthscale": (0.1, 10.0)})
    assert [each.name for each in kernel.hyperparameters] == names
    assert [each.fixed for each in kernel.hyperparameters] == [False, False, True, True]  # there are no biases
    np.testing.assert_allclose(np.exp(kernel.bounds), [[1e-5, 1e5], [0.1, 10], [0.1, 10]])
    moved = kernel.clone_with_theta(np.log([3.0, 0.2, 0.4]))
    assert jax.tree.structure(moved.kernel) == jax.tree.structure(ours)
    np.testing.assert_allclose(np.hstack(jax.tree.leaves(moved.kernel)), [3.0, 0.2, 0.4, 2**0.5, 0.0])
    fixed = SklearnKernel(ours, "fixed")
    assert fixed.n_dims == 0
    assert fixed(X[:4], eval_gradient=True)[1].shape == (4, 4, 0)
    search = GridSearchCV(
        KernelRegressor(fixed, ridge=0.1), {"kernel__kernel": [kernels.RBF(1e-3), kernels.RBF(1.0)]}, cv=2
    )
    assert search.fit(X, Y).best_params_ == {"kernel__kernel": kernels.RBF(1.0)}
    with pytest.raises(ValueError, match=r"leaf_bounds must name leaves .*left__left__value, .*got \['lengthscale'\]"):
        SklearnKernel(ours, {"lengthscale": "fixed"}).hyperparameters  # noqa: B018
    with pytest.raises(ValueError, match="theta must have 3 entries"):
        kernel.theta = np.zeros(2)
    with pytest.raises(ValueError, match=r"two kernels: pass its \.ntk or its \.nngp"):
        SklearnKernel(MLP())(X)


@pytest.mark.parametrize("n", [5, 16, 23])
def test_a_large_matrix_is_factored_in_blocks(monkeypatch, n):
    """LAPACK crashes where OpenBLAS factors 20,000 rows at once with several threads."""
    monkeypatch.setattr(_cholesky, "_BLOCK", 5)
    x = np.random.default_rng(0).standard_normal((n, n))
    matrix = np.asfortranarray(x @ x.T + np.eye(n))
    factor, failed = _cholesky.factor(matrix.copy(order="F"))
    assert not failed
    np.testing.assert_allclose(np.tril(factor), np.linalg.cholesky(matrix), rtol=1e-11, atol=1e-11)
    np.testing.assert_array_equal(np.triu(factor, 1), np.triu(matrix, 1))
    matrix[n - 1, n - 1] = -1.0
    assert _cholesky.factor(matrix)[1]
