"""Does every public function say which argument is wrong, what was got, and say it itself?

The calls are generated: in each parameter of each public name a right value is replaced by the wrong ones of its kind,
all other arguments being right. A parameter without a kind fails: a new one needs a line in `KIND`, and in `RIGHT` if
it has no default.
"""

import importlib
import inspect
import re
import traceback
import warnings
from fractions import Fraction
from pathlib import Path

import jax.numpy as jnp
import pytest
from argument_kinds import CONV, KIND, NETWORK, RIGHT, X, Y, machine
from test_library import PUBLIC
from wrong_values import WRONG

import ntklib
from ntklib import algorithms, approximation, convolution, estimators, kernels, learnability, operators, posterior
from ntklib.book._drawings import Item, frame
from ntklib.book.laboratory import Laboratory

FOLDER = Path(ntklib.__file__).parent
NONE = {"iterative.matmul.x2"}  # takes None without a default

# Results, which hold what was computed, and methods that are handed what was checked before.
RESULTS = {"posterior.Posterior", "laziness.Motion", "laziness.Report", "book.claims.Outcome"}
INNER = {
    "evaluate",
    "evaluate_matrix",
    "evaluate_diagonal",
    "dense",
    "convolve",
    "read_out",
    "scales",
    "Activation.__call__",
    "parts",
    "to_dict",
}
INNER |= {f"Explorer.{name}" for name in ("settings", "frame", "limits")}
INSTANCES = {
    "kernels.RBF": kernels.RBF,
    "mlp.MLP": lambda: NETWORK,
    "mlp.NetworkKernel": lambda: NETWORK.ntk,
    "convolution.Averaged": lambda: convolution.averaged(CONV.ntk),
    "convolution.ConvNet": lambda: CONV,
    "posterior.Posterior": lambda: posterior.condition(kernels.RBF(), X, Y, 0.1),
    "learnability.Prediction": lambda: learnability.predict(jnp.ones(3), 2),
    "algorithms.MessagePassing": algorithms.MessagePassing,
    "algorithms.Stack": lambda: algorithms.Stack(Fraction(0)),
    "approximation.Shallow": lambda: approximation.Shallow(jnp.ones((2, 3)), jnp.ones(3), jnp.ones(3), jnp.ones(())),
    "rbm.RBM": machine,
    "operators.FNO": lambda: operators.FNO(2, 1),
    "operators.DeepONet": lambda: operators.DeepONet(2),
    "estimators.SklearnKernel": lambda: estimators.SklearnKernel(kernels.RBF()),
    "estimators.NTK": estimators.NTK,
    "book.laboratory.Laboratory": Laboratory,
    "estimators.KernelRegressor": lambda: estimators.KernelRegressor().fit(X, Y),
    "estimators.KernelClassifier": lambda: estimators.KernelClassifier().fit(X, [0, 1, 0, 1]),
    "estimators.RelevanceVectorRegressor": lambda: estimators.RelevanceVectorRegressor().fit(X, Y),
    "estimators.RelevanceVectorClassifier": lambda: estimators.RelevanceVectorClassifier().fit(X, [0, 1, 0, 1]),
}


def used(made):
    """What is checked when it is used, as scikit-learn has it."""
    if hasattr(made, "fit"):
        return made.fit(X.astype(float), [0, 1, 0, 1] if "Classifier" in type(made).__name__ else Y)
    if isinstance(made, Item):
        return frame(made, {"x": "linear", "y": "linear"})
    if isinstance(made, kernels.RBF | kernels.Laplace):
        return made(X)
    if isinstance(made, estimators.SklearnKernel | estimators.NTK):
        return made.hyperparameters, made(X)
    if hasattr(made, "__enter__"):
        with made:
            return None
    return list(made) if inspect.isgenerator(made) else made


def methods(cls):
    """Public methods that the library wrote, inherited ones too."""
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("ntklib"):
            for name, value in vars(base).items():
                if inspect.isfunction(value) and (not name.startswith("_") or name == "__call__"):
                    yield name, value


