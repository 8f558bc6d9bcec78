"""Weights of examples against scikit-learn and repeated rows, and probabilities against points that nobody has seen."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cdist
from scipy.special import log_softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.validation import has_fit_parameter

from ntklib import _calibration, _kernel_classification
from ntklib.estimators import (
    NTK,
    KernelClassifier,
    KernelRegressor,
    RelevanceVectorClassifier,
    RelevanceVectorRegressor,
)

RNG = np.random.default_rng(0)
X, X_TEST = RNG.standard_normal((40, 2)), RNG.standard_normal((9, 2))
Y = np.sin(2 * X[:, 0]) + 0.1 * RNG.standard_normal(40)
LABELS = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
WEIGHTS = RNG.uniform(0, 3, 40) * (np.arange(40) % 7 > 0)
COUNTS = RNG.integers(0, 4, 40)


@pytest.mark.parametrize("solver", ["direct", "cg"])
@pytest.mark.parametrize("y", [Y, np.c_[Y, Y**2]], ids=["one", "two"])
def test_weighted_regression_is_that_of_scikit_learn(solver, y):
    model = KernelRegressor(NTK(), ridge=0.3, solver=solver).fit(X, y, sample_weight=WEIGHTS)
    wanted = KernelRidge(kernel=NTK(), alpha=0.3).fit(X, y, sample_weight=WEIGHTS)
    atol = {"direct": 1e-12, "cg": 1e-6}[solver]
    np.testing.assert_allclose(model.dual_coef_, wanted.dual_coef_, atol=atol)
    np.testing.assert_allclose(model.predict(X_TEST), wanted.predict(X_TEST), atol=atol)


@pytest.mark.parametrize("kernel", ["rbf", "precomputed"])
def test_weights_minimise_the_weighted_loss_of_classes_too(kernel):
    gram, between = (np.exp(-cdist(a, X, "sqeuclidean") / 2) for a in (X, X_TEST))
    given = (gram, between) if kernel == "precomputed" else (X, X_TEST)
    model = KernelClassifier(kernel, ridge=0.3).fit(given[0], LABELS, WEIGHTS)
    signs = np.where(LABELS == "same", 1.0, -1.0)
    wanted = KernelRidge(kernel="precomputed", alpha=0.3).fit(gram, signs, sample_weight=WEIGHTS)
    np.testing.assert_allclose(model.decision_function(given[1]), wanted.predict(between), atol=1e-12)


@pytest.mark.parametrize("labels", [LABELS, np.arange(40) % 3], ids=["two", "three"])
def test_a_weight_counts_examples(labels):
    """Outputs and probabilities are those of rows that stand there so many times."""
    weighted = KernelClassifier(ridge=0.3).fit(X, labels, COUNTS)
    repeated = KernelClassifier(ridge=0.3).fit(np.repeat(X, COUNTS, 0), np.repeat(labels, COUNTS))
    for way in ("decision_function", "predict_proba"):
        np.testing.assert_allclose(getattr(weighted, way)(X_TEST), getattr(repeated, way)(X_TEST), atol=1e-9)


def test_a_support_vector_machine_with_our_kernel_takes_weights():
    counts = COUNTS + 1  # scikit-learn mistakes which vectors support if one of weight zero is among them
    machine = SVC(kernel=NTK(), C=1.0).fit(X, LABELS, counts)
    repeated = SVC(kernel=NTK(), C=1.0).fit(np.repeat(X, counts, 0), np.repeat(LABELS, counts))
    np.testing.assert_allclose(machine.decision_function(X_TEST), repeated.decision_function(X_TEST), atol=5e-3)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3), r"sample_weight must be a number or have shape \(40,\), got \(3,\)"),
        (np.ones((40, 1)), r"shape \(40,\), got \(40, 1\)"),
        (-WEIGHTS, "sample_weight must be finite and not negative, and not all zero, got from -"),
        (WEIGHTS + np.nan, "sample_weight must be finite"),
        (np.zeros(40), "not all zero, got from 0.0 to 0.0"),
    ],
)
@pytest.mark.parametrize("estimator", [KernelRegressor(), KernelClassifier()])
def test_weights_that_are_none_are_refused(estimator, weights, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, Y > 0, sample_weight=weights)


def test_relevance_vector_machines_take_no_weights():
    for estimator in (RelevanceVectorRegressor(), RelevanceVectorClassifier()):
        assert not has_fit_parameter(estimator, "sample_weight")
        with pytest.raises(TypeError, match="sample_weight"):
            estimator.fit(X, Y > 0, sample_weight=WEIGHTS)


# --- probabilities


def brute_force(targets, gram, weights, ridge):
    """Each output at a point of which one example was taken away, by solving again."""
    outputs = np.empty_like(targets)
    for i in range(len(gram)):
        rest = weights.copy()
        rest[i] = max(rest[i] - 1, 0)
        used = rest > 0
        system = gram[np.ix_(used, used)] + np.diag(ridge / rest[used])
        outputs[i] = gram[i, used] @ np.linalg.solve(system, targets[used])
    return outputs


@pytest.mark.parametrize("weights", [np.ones(40), WEIGHTS + 0.1, COUNTS + 1.0], ids=["equal", "any", "counts"])
def test_outputs_without_a_point_are_those_of_a_fit_without_it(weights):
    gram, targets = np.exp(-cdist(X, X, "sqeuclidean") / 2), np.c_[Y, np.sign(Y)]
    inverse = np.linalg.inv(gram + np.diag(0.3 / weights))
    missed = inverse @ targets / np.diag(inverse)[:, None]
    got = _calibration.left_out(targets, missed, np.diag(inverse), weights, 0.3)
    np.testing.assert_allclose(got, brute_force(targets, gram, weights, 0.3), atol=1e-9)


def test_the_slope_is_the_most_probable_one():
    number, weights = RNG.integers(0, 3, 60), RNG.uniform(0.5, 2, 60)
    outputs = RNG.standard_normal((60, 3)) + np.eye(3)[number]
    counts = np.bincount(number, weights)
    wanted = np.array([(np.eye(3)[c] * counts[c] + 1) / (counts[c] + 3) for c in number])
    loss = lambda a: -np.sum(weights[:, None] * wanted * log_softmax(a * outputs, axis=1))  # noqa: E731
    best = minimize_scalar(loss, bounds=(0, 10), method="bounded", options={"xatol": 1e-9}).x
    assert _calibration.slope(outputs, number, weights) == pytest.approx(best, rel=1e-5)
    assert 0 < _calibration.slope(-outputs, number, weights) < 1e-6
    apart = _calibration.slope(np.eye(3)[number], number, weights)
    assert 1 < apart < 100


def drawn(n, seed, offset):
    """Points of two or three classes, by probabilities that are known."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((n, 2))
    logits = np.c_[np.zeros(n), 3 * np.sin(2 * x[:, 0]) * x[:, 1] - offset, 2 * x[:, 0]]
    return x, (logits[:, : 2 if offset else 3] + draw.gumbel(size=(n, 2 if offset else 3))).argmax(1)


