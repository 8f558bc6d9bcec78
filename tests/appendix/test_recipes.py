"""The recipes of *Using it with other libraries* are executed, and give what explicit Jacobians and the guests give.

Those for packages that are not installed are not collected: PyTorch is too large for the lock, and is there weekly.
"""

import importlib.util
import runpy
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "appendix" / "using-it-with.md"
RECIPES = ROOT / "appendix" / "recipes"
JAX = {"flax_linen": "flax", "flax_nnx": "flax", "equinox_model": "equinox", "haiku_net": "haiku"}
LAYERS = {
    "flax_linen": {"Conv_0", "BatchNorm_0", "Dense_0"},
    "flax_nnx": {"first", "norm", "last"},
    "equinox_model": {"layers/0", "layers/1", "layers/2"},
    "haiku_net": {"linear", "batch_norm", "linear_1"},
}
OTHERS = {"pytorch_weights": "torch", "scikit_learn": "sklearn"}


def there(recipes):
    return [name for name, package in recipes.items() if importlib.util.find_spec(package)]


def executed(name):
    before = jax.config.jax_enable_x64
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the guests among themselves
            return runpy.run_path(str(RECIPES / f"{name}.py"))
    finally:
        jax.config.update("jax_enable_x64", before)


def inputs(found):
    return found["images"] if "images" in found else found["points"]


@pytest.mark.parametrize("name", there(JAX))
def test_networks_of_others_have_the_kernel_of_their_jacobians_and_train(name):
    found = executed(name)
    apply, params, x = found["apply"], found["params"], inputs(found)
    rows = [leaf.reshape(10, 2, -1) for leaf in jax.tree.leaves(jax.jacrev(apply)(params, x))]
    wanted = sum(jnp.einsum("iop,jop->ij", row, row) for row in rows) / 2
    np.testing.assert_allclose(found["theta"], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["linear"](params, x), apply(params, x), atol=1e-6)
    assert found["run"].loss[-1] < 0.9 * found["run"].loss[0]
    report = found["report"]  # of its own layers, and of a training that has moved them
    assert report.regime in ("lazy", "in between", "rich")
    assert 0 < float(report.parameter_motion) < 1
    assert set(report.parameter_motion) == LAYERS[name]
    change = jnp.linalg.norm(found["empirical_ntk"](apply, found["run"].params, x) - found["theta"])
    np.testing.assert_allclose(report.kernel_change, change / jnp.linalg.norm(found["theta"]), rtol=1e-3)
    trained = {"flax_nnx": lambda: found["trained"](x), "equinox_model": lambda: jax.vmap(found["trained"])(x)}
    if name in trained:
        np.testing.assert_allclose(trained[name](), found["run"].outputs[-1], atol=1e-5)


@pytest.mark.parametrize("name", [name for name in there(JAX) if name != "equinox_model"])
def test_in_training_mode_they_are_refused(name):
    found = executed(name)
    x = inputs(found)
    if name == "flax_linen":
        tree = found["variables"]
        with pytest.raises(ValueError, match="params holds batch statistics"):
            found["empirical_ntk"](found["model"].apply, tree, x)
        statistics = {"batch_stats": tree["batch_stats"]}
        mixing = lambda p, z: found["model"].apply(  # noqa: E731
            {"params": p} | statistics, z, train=True, mutable=["batch_stats"]
        )[0]
    elif name == "haiku_net":
        mixing = lambda p, z: found["call"](p, found["state"], z, is_training=True)[0]  # noqa: E731
    else:
        model, nnx = found["model"], found["nnx"]
        graph, state = nnx.split(model)
        with pytest.raises(ValueError, match="params"):  # statistics, or the counters of its random numbers
            found["empirical_ntk"](lambda p, z: nnx.merge(graph, p)(z), state, x)
        model.train()
        graph, _, rest = nnx.split(model, nnx.Param, ...)
        # with variables of its own; those from outside Flax does not let change while JAX traces
        mixing = lambda p, z: nnx.merge(graph, p, jax.tree.map(jnp.asarray, rest))(z)  # noqa: E731
    with pytest.raises(ValueError, match="apply must give each row from its own input alone"):
        found["empirical_ntk"](mixing, found["params"], x)


@pytest.mark.parametrize("name", there(OTHERS))
def test_weights_and_estimators_of_others(name):
    found = executed(name)
    if name == "scikit_learn":
        assert found["search"].best_score_ > 0.9
        assert found["scores"].mean() > 0.9
        np.testing.assert_allclose(found["probabilities"].sum(1), 1)
        assert found["process"].score(found["x"].iloc[:, :2], found["x"].iloc[:, 2]) > 0.7
        return
    assert found["report"].kernel_change > 0
    assert len(found["report"].parameter_motion) == 3
    torch, theirs, points = found["torch"], found["theirs"], torch_points(found)
    outputs = theirs(points).detach().numpy()
    scale = np.abs(outputs).max()
    assert np.abs(np.asarray(found["ours"]) - outputs).max() < 4e-15 * max(scale, 1)
    with jax.enable_x64(True):
        again = found["ntk_mlp"].apply(found["ntk_params"], found["points"])
    assert np.abs(np.asarray(again) - outputs).max() < 4e-14 * max(scale, 1)
    jacobians = torch.func.jacrev(lambda p: torch.func.functional_call(theirs, p, (points,)))(
        dict(theirs.named_parameters())
    )
    rows = [leaf.detach().numpy().reshape(10, 2, -1) for leaf in jacobians.values()]
    wanted = sum(np.einsum("iop,jop->ij", row, row) for row in rows) / 2
    np.testing.assert_allclose(found["theta"], wanted, rtol=1e-10)


def torch_points(found):
    return found["torch"].from_numpy(found["points"])


def test_the_page_shows_every_recipe_and_no_other():
    shown = {
        line.split("recipes/")[1].strip()
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if "literalinclude}" in line
    }
    assert shown == {path.name for path in RECIPES.glob("*.py")} == {f"{name}.py" for name in JAX | OTHERS}
