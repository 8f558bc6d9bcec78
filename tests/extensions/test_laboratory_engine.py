"""The laboratory's mathematics in JavaScript against ntklib: the same parameters and data give the same numbers."""

import functools
import itertools

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from browser import ROOT

from ntklib.dynamics import gradient_descent
from ntklib.mlp import MLP, Layer
from ntklib.tangent import empirical_ntk, linearize

pytestmark = pytest.mark.unoptimised
FILES = [ROOT / "ntklib" / "book" / "laboratory" / f"{name}.js" for name in ("engine", "limit", "session")]
SCALES, ACTIVATIONS, DEPTHS = ("ntk", "standard", "mean_field"), ("relu", "erf", "tanh"), (1, 2, 3)
WIDTH, STEPS, RTOL = 24, 30, 1e-5
# two of the points are nearly the same, two are the same up to their sign
LINE = np.array([[-1.7], [-0.6], [-0.6001], [0.0], [0.4], [1.7]])
ANGLES = np.radians([-140.0, -95.0, 15.0, 15.05, 85.0])
CIRCLE = np.sqrt(2) * np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
PLACES = {"line": LINE, "circle": CIRCLE}
# behind them the places at which a model predicts; both sets have as many rows, so that one program does for both
GRID = {"line": np.concatenate([LINE[:2] + 0.1, LINE[:1]]), "circle": np.concatenate([CIRCLE[:3] + 0.1, CIRCLE[:1]])}


@pytest.fixture(scope="module")
def page(browser):
    opened = browser.new_page()
    for file in FILES:
        opened.add_script_tag(content=file.read_text(encoding="utf-8"))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def doubles():
    with jax.enable_x64(True):
        yield


COMPUTE = """({ spec, width, inputs, x, grid, y, layers, steps, share, momentum }) => {
  const engine = laboratoryEngine(), limit = laboratoryLimit(), n = y.length;
  x = Float64Array.from(x);
  grid = Float64Array.from(grid);
  const weight = (l, k, j) => layers[l].weight[k][j], bias = (l, j) => layers[l].bias[j];
  const made = () => engine.network(spec, inputs, width, weight, bias);
  const net = made(), pass = engine.space(net, n), outputs = engine.forward(net, x, pass).slice();
  engine.backward(net, pass);
  const gradients = y.map((_, i) => {
    const found = [], one = new Float64Array(n);
    one[i] = 1;
    engine.gradient(net, x, pass, one, (layer, j, row, bias, l) => found.push([l, j, [...row], layer.bias ? bias : 0]));
    return found;
  });
  const empirical = engine.tangentKernel(net, x, pass);
  const { start, tangent } = limit.kernels(spec, inputs, width, x), cross = limit.kernels(spec, inputs, width, grid, x);
  const model = limit.linear(tangent, n), rate = share * model.threshold;
  const c = model.after(steps, rate, momentum), ever = model.ever();
  for (let k = 0; k < steps; k++) {
    const f = engine.forward(net, x, pass);
    engine.backward(net, pass);
    engine.descend(net, x, pass, y.map((v, i) => (f[i] - v) / n), rate);
  }
  const plain = (a) => Array.from(a);
  return {
    outputs: plain(outputs), gradients, empirical: plain(empirical), start: plain(start), tangent: plain(tangent),
    cross: plain(cross.tangent), threshold: model.threshold, operator: plain(c), ever: plain(ever),
    trained: plain(engine.forward(net, x, pass)), lengths: engine.lengths(net, made()),
  };
}"""


@functools.cache
def limits(activation, depth, domain, b_std):
    """Covariance and tangent kernel of a limit among all places of a domain, which the three scales share."""
    mlp = MLP(depth=depth, activation=activation, w_std=1.3, b_std=b_std)
    x = np.concatenate([PLACES[domain], GRID[domain]])
    return mlp.nngp(x), mlp.ntk(x)


def with_the_width(spec, width, domain):
    """The limit kernel with what this width makes of it, from kernels that ntklib has: layer by layer."""
    depths = range(spec["depth"] + 1)
    nngp, ntk = zip(*(limits(spec["activation"], depth, domain, spec["b_std"]) for depth in depths), strict=True)
    w, b = spec["w_std"] ** 2, spec["b_std"] ** 2
    if spec["parameterization"] == "ntk":
        return ntk[-1]
    if spec["parameterization"] == "mean_field":
        return ntk[-1] / width
    theta = PLACES[domain].shape[1] / w * (nngp[0] - b) + (b > 0)
    for before, kernel, tangent in zip(ntk[:-1], nngp[1:], ntk[1:], strict=True):
        theta = width / w * (kernel - b) + (b > 0) + (tangent - kernel) / before * theta
    return theta


