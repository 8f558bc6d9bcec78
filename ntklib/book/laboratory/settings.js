// What can be set, and how does a setting stand in the address? Every setting is complete, and in its limits.
function laboratorySettings(normals) {
  const powers = (low, high) => Array.from({ length: high - low + 1 }, (_, i) => 2 ** (low + i));
  const range = (low, high) => Array.from({ length: high - low + 1 }, (_, i) => low + i);
  const MOST = 16;

  // name: [label, values, start, names of the values or null, group]; the names are ntklib's where it has them.
  const FIELDS = {
    preset: ["points", ["six", "step", "wave", "circle", "waves", "corners", "moons", "blobs", "own"], "circle",
      ["six on a line", "a jump", "a wave", "six on the circle", "a slow and a fast wave", "classes in the corners", "two moons", "two blobs", "your own"], "Data"],
    noise: ["noise", [0, 0.1, 0.2, 0.3, 0.5, 0.75, 1], 0, null, "Data"],
    width: ["width", powers(2, 11), 64, null, "Network"],
    depth: ["hidden layers", [1, 2, 3], 1, null, "Network"],
    activation: ["activation", ["relu", "erf", "tanh"], "relu", ["ReLU", "erf", "tanh"], "Network"],
    w_std: ["σ_w", [0.5, 0.75, 1, 1.25, Math.SQRT2, 1.5, 1.75, 2, 2.5, 3], Math.SQRT2, null, "Network"],
    b_std: ["σ_b", [0, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2], 0.5, null, "Network"],
    parameterization: ["scale", ["ntk", "standard", "mean_field"], "ntk", ["NTK", "standard", "mean field"], "Network"],
    networks: ["networks", [1, 20], 20, ["one", "twenty"], "Network"],
    seed: ["seed", range(0, 99), 1, null, "Network"],
    alpha: ["laziness α", [-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6].map((e) => 2 ** e), 1, null, "Training"],
    subtract: ["start subtracted", [false, true], true, null, "Training"],
    learning_rate: ["learning rate / threshold",
      [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 2.5, 3, 4], 0.5, null, "Training"],
    momentum: ["momentum", [0, 0.5, 0.8, 0.9, 0.95], 0, null, "Training"],
    speed: ["steps a frame", powers(0, 8), 1, null, "Training"],
    band: ["band of wide networks", [false, true], true, null, "Shown"],
    limit: ["kernel, infinite time", [false, true], true, null, "Shown"],
    linear: ["own linearisation", [false, true], false, null, "Shown"],
  };
  const names = Object.keys(FIELDS);
  const REACH = { line: 2, circle: 180, plane: 1 };
  const domainOf = (preset, domain) => ({ circle: "circle", waves: "circle", corners: "plane", moons: "plane", blobs: "plane", own: domain })[preset] || "line";

  const evenly = (n, f) => Array.from({ length: n }, (_, i) => f(-1 + (2 * i + 1) / n));
  const PRESETS = {
    six: () => [[-1.6, -0.4], [-1, 0.9], [-0.4, 0.3], [0.2, -1], [0.9, 0.7], [1.5, 0.2]],
    step: () => evenly(8, (t) => [1.8 * t, t < 0 ? -0.8 : 0.8]),
    wave: () => evenly(12, (t) => [1.8 * t, Math.sin(3 * t)]),
    circle: () => [[-140, -0.4], [-95, 0.9], [-40, 0.3], [15, -1], [60, 0.7], [130, 0.2]],
    waves: () => evenly(12, (t) => [180 * t, (Math.cos(Math.PI * t) + Math.cos(4 * Math.PI * t)) * 0.7]),
    corners: () => [[-0.7, -0.7, 1], [0.7, -0.7, -1], [0.7, 0.7, 1], [-0.7, 0.7, -1]], // the parity of two signs
    moons: () => evenly(12, (t) => {
      const turn = Math.PI * Math.abs(t), [x, y] = [Math.cos(turn), Math.sin(turn)]; // from end to end of each
      return t < 0 ? [(x - 0.5) * 0.58, (y - 0.25) * 0.7, 1] : [(0.5 - x) * 0.58, (0.25 - y) * 0.7, -1];
    }),
    blobs: () => evenly(12, (t) => {
      const side = Math.sign(t), turn = 2 * Math.PI * Math.abs(t), far = 0.2 + 0.15 * (Math.floor(6 * Math.abs(t)) % 2);
      return [side * 0.45 + far * Math.cos(turn), side * 0.35 + far * Math.sin(turn), side];
    }),
  };

  const nearest = (values, v) => values.reduce((best, each) => (Math.abs(each - v) < Math.abs(best - v) ? each : best));
  const within = (v, reach) => Math.max(-reach, Math.min(reach, v));
  const place = ([x, y, label], domain) => domain === "plane" ? [x, y].map((v) => Number(within(v, 1).toFixed(3))).concat(label < 0 ? -1 : 1) : [Number(within(x, REACH[domain]).toFixed(domain === "circle" ? 1 : 3)), Number(within(y, 2).toFixed(3))];

  function pointsOf(preset, noise, seed) {
    const normal = normals(seed, 1e6); // a stream that no network has
    const domain = domainOf(preset);
    return PRESETS[preset]().map(([x, y, label]) => { // of the targets; in the plane of the places
      if (domain !== "plane") return place([x, y + noise * normal()], domain);
      return place([x + 0.4 * noise * normal(), y + 0.4 * noise * normal(), label], domain);
    });
  }

  // A complete setting out of what there is of one; what is wrong or missing is replaced by what is nearest.
  function complete(some) {
    const setting = {};
    for (const name of names) {
      const [, values, start] = FIELDS[name], v = some[name];
      if (typeof start === "number") setting[name] = Number.isFinite(v) ? nearest(values, v) : start;
      else setting[name] = values.includes(v) ? v : start;
    }
    const domain = domainOf(setting.preset, REACH[some.domain] ? some.domain : "circle"), size = domain === "plane" ? 3 : 2;
    const points = (some.points || []).filter((p) => p.length === size && p.every(Number.isFinite)).slice(0, MOST);
    if (setting.preset === "own" && !points.length) setting.preset = FIELDS.preset[2];
    setting.domain = domainOf(setting.preset, domain);
    const own = setting.preset === "own";
    setting.points = own ? points.map((p) => place(p, setting.domain)) : pointsOf(setting.preset, setting.noise, setting.seed);
    return setting;
  }

  // The address holds what differs from the setting that the page opens with.
  function encode(setting) {
    const parts = names.filter((name) => setting[name] !== FIELDS[name][2]).map((name) => {
      const v = setting[name];
      return `${name}=${v === true ? 1 : v === false ? 0 : typeof v === "number" ? Number(v.toPrecision(4)) : v}`;
    });
    if (setting.preset === "own") parts.push(`domain=${setting.domain}`, "points=" + setting.points.map((p) => p.join(":")).join(","));
    return parts.join("&");
  }

  const plain = (text) => { try { return decodeURIComponent(text); } catch { return ""; } }; // a link may be damaged
  function decode(text) {
    const some = {};
    for (const part of text.replace(/^#/, "").split("&")) {
      const [name, value = ""] = part.split("=");
      if (name === "points") some.points = plain(value).split(",").map((p) => p.split(":").map(Number));
      else if (name === "domain") some.domain = value;
      else if (names.includes(name)) {
        const start = FIELDS[name][2];
        some[name] = typeof start === "number" ? (value === "" ? NaN : Number(value)) : typeof start === "boolean" ? value === "1" : value;
      }
    }
    return complete(some);
  }

  return { FIELDS, MOST, REACH, complete, encode, decode, place };
}
