"""What a user of scikit-learn does on several workers, each way against one worker; run by `test_parallel`."""

import warnings

import joblib
import numpy as np
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ntklib.estimators import KernelClassifier
from ntklib.kernels import RBF


def main() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    y = x[:, 0] * x[:, 1] > 0
    model = make_pipeline(StandardScaler(), KernelClassifier(RBF(), ridge=0.1))
    grid = {"kernelclassifier__ridge": [0.1, 1.0]}
    alone, together = (GridSearchCV(model, grid, cv=2, n_jobs=n).fit(x, y) for n in (None, 2))
    assert np.array_equal(*(each.cv_results_["mean_test_score"] for each in (alone, together)))
    print("a search in two processes")
    scores = cross_val_score(model, x, y, cv=4)
    for backend in ("threading", "loky"):
        with joblib.parallel_backend(backend, n_jobs=2):
            assert np.array_equal(cross_val_score(model, x, y, cv=4), scores)
        print("cross validation by", backend)
    parts = joblib.Parallel(n_jobs=2, backend="loky")(
        joblib.delayed(alone.predict_proba)(part) for part in (x[:30], x[30:])
    )
    np.testing.assert_allclose(np.vstack(parts), alone.predict_proba(x), atol=1e-12)
    print("predictions of a fitted model by loky")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX's own, of forks
        try:
            with joblib.parallel_backend("multiprocessing", n_jobs=2):
                cross_val_score(model, x, y, cv=4, error_score="raise")
        except RuntimeError as error:
            print("refused:", error)


if __name__ == "__main__":
    main()
