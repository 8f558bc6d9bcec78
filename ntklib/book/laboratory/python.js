// Which lines of ntklib compute what is on the screen? As text, for a setting and a number of steps.
function laboratoryPython(setting, steps, networks) {
  const { points, domain, depth, width, activation, w_std, b_std, parameterization, alpha, subtract, momentum } = setting;
  const list = (values) => {
    const lines = [""];
    for (const v of values) {
      if ((lines.at(-1) + v).length > 66) lines.push("");
      lines[lines.length - 1] += (lines.at(-1) ? " " : "") + v + ",";
    }
    return "[\n" + lines.map((l) => "    " + l).join("\n") + "\n]";
  };
  const data = domain === "plane" ? `x = np.array(${list(points.flatMap((p) => p.slice(0, 2)))}, dtype=float).reshape(-1, 2)` : domain === "circle"
    ? `angles = np.radians(${list(points.map((p) => p[0]))})
x = 2**0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)`
    : `x = np.array(${list(points.map((p) => p[0]))}, dtype=float)[:, None]`;
  const standard = parameterization === "standard";
  const kernel = {
    ntk: "theta = np.asarray(mlp.ntk(x))",
    mean_field: `ntk = MLP(depth=${depth}, activation="${activation}", w_std=w, b_std=b).ntk
theta = np.asarray(ntk(x)) / width  # what the width leaves`,
    standard: `deep = lambda l: MLP(depth=l, activation="${activation}", w_std=w, b_std=b)
nngp = [np.asarray(deep(l).nngp(x)) for l in range(${depth + 1})]
ntk = [np.asarray(deep(l).ntk(x)) for l in range(${depth + 1})]
theta = x.shape[1] / w**2 * (nngp[0] - b**2) + (b > 0)
for l in range(1, ${depth + 1}):  # each layer's part, times fan-in / w²
    slopes = np.divide(ntk[l] - nngp[l], ntk[l - 1], where=ntk[l - 1] != 0,
                       out=np.zeros_like(theta))
    theta = width / w**2 * (nngp[l] - b**2) + (b > 0) + slopes * theta`,
  }[parameterization];
  const training = momentum
    ? `    loss = lambda p: jnp.sum((F(p, x)[:, 0] - y) ** 2) / (2 * n)
    slope, params = jax.jit(jax.grad(loss)), start
    velocity = jax.tree.map(jnp.zeros_like, start)
    c, v = np.zeros(n), np.zeros(n)  # coefficients of the kernel
    for _ in range(steps):
        velocity = jax.tree.map(
            lambda v, g: ${momentum} * v - rate / alpha**2 * g, velocity, slope(params)
        )
        params = jax.tree.map(jnp.add, params, velocity)
        v = ${momentum} * v - rate / n * (F0 - y + theta @ c)
        c = c + v`
    : `    params = gradient_descent(
        F, start, x, y, learning_rate=rate / alpha**2, steps=steps
    ).params
    kept = (1 - rate / n * values) ** steps  # of the residual, by eigenvector
    c = vectors @ ((1 - kept) / values * (vectors.T @ (y - F0)))`;
  return `import jax
import jax.numpy as jnp
import numpy as np

from ntklib.dynamics import gradient_descent
from ntklib.mlp import MLP, Layer

jax.config.update("jax_enable_x64", True)
${data}
y = np.array(${list(points.map((p) => p.at(-1)))}, dtype=float)
n, width, alpha, steps = len(y), ${width}, ${alpha}, ${steps}
w, b = ${w_std}, ${b_std}
mlp = MLP(
    depth=${depth}, activation="${activation}", w_std=w, b_std=b,
    parameterization="${parameterization}",
)


def mix(x):
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def draw(network):  # the page's random numbers
    sizes = [x.shape[1], *[width] * ${depth}, 1]
    count = sum((${b_std ? "i + 1" : "i"}) * o for i, o in zip(sizes, sizes[1:]))
    key = mix(mix(np.array([${setting.seed}], np.uint32)) ^ np.uint32(network + 1))
    u = (mix(mix(np.arange(2 * count, dtype=np.uint32)) ^ key) + 0.5) / 2**32
    z = np.sqrt(-2 * np.log(u[::2])) * np.cos(2 * np.pi * u[1::2])
    layers = []
    for i, o in zip(sizes, sizes[1:]):
        weight, bias, z = z[: i * o].reshape(i, o), ${b_std ? "z[i * o : i * o + o]" : "None"}, z[i * o${b_std ? " + o" : ""} :]
        layers.append(Layer(${standard ? `weight * w / i**0.5, ${b_std ? "bias * b" : "None"}` : "weight, bias"}))
    return tuple(layers)


# the kernel at infinite width, and the learning rate in its threshold
${kernel}
values, vectors = np.linalg.eigh(theta)
known = values > 1e-14 * values[-1]  # along the others nothing is learned
values, vectors = values[known], vectors[:, known]
rate = ${setting.learning_rate} * 2 * n / values[-1]


def trained(network):
    start = draw(network)
    F = lambda p, x: alpha * ${subtract ? "(mlp.apply(p, x) - mlp.apply(start, x))" : "mlp.apply(p, x)"}
    F0 = np.asarray(F(start, x))[:, 0]
${training}
    return np.asarray(F(params, x))[:, 0], F0 + theta @ c


each = np.array([trained(network) for network in range(${networks})])
outputs, kernel_outputs = each.mean(0)
loss, kernel_loss = ((each - y) ** 2).sum(2).mean(0) / (2 * n)
print(f"step {steps}: loss {loss:.3g}, the kernel's {kernel_loss:.3g}")
`;
}