def close(found, wanted, what, scale=None):
    found, wanted = np.asarray(found).reshape(np.shape(wanted)), np.asarray(wanted)
    size = np.abs(wanted).max() if scale is None else scale
    assert np.abs(found - wanted).max() <= RTOL * size, (what, found, wanted)


@pytest.mark.parametrize(("activation", "depth"), list(itertools.product(ACTIVATIONS, DEPTHS)))
def test_the_same_network_and_kernel_in_both_languages(page, activation, depth):
    for scale, (domain, x) in itertools.product(SCALES, PLACES.items()):
        b_std = 0.5 if domain == "line" else 0.0  # without biases the kernel of the line is singular: see below
        spec = {"depth": depth, "activation": activation, "w_std": 1.3, "b_std": b_std, "parameterization": scale}
        mlp, momentum = MLP(**spec), 0.0 if depth == 1 else 0.6
        params = mlp.init(jax.random.key(depth), x.shape[1], WIDTH)
        y = np.linspace(-1.0, 1.5, len(x)) ** 2
        grid = GRID[domain]
        layers = [
            {"weight": np.asarray(w).tolist(), "bias": [] if b is None else np.asarray(b).tolist()} for w, b in params
        ]
        found = page.evaluate(
            COMPUTE,
            {"spec": spec, "width": WIDTH, "inputs": x.shape[1], "x": x.ravel().tolist(), "y": y.tolist(),
             "grid": grid.ravel().tolist(), "layers": layers, "steps": STEPS, "share": 0.4, "momentum": momentum},
        )  # fmt: skip
        about = (scale, domain, b_std)
        close(found["outputs"], mlp.apply(params, x)[:, 0], ("outputs", *about))
        jacobian = jax.jacrev(lambda p, x=x, mlp=mlp: mlp.apply(p, x)[:, 0])(params)
        for i, rows in enumerate(found["gradients"]):
            for layer, unit, weights, bias in rows:
                wanted = jacobian[layer].weight[i, :, unit]
                close(weights, wanted, ("gradient", *about), np.abs(jacobian[layer].weight[i]).max())
                if b_std:
                    at = jacobian[layer].bias[i]
                    close(bias, at[unit], ("gradient of a bias", *about), np.abs(at).max())
        close(found["empirical"], empirical_ntk(mlp.apply, params, x), ("empirical kernel", *about))
        kernel = np.asarray(with_the_width(spec, WIDTH, domain))
        theta, cross = kernel[: len(x), : len(x)], kernel[len(x) :, : len(x)]
        close(found["tangent"], theta, ("tangent kernel", *about))
        close(found["cross"], cross, ("tangent kernel to a grid", *about))
        covariance = limits(activation, depth, domain, b_std)[0][: len(x), : len(x)]
        covariance = covariance / (WIDTH if scale == "mean_field" else 1)
        close(found["start"], covariance, ("covariance at the start", *about))
        threshold = 2 * len(x) / np.linalg.eigvalsh(theta)[-1]
        close(found["threshold"], threshold, ("threshold", *about))
        run = gradient_descent(mlp.apply, params, x, y, learning_rate=0.4 * threshold, steps=STEPS)
        close(found["trained"], run.outputs[-1, :, 0], ("trained", *about))
        before, behind = (jax.flatten_util.ravel_pytree(p)[0] for p in (params, run.params))
        moved = jnp.linalg.norm(behind - before), jnp.linalg.norm(before)
        close(found["lengths"], jnp.array(moved), ("lengths", *about), moved[0])
        residual = -y  # a model that starts at zero, step by step
        coefficients, velocity = np.zeros(len(x)), np.zeros(len(x))
        for _ in range(STEPS):
            velocity = momentum * velocity - 0.4 * threshold / len(x) * (residual + theta @ coefficients)
            coefficients = coefficients + velocity
        found_c = np.array(found["operator"]).reshape(len(x), -1) @ residual
        close(theta @ found_c, theta @ coefficients, ("kernel's prediction", *about))
        close(cross @ found_c, cross @ coefficients, ("kernel's prediction on a grid", *about))


def test_linearised_networks_follow_the_closed_form(page):
    """What the page calls exact is: the linearisation of a network, trained by steps, against the formula."""
    mlp = MLP(depth=2, activation="erf", w_std=1.3, b_std=0.5)
    params, x = mlp.init(jax.random.key(3), 2, WIDTH), jnp.asarray(CIRCLE)
    y, theta = np.linspace(-1.0, 1.5, len(x)), np.asarray(empirical_ntk(mlp.apply, params, x))
    call = "({ theta, n, steps, share }) => { const m = laboratoryLimit().linear(Float64Array.from(theta), n); "
    call += "return { rate: share * m.threshold, c: [...m.after(steps, share * m.threshold)] }; }"
    for share in (0.3, 1.2):  # also above the threshold, where both diverge alike
        found = page.evaluate(call, {"theta": theta.ravel().tolist(), "n": len(x), "steps": STEPS, "share": share})
        run = gradient_descent(linearize(mlp.apply, params), params, x, y, learning_rate=found["rate"], steps=STEPS)
        f0 = np.asarray(mlp.apply(params, x))[:, 0]
        c = np.array(found["c"]).reshape(len(x), -1) @ (f0 - y)
        close(f0 + theta @ c, run.outputs[-1, :, 0], share)


