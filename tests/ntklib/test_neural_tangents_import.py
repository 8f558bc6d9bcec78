"""What does importing `ntklib.neural_tangents` do to everything else, and what does it say when it cannot work?

Each test runs in a fresh interpreter: what has been imported before is the point.
"""

import ast
import importlib
import inspect
import os
import pickle
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

nt = pytest.importorskip("ntklib.neural_tangents")

ROOT = Path(__file__).parents[2]
IMPORT = "from ntklib import neural_tangents as nt"


def python(code, *options, path=ROOT):
    """Run `code` in a fresh interpreter that finds modules in `path`; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(path), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, *options, "-c", code]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, cwd=path)
    assert done.returncode == 0, done.stderr
    return done.stdout


def error(before, after=""):
    """The message of the `ImportError` that follows `before`, which must be one line."""
    attempt = (
        f"try:\n    {IMPORT}\nexcept ImportError as error:\n    print(type(error).__name__, error)\nelse:\n    1 / 0"
    )
    message = python(f"{before}\n{attempt}\n{after}").rstrip("\n")
    assert "\n" not in message
    return message


def test_importing_ntklib_imports_neither_the_package_nor_the_hook():
    code = "import sys, ntklib; print([m for m in sys.modules if 'neural_tangents' in m])"
    assert python(code) == "[]\n"


def test_nothing_changes_for_anybody_else():
    """Compare every variable of every module that is loaded, and the contents of those that are containers.

    Loaded before the first look: what the hook and the package import in public, since a module that was not loaded
    yet adds itself to its parent. Allowed afterwards: new modules, what the import system remembers about places to
    look in, and the package's own classes in JAX's register of trees.
    """
    code = """
import builtins, importlib, importlib.metadata, sys, types
import frozendict, scipy.linalg, scipy.special
import jax.example_libraries.stax, jax.experimental.ode, jax.extend.core.primitives, jax.extend.linear_util
import jax.interpreters.ad, jax.scipy.special

def look():
    state = {}
    for name, module in list(sys.modules.items()):
        for key, value in vars(module).copy().items() if name != "__main__" else ():
            items = dict(value) if isinstance(value, dict) else dict(enumerate(value)) if type(value) is list else {}
            state[name, key] = value, items
    return state

before, modules, built_in_import = look(), set(sys.modules), builtins.__import__
from ntklib import neural_tangents as nt
after = look()

new = {name.partition(".")[0] for name in set(sys.modules) - modules}
assert new == {"neural_tangents", "ntklib"}, set(sys.modules) - modules
assert builtins.__import__ is built_in_import
assert "jax.util" not in sys.modules
changed = []
for name, key in before:
    (old, old_items), (now, now_items) = before[name, key], after.get((name, key), (None, None))
    if old is not now:
        changed.append((name, key))
    elif (name, key) not in {("sys", "modules"), ("sys", "path_importer_cache")}:
        added = [item for item in now_items if item not in old_items]
        own = all(getattr(item, "__module__", "").partition(".")[0] in new for item in added)
        if not own or any(now_items.get(item) is not value for item, value in old_items.items()):
            changed.append((name, key))
changed += [place for place in after if place[0] in modules and place not in before]
assert not changed, changed
for name in ("jax.core", "jax.interpreters.ad"):
    assert any(place[0] == name for place in before)
try:
    import jax.util
except ImportError:
    print("as before")
"""
    assert python(code) == "as before\n"


def test_other_modules_still_meet_the_real_jax():
    """The stand-ins are for the package only: the names that it gets are still missing for everybody else."""
    for module, name in [("jax.core", "Jaxpr"), ("jax.interpreters.ad", "zeros_like_p"), ("jax", "util")]:
        assert not hasattr(importlib.import_module(module), name), "JAX has it again: the stand-in can go"


def test_the_package_itself_can_be_imported_afterwards():
    code = f"""
{IMPORT}
from ntklib.neural_tangents import stax
import neural_tangents, neural_tangents.predict
assert neural_tangents.stax is stax is nt.stax and neural_tangents.predict is nt.predict
assert nt.__version__ == neural_tangents.__version__ == "0.6.5"
assert {{"stax", "_src", "experimental", "FRAGILE"}} <= set(dir(nt))
assert all(getattr(nt, name) is getattr(neural_tangents, name, nt.FRAGILE) for name in nt.__all__)
try:
    neural_tangents.experimental.empirical_tf
except AttributeError as e:
    print(e)
