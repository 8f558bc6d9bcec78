// What is a network, and what does a step of training do to it? The mathematics of ntklib.mlp, on typed arrays by hand.
// A function that needs nothing outside of itself: its text is also what the worker runs.
function laboratoryEngine() {
  "use strict";

  // ---------------------------------------- random draws: a hash of a counter, so that NumPy can draw the same

  function mix(x) {
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    return (x ^ (x >>> 16)) >>> 0;
  }

  // A function that gives the standard normal draws of one network of one seed, one after the other (Box and Muller).
  function normals(seed, network) {
    const key = mix(mix(seed) ^ (network + 1));
    const uniform = (counter) => (mix(mix(counter) ^ key) + 0.5) / 4294967296;
    let next = 0;
    return () => {
      const radius = Math.sqrt(-2 * Math.log(uniform(next))), turn = 2 * Math.PI * uniform(next + 1);
      next += 2;
      return radius * Math.cos(turn);
    };
  }

  // ---------------------------------------- activations: values into h, and slopes where they are wanted

  // The error function between nodes by the cubic that has its values and slopes there: off by less than 1e-10.
  const NODES = 128, LAST = 6;
  const density = (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
  const erfAt = new Float64Array(NODES * LAST + 2), slopeAt = new Float64Array(NODES * LAST + 2);
  for (let i = 0, h = 1 / NODES; i < erfAt.length; i++) {
    slopeAt[i] = density(i * h) * h;
    if (i === 0) continue;
    const middle = (i - 0.5) * h, aside = Math.sqrt(0.15) * h; // Gauss's rule of three nodes
    erfAt[i] = erfAt[i - 1] + (h / 18) * (5 * density(middle - aside) + 8 * density(middle) + 5 * density(middle + aside));
  }
  function erf(x) {
    const size = Math.abs(x) * NODES;
    if (!(size < NODES * LAST)) return Math.sign(x);
    const i = size | 0, t = size - i, s = 1 - t;
    const value = s * s * ((1 + 2 * t) * erfAt[i] + t * slopeAt[i]) + t * t * ((3 - 2 * t) * erfAt[i + 1] - s * slopeAt[i + 1]);
    return x < 0 ? -value : value;
  }

  const ACTIVATIONS = {
    relu(z, h, slope) {
      for (let i = 0; i < z.length; i++) {
        h[i] = z[i] > 0 ? z[i] : 0;
        if (slope) slope[i] = z[i] > 0 ? 1 : 0;
      }
    },
    erf(z, h, slope) {
      for (let i = 0; i < z.length; i++) {
        h[i] = erf(z[i]);
        if (slope) slope[i] = density(z[i]);
      }
    },
    tanh(z, h, slope) {
      for (let i = 0; i < z.length; i++) {
        h[i] = Math.tanh(z[i]);
        if (slope) slope[i] = 1 - h[i] * h[i];
      }
    },
  };

  // ---------------------------------------- networks

  // The factors in front of the weights and the biases of a layer, as `ntklib.mlp.MLP.scales`.
  function scales(spec, fanIn, readout) {
    if (spec.parameterization === "standard") return [1, 1];
    const root = Math.sqrt(fanIn), smaller = readout && spec.parameterization === "mean_field" ? root : 1;
    return [spec.w_std / (root * smaller), spec.b_std / smaller];
  }

  // A layer holds its weights by output, (fanOut, fanIn), so that the products below run along memory.
  function layer(spec, fanIn, fanOut, readout) {
    const [weightScale, biasScale] = scales(spec, fanIn, readout);
    const bias = spec.b_std === 0 ? null : new Float64Array(fanOut);
    return { fanIn, fanOut, weightScale, biasScale, weight: new Float64Array(fanIn * fanOut), bias };
  }

  // `fill(k, j)` and `fillBias(j)` in the order of ntklib: the weights of a layer by input, then its biases.
  function network(spec, inputs, width, fill, fillBias) {
    const sizes = [inputs, ...Array(spec.depth).fill(width), 1];
    const layers = sizes.slice(1).map((fanOut, l) => {
      const made = layer(spec, sizes[l], fanOut, l === spec.depth);
      for (let k = 0; k < made.fanIn; k++) for (let j = 0; j < fanOut; j++) made.weight[j * made.fanIn + k] = fill(l, k, j);
      if (made.bias) for (let j = 0; j < fanOut; j++) made.bias[j] = fillBias(l, j);
      return made;
    });
    return { spec, layers };
  }

  // A random network: the `number`-th of a seed.
  function draw(spec, inputs, width, seed, number) {
    const normal = normals(seed, number), standard = spec.parameterization === "standard";
    const root = (l) => (standard ? spec.w_std / Math.sqrt(l ? width : inputs) : 1);
    return network(spec, inputs, width, (l) => normal() * root(l), () => normal() * (standard ? spec.b_std : 1));
  }

  // The layers of a network with copies of their numbers.
  const copy = ({ spec, layers }) => ({
    spec, layers: layers.map((l) => ({ ...l, weight: l.weight.slice(), bias: l.bias && l.bias.slice() })),
  });

  // What a pass over n inputs fills: before and after each activation, its slope, and what comes back.
  function space(net, n, backward = true) {
    const array = ({ fanOut }) => new Float64Array(n * fanOut), hidden = net.layers.slice(0, -1);
    return {
      n, z: net.layers.map(array), h: hidden.map(array),
      slope: backward ? hidden.map(array) : [], back: backward ? net.layers.map(array) : [],
    };
  }

  // z = W h scale + b scale, for four inputs at a time: a weight is then read once for all of them.
  function dense({ weight, bias, fanIn, fanOut, weightScale, biasScale }, h, z, n) {
    for (let j = 0; j < fanOut; j++) {
      const row = j * fanIn, shift = bias ? biasScale * bias[j] : 0;
      let i = 0;
      for (; i + 4 <= n; i += 4) {
        const h0 = i * fanIn, h1 = h0 + fanIn, h2 = h1 + fanIn, h3 = h2 + fanIn;
        let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (let k = 0; k < fanIn; k++) {
          const w = weight[row + k];
          s0 += w * h[h0 + k];
          s1 += w * h[h1 + k];
          s2 += w * h[h2 + k];
          s3 += w * h[h3 + k];
        }
        const at = i * fanOut + j;
        z[at] = weightScale * s0 + shift;
        z[at + fanOut] = weightScale * s1 + shift;
        z[at + 2 * fanOut] = weightScale * s2 + shift;
        z[at + 3 * fanOut] = weightScale * s3 + shift;
      }
      for (; i < n; i++) {
        let s = 0;
        for (let k = 0; k < fanIn; k++) s += weight[row + k] * h[i * fanIn + k];
        z[i * fanOut + j] = weightScale * s + shift;
      }
    }
  }

  // The outputs at the inputs x, (n, inputs) in one array.
  function forward(net, x, pass) {
    const activate = ACTIVATIONS[net.spec.activation], last = net.layers.length - 1;
    net.layers.forEach((each, l) => {
      dense(each, l ? pass.h[l - 1] : x, pass.z[l], pass.n);
      if (l < last) activate(pass.z[l], pass.h[l], pass.slope[l]);
    });
    return pass.z[last];
  }

  // Adds up to four rows j of the weights, times what came back to them, to what goes back from each input.
  function addRows(to, from, weight, n, fanIn, fanOut, j, rows, scale) {
    const w0 = j * fanIn, w1 = rows > 1 ? w0 + fanIn : w0, w2 = rows > 2 ? w1 + fanIn : w0, w3 = rows > 3 ? w2 + fanIn : w0;
    for (let i = 0; i < n; i++) {
      const at = i * fanIn, by = i * fanOut + j, f0 = scale * from[by];
      const f1 = rows > 1 ? scale * from[by + 1] : 0, f2 = rows > 2 ? scale * from[by + 2] : 0, f3 = rows > 3 ? scale * from[by + 3] : 0;
      for (let k = 0; k < fanIn; k++) {
        to[at + k] += f0 * weight[w0 + k] + f1 * weight[w1 + k] + f2 * weight[w2 + k] + f3 * weight[w3 + k];
      }
    }
  }

  // After `forward`: the derivative of each output by what leaves each layer, for each input by itself.
  function backward(net, pass) {
    const { n, back, slope } = pass, last = net.layers.length - 1;
    back[last].fill(1);
    for (let l = last; l > 0; l--) {
      const { weight, fanIn, fanOut, weightScale } = net.layers[l], from = back[l], to = back[l - 1], by = slope[l - 1];
      to.fill(0);
      for (let j = 0; j < fanOut; j += 4) addRows(to, from, weight, n, fanIn, fanOut, j, Math.min(4, fanOut - j), weightScale);
      for (let i = 0; i < to.length; i++) to[i] *= by[i];
    }
  }

  // After `backward`: calls `visit(layer, j, row, atBias)` for each unit, with Σ_i pull_i ∂f(x_i)/∂w in row (fanIn,).
  function gradient(net, x, pass, pull, visit) {
    const { n } = pass;
    net.layers.forEach((each, l) => {
      const { fanIn, fanOut, weightScale, biasScale } = each, h = l ? pass.h[l - 1] : x, back = pass.back[l];
      const row = new Float64Array(fanIn);
      for (let j = 0; j < fanOut; j++) {
        let total = 0, i = 0;
        const part = (at) => { // of one input; its share of the bias is added up
          const p = at < n ? pull[at] * back[at * fanOut + j] : 0;
          total += p;
          return weightScale * p;
        };
        row.fill(0);
        for (; i < n; i += 4) { // beyond the last input the parts are zero
          const p0 = part(i), p1 = part(i + 1), p2 = part(i + 2), p3 = part(i + 3), top = n - 1;
          const h0 = i * fanIn, h1 = Math.min(i + 1, top) * fanIn, h2 = Math.min(i + 2, top) * fanIn, h3 = Math.min(i + 3, top) * fanIn;
          for (let k = 0; k < fanIn; k++) row[k] += p0 * h[h0 + k] + p1 * h[h1 + k] + p2 * h[h2 + k] + p3 * h[h3 + k];
        }
        visit(each, j, row, biasScale * total, l);
      }
    });
  }

  // After `backward`: one step against Σ_i pull_i ∇f(x_i), with the velocities of momentum if there are any.
  function descend(net, x, pass, pull, rate, momentum = 0, velocity = null) {
    gradient(net, x, pass, pull, ({ weight, bias, fanIn }, j, row, atBias, l) => {
      const at = j * fanIn;
      if (!velocity) {
        for (let k = 0; k < fanIn; k++) weight[at + k] -= rate * row[k];
        if (bias) bias[j] -= rate * atBias;
        return;
      }
      const v = velocity.layers[l];
      for (let k = 0; k < fanIn; k++) weight[at + k] += v.weight[at + k] = momentum * v.weight[at + k] - rate * row[k];
      if (bias) bias[j] += v.bias[j] = momentum * v.bias[j] - rate * atBias;
    });
  }

  const dot = (a, i, b, j, size) => {
    let sum = 0;
    for (let k = 0, p = i * size, q = j * size; k < size; k++) sum += a[p + k] * b[q + k];
    return sum;
  };

  // After `backward`: the empirical tangent kernel (n, n), layer by layer what enters times what comes back.
  function tangentKernel(net, x, pass) {
    const { n } = pass, kernel = new Float64Array(n * n);
    net.layers.forEach(({ fanIn, fanOut, weightScale, biasScale, bias }, l) => {
      const h = l ? pass.h[l - 1] : x, constant = bias ? biasScale ** 2 : 0;
      for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) {
        const part = (weightScale ** 2 * dot(h, i, h, j, fanIn) + constant) * dot(pass.back[l], i, pass.back[l], j, fanOut);
        kernel[i * n + j] += part;
        if (i !== j) kernel[j * n + i] += part;
      }
    });
    return kernel;
  }

  // The same between two sets of inputs, (n1, n2), with a pass over each.
  function crossKernel(net, x1, pass1, x2, pass2) {
    const kernel = new Float64Array(pass1.n * pass2.n);
    net.layers.forEach(({ fanIn, fanOut, weightScale, biasScale, bias }, l) => {
      const h1 = l ? pass1.h[l - 1] : x1, h2 = l ? pass2.h[l - 1] : x2, constant = bias ? biasScale ** 2 : 0;
      for (let i = 0; i < pass1.n; i++) for (let j = 0; j < pass2.n; j++) {
        kernel[i * pass2.n + j] += (weightScale ** 2 * dot(h1, i, h2, j, fanIn) + constant) * dot(pass1.back[l], i, pass2.back[l], j, fanOut);
      }
    });
    return kernel;
  }

  // ‖θ − θ'‖ and ‖θ'‖, over all parameters.
  function lengths(net, start) {
    let moved = 0, size = 0;
    const add = (a, b) => {
      for (let i = 0; a && i < a.length; i++) {
        moved += (a[i] - b[i]) ** 2;
        size += b[i] ** 2;
      }
    };
    net.layers.forEach((l, i) => { add(l.weight, start.layers[i].weight); add(l.bias, start.layers[i].bias); });
    return [Math.sqrt(moved), Math.sqrt(size)];
  }

  return { mix, normals, erf, network, draw, copy, space, forward, backward, gradient, descend, tangentKernel, crossKernel, lengths };
}
