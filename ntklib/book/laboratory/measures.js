// What can a reader measure beside a theorem? Each measurement by its name: a setting gives a number, which the page
// compares. A function that needs nothing outside of itself but the engine and the kernels of infinite width.
function laboratoryMeasures(engine, limit) {
  "use strict";
  const STEPS = 60, NETWORKS = 8, DRAWS = 10000;
  // Six points of the circle of radius √2, and the targets of the title page.
  const ANGLES = [-140, -95, -40, 15, 60, 130], TARGETS = [-0.4, 0.9, 0.3, -1, 0.7, 0.2], n = ANGLES.length;
  const X = Float64Array.from(ANGLES.flatMap((a) => [Math.cos, Math.sin].map((f) => Math.SQRT2 * f((a * Math.PI) / 180))));
  const specOf = ({ activation, scale = "ntk" }) => ({ depth: 1, activation, w_std: Math.SQRT2, b_std: 0, parameterization: scale });
  const norm = (a) => Math.sqrt(a.reduce((sum, v) => sum + v * v, 0));
  const mean = (list) => list.reduce((sum, v) => sum + v, 0) / list.length;

  function lookedAt(net) { // a pass over the points, there and back
    const pass = engine.space(net, n);
    engine.forward(net, X, pass);
    engine.backward(net, pass);
    return pass;
  }

  // Gradient descent on the mean loss, with a rate in thresholds of the kernel at infinite width.
  // The residuals before each step and after the last, and the network before and after.
  function trained(spec, width, seed, number, targets, share, steps) {
    const start = engine.draw(spec, 2, width, seed, number), net = engine.copy(start);
    const rate = share * limit.linear(limit.kernels(spec, 2, width, X).tangent, n).threshold;
    const before = lookedAt(start), residuals = [], pass = engine.space(net, n);
    for (let step = 0; ; step++) {
      const residual = engine.forward(net, X, pass).map((f, i) => f - targets[i]);
      engine.backward(net, pass);
      residuals.push(residual);
      if (step === steps) break;
      engine.descend(net, X, pass, residual.map((r) => r / n), rate);
    }
    return { start, net, before, pass, residuals };
  }

  // The power of the width with which something changes: from a width to four times as many units, the mean of some
  // networks at each.
  function power(setting, change) {
    const spec = specOf(setting);
    const [few, many] = [setting.width, 4 * setting.width].map((width) =>
      mean(Array.from({ length: NETWORKS }, (_, k) => change(trained(spec, width, setting.seed, k, TARGETS, 0.5, STEPS)))));
    return Math.log(many / few) / Math.log(4);
  }

  return {
    // The root mean square, over distances up to four, of a mean of so many cosines against a kernel.
    "cosines-against-kernel": ({ kernel, frequencies, width, seed }) => {
      const normal = engine.normals(seed, 0), drawn = Array.from({ length: width }, () => (frequencies === "cauchy" ? normal() / normal() : normal()));
      const errors = Float64Array.from({ length: 41 }, (_, i) => {
        const r = i / 10, wanted = kernel === "rbf" ? Math.exp((-r * r) / 2) : Math.exp(-r);
        return mean(drawn.map((w) => Math.cos(w * r))) - wanted;
      });
      return norm(errors) / Math.sqrt(errors.length);
    },
    // The excess kurtosis of the output at one point of the circle, over many random networks.
    "kurtosis-of-outputs": ({ activation, width, seed }) => {
      const spec = specOf({ activation }), x = X.slice(0, 2);
      let pass = null, second = 0, fourth = 0;
      for (let k = 0; k < DRAWS; k++) {
        const net = engine.draw(spec, 2, width, seed, k);
        pass ??= engine.space(net, 1, false);
        const [f] = engine.forward(net, x, pass);
        second += f * f;
        fourth += f ** 4;
      }
      return (DRAWS * fourth) / (second * second) - 3;
    },
    // How far the tangent kernel of one random network is from the limit at the NTK scale, relative to this.
    "tangent-kernel-against-limit": (setting) => {
      const net = engine.draw(specOf(setting), 2, setting.width, setting.seed, 0);
      const wanted = limit.kernels(specOf({ activation: setting.activation }), 2, setting.width, X).tangent;
      return norm(engine.tangentKernel(net, X, lookedAt(net)).map((v, i) => v - wanted[i])) / norm(wanted);
    },
    // By what a step multiplies the error along the kernel's first eigenvector: the mean of three steps. The targets are
    // the start plus that eigenvector, so that this is the whole error.
    "factor-of-a-step": ({ activation, width, seed, rate }) => {
      const spec = specOf({ activation }), { vectors } = limit.eigen(limit.kernels(spec, 2, width, X).tangent, n);
      const v = vectors[n - 1].map((each) => each * Math.sign(vectors[n - 1][0])); // which sign it has, matters to a network
      const start = engine.draw(spec, 2, width, seed, 0), f0 = engine.forward(start, X, engine.space(start, n)).slice();
      const along = trained(spec, width, seed, 0, f0.map((f, i) => f + v[i]), rate, 3).residuals.map((r) => r.reduce((sum, e, i) => sum + e * v[i], 0));
      const left = along[3] / along[0];
      return Math.sign(left) * Math.cbrt(Math.abs(left));
    },
    "power-of-kernel-change": (setting) => power(setting, ({ start, net, before, pass }) => {
      const first = engine.tangentKernel(start, X, before), last = engine.tangentKernel(net, X, pass);
      return norm(last.map((v, i) => v - first[i])) / norm(first);
    }),
    "power-of-unit-motion": (setting) => power(setting, ({ start, net }) => {
      const [now, first] = [net, start].map(({ layers }) => layers[0].weight);
      return norm(now.map((w, i) => w - first[i])) / norm(first);
    }),
  };
}

// What a law says of a setting, where what is expected depends on it: what is right, and what is wrong.
const laboratoryLaws = { "factor-of-a-step": ({ rate }) => ({ expected: 1 - 2 * rate, rejects: [1 - rate] }) };
