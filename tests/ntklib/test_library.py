"""What importing the library does and does not do, and which module may import which."""

import ast
import importlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from flit_core import buildapi

import ntklib
from ntklib import book

FOLDER = Path(ntklib.__file__).parent
FLOORS = {
    "_arguments": 0,
    "_validation": 0,
    "_spectral": 0,
    "_draws": 0,
    "_inputs": 0,
    "_interpolants": 0,
    "_pairs": 0,
    "_patches": 0,
    "_memory": 0,
    "_cholesky": 0,
    "_precision": 0,
    "_products": 0,
    "_progress": 0,
    "_relevance": 0,
    "_threads": 0,
    "_tree": 0,
    "_examples": 1,
    "neural_tangents": 0,  # a file without other imports from this library
    "_mehler": 1,
    "_tanh": 1,
    "activations": 1,
    "kernels": 1,
    "data": 1,
    "selection": 1,
    "cost": 1,
    "compression": 1,
    "ridgeless": 1,
    "tasks": 2,
    "_sklearn_validation": 1,
    "_range": 2,
    "mlp": 2,
    "_conv_kernel": 2,
    "_averaged": 2,
    "features": 2,
    "_blocks": 2,
    "_resumable": 2,
    "convolution": 3,
    "gram": 3,
    "iterative": 3,
    "posterior": 3,
    "tangent": 3,
    "dynamics": 3,
    "learnability": 3,
    "complexity": 3,
    "information": 3,
    "nofreelunch": 3,
    "approximation": 3,
    "rbm": 3,
    "depth": 4,
    "wavelets": 3,
    "algorithms": 4,
    "path": 4,
    "featurelearning": 4,
    "laziness": 4,
    "_circle": 1,
    "_burgers": 2,
    "_operator_networks": 2,
    "operators": 4,
    "_alignment": 1,
    "_laziness_measures": 4,
    "_laziness_page": 1,
    "_lazy_and_rich": 3,
    "_linear_model": 2,
    "_sketched_kernel": 4,
    "estimators": 4,
    "_calibration": 0,
    "_kernel_classification": 4,
    "_kernel_estimator": 4,
    "_kernel_regression": 4,
    "_relevance_vectors": 4,
    "_sklearn_kernels": 4,
    "book._comparison": 5,
    "book._display": 5,
    "book._drawings": 5,
    "book._limits": 5,
    "book._needs": 5,
    "book._outcome": 5,
    "book._page": 5,
    "book._parameters": 5,
    "book._roles": 5,
    "book._still": 5,
    "book._store": 5,
    "book._values": 5,
    "book._widget": 5,
    "book.answers": 6,
    "book.claims": 6,
    "book.draws": 6,
    "book.explore": 6,
    "book.figures": 6,
    "book.laboratory": 6,
    "book.laboratory._still": 6,
    "book.tabular": 6,
    "book.practice.answering": 6,
    "book.practice.selfcheck": 6,
    "book.practice": 7,
    "book.dragging": 7,
    "book": 7,
    # paths that were public before there was a book
    "claims": 8,
    "explore": 8,
    "figures": 8,
}
BELOW = [name for name, floor in FLOORS.items() if floor < 5]  # the mathematics
MOVED = [name for name, floor in FLOORS.items() if floor == 8]
# neural_tangents is the library of that name itself, brought forward: importing it is its own affair
MODULES = sorted(FLOORS.keys() - {"neural_tangents"})
PACKAGES = ["book", "book.practice"]  # their modules are in the reference
PUBLIC = [name for name in MODULES if "_" not in name and name not in MOVED and name not in PACKAGES]
DRAWS = {"matplotlib", "PIL", "anywidget", "IPython", "ipywidgets"}


def source(module):
    path = FOLDER.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def on_disk():
    """The dotted names of all modules of the library, but of itself."""
    files = (path.relative_to(FOLDER).with_suffix("").parts for path in FOLDER.rglob("*.py"))
    return {".".join(part for part in parts if part != "__init__") for parts in files} - {""}