def public():
    """What can be called: its name, its parameters, and what calls it with keywords."""
    seen = set()
    for module in PUBLIC:
        if module.startswith(("book.practice", "book.answers")):  # is handed what the book itself or a reader writes
            continue
        loaded = importlib.import_module(f"ntklib.{module}")
        for name in loaded.__all__:
            offered, label = getattr(loaded, name), f"{module}.{name}"
            if inspect.isfunction(offered):
                yield label, inspect.signature(offered).parameters, lambda f=offered, **given: used(f(**given))
            if not inspect.isclass(offered):
                continue
            if not issubclass(offered, tuple | Exception) and label not in RESULTS and offered is not kernels.Kernel:
                yield label, inspect.signature(offered).parameters, lambda f=offered, **given: used(f(**given))
            for method, function in methods(offered):
                # once for all kernels of rows, and once for those of images
                if (function, module == "convolution") in seen or {method, f"{name}.{method}"} & INNER:
                    continue
                seen.add((function, module == "convolution"))
                wanted = dict(list(inspect.signature(function).parameters.items())[1:])

                def call(label=label, method=method, **given):
                    return getattr(INSTANCES[label](), method)(**given)

                yield f"{label}.{method}", wanted, call


def right(label, parameter):
    """A right value; the default of the function if there is no other."""
    known = RIGHT.get(f"{label}.{parameter.name}") or RIGHT.get(parameter.name)
    if parameter.default is not inspect.Parameter.empty and f"{label}.{parameter.name}" not in RIGHT:
        return parameter.default
    assert known, f"no right value is known for {label}({parameter.name})"
    return known()


def cases():
    for label, parameters, call in public():
        for name in parameters:
            kind = KIND.get(f"{label}.{name}") or KIND.get(name)
            yield label, name, kind, parameters, call


ALL = list(cases())


def complaint(call, given, name, wrong, got):
    """What is wrong with the answer to a wrong value; nothing, if nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(**given)
    except Exception as error:
        innermost = traceback.extract_tb(error.__traceback__)[-1].filename
        message = str(error)
        if not isinstance(error, TypeError | ValueError):
            return f"{type(error).__name__}: {message[:100]}"
        if not Path(innermost).is_relative_to(FOLDER) and not (name in "Xy" and "sklearn/utils" in innermost):
            return f"{Path(innermost).name}: {message[:100]!r}"  # but scikit-learn's own words may come from there
        if not re.search(rf"\b{name}\b", message):
            return f"does not name it: {message[:150]!r}"
        if not any(part.lower() in message.lower() for part in got.split("|")):
            return f"does not say what was got, {got}: {message[:150]!r}"
        return ""
    return "accepted"


@pytest.mark.parametrize(("label", "name", "kind", "parameters", "call"), ALL, ids=[f"{c[0]}-{c[1]}" for c in ALL])
def test_a_wrong_value_is_named(label, name, kind, parameters, call, tmp_path):
    assert kind, f"say in KIND what {label}({name}) takes"
    assert kind in WRONG
    complaints = {}
    for wrong, got in WRONG[kind]:
        if wrong is None and (parameters[name].default is None or f"{label}.{name}" in NONE):
            continue
        given = {each: right(label, parameter) for each, parameter in parameters.items()} | {name: wrong}
        if problem := complaint(call, given, name, wrong, got):
            complaints[got] = problem
    assert not complaints, f"{label}({name}=…):\n" + "\n".join(f"  {got}: {why}" for got, why in complaints.items())


def test_the_table_is_large_and_names_nothing_that_is_not_there():
    assert sum(len(WRONG[kind]) for _, _, kind, _, _ in ALL) > 2000
    parameters = {name for label, parameter, *_ in ALL for name in (parameter, f"{label}.{parameter}")}
    assert KIND.keys() | RIGHT.keys() <= parameters
    assert {kind for *_, kind, _, _ in ALL} == WRONG.keys()
