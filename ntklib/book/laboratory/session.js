// What is trained, and what is read off it after each step? A session holds the networks and the kernel of one setting.
// The worker runs this; a page whose browser starts no worker runs it itself.
function laboratorySession(engine, limit) {
  "use strict";
  const ENSEMBLE = 20;
  const LOST = 1e12; // a loss so many times the first one is divergence
  let run = null, kept = { key: "", starts: [] };

  // Points of the line are inputs as they are; angles in degrees are points of a circle of radius √2.
  // Points of the plane are inputs as they are, two numbers each.
  function inputsOf(domain, places) {
    if (domain === "plane") return { size: 2, x: Float64Array.from(places), n: places.length / 2 };
    if (domain !== "circle") return { size: 1, x: Float64Array.from(places), n: places.length };
    const turn = places.map((degrees) => (degrees * Math.PI) / 180);
    return { size: 2, x: Float64Array.from(turn.flatMap((a) => [Math.SQRT2 * Math.cos(a), Math.SQRT2 * Math.sin(a)])), n: places.length };
  }

  // Where the curves are computed: fewer places where one pass takes a second.
  const costly = ({ depth, width }) => depth > 1 && width > 512;
  function gridOf(settings, count) {
    if (settings.domain === "plane") return planeOf(settings, count);
    const [low, high] = settings.domain === "circle" ? [-180, 180] : [-2, 2], places = costly(settings) ? 41 : 121;
    return Float64Array.from({ length: places }, (_, i) => low + ((high - low) * i) / (places - 1));
  }

  // A square of places, in rows: as many as a pass over them costs little against the drawing of a frame.
  function planeOf({ depth, width }, networks) {
    const cost = networks * width * (depth === 1 ? 2 : (depth - 1) * width), side = Math.sqrt(1.5e6 / cost) | 0;
    const g = Math.max(depth === 1 ? 17 : 13, Math.min(25, side)), at = (i) => -1 + (2 * i) / (g - 1);
    return Float64Array.from({ length: 2 * g * g }, (_, k) => at(k % 2 ? Math.floor(k / 2 / g) : (k / 2) % g));
  }

  // So many networks of deeper and wider kinds would take seconds a step, and gigabytes.
  const networksOf = ({ networks, depth, width }) => (networks > 1 && (depth === 1 || width <= 256) ? ENSEMBLE : 1);

  // The networks of a seed at the start, with their outputs on the grid; kept while only the data move.
  function startsOf(settings, spec, count, inputs, grid) {
    const { width, seed, domain } = settings, key = JSON.stringify([spec, width, seed, domain, count]);
    if (kept.key !== key) {
      kept = { key: "", starts: [] }; // memory first
      const starts = Array.from({ length: count }, (_, number) => {
        const net = engine.draw(spec, inputs, width, seed, number);
        return { net, onGrid: engine.forward(net, grid.x, engine.space(net, grid.n, false)).slice() };
      });
      kept = { key, starts };
    }
    return kept.starts;
  }

  const times = (a, b, n) => { // (m, n) times (n)
    const out = new Float64Array(a.length / n);
    for (let i = 0; i < out.length; i++) for (let j = 0; j < n; j++) out[i] += a[i * n + j] * b[j];
    return out;
  };
  const plus = (a, b) => a.map((v, i) => v + b[i]);
  const norm = (a) => Math.sqrt(a.reduce((sum, v) => sum + v * v, 0));
  const mean = (list) => list.reduce((sum, v) => sum + v, 0) / list.length;
  const meanOf = (arrays) => arrays[0].map((_, i) => mean(arrays.map((a) => a[i])));
  const within = (v) => (v > -1e150 && v < 1e150 ? v : v < 0 ? -1e150 : 1e150); // what has diverged stays a number

  function configure(settings) {
    const { depth, activation, w_std, b_std, parameterization, points, width, alpha, subtract } = settings;
    const spec = { depth, activation, w_std, b_std, parameterization }, n = points.length, count = networksOf(settings);
    const train = inputsOf(settings.domain, points.flatMap((p) => p.slice(0, -1))), places = gridOf(settings, count);
    const grid = inputsOf(settings.domain, [...places]), y = Float64Array.from(points.map((p) => p.at(-1)));
    const { start, tangent } = limit.kernels(spec, train.size, width, train.x);
    const cross = limit.kernels(spec, train.size, width, grid.x, train.x), model = limit.linear(tangent, n);
    const variance = Array.from({ length: settings.domain === "plane" ? 0 : grid.n }, (_, i) => {
      const x = grid.x.slice(i * train.size, (i + 1) * train.size);
      return limit.kernels(spec, train.size, width, x).start[0];
    });
    run = null; // memory first: what is computed until here has not needed the networks before
    const nets = startsOf(settings, spec, count, train.size, grid).map(({ net, onGrid }) => {
      const trained = engine.copy(net), pass = engine.space(net, n), f0 = engine.forward(net, train.x, pass).slice();
      engine.backward(net, pass);
      const first = (f) => (subtract ? f.map(() => 0) : f.map((v) => alpha * v));
      const kernel = engine.tangentKernel(net, train.x, pass), velocity = settings.momentum ? engine.copy(net) : null;
      if (velocity) velocity.layers.forEach((l) => { l.weight.fill(0); if (l.bias) l.bias.fill(0); });
      return {
        start: net, net: trained, pass, velocity, f0: subtract ? f0 : f0.map(() => 0), g0: subtract ? onGrid : onGrid.map(() => 0),
        first: first(f0), firstOnGrid: first(onGrid), kernel, kernel0: kernel.slice(), lost: false, loss: 0, outputs: null,
      };
    });
    run = {
      settings, n, x: train.x, y, grid, places, nets, model, start, tangent, cross, variance, alpha, step: 0,
      rate: settings.learning_rate * model.threshold, wide: engine.space(nets[0].net, grid.n, false),
      ever: model.ever(),
    };
    nets.forEach(look);
    run.most = LOST * (1e-3 + Math.max(...nets.map((net) => net.loss)));
    return snapshot();
  }

  // The outputs, the loss and what comes back, of a network as it is now.
  function look(each) {
    const f = engine.forward(each.net, run.x, each.pass);
    each.outputs = f.map((v, i) => run.alpha * (v - each.f0[i]));
    each.loss = each.outputs.reduce((sum, v, i) => sum + (v - run.y[i]) ** 2, 0) / (2 * run.n);
    if (!(each.loss < run.most) && run.most !== undefined) each.lost = true;
    engine.backward(each.net, each.pass);
  }

  // One step of gradient descent on the mean loss over α², of each network that has not diverged.
  function step() {
    for (const each of run.nets) {
      if (each.lost) continue;
      const pull = each.outputs.map((v, i) => (v - run.y[i]) / (run.n * run.alpha));
      engine.descend(each.net, run.x, each.pass, pull, run.rate, run.settings.momentum, each.velocity);
      look(each);
    }
    run.step++;
  }

  // Up to so many steps, at least one, for about so many milliseconds.
  function advance(steps, budget = Infinity, linear = run.settings.linear) {
    run.settings.linear = linear; // what is shown may change in between
    const end = performance.now() + budget;
    for (let k = 0; k < steps && run.nets.some((each) => !each.lost); k++) {
      step();
      if (performance.now() > end) break;
    }
    return snapshot();
  }

  // Twice the standard deviation of the outputs, over random starts, at this step: the theorem on the ensemble. Its
  // centre is the mean over all starts, which is zero at first.
  function bandOf(operator) {
    const { n, grid, cross, start, variance, alpha } = run, band = new Float64Array(grid.n);
    for (let g = 0; g < grid.n; g++) {
      const row = cross.tangent.subarray(g * n, g * n + n), a = times(operator, row, n); // C is symmetric
      let v = variance[g];
      for (let i = 0; i < n; i++) {
        v += 2 * a[i] * cross.start[g * n + i];
        for (let j = 0; j < n; j++) v += a[i] * a[j] * start[i * n + j];
      }
      band[g] = within(2 * alpha * Math.sqrt(Math.max(0, v)));
    }
    return band;
  }

  // Where the first units of the first layer point: at the start (two numbers), now (two), and the sign of the readout,
  // which only a network of one hidden layer has; lengths in the root mean square of the start. And how far all have
  // turned, in degrees. There are none on the line, where a unit points left or right.
  const SHOWN = 256;
  function unitsOf({ net, start }) {
    const { fanIn, fanOut, weight } = net.layers[0], first = start.layers[0].weight;
    if (fanIn !== 2) return { units: new Float64Array(0), unitTurn: 0 };
    const size = norm(first) / Math.sqrt(fanOut), readout = net.layers.length === 2 ? net.layers[1].weight : null;
    const units = new Float64Array(5 * Math.min(SHOWN, fanOut));
    let turned = 0;
    for (let j = 0; j < fanOut; j++) {
      const [a, b, c, d] = [first[2 * j], first[2 * j + 1], weight[2 * j], weight[2 * j + 1]];
      turned += Math.abs(Math.atan2(a * d - b * c, a * c + b * d));
      if (5 * j < units.length) units.set([a / size, b / size, within(c / size), within(d / size), readout ? Math.sign(readout[j]) : 0], 5 * j);
    }
    return { units, unitTurn: ((turned / fanOut) * 180) / Math.PI || 0 };
  }

  // A network's linearisation at its start: its kernel there, on the points and from the grid. Kept until the start is another.
  function linearisation({ start, kernel0 }) {
    const passes = [run.x, run.grid.x].map((x) => {
      const pass = engine.space(start, x.length / start.layers[0].fanIn);
      engine.forward(start, x, pass);
      engine.backward(start, pass);
      return pass;
    });
    return { model: limit.linear(kernel0, run.n), cross: engine.crossKernel(start, run.grid.x, passes[1], run.x, passes[0]) };
  }
  // What all linearisations say at this step: their means, and how far the networks are from their own.
  function linearised(counted) {
    if (!run.settings.linear) return {};
    const { step, rate, y, n, settings } = run, said = counted.map(({ each, onGrid }) => {
      const { model, cross } = each.linear ??= linearisation(each), residual = each.first.map((v, i) => v - y[i]);
      const c = times(model.after(step, rate, settings.momentum), residual, n), grid = plus(each.firstOnGrid, times(cross, c, n)).map(within);
      const outputs = plus(each.first, times(each.kernel0, c, n)).map(within);
      return { grid, outputs, distance: within(Math.sqrt(mean(Array.from(onGrid, (v, i) => (v - grid[i]) ** 2)))) };
    });
    return {
      linearOutputs: meanOf(said.map((s) => s.outputs)), gridLinearOutputs: meanOf(said.map((s) => s.grid)),
      linearDistance: mean(said.map((s) => s.distance)),
    };
  }

  function snapshot() {
    const { n, y, nets, grid, settings, model, step, alpha } = run;
    const operator = model.after(step, run.rate, settings.momentum);
    const seen = nets.map((each) => {
      const residual = each.first.map((v, i) => v - y[i]), c = times(operator, residual, n);
      const kernelOutputs = plus(each.first, times(run.tangent, c, n)).map(within);
      const onGrid = engine.forward(each.net, grid.x, run.wide).map((v, i) => within(alpha * (v - each.g0[i])));
      const kernelOnGrid = plus(each.firstOnGrid, times(run.cross.tangent, c, n)).map(within);
      const ever = plus(each.firstOnGrid, times(run.cross.tangent, times(run.ever, residual, n), n));
      each.kernel = engine.tangentKernel(each.net, run.x, each.pass);
      const [moved, size] = engine.lengths(each.net, each.start);
      return {
        each, onGrid, kernelOnGrid, kernelOutputs, ever, outputs: each.outputs.map(within), loss: within(each.loss),
        kernelLoss: within(kernelOutputs.reduce((sum, v, i) => sum + (v - y[i]) ** 2, 0) / (2 * n)),
        kernelChange: within(norm(each.kernel.map((v, i) => v - each.kernel0[i])) / (norm(each.kernel0) || 1)),
        kernelDistance: within(norm(each.kernel0.map((v, i) => v - run.tangent[i])) / (norm(run.tangent) || 1)),
        parameterMotion: within(moved / (size || 1)),
        distance: within(Math.sqrt(mean(Array.from(onGrid, (v, i) => (v - kernelOnGrid[i]) ** 2)))),
      };
    });
    const living = seen.filter((_, k) => !nets[k].lost), counted = living.length ? living : seen; // what is lost stands still
    const average = (name) => mean(counted.map((each) => each[name])), averages = (name) => meanOf(counted.map((each) => each[name]));
    const curves = new Float64Array(nets.length * grid.n);
    seen.forEach(({ onGrid }, k) => curves.set(onGrid, k * grid.n));
    return {
      step, time: step * run.rate, loss: average("loss"), kernelLoss: average("kernelLoss"), settings, networks: nets.length,
      outputs: averages("outputs"), kernelOutputs: averages("kernelOutputs"),
      grid: run.places.slice(), gridOutputs: averages("onGrid"), curves,
      gridKernelOutputs: averages("kernelOnGrid"), limitOutputs: averages("ever"),
      band: settings.subtract || !run.variance.length ? null : bandOf(operator), bandCentre: times(run.cross.tangent, times(operator, y.map((v) => -v), n), n).map(within), kernelChange: average("kernelChange"),
      kernelDistance: average("kernelDistance"), parameterMotion: average("parameterMotion"), distance: average("distance"),
      empiricalKernel: nets[0].kernel.map(within), limitKernel: run.tangent.slice(), threshold: model.threshold, learningRate: run.rate,
      ...linearised(counted), ...unitsOf(nets[0]), diverged: nets.filter((each) => each.lost).length,
    };
  }

  return { configure, advance };
}
