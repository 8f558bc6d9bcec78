"""The relevance vector machine on Ripley's data, N = 250: the library's, and sklearn-rvm's where it is installed.

sklearn-rvm is no dependency: ``pip install --no-deps sklearn-rvm`` beside the rest (version 0.1.1 was tried).
"""

import importlib.util
import warnings

from compare import Case, main

from ntklib.data import ripley
from ntklib.estimators import RelevanceVectorClassifier

WIDTH, DATA = 0.5, ripley(250)


def ours():
    return lambda: RelevanceVectorClassifier(lengthscale=WIDTH / 2**0.5).fit(DATA.x_train, DATA.y_train)


def sklearn_rvm():
    from sklearn_rvm import EMRVC

    def fit():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return EMRVC(kernel="rbf", gamma=1 / WIDTH**2).fit(DATA.x_train, DATA.y_train)

    return fit


def answers(models):
    numbers = {}
    for name, model in models.items():
        numbers[f"vectors kept, {name}"] = len(model.relevance_vectors_)
        numbers[f"test error, {name}"] = 1 - model.score(DATA.x_test, DATA.y_test)
    return numbers


CONTENDERS = {"RelevanceVectorClassifier": ours}
if importlib.util.find_spec("sklearn_rvm"):
    CONTENDERS["sklearn-rvm"] = sklearn_rvm
CASES = [
    Case(
        "relevance vector machine, data of Ripley, N = 250",
        CONTENDERS,
        goals={"sklearn-rvm": 1.0} if len(CONTENDERS) == 2 else {},
        rounds=5,
        measure=answers,
    )
]

if __name__ == "__main__":
    if len(CONTENDERS) == 1:
        print("sklearn-rvm is not installed: no peer")
    main(CASES)