def imported(module):
    """What the source of a module imports anywhere: modules, each by its whole name."""
    found = set()
    for node in ast.walk(ast.parse(source(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "an import says the whole name"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in whole if name.removeprefix("ntklib.") in FLOORS}
            found |= modules | ({node.module} if whole - modules else set())
    return found


def private(module):
    return module.rpartition(".")[2].startswith("_")


def neighbours(module):
    return {name.removeprefix("ntklib.") for name in imported(module) if name.startswith("ntklib.")}


def run(code, *arguments, **environment):
    command = [sys.executable, "-c", code, *arguments]
    environment = os.environ | environment
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", check=True, cwd=FOLDER.parent, env=environment
    ).stdout


def test_the_floors_hold_the_modules_that_there_are_and_no_others():
    assert on_disk() == FLOORS.keys()


def test_every_public_module_is_in_the_reference():
    lists = re.findall(
        r"```\{library-modules\}\n(.*?)```",
        (FOLDER.parent / "appendix" / "library.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert sorted("".join(lists).split()) == PUBLIC


@pytest.mark.parametrize("module", FLOORS)
def test_a_module_imports_only_from_the_floors_below_it(module):
    beside = {name for name in neighbours(module) if private(name) and FLOORS[name] == FLOORS[module]}
    assert not {name for name in neighbours(module) - beside if FLOORS[name] >= FLOORS[module]}


def test_the_floors_import_from_these_floors_and_no_others():
    edges = {floor: set() for floor in FLOORS.values()}
    for module, floor in FLOORS.items():
        edges[floor] |= {FLOORS[name] for name in neighbours(module)}
    assert edges == {
        0: {0},
        1: {0, 1},
        2: {0, 1, 2},
        3: {0, 1, 2},
        4: {0, 1, 2, 3, 4},
        5: {0, 5},
        6: {0, 2, 5, 6},
        7: {0, 5, 6},
        8: {6},
    }


def test_these_modules_import_what_draws_and_no_others():
    drawing = {module: {name.split(".")[0] for name in imported(module)} & DRAWS for module in FLOORS}
    assert {module: names for module, names in drawing.items() if names} == {
        "book._still": {"matplotlib", "PIL"},
        "book._display": {"IPython"},
        "book._widget": {"IPython", "anywidget"},
        "book.explore": {"IPython"},
        "book.laboratory": {"IPython", "anywidget"},
        "book.laboratory._still": {"matplotlib"},
        "book.practice.selfcheck": {"IPython"},
        "book.figures": {"matplotlib"},
    }


@pytest.mark.parametrize("module", MOVED)
def test_a_path_of_before_offers_the_same_things_and_nothing_else(module):
    old, new = importlib.import_module(f"ntklib.{module}"), importlib.import_module(f"ntklib.book.{module}")
    assert old.__all__ == new.__all__
    assert all(getattr(old, name) is getattr(new, name) for name in new.__all__)
    body = ast.parse(source(module).read_text(encoding="utf-8")).body
    assert [type(node) for node in body] == [ast.Expr, ast.ImportFrom, ast.ImportFrom]


def test_the_book_offers_what_its_modules_offer():
    modules = [importlib.import_module(f"ntklib.book.{name}") for name in ("claims", "explore", "tabular")]
    for name in book.__all__:
        assert any(getattr(module, name, None) is getattr(book, name) for module in modules)


def test_importing_the_library_imports_nothing_else():
    heavy = "{'jax', 'numpy', 'scipy', 'sklearn', 'neural_tangents', 'matplotlib', 'tensorflow'}"
    assert run(f"import sys, ntklib; print(sorted({heavy} & set(sys.modules)))").strip() == "[]"


def test_importing_every_module_changes_no_precision_and_draws_nothing():
    wanted = [name for name in BELOW if name in MODULES]
    code = (
        "import importlib, sys, jax\n"
        f"for name in {wanted!r}: importlib.import_module('ntklib.' + name)\n"
        f"drawing = sorted({DRAWS | {'neural_tangents', 'ntklib.book'}!r} & set(sys.modules))\n"
        "print(jax.config.jax_enable_x64, drawing)\n"
    )
    assert run(code).split() == ["False", "[]"]


LIGHT = ["activations", "mlp", "features", "tangent", "dynamics", "kernels", "data", "nofreelunch", "learnability"]
LIGHT += ["posterior", "convolution", "path"]


def test_what_a_network_needs_imports_nothing_heavy():
    """SciPy's and scikit-learn's parts are a second and more, which who computes with networks need not wait for."""
    code = (
        "import importlib, sys, jax, jax.numpy\n"
        "before = set(sys.modules)\n"
        "import ntklib.mlp\n"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))\n"
        f"for name in {LIGHT!r}: importlib.import_module('ntklib.' + name)\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new & {'sklearn', 'pandas', 'statsmodels', 'mlxtend', 'joblib', 'neural_tangents'}))\n"
    )
    assert run(code).splitlines() == ["['jax', 'ntklib', 'numpy']", "[]"]


def test_numbers_do_not_depend_on_the_number_of_devices_and_threads():
    code = (
        "import sys, threadpoolctl, jax, jax.numpy as jnp, numpy as np, scipy.linalg\n"
        "threadpoolctl.threadpool_limits(int(sys.argv[1]))\n"
        "from ntklib.dynamics import gradient_descent\n"
        "from ntklib.mlp import MLP\n"
        "from ntklib.tangent import empirical_ntk\n"
        "from ntklib.estimators import KernelRegressor\n"
        "jax.config.update('jax_enable_x64', True)\n"
        "mlp, x = MLP(depth=2, out_dim=2), jax.random.normal(jax.random.key(0), (30, 4))\n"
        "params = mlp.init(jax.random.key(1), 4, 64)\n"
        "run = gradient_descent(mlp.apply, params, x, x[:, :2], learning_rate=0.1, steps=20)\n"
        "full = empirical_ntk(mlp.apply, params, x, outputs='full')\n"
        "coefficients = KernelRegressor(ridge=0.1).fit(np.asarray(x), np.asarray(x)).dual_coef_\n"
        "parts = (mlp.ntk(x), full, run.outputs, coefficients)\n"
        "threads = max(pool['num_threads'] for pool in threadpoolctl.threadpool_info())\n"
        "print(len(jax.devices()), threads, *np.concatenate([np.ravel(part) for part in parts]).tolist())\n"
    )
    alone = run(code, "1", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false")
    shared = run(code, "2", XLA_FLAGS="--xla_force_host_platform_device_count=4")
    (*one, one_numbers), (*many, many_numbers) = (text.split(maxsplit=2) for text in (alone, shared))
    assert (one, many) == (["1", "1"], ["4", "2"])
    np.testing.assert_allclose(
        *(np.fromstring(n, sep=" ") for n in (one_numbers, many_numbers)), rtol=1e-10, atol=1e-12
    )


def test_top_modules_change_no_precision():
    top = [name for name in MODULES if name not in BELOW]
    code = f"import importlib, jax\nfor name in {top!r}: importlib.import_module('ntklib.' + name)\n"
    assert run(code + "print(jax.config.jax_enable_x64)").strip() == "False"


@pytest.mark.parametrize("module", MODULES)
def test_everything_a_module_offers_exists_and_is_documented(module):
    loaded = __import__(f"ntklib.{module}", fromlist=["__all__"])
    assert loaded.__doc__
    for name in loaded.__all__:
        assert hasattr(loaded, name)
        assert not callable(getattr(loaded, name)) or getattr(loaded, name).__doc__


def test_the_wheel_ships_every_file(tmp_path, monkeypatch):
    monkeypatch.chdir(FOLDER.parent)
    with zipfile.ZipFile(tmp_path / buildapi.build_wheel(tmp_path)) as wheel:
        shipped = {name for name in wheel.namelist() if name.startswith("ntklib/")}
    files = {path.relative_to(FOLDER.parent) for path in FOLDER.rglob("*") if path.is_file()}
    assert shipped == {path.as_posix() for path in files if "__pycache__" not in path.parts}
    assert shipped > {"ntklib/py.typed", "ntklib/book/explorer.js", "ntklib/book/explorer_live.js"}
