"""What importing the library does and does not do, and which module may import which."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ntklib
from extensions.threads import ONE_EACH

FOLDER = Path(ntklib.__file__).parent
FLOORS = {
    "_validation": 0,
    "_spectral": 0,
    "_memory": 0,
    "_precision": 0,
    "_relevance": 0,
    "neural_tangents": 0,  # a file without other imports from this library
    "activations": 1,
    "kernels": 1,
    "data": 1,
    "mlp": 2,
    "features": 2,
    "gram": 3,
    "iterative": 3,
    "tangent": 3,
    "dynamics": 3,
    "learnability": 3,
    "nofreelunch": 3,
    "complexity": 3,
    "approximation": 3,
    "estimators": 4,
    "_ntk_kernel": 4,
    "figures": 5,
    "explore": 5,
    "claims": 5,
    "_frames": 5,
    "_still": 5,
}
# neural_tangents is the library of that name itself, brought forward: importing it is its own affair
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "neural_tangents"))
DRAWING = {"matplotlib", "anywidget", "IPython", "ipywidgets"}


def imported(module):
    """Names of all modules that the source of one imports anywhere, as dotted paths."""
    found = set()
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ("ntklib." * (node.level > 0) + (node.module or "")).rstrip(".")
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def run(code, environment=None):
    environment = os.environ | (environment or {})
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parent, env=environment
    ).stdout


def test_every_module_has_a_floor():
    assert set(MODULES) <= set(FLOORS)


def test_every_public_module_is_in_the_reference():
    lists = re.findall(
        r"```\{library-modules\}\n(.*?)```", (FOLDER.parent / "appendix" / "library.md").read_text(), re.DOTALL
    )
    assert sorted("".join(lists).split()) == [name for name in MODULES if not name.startswith("_")]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_the_floors_below_it(module):
    neighbours = {name.split(".")[1] for name in imported(module) if name.startswith("ntklib.")} & set(FLOORS)
    private = {name for name in neighbours if name.startswith("_") and FLOORS[name] == FLOORS[module]}
    assert not {name for name in neighbours - private if FLOORS[name] >= FLOORS[module]}


@pytest.mark.parametrize("module", [name for name in MODULES if FLOORS.get(name, 0) < 5])
def test_nothing_below_the_top_floor_imports_what_draws(module):
    assert not {name.split(".")[0] for name in imported(module)} & DRAWING


def test_importing_the_library_imports_nothing_else():
    heavy = "{'jax', 'numpy', 'scipy', 'sklearn', 'neural_tangents', 'matplotlib', 'tensorflow'}"
    assert run(f"import sys, ntklib; print(sorted({heavy} & set(sys.modules)))").strip() == "[]"


def test_importing_every_module_changes_no_precision_and_draws_nothing():
    below = [name for name in MODULES if FLOORS.get(name, 0) < 5]
    code = (
        "import importlib, sys, jax\n"
        f"for name in {MODULES!r}: importlib.import_module('ntklib.' + name) if name in {below!r} else None\n"
        f"print(jax.config.jax_enable_x64, sorted({DRAWING!r} & set(sys.modules)), 'neural_tangents' in sys.modules)\n"
    )
    assert run(code).split() == ["False", "[]", "False"]


LIGHT = ["activations", "mlp", "features", "tangent", "dynamics", "kernels", "data", "nofreelunch", "learnability"]


def test_what_a_network_needs_imports_nothing_heavy():
    """SciPy's and scikit-learn's parts are a second and more, which who computes with networks need not wait for."""
    code = (
        "import importlib, sys, jax, jax.numpy\n"
        "before = set(sys.modules)\n"
        f"for name in {LIGHT!r}: importlib.import_module('ntklib.' + name)\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new & {'sklearn', 'pandas', 'statsmodels', 'mlxtend', 'joblib', 'neural_tangents'}))\n"
    )
    assert run(code).strip() == "[]"


def test_numbers_do_not_depend_on_the_number_of_devices_and_threads():
    code = (
        "import jax, jax.numpy as jnp, numpy as np\n"
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
        "print(len(jax.devices()), *np.concatenate([np.ravel(part) for part in parts]).tolist())\n"
    )
    many = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", **dict.fromkeys(ONE_EACH, "2")}
    few = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", **ONE_EACH}
    (devices, *one), (forced, *other) = ([float(word) for word in run(code, env).split()] for env in (few, many))
    assert (devices, forced) == (1, 4)
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_top_modules_change_no_precision():
    top = [name for name in MODULES if FLOORS.get(name, 0) == 5]
    code = f"import importlib, jax\nfor name in {top!r}: importlib.import_module('ntklib.' + name)\n"
    assert run(code + "print(jax.config.jax_enable_x64)").strip() == "False"


@pytest.mark.parametrize("module", MODULES)
def test_everything_a_module_offers_exists_and_is_documented(module):
    loaded = __import__(f"ntklib.{module}", fromlist=["__all__"])
    assert loaded.__doc__
    for name in loaded.__all__:
        assert hasattr(loaded, name)
        assert not callable(getattr(loaded, name)) or getattr(loaded, name).__doc__


def test_the_package_says_that_it_is_typed():
    assert (FOLDER / "py.typed").exists()