@pytest.mark.parametrize("offset", [0.0, 2.0], ids=["three classes", "one class in five"])
@pytest.mark.parametrize("ridge", [0.03, 1.0])
def test_probabilities_are_calibrated_on_points_that_were_not_seen(offset, ridge):
    (x, y), (x_test, y_test) = drawn(300, 0, offset), drawn(3000, 1, offset)
    model = KernelClassifier(ridge=ridge).fit(x, y)
    probability = model.predict_proba(x_test)
    np.testing.assert_allclose(probability.sum(1), 1)
    error = 0.0
    for c in range(probability.shape[1]):  # how far frequencies are from what was said, in ten bins
        bins = np.digitize(probability[:, c], np.linspace(0.1, 0.9, 9))
        hit = y_test == c
        error = max(error, sum(abs(np.sum(probability[bins == b, c] - hit[bins == b])) for b in range(10)) / 3000)
    assert error < 0.07
    split = CalibratedClassifierCV(KernelClassifier(ridge=ridge), ensemble=False).fit(x, y)  # fitted five times more
    assert log_loss(y_test, probability) < log_loss(y_test, split.predict_proba(x_test)) + 0.01
    frequent = np.tile(np.bincount(y) / 300, (3000, 1))
    assert log_loss(y_test, probability) < 0.9 * log_loss(y_test, frequent)


@pytest.mark.parametrize("kernel", ["rbf", "precomputed"])
@pytest.mark.parametrize("weights", [None, COUNTS + 0.5], ids=["equal", "weighted"])
def test_of_many_points_some_are_left_out_and_nothing_else_changes(monkeypatch, kernel, weights):
    gram, between = (np.exp(-cdist(a, X, "sqeuclidean") / 2) for a in (X, X_TEST))
    given = (gram, between) if kernel == "precomputed" else (X, X_TEST)
    whole = KernelClassifier(kernel, ridge=0.3).fit(given[0], LABELS, weights)
    monkeypatch.setattr(_kernel_classification, "_LEFT_OUT", 25)
    seen = []
    inner = _calibration.left_out
    monkeypatch.setattr(_calibration, "left_out", lambda *rest: seen.append(rest) or inner(*rest))
    some = KernelClassifier(kernel, ridge=0.3).fit(given[0], LABELS, weights)
    np.testing.assert_allclose(some.dual_coef_, whole.dual_coef_, atol=1e-12)
    ((_, missed, inverse, *_),) = seen
    noise = 0.3 / (np.ones(40) if weights is None else weights)
    full = np.linalg.inv(gram + np.diag(noise))
    chosen = [int(np.argmin(np.abs(whole.dual_coef_ - c))) for c in missed * inverse[:, None]]
    assert len(set(chosen)) == 25
    np.testing.assert_allclose(inverse, np.diag(full)[chosen], rtol=1e-9)
    assert np.abs(some.predict_proba(given[1]) - whole.predict_proba(given[1])).max() < 0.2


def test_equal_points_without_a_ridge_have_probabilities():
    x, y = np.repeat(X, 2, 0), np.repeat(LABELS, 2)
    with pytest.warns(UserWarning, match="Singular matrix"):
        model = KernelClassifier(lengthscale=0.5, ridge=0.0).fit(x, y)
    probability = model.predict_proba(X)
    assert np.isfinite(probability).all()
    assert np.array_equal(model.classes_[probability.argmax(1)], LABELS)


def test_in_a_pipeline_with_frames_names_reach_the_estimator():
    x, y = load_iris(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), KernelClassifier(ridge=0.1)).set_output(transform="pandas")
    pipeline.fit(x, y, kernelclassifier__sample_weight=np.ones(150))
    assert list(pipeline[-1].feature_names_in_) == list(x.columns)
    assert isinstance(pipeline[:-1].transform(x), pd.DataFrame)
    probability = pipeline.predict_proba(x)
    assert np.array_equal(probability.argmax(1), pipeline.predict(x))
    assert probability.max(1).mean() > 0.8
