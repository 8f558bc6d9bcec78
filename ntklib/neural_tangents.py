"""How does the released neural-tangents 0.6.5 run, unmodified, on today's JAX and without TensorFlow?

Use this module in place of the package::

    from ntklib import neural_tangents as nt

    init_fn, apply_fn, kernel_fn = nt.stax.serial(nt.stax.Dense(512), nt.stax.Relu(), nt.stax.Dense(1))

The wheel asks JAX and SciPy for names that no longer exist, and imports a TensorFlow bridge that nothing else in it
needs. While it loads, an import hook executes the modules `neural_tangents.*`, and only those, with an `import`
statement of their own. It hands them stand-ins for a few modules, which carry the missing names and look everything
else up in the real ones. Nothing in `jax`, `scipy` or `builtins` is changed for anybody else, nothing is taken from
`jax._src` or `jax.interpreters`, and when the import is over the hook is gone. From then on `import neural_tangents`
gives the same package.

`FRAGILE` lists every name without a promise of stability on which this depends. They are looked up first, so that a
JAX without one of them gives an `ImportError` of one line that names it.

The file needs nothing else from `ntklib`: copy it into another project and import it there.
"""

import builtins
import contextlib
import dataclasses
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import inspect
import itertools
import math
import sys
from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg

__all__ = [
    "FRAGILE",
    "Kernel",
    "NtkImplementation",
    "batch",
    "empirical_kernel_fn",
    "empirical_nngp_fn",
    "empirical_ntk_fn",
    "empirical_ntk_vp_fn",
    "linearize",
    "monte_carlo_kernel_fn",
    "predict",
    "stax",
    "taylor_expand",
]

_PACKAGE = "neural_tangents"
_VERSION = "0.6.5"
_INSTALL = f"without TensorFlow: pip install --no-deps neural-tangents=={_VERSION} && pip install jax scipy frozendict"

FRAGILE = (
    ("jax.core", "ShapedArray Tracer", "abstract arrays, which structured derivatives build by hand"),
    ("jax.extend.core", "Jaxpr JaxprEqn Literal Primitive Var", "structured derivatives walk a traced program"),
    (
        "jax.extend.core.primitives",
        "add_jaxvals_p add_p broadcast_in_dim_p concatenate_p conv_general_dilated_p convert_element_type_p copy_p "
        "device_put_p div_p dot_general_p mul_p neg_p pad_p reduce_sum_p reduce_window_sum_p reshape_p rev_p squeeze_p "
        "sub_p transpose_p",
        "the rules of structured derivatives are filed by primitive operation",
    ),
    (
        "jax.example_libraries.stax",
        "AvgPool Dropout FanInConcat FanInSum FanOut GeneralConv GeneralConvTranspose Identity SumPool parallel serial "
        "softmax",
        "the finite networks of nt.stax come from this example library",
    ),
    ("jax.experimental.ode", "odeint", "nt.predict.gradient_descent integrates with it"),
    ("jax", "pmap", "nt.batch spreads work over devices with it; jax.shard_map is to replace it"),
)
"""Module, names in it, and why they are needed: all that this depends on without a promise that it will stay."""


# Names that went away, written on public JAX.


def _safe_zip(*sequences: Any) -> list[tuple[Any, ...]]:
    return list(zip(*map(list, sequences), strict=True))


def _safe_map(function: Callable[..., Any], *sequences: Any) -> list[Any]:
    return [function(*items) for items in _safe_zip(*sequences)]


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class _UndefinedPrimal:
    """An operand of which only the type is known: the equation is linear in it."""

    aval: Any


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class _Zero:
    """A cotangent that is zero by construction, without an array."""

    aval: Any


def _add_tangents(x: Any, y: Any) -> Any:
    return y if isinstance(x, _Zero) else x if isinstance(y, _Zero) else x + y


def _flatten_fun_nokwargs(fun: Callable[..., Any], in_tree: Any) -> tuple[Callable[..., Any], Callable[[], Any]]:
    """Return `fun` from flat inputs to flat outputs, and a function that tells the outputs' tree afterwards."""
    trees = []

    def flat(*leaves: Any) -> list[Any]:
        out, tree = jax.tree.flatten(fun(*jax.tree.unflatten(in_tree, leaves)))
        trees.append(tree)
        return out

    return flat, lambda: trees[-1]