"""
    assert "needs TensorFlow" in python(code)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = nt.nonsense
    assert not hasattr(nt, "__path__")


def test_importing_starts_no_backend_and_the_package_sees_all_devices():
    """JAX refuses to change its devices once a backend has started; with two, `nt.batch` spreads over them."""
    code = f"""
import jax
{IMPORT}
jax.config.update("jax_num_cpu_devices", 2)
kernel_fn = nt.stax.serial(nt.stax.Dense(1), nt.stax.Erf())[2]
x = jax.random.normal(jax.random.key(0), (8, 3))
parallel = nt.batch(kernel_fn, batch_size=2, device_count=-1)(x, None, "ntk")
print(jax.local_device_count(), bool(abs(parallel - kernel_fn(x, None, "ntk")).max() < 1e-5))
"""
    assert python(code) == "2 True\n"


def test_warnings_may_be_errors():
    """At import; that using the package gives no warnings either is the business of the tests of what it computes."""
    python(IMPORT, "-Werror", "-Wdefault::ImportWarning")


NAMES = ["jax.core.ShapedArray", "jax.pmap", "jax.extend.core.primitives.add_jaxvals_p"]


@pytest.mark.parametrize("name", NAMES)
def test_a_jax_without_a_fragile_name_is_refused_with_that_name_and_the_rest_goes_on(name):
    module, _, attribute = name.rpartition(".")
    message = error(f"import {module}\ndel {name}", after="import ntklib.mlp, ntklib.tangent, ntklib.dynamics")
    assert message.startswith("ImportError JAX")
    assert all(part in message for part in (jax.__version__, name))
    assert any(attribute in names.split() for place, names, _ in nt.FRAGILE if place == module)


def test_what_the_table_does_not_foresee_is_one_line_too_and_leaves_nothing_behind():
    message = error(
        "import sys, jax\ndel jax.eval_shape",
        after="assert 'neural_tangents' not in str([*sys.modules, *sys.meta_path])",
    )
    assert re.match(r"ImportError neural-tangents 0.6.5 does not load on JAX .*'eval_shape'", message)


@pytest.mark.parametrize("name", ["neural_tangents", "frozendict"])
def test_without_the_wheel_the_error_says_how_to_get_it(name):
    message = error(f"import sys\nsys.modules['{name}'] = None")
    assert message.startswith(f"ModuleNotFoundError {name} is not installed")
    assert "pip install --no-deps neural-tangents==0.6.5 && pip install jax scipy frozendict" in message


def test_another_version_of_the_wheel_is_refused():
    message = error("import importlib.metadata\nimportlib.metadata.version = lambda name: '0.6.4'")
    assert re.match(r"ImportError .* neural-tangents 0.6.5, not the installed 0.6.4", message)


@pytest.mark.parametrize(
    "before",
    [
        "try:\n    import neural_tangents\nexcept Exception:\n    pass",  # leaves parts of the package behind
        "import sys, types\nsys.modules['neural_tangents'] = types.ModuleType('neural_tangents')",
    ],
    ids=["broken", "somebody else's"],
)
def test_an_import_without_the_hook_is_named(before):
    assert re.match(r"ImportError neural_tangents\S* was imported before ntklib.neural_tangents", error(before))


def test_another_project_can_take_the_file_by_itself(tmp_path):
    shutil.copy(ROOT / "ntklib" / "neural_tangents.py", tmp_path / "old_friend.py")
    code = """
import sys
import old_friend as nt
from old_friend import stax
assert not any(name.partition(".")[0] == "ntklib" for name in sys.modules)
print(stax.__name__, nt.__version__)
"""
    assert python(code, path=tmp_path) == "neural_tangents.stax 0.6.5\n"
    shutil.copytree(ROOT / "ntklib", tmp_path / "ntklib", ignore=shutil.ignore_patterns("__pycache__"))
    both = "import old_friend; from ntklib import neural_tangents as nt; print(nt.stax is old_friend.stax)"
    assert python(both, path=tmp_path) == "True\n"


def test_results_can_be_pickled_and_loaded_by_a_process_that_imported_nothing(tmp_path):
    x, y, both = jnp.eye(2), jnp.ones((2, 1)), ("nngp", "ntk")
    kernel_fn = nt.stax.serial(nt.stax.Dense(1), nt.stax.Relu(), nt.stax.Dense(1))[2]
    kernels = kernel_fn(x, None, both)
    results = [
        kernel_fn(x),
        kernels,
        nt.predict.gp_inference(kernels, y)(both, kernels, kernels),
        nt.predict.ODEState(y),
    ]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(results, protocol))
        assert [type(result) for result in again] == [type(result) for result in results]
        assert jax.tree.all(jax.tree.map(jnp.array_equal, again, results))
    (tmp_path / "results").write_bytes(pickle.dumps(results))
    code = f"""