def test_what_the_data_do_not_determine_is_not_learned(page):
    """Without biases on the line the kernel of ReLU has rank two: the limit fits best, with no coefficient astray."""
    x, y = np.array([[-1.0], [-2.0], [0.5], [1.5], [0.0]]), np.array([1.0, -1.0, 0.5, 2.0, 1.0])
    theta = np.asarray(MLP(activation="relu").ntk(x))
    call = """({ spec, x, n }) => {
      const limit = laboratoryLimit(), k = limit.kernels(spec, 1, 64, Float64Array.from(x)).tangent;
      const m = limit.linear(k, n);
      return { k: [...k], ever: [...m.ever()], late: [...m.after(1e6, m.threshold / 2)] };
    }"""
    spec = {"depth": 1, "activation": "relu", "w_std": 2**0.5, "b_std": 0.0, "parameterization": "ntk"}
    found = page.evaluate(call, {"spec": spec, "x": x.ravel().tolist(), "n": len(x)})
    close(found["k"], theta, "kernel")
    wanted = theta @ np.linalg.pinv(theta, rcond=1e-10) @ y
    for name in ("ever", "late"):
        close(-theta @ np.array(found[name]).reshape(5, 5) @ y, wanted, name)


def draws(seed, network, count):
    """The laboratory's standard normal numbers, by NumPy."""

    def mix(x):
        x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
        return x ^ (x >> 16)

    key = mix(mix(np.array([seed], np.uint32)) ^ np.uint32(network + 1))
    u = (mix(mix(np.arange(2 * count, dtype=np.uint32)) ^ key) + 0.5) / 2**32
    return np.sqrt(-2 * np.log(u[::2])) * np.cos(2 * np.pi * u[1::2])


def test_numpy_draws_the_same_numbers_and_they_are_normal(page):
    call = "([seed, network, count]) => { const next = laboratoryEngine().normals(seed, network); "
    call += "return Array.from({ length: count }, next); }"
    found = np.array(page.evaluate(call, [7, 3, 20000]))
    np.testing.assert_allclose(found, draws(7, 3, 20000), atol=1e-12)
    assert abs(found.mean()) < 4 / 20000**0.5
    assert abs(found.var() - 1) < 4 * (2 / 20000) ** 0.5
    assert abs((found**4).mean() - 3) < 4 * (96 / 20000) ** 0.5
    others = [draws(7, 4, 20000), draws(8, 3, 20000), np.roll(found, 1)]
    assert max(abs(np.corrcoef(found, other)[0, 1]) for other in others) < 4 / 20000**0.5


def test_a_network_of_the_page_is_one_of_ntklib(page):
    """Its outputs from the draws by NumPy, so that the lines of Python that the page shows give the same network."""
    for scale in SCALES:
        spec = {"depth": 2, "activation": "tanh", "w_std": 1.3, "b_std": 0.5, "parameterization": scale}
        call = "({ spec, x }) => { const e = laboratoryEngine(), net = e.draw(spec, 2, 8, 5, 2); "
        call += "return [...e.forward(net, Float64Array.from(x), e.space(net, 5))]; }"
        found = page.evaluate(call, {"spec": spec, "x": CIRCLE.ravel().tolist()})
        numbers, params = iter(draws(5, 2, 2 * 8 + 8 + 8 * 8 + 8 + 8 + 1)), []
        for fan_in, fan_out in ((2, 8), (8, 8), (8, 1)):
            taken = np.array(list(itertools.islice(numbers, fan_in * fan_out + fan_out)))
            weight, bias = taken[:-fan_out].reshape(fan_in, fan_out), taken[-fan_out:]
            standard = scale == "standard"
            params.append(Layer(weight * (1.3 / fan_in**0.5 if standard else 1), bias * (0.5 if standard else 1)))
        close(found, MLP(**spec).apply(tuple(params), CIRCLE)[:, 0], scale)


def test_the_error_function_is_right_everywhere(page):
    x = np.concatenate([np.linspace(-7, 7, 4001), [0.0, 1e-9, -1e-9, 6.0, 1e9]])
    found = page.evaluate("(x) => { const { erf } = laboratoryEngine(); return x.map(erf); }", x.tolist())
    np.testing.assert_allclose(found, np.asarray(jax.scipy.special.erf(x)), atol=1e-10)