def _linearize(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Return outputs, a mark on each that it is not constant, and the linear program with its constants."""
    out, fun_jvp = jax.linearize(fun, *primals)
    dtypes = [jnp.result_type(p) for p in primals]
    tangents = [
        jax.ShapeDtypeStruct(np.shape(p), dtype if jnp.issubdtype(dtype, jnp.inexact) else jax.dtypes.float0)
        for p, dtype in zip(primals, dtypes, strict=True)
    ]
    program = jax.make_jaxpr(fun_jvp)(*tangents)
    if any(eqn.primitive.name == "split" for eqn in program.jaxpr.eqns):
        program = jax.make_jaxpr(functools.partial(_slicing_instead_of_splitting, program))(*tangents)
    not_constant = SimpleNamespace(is_known=lambda: False)
    return out, [not_constant] * len(out), program.jaxpr, program.consts


def _slicing_instead_of_splitting(program: Any, *args: Any) -> list[Any]:
    """Run a program, but `jnp.split` as before JAX made it one operation with several results, which none may have."""
    values = dict(zip([*program.jaxpr.constvars, *program.jaxpr.invars], [*program.consts, *args], strict=True))

    def value(x: Any) -> Any:
        return x.val if isinstance(x, _stand_in("jax.core").Literal) else values[x]

    for eqn in program.jaxpr.eqns:
        if eqn.primitive.name == "split":
            stops = itertools.accumulate(map(int, eqn.params["sizes"]), initial=0)
            x, axis = value(eqn.invars[0]), eqn.params["axis"]
            out = [jax.lax.slice_in_dim(x, *bounds, axis=axis) for bounds in itertools.pairwise(stops)]
        else:
            out = eqn.primitive.bind(*map(value, eqn.invars), **eqn.params)
        values.update(zip(eqn.outvars, out if isinstance(out, (list, tuple)) else [out], strict=True))
    return [value(x) for x in program.jaxpr.outvars]


def _eigvalsh(a: Any, eigvals: tuple[int, int]) -> Any:
    """`scipy.linalg.eigvalsh` with the argument that SciPy dropped; under `jit` and `grad`, JAX's."""
    first, last = eigvals
    if isinstance(a, jax.core.Tracer):
        return jnp.linalg.eigvalsh(a)[first : last + 1]
    return scipy.linalg.eigvalsh(a, subset_by_index=(first, last))


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def _size(x: Any, axis: int | None = None) -> int:
    return math.prod(_shape(x)) if axis is None else _shape(x)[axis]


# Functions of the package that reach into JAX's tables of rules, read a result that changed, or that newer JAX shows
# to be wrong.


def _held(eqn: Any, operands: Sequence[Any], free: Sequence[int]) -> tuple[Callable[..., Any], list[Any]]:
    """Return `eqn` as a function of its operands at the positions `free` alone, and their shapes."""

    def value(x: Any) -> Any:
        x = x.aval if isinstance(x, _UndefinedPrimal) else x
        # An abstract operand enters linearly, so that its value does not matter to the derivative by another.
        return jnp.zeros(x.shape, x.dtype) if isinstance(x, jax.core.ShapedArray) else x

    def function(*xs: Any) -> Any:
        given = dict(zip(free, xs, strict=True))
        args = [given[i] if i in given else value(x) for i, x in enumerate(operands)]
        out = eqn.primitive.bind(*args, **eqn.params)
        return out[0] if isinstance(out, (list, tuple)) else out

    avals = [operands[i].aval for i in free]
    return function, [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in avals]


def _eqn_jvp_fn(eqn: Any, idx: int, tangents: Any, *operands: Any) -> Any:
    """Push `tangents` of operand number `idx` through one equation."""
    if eqn is None:  # the identity
        return tangents
    function, (x,) = _held(eqn, operands, [idx])
    return jax.jvp(function, (jnp.zeros(x.shape, x.dtype),), (tangents,))[1]


def _eqn_vjp_fn(eqn: Any, cotangent: Any, *operands: Any) -> Sequence[Any]:
    """Pull `cotangent` back through one equation, to the operands in which it is linear."""
    if eqn is None:
        return (cotangent,)
    free = [i for i, x in enumerate(operands) if isinstance(x, _UndefinedPrimal)]
    if isinstance(cotangent, _Zero):
        pulled = {i: _Zero(operands[i].aval) for i in free}
    else:
        function, shapes = _held(eqn, operands, free)
        pulled = dict(zip(free, jax.linear_transpose(function, *shapes)(cotangent), strict=True)) if free else {}
    return [pulled.get(i) for i in range(len(operands))]


def _get_flops(f: Callable[..., Any], optimize: bool, *args: Any, **kwargs: Any) -> float:
    """Return the compiler's estimate of the cost of `f`, now a dictionary, on older JAX a list of one."""
    lowered = jax.jit(f).lower(*args, **kwargs)
    cost = (lowered.compile() if optimize else lowered).cost_analysis()
    return ((cost[0] if isinstance(cost, list) else cost) or {}).get("flops", math.inf)


def _or_traced(is_on_cpu: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Send tracers, which have no device, the way of arrays on the CPU, to `_eigvalsh`."""
    return lambda x: any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(x)) or is_on_cpu(x)


def _caching_arrays_only(make_predict_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Let a predictor that is first called under `jit` cache its factorisation as arrays instead of tracers."""

    @functools.wraps(make_predict_fn)
    def make(*args: Any, **kwargs: Any) -> Callable[..., Any]:
        predict_fn = make_predict_fn(*args, **kwargs)

        @functools.wraps(predict_fn)
        def predict(*args: Any, **kwargs: Any) -> Any:
            under_jit = isinstance(jnp.zeros(()), jax.core.Tracer)
            with jax.ensure_compile_time_eval() if under_jit else contextlib.nullcontext():
                return predict_fn(*args, **kwargs)

        return predict

    return make


def _comparing_all_blocks(flatten: Callable[..., Any]) -> Callable[..., Any]:
    """Let `batch` say that x1 is x2 if all their blocks are the same; it asked the first, and draws share prefixes."""

    def flatten_kernel_dict(k: dict[str, Any], x2_is_none: bool, is_parallel: bool) -> dict[str, Any]:
        if not is_parallel and "nngp" in k and "x1_is_x2" in k:
            rows, columns, height, width = k["nngp"].shape[:4]
            same = k["x1_is_x2"]
            corners = same[jnp.arange(rows), jnp.arange(rows) * (height // width) % columns]
            k["x1_is_x2"] = jnp.full_like(same, rows * height == columns * width) & jnp.all(corners)
        return flatten(k, x2_is_none, is_parallel)

    return flatten_kernel_dict


def _taking_arrays_by_name(batch: Callable[..., Any], is_array: Callable[[Any], bool]) -> Callable[..., Any]:
    """Let what `batch` returns take an array by keyword as it does by position.

    The release takes every array that it gets by keyword for a pair, of which it divides the first like x1 and the
    second like x2, and stops in an assertion without words where it is none. An argument that the kernel function has
    by position is handed on by position; of others the pairs are left, and what is none is refused by its name.
    """

    @functools.wraps(batch)
    def batch_by_name(kernel_fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        batched = batch(kernel_fn, *args, **kwargs)
        signature = inspect.signature(kernel_fn)

        @functools.wraps(batched)
        def call(x1: Any, x2: Any = None, *args: Any, **kwargs: Any) -> Any:
            arrays = {name: value for name, value in kwargs.items() if name != "rng" and is_array(value)}
            if not arrays:
                return batched(x1, x2, *args, **kwargs)
            if "rng" not in signature.parameters:
                rng = {name: value for name, value in kwargs.items() if name == "rng"}
                bound = signature.bind(x1, x2, *args, **{k: v for k, v in kwargs.items() if k != "rng"})
                bound.apply_defaults()
                (x1, x2, *args), kwargs = bound.args, {**bound.kwargs, **rng}  # type: ignore[assignment]
            for name in arrays.keys() & kwargs.keys():
                value = kwargs[name]
                if not isinstance(value, tuple) or len(value) != 2:
                    raise ValueError(
                        f"{name} must be a pair of arrays, one for x1 and one for x2, which nt.batch divides as it "
                        f"divides these, got {_shape(value) if hasattr(value, 'shape') else type(value).__name__}; "
                        "what all blocks share can be fixed beforehand, with functools.partial"
                    )
            return batched(x1, x2, *args, **kwargs)

        return call

    return batch_by_name


# Pickling. A fresh process must import the package through the hook before it finds the package's classes; and
# named tuples that the package makes at run time have no name by which pickle could find them.


def _reduce(self: Any) -> tuple[Any, ...]:
    values = self if isinstance(self, tuple) else (getattr(self, field.name) for field in dataclasses.fields(self))
    return _rebuild, (type(self).__module__, type(self).__qualname__, tuple(values))


def _rebuild(module: str, name: str, values: tuple[Any, ...]) -> Any:
    return getattr(sys.modules[module], name)(*values)


def _rebuild_named_tuple(name: str, fields: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return sys.modules[f"{_PACKAGE}._src.utils.utils"]._named_tuple_factory(name, fields)(*values)


def _picklable(make_class: Callable[..., Any]) -> Callable[..., Any]:
    def factory(name: str, fields: tuple[str, ...]) -> Any:
        cls = make_class(name, fields)
        cls.__reduce__ = lambda self: (_rebuild_named_tuple, (name, fields, tuple(self)))
        return cls

    return factory


def _amend(module: ModuleType) -> None:
    """Replace what has to be replaced in a module of the package that has just been executed."""
    names: dict[str, Any] = vars(module)
    match module.__name__.removeprefix(f"{_PACKAGE}._src."):
        case "empirical":
            names.update(_eqn_jvp_fn=_eqn_jvp_fn, _eqn_vjp_fn=_eqn_vjp_fn, _get_flops=_get_flops)
        case "batching":
            names["_flatten_kernel_dict"] = _comparing_all_blocks(names["_flatten_kernel_dict"])
            names["batch"] = _taking_arrays_by_name(names["batch"], names["_is_np_ndarray"])
        case "predict":
            for name in ("gradient_descent_mse_ensemble", "gp_inference"):
                names[name] = _caching_arrays_only(names[name])
            names["_is_on_cpu"] = _or_traced(names["_is_on_cpu"])
        case "utils.utils":
            names["_named_tuple_factory"] = _picklable(names["_named_tuple_factory"])
    for cls in names.values():
        own = isinstance(cls, type) and cls.__module__ == module.__name__
        if own and (dataclasses.is_dataclass(cls) or issubclass(cls, tuple)):
            cls.__reduce__ = _reduce


# Stand-ins and the hook.


class _StandIn(ModuleType):
    """A module with some names of its own, which looks all others up in the real one."""

    def __init__(self, real: ModuleType, **own: Any) -> None:
        super().__init__(real.__name__)
        vars(self).update(own, _real=real)

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_real"], name)

    def __reduce__(self) -> Any:  # for cloudpickle, which takes the globals of a function along
        return _stand_in, (self.__name__,)


@functools.cache
def _stand_ins() -> dict[str, Any]:
    """Return what the package gets in place of each module whose contents changed."""
    from jax.extend import core as jex
    from jax.extend.core import primitives

    ad = SimpleNamespace(
        UndefinedPrimal=_UndefinedPrimal,
        Zero=_Zero,
        add_jaxvals_p=primitives.add_jaxvals_p,
        add_tangents=_add_tangents,
        config=SimpleNamespace(jax_enable_checks=False),  # guards an assertion about names that are gone
        is_undefined_primal=lambda x: isinstance(x, _UndefinedPrimal),
        linearize=_linearize,
        source_info_util=SimpleNamespace(transform_name_stack=jax.named_scope),
        zeros_like_p=jex.Primitive("zeros_like"),  # has a rule, but no program contains it any more
    )
    modules: dict[str, Any] = {
        "jax.api_util": SimpleNamespace(flatten_fun_nokwargs=_flatten_fun_nokwargs),
        "jax.core": _StandIn(
            jax.core,
            **{name: getattr(jex, name) for name in ("Jaxpr", "JaxprEqn", "Literal", "Primitive", "Var")},
            AbstractValue=object,  # in annotations, as Value
            DShapedArray=type("DShapedArray", (), {}),  # arrays of dynamic shape: asked for, never met
            Value=object,
            eval_context=jax.ensure_compile_time_eval,
        ),
        "jax.extend": SimpleNamespace(linear_util=SimpleNamespace(wrap_init=lambda fun: fun)),
        "jax.interpreters": SimpleNamespace(ad=ad),
        "jax.interpreters.ad": ad,
        "jax.lax": _StandIn(jax.lax, **{name: p for name, p in vars(primitives).items() if name.endswith("_p")}),
        # The package passes abstract arrays where jax.numpy wants arrays, and arrays where it wants types.
        "jax.numpy": _StandIn(jnp, dtype=lambda x: np.dtype(getattr(x, "dtype", x)), shape=_shape, size=_size),
        "jax.util": SimpleNamespace(safe_map=_safe_map, safe_zip=_safe_zip),
    }
    submodules = {name.removeprefix("jax."): module for name, module in modules.items() if name.count(".") == 1}
    linalg = _StandIn(scipy.linalg, eigvalsh=_eigvalsh)
    return modules | {"jax": _StandIn(jax, **submodules), "scipy": _StandIn(scipy, linalg=linalg)}


def _stand_in(name: str) -> ModuleType:
    return _stand_ins()[name]


def _import(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    """Do the work of `import` statements inside the package."""
    if level == 0 and fromlist and name in _stand_ins():
        return _stand_in(name)
    module = builtins.__import__(name, globals, locals, fromlist, level)
    # `import jax.numpy` asks for jax, `from jax.numpy import ndarray` for jax.numpy.
    return module if level or fromlist else _stand_ins().get(name.partition(".")[0], module)


class _Loader(importlib.abc.Loader):
    """Execute a module of the package with stand-ins; leave all else to the loader that found it."""

    gives_stand_ins = True  # copies of this file in other projects know each other by it

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_loader"], name)

    def exec_module(self, module: ModuleType) -> None:
        # CPython takes `import` from the built-ins of the module in which the statement stands.
        vars(module)["__builtins__"] = vars(builtins) | {"__import__": _import}
        exec(self._loader.get_code(module.__name__), vars(module))
        _amend(module)


class _TensorFlowBridge(importlib.abc.Loader):
    """Make an empty `neural_tangents.experimental`; the real one needs TensorFlow and tf2jax."""

    gives_stand_ins = True

    def exec_module(self, module: ModuleType) -> None:
        def missing(name: str) -> Any:
            raise AttributeError(f"{module.__name__}.{name} needs TensorFlow, which {__name__} does without")

        vars(module)["__getattr__"] = missing


class _Finder(importlib.abc.MetaPathFinder):
    """Put the loaders above in front of the one that finds the package."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname.partition(".")[0] != _PACKAGE:
            return None
        if fullname == f"{_PACKAGE}.experimental":
            return importlib.machinery.ModuleSpec(fullname, _TensorFlowBridge())
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec is not None and hasattr(spec.loader, "get_code"):
            spec.loader = _Loader(spec.loader)
        return spec


def _loaded() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if module and name.partition(".")[0] == _PACKAGE}


def _is_installed(name: str) -> bool:
    with contextlib.suppress(ImportError):
        return importlib.util.find_spec(name) is not None
    return False


def _has(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name)
    except ImportError:
        return False
    except Warning:  # deprecated where warnings are errors, so still there
        return True


def _obstacle() -> ImportError | None:
    """Return what is known beforehand to stop the package from working here."""
    for name, module in sorted(_loaded().items()):
        if not hasattr(getattr(module, "__loader__", None), "gives_stand_ins"):
            return ImportError(f"{name} was imported before {__name__}, which must come first: restart Python")
    for name in (_PACKAGE, "frozendict"):
        if not _is_installed(name):
            return ModuleNotFoundError(f"{name} is not installed; {_INSTALL}", name=name)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        if (version := importlib.metadata.version(_PACKAGE)) != _VERSION:
            return ImportError(f"{__name__} fits neural-tangents {_VERSION}, not the installed {version}; {_INSTALL}")
    needed = [(module, name) for module, names, _ in FRAGILE for name in names.split()]
    if missing := [f"{module}.{name}" for module, name in needed if not _has(module, name)]:
        return ImportError(f"JAX {jax.__version__} lacks what neural-tangents {_VERSION} needs: {', '.join(missing)}")
    return None


def _load() -> Any:
    """Import the package through the hook, all of it or nothing."""
    if (obstacle := _obstacle()) is not None:
        raise obstacle
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(_PACKAGE)
    except Exception as error:
        for name in _loaded():
            del sys.modules[name]
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        message = f"neural-tangents {_VERSION} does not load on JAX {jax.__version__}: {reason}"
        raise ImportError(message) from error
    finally:
        sys.meta_path.remove(finder)


_package = _load()

Kernel = _package.Kernel
NtkImplementation = _package.NtkImplementation
batch = _package.batch
empirical_kernel_fn = _package.empirical_kernel_fn
empirical_nngp_fn = _package.empirical_nngp_fn
empirical_ntk_fn = _package.empirical_ntk_fn
empirical_ntk_vp_fn = _package.empirical_ntk_vp_fn
linearize = _package.linearize
monte_carlo_kernel_fn = _package.monte_carlo_kernel_fn
predict = _package.predict
stax = _package.stax
taylor_expand = _package.taylor_expand


def __getattr__(name: str) -> Any:
    # Other special names would make this file look like a package to the import system.
    if name == "__version__" or not name.startswith("__"):
        return getattr(_package, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_package)})
