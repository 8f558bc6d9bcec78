// What does infinite width say of a network, and what does a linear model do in k steps? Kernels by their recursions.
function laboratoryLimit() {
  "use strict";
  const clamp = (x) => Math.max(-1, Math.min(1, x));

  // tanh u = Σ p erf(s u): a mixture of error functions, as in ntklib/_tanh.py, which derives the scales s and weights p.
  const TANH = (() => {
    const found = [], step = 0.2;
    for (let i = Math.floor(-2.5 / step); i < Math.ceil(1.5 / step); i++) {
      const x = Math.exp(step * (i + 0.5));
      let left = 0, right = 0;
      for (let k = 1; k < 20; k++) {
        const odd = (((2 * k - 1) * Math.PI) / (2 * x)) ** 2;
        left += (Math.sqrt(2 * Math.PI) * (odd - 1) * Math.exp(-odd / 2)) / x ** 2;
        right += 8 * x * (k % 2 ? 1 : -1) * k ** 2 * Math.exp(-2 * (k * x) ** 2);
      }
      found.push([Math.SQRT1_2 / x, step * x * (x < 0.9 ? left : right)]);
    }
    const matters = ([s, p]) => p * Math.max(1, s), most = Math.max(...found.map(matters));
    return found.filter((each) => matters(each) * most > 1e-9);
  })();

  // For a Gaussian pair with variances a, b and covariance c: E φ(u)φ(v) and E φ'(u)φ'(v).
  const MOMENTS = {
    relu(a, b, c) { // Cho and Saul 2009
      // a cosine within rounding of ±1 is ±1: acos would make an angle of 1e-8 of it, and a kernel of full rank
      const m = Math.sqrt(a * b), cos = clamp(c / m), angle = m > 0 && cos < 1 - 1e-14 ? (cos < 1e-14 - 1 ? Math.PI : Math.acos(cos)) : m > 0 ? 0 : Math.PI;
      return [(m * (Math.sin(angle) + (Math.PI - angle) * Math.cos(angle))) / (2 * Math.PI), (Math.PI - angle) / (2 * Math.PI)];
    },
    erf(a, b, c, s = 1, t = 1) { // Williams 1997, of erf(s u) and erf(t v)
      const p = 2 * s * s, q = 2 * t * t, product = (1 + p * a) * (1 + q * b), both = 2 * s * t * c;
      return [(2 / Math.PI) * Math.asin(clamp(both / Math.sqrt(product))), (4 / Math.PI) * s * t / Math.sqrt(product - both * both)];
    },
    tanh(a, b, c) {
      let value = 0, slope = 0;
      for (const [s, p] of TANH) for (const [t, q] of TANH) {
        const [v, d] = MOMENTS.erf(a, b, c, s, t);
        value += p * q * v;
        slope += p * q * d;
      }
      return [value, slope];
    },
  };

  // The covariance of the outputs at the start and the tangent kernel of a network of this width, (n1, n2), as the width
  // grows. In the NTK scale neither contains the width. In the others both are what the width makes of them: in the
  // standard scale a layer's part of the kernel is multiplied by fan-in/σ_w² and a bias's by 1/σ_b², and in the
  // mean-field scale both are divided by the width.
  function kernels(spec, inputs, width, x1, x2 = x1) {
    const { depth, w_std, b_std, parameterization } = spec, w = w_std ** 2, b = b_std ** 2, moments = MOMENTS[spec.activation];
    const standard = parameterization === "standard", share = parameterization === "mean_field" ? 1 / width : 1;
    const product = (u, i, v, j) => {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += u[i * inputs + k] * v[j * inputs + k];
      return (w * sum) / inputs + b;
    };
    const variances = (x) => Array.from({ length: x.length / inputs }, (_, i) => {
      const chain = [product(x, i, x, i)];
      for (let l = 0; l < depth; l++) chain.push(w * moments(chain[l], chain[l], chain[l])[0] + b);
      return chain;
    });
    const own = (c, l) => { // what the weights and biases of layer l add to the kernel
      if (standard) return ((c - b) * (l ? width : inputs)) / w + (b > 0 ? 1 : 0);
      return c;
    };
    const v1 = variances(x1), v2 = x1 === x2 ? v1 : variances(x2);
    const start = new Float64Array(v1.length * v2.length), tangent = new Float64Array(start.length);
    v1.forEach((first, i) => v2.forEach((second, j) => {
      let c = product(x1, i, x2, j), theta = own(c, 0);
      for (let l = 1; l <= depth; l++) {
        const [value, slope] = moments(first[l - 1], second[l - 1], c);
        c = w * value + b;
        theta = own(c, l) + w * slope * theta;
      }
      start[i * v2.length + j] = c * share;
      tangent[i * v2.length + j] = theta * share;
    }));
    return { start, tangent };
  }

  // The eigenvalues of a symmetric matrix, least first, and its eigenvectors as rows (Jacobi's rotations).
  function eigen(matrix, n) {
    const a = Float64Array.from(matrix), v = new Float64Array(n * n);
    for (let i = 0; i < n; i++) v[i * n + i] = 1;
    const off = () => a.reduce((sum, x, i) => (i % (n + 1) ? sum + x * x : sum), 0);
    const all = a.reduce((sum, x) => sum + x * x, 0);
    for (let sweep = 0; sweep < 60 && off() > 1e-32 * all; sweep++) {
      for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q];
        if (apq === 0) continue;
        const ratio = (a[q * n + q] - a[p * n + p]) / (2 * apq);
        const t = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(ratio * ratio + 1)), c = 1 / Math.sqrt(t * t + 1), s = t * c;
        for (let k = 0; k < n; k++) {
          const x = a[k * n + p], y = a[k * n + q];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (let k = 0; k < n; k++) {
          const x = a[p * n + k], y = a[q * n + k], g = v[p * n + k], h = v[q * n + k];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
          v[p * n + k] = c * g - s * h;
          v[q * n + k] = s * g + c * h;
        }
      }
    }
    const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[i * n + i] - a[j * n + j]);
    return { values: order.map((i) => a[i * n + i]), vectors: order.map((i) => v.slice(i * n, i * n + n)) };
  }

  // What k steps with rate e = η/n make of a coefficient that starts at zero with residual one: c ← c + v with
  // v ← β v − e (1 + λ c). An affine map of (c, v), raised to the k-th power by squaring. Without momentum it is
  // c = −(1 − (1 − e λ)^k)/λ.
  function coefficient(lambda, k, e, momentum) {
    const after = (f, g) => [ // f after g, each [m00, m01, m10, m11, shift0, shift1]
      f[0] * g[0] + f[1] * g[2], f[0] * g[1] + f[1] * g[3], f[2] * g[0] + f[3] * g[2], f[2] * g[1] + f[3] * g[3],
      f[0] * g[4] + f[1] * g[5] + f[4], f[2] * g[4] + f[3] * g[5] + f[5],
    ];
    let power = [1 - e * lambda, momentum, -e * lambda, momentum, -e, -e], result = [1, 0, 0, 1, 0, 0];
    for (let left = k; left > 0; left = Math.floor(left / 2)) {
      if (left % 2) result = after(power, result);
      power = after(power, power);
    }
    return result[4]; // no number, where it has diverged beyond all numbers
  }

  // A model with this kernel on n points. Its coefficients are C r for a matrix C and the first residual r = f_0(X) − y,
  // and its outputs f(x) = f_0(x) + Θ(x, X) C r: after k steps, or for ever.
  function linear(kernel, n) {
    const { values, vectors } = eigen(kernel, n), largest = Math.max(0, values[n - 1]);
    const zero = 2 * Math.sqrt(n) * 2.2e-16 * largest; // along these nothing is learned
    function matrix(factor) {
      const c = new Float64Array(n * n);
      values.forEach((lambda, e) => {
        if (lambda <= zero) return;
        const by = factor(lambda), v = vectors[e];
        for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) c[i * n + j] += by * v[i] * v[j];
      });
      return c;
    }
    return {
      values,
      threshold: largest > 0 ? (2 * n) / largest : 1,
      after: (k, rate, momentum = 0) => matrix((lambda) => coefficient(lambda, k, rate / n, momentum)),
      ever: () => matrix((lambda) => -1 / lambda),
    };
  }

  return { kernels, eigen, coefficient, linear };
}