import pickle
results = pickle.load(open({str(tmp_path / "results")!r}, "rb"))
print(*(type(result).__name__ for result in results), type(results[2].ntk).__name__, results[1].ntk.shape)
"""
    assert python(code) == "Kernel AnalyticKernel Gaussians ODEState Gaussian (2, 2)\n"


def test_functions_can_be_pickled_as_far_as_the_package_lets_them(tmp_path):
    """By name with pickle, as closures with cloudpickle; who loads them has to import the hook first."""
    functions = [nt.stax.Relu, nt.batch, nt.predict.gp_inference, nt.predict.gradient_descent_mse_ensemble]
    assert pickle.loads(pickle.dumps(functions)) == functions
    assert pickle.loads(pickle.dumps(nt.NtkImplementation.AUTO)) is nt.NtkImplementation.AUTO
    cloudpickle = pytest.importorskip("cloudpickle")
    kernel_fn = nt.stax.serial(nt.stax.Dense(1), nt.stax.Erf(), nt.stax.Dense(1))[2]
    (tmp_path / "function").write_bytes(cloudpickle.dumps(kernel_fn))
    code = f"""
import pickle, jax.numpy as jnp
{IMPORT}
print(pickle.load(open({str(tmp_path / "function")!r}, "rb"))(jnp.eye(2), None, "ntk").shape)
"""
    assert python(code) == "(2, 2)\n"


def chains(source):
    """Every dotted name from jax or scipy in a source text: `jnp.linalg.eigh` as jax.numpy.linalg.eigh."""
    tree, alias, names = ast.parse(source), {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                alias[name.asname or name.name.partition(".")[0]] = (
                    name.name if name.asname else name.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and not node.level:
            alias |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    for node in ast.walk(tree):
        parts = []
        while isinstance(node, ast.Attribute):
            parts, node = [node.attr, *parts], node.value
        if isinstance(node, ast.Name):
            names.add(".".join([alias.get(node.id, ""), *parts]))
    return {name for name in names | set(alias.values()) if name.partition(".")[0] in ("jax", "scipy")}


PACKAGE = Path(nt.stax.__file__).parent
ASKED = {
    name
    for path in PACKAGE.rglob("*.py")
    if "experimental" not in path.parts
    for name in chains(path.read_text(encoding="utf-8"))
} - {
    # Under `if config.jax_enable_checks`, and in a function that the hook replaces.
    "jax.core.get_aval",
    "jax.core.lattice_join",
    "jax.interpreters.ad.get_primitive_transpose",
    "jax.interpreters.ad.primitive_jvps",
    "jax.interpreters.ad.reducing_transposes",
    "jax.interpreters.ad.source_info_util.current_name_stack",
    "jax.interpreters.ad.source_info_util.user_context",
}


def follow(name):
    """Each place along a dotted name, as the package gets it, with the value and whether it is one of ours."""
    top, *parts = name.split(".")
    value = nt._stand_in(top)
    for part in parts:
        ours = part in vars(value) if isinstance(value, nt._StandIn) else isinstance(value, types.SimpleNamespace)
        value = getattr(value, part, KeyError)
        yield value, ours
        if value is KeyError or isinstance(value, type):  # the inside of classes is for the tests that use them
            return


def test_every_name_that_the_package_asks_for_is_there():
    """Not only those that it asks for while it is imported."""
    assert len(ASKED) > 150
    assert not {name for name in ASKED for value, _ in follow(name) if value is KeyError}


def test_the_table_lists_all_that_comes_from_where_jax_promises_nothing():
    loose = ("jax.core.", "jax.extend.", "jax.interpreters.", "jax.experimental.", "jax.example_libraries.")
    listed = {f"{module}.{name}" for module, names, _ in nt.FRAGILE for name in names.split()}
    modules = {module for module, _, _ in nt.FRAGILE}
    own_code = chains(inspect.getsource(nt))
    assert not {name for name in own_code if {"_src", "interpreters"} & set(name.split("."))}
    theirs = {name for name in ASKED if name.startswith(loose) and not list(follow(name))[-1][1]}
    assert {name for name in theirs | own_code if name.startswith(loose)} - modules <= listed


def test_the_appendix_shows_the_table():
    page = (ROOT / "appendix" / "neural-tangents.md").read_text(encoding="utf-8")
    for module, names, _ in nt.FRAGILE:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{module}`") and names.split()[0] in line)
        assert re.findall(r"`(\w+)`", row.split("|")[2]) == names.split()
