// Draws the explorers: on a page of the book from the drawings that are stored in it, in a notebook what Python answers.
// On a page it is a plain script, which also works from file://; to the widget explorer_live.js is added.
const explorer = (() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  let made = 0;

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  };
  const draw = (name, attributes = {}, ...children) => {
    const element = document.createElementNS(SVG, name);
    put(element, attributes);
    element.append(...children);
    return element;
  };
  const put = (node, attributes) => { for (const key in attributes) node.setAttribute(key, attributes[key]); };

  // ---------------------------------------- numbers

  const superscript = (n) => String(n).replace(/./g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
  // −12,345.678: the digits before the point are grouped
  const signed = (text) => text.replace("-", "−").replace(/(?<!\.\d*)\d(?=(\d{3})+(?!\d))/g, "$&,");
  // Numbers as Python writes them, 5.76e-07 and -1, in the way of the axes.
  const typeset = (text) => text.replace(/(\d)e([+-]\d+)/g, (_, digit, power) => digit + "×10" + superscript(Number(power)))
    .replace(/(^|[\s(=])-(?=[\d.])/g, "$1−").replace(/ %/g, "\u00a0%");

  // A number with as many digits as `step` tells apart.
  function format(value, step = 0) {
    if (!isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size <= step * 1e-6) return "0";
    if (size >= 1e6 || size < 1e-4) {
      const digits = step ? Math.max(0, Math.floor(Math.log10(size)) - Math.floor(Math.log10(step))) : 3;
      const [mantissa, exponent] = value.toExponential(Math.min(digits, 6)).split("e");
      const short = String(Number(mantissa));
      const power = "10" + superscript(Number(exponent));
      return short === "1" ? power : short === "-1" ? "−" + power : signed(short) + "×" + power;
    }
    if (!step) return signed(String(Number(value.toPrecision(6))));
    const text = value.toFixed(Math.min(10, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))));
    return signed(Number(text) === 0 ? "0" : text);
  }

  function linearTicks(low, high, count) {
    const rough = (high - low) / Math.max(1, count);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
    const ticks = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
      ticks.push({ at: k * step, text: format(k * step, step) });
    }
    return ticks.length < 3 && count < 12 ? linearTicks(low, high, 1.5 * count) : ticks;
  }

  function logTicks(low, high, count) {
    const first = Math.floor(Math.log10(low) + 1e-9), last = Math.ceil(Math.log10(high) - 1e-9);
    const decades = Math.log10(high / low);
    if (decades < 0.7) return linearTicks(low, high, count);
    const inside = (at) => at >= low * (1 - 1e-9) && at <= high * (1 + 1e-9);
    const ticks = [], digits = decades > count ? [1] : decades * 3 > count * 1.5 ? [1] : [1, 2, 5];
    const every = Math.max(1, Math.ceil(decades / Math.max(1, count)));
    const powers = low < 0.9e-3 || high > 1.1e5;
    for (let power = first; power <= last; power++) {
      for (let digit = 1; digit < 10; digit++) {
        const at = digit * 10 ** power;
        if (!inside(at)) continue;
        const labelled = digits.includes(digit) && (digit > 1 || power % every === 0);
        if (labelled) {
          const text = powers ? (digit > 1 ? digit + "×" : "") + "10" + superscript(power) : format(at);
          ticks.push({ at, text });
        } else if (every === 1) ticks.push({ at, text: "" });
      }
    }
    return ticks;
  }

  function scaleOf([low, high], kind, from, to) {
    const map = kind === "log" ? Math.log10 : (v) => v;
    const start = map(low), factor = (to - from) / (map(high) - map(low));
    return (v) => Math.max(-1e5, Math.min(1e5, from + (map(v) - start) * factor));
  }

  // ---------------------------------------- what a page stores

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const buffer = await new Response(stream).arrayBuffer();
    const size = new DataView(buffer).getUint32(0, true);
    const spec = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
    let codes = 0, floats = 0;
    const places = spec.arrays.map(([n, low]) => (low === undefined ? (floats += n) - n : (codes += n) - n));
    const high = new Uint8Array(buffer, 4 + size, codes), low = new Uint8Array(buffer, 4 + size + codes, codes);
    const rest = new DataView(buffer, 4 + size + 2 * codes);
    const known = [];
    const array = (index) => {
      if (known[index]) return known[index];
      const [n, least, greatest, log] = spec.arrays[index], place = places[index], out = new Float64Array(n);
      for (let i = 0, code = 0; i < n; i++) {
        if (least === undefined) { out[i] = rest.getFloat32(4 * (place + i), true); continue; }
        code = (code + (high[place + i] << 8) + low[place + i]) & 65535;
        const v = least + (code / 65534) * (greatest - least);
        out[i] = code === 65535 ? NaN : log ? 10 ** v : v;
      }
      if (least !== undefined) out.step = log ? -1e-3 : (greatest - least) / 65534; // as finely as they are stored
      return (known[index] = out);
    };
    const counts = spec.items.map((item) => ({ band: 3, image: 3, rule: 1 })[item.kind] || 2);
    const sizes = spec.parameters.map((p) => p.values.length);
    const strides = sizes.map((_, k) => sizes.slice(k + 1).reduce((a, b) => a * b, 1));
    const digit = (index, k) => Math.floor(index / strides[k]) % sizes[k];
    // A slider that changes nothing with these choices, wherever the other sliders stand.
    const isIdle = (p, k, now) => p.kind === "slider" && spec.frames.every((row, i) => {
      const other = i - digit(i, k) * strides[k];
      return spec.parameters.some((q, j) => q.kind !== "slider" && digit(i, j) !== digit(now, j))
        || (spec.text[i] === spec.text[other] && String(row) === String(spec.frames[other]));
    });
    const answer = (setting) => {
      const index = spec.parameters.reduce((sum, p, k) => sum + p.values.indexOf(setting[k]) * strides[k], 0), row = spec.frames[index];
      let next = 0;
      return {
        idle: spec.parameters.map((p, k) => isIdle(p, k, index)),
        setting, limits: spec.limits, text: typeset(spec.texts[spec.text[index]]), columns: spec.items.map((item) => item.columns),
        arrays: counts.map((count) => row.slice(next, (next += count)).map(array)),
      };
    };
    return { spec, answer };
  }

  // ---------------------------------------- shapes

  const at = (x, y) => x.toFixed(2) + " " + y.toFixed(2);

  function linePath(xs, ys, sx, sy) {
    const n = xs.length;
    let path = "";
    for (let start = 0; start < ys.length; start += n) {
      let pen = "M";
      for (let i = 0; i < n; i++) {
        const y = ys[start + i];
        if (isNaN(y)) { pen = "M"; continue; }
        path += pen + at(sx(xs[i]), sy(y));
        pen = "L";
      }
    }
    return path;
  }

  function bandPath(xs, lower, upper, sx, sy) {
    let path = "";
    for (let i = 0, end; i < xs.length; i = end + 1) {
      for (end = i; end < xs.length && !isNaN(lower[end]) && !isNaN(upper[end]); end++);
      if (end - i < 2) continue;
      const points = [];
      for (let k = i; k < end; k++) points.push(at(sx(xs[k]), sy(upper[k])));
      for (let k = end - 1; k >= i; k--) points.push(at(sx(xs[k]), sy(lower[k])));
      path += "M" + points.join("L") + "Z";
    }
    return path;
  }

  function barPath(edges, heights, sx, base, sy) {
    let path = "";
    heights.forEach((height, i) => {
      if (isNaN(height)) return;
      const left = sx(edges[i]).toFixed(2), right = sx(edges[i + 1]).toFixed(2);
      path += `M${left} ${base.toFixed(2)}V${sy(height).toFixed(2)}H${right}V${base.toFixed(2)}Z`;
    });
    return path;
  }

  const round = (r) => `m${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  const MARKERS = {
    circle: [3.6, round],
    ring: [7, round],
    square: [3.4, (r) => `m${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`],
    triangle: [4.4, (r) => `m0 ${-r}l${r} ${1.8 * r}h${-2 * r}z`],
    diamond: [4.6, (r) => `m0 ${-r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`],
    cross: [3.6, (r) => `m${-r} ${-r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`],
  };
  const marker = (name, scale = 1) => MARKERS[name][1](MARKERS[name][0] * scale);

  function pointPath(xs, ys, name, sx, sy) {
    const shape = marker(name, xs.length > 300 ? 0.6 : 1);
    let path = "";
    for (let i = 0; i < xs.length; i++) if (!isNaN(ys[i])) path += "M" + at(sx(xs[i]), sy(ys[i])) + shape;
    return path;
  }

  // Marching squares over the centres of the cells, and to the edge with the values of the outermost.
  function contourPath(z, columns, [x0, x1], [y0, y1], level, sx, sy) {
    const rows = z.length / columns, within = (v, n) => Math.max(0, Math.min(n, v));
    const part = (v, n, a, b) => a + (within(v + 0.5, n) / n) * (b - a);
    const place = (r, c) => at(sx(part(c, columns, x0, x1)), sy(part(r, rows, y0, y1)));
    let path = "";
    for (let r = -1; r < rows; r++) {
      for (let c = -1; c < columns; c++) {
        const corners = [[r, c], [r, c + 1], [r + 1, c + 1], [r + 1, c]];
        const values = corners.map(([i, j]) => z[within(i, rows - 1) * columns + within(j, columns - 1)] - level);
        if (values.some(isNaN)) continue;
        const cuts = [];
        for (let k = 0; k < 4; k++) {
          const a = values[k], b = values[(k + 1) % 4];
          if (a < 0 === b < 0) continue;
          const [r1, c1] = corners[k], [r2, c2] = corners[(k + 1) % 4], t = a / (a - b);
          cuts.push(place(r1 + t * (r2 - r1), c1 + t * (c2 - c1)));
        }
        // with four cuts the mean decides which corners belong together
        if (cuts.length === 4 && values[0] < 0 === values[0] + values[1] + values[2] + values[3] < 0) cuts.unshift(cuts.pop());
        for (let k = 0; k < cuts.length; k += 2) path += "M" + cuts[k] + "L" + cuts[k + 1];
      }
    }
    return path;
  }

  function colorTable(stops) {
    const parsed = stops.map((s) => [1, 3, 5].map((i) => parseInt(s.slice(i, i + 2), 16)));
    return Array.from({ length: 256 }, (_, i) => {
      const t = (i / 255) * (parsed.length - 1), k = Math.min(Math.floor(t), parsed.length - 2);
      return parsed[k].map((a, c) => Math.round(a + (t - k) * (parsed[k + 1][c] - a)));
    });
  }

  function paint(canvas, z, columns, [low, high], stops, flipX, flipY) {
    const rows = z.length / columns, colors = colorTable(stops);
    canvas.width = columns;
    canvas.height = rows;
    const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
    for (let i = 0; i < z.length; i++) {
      if (isNaN(z[i])) continue;
      const r = Math.floor(i / columns), c = i % columns;
      const to = 4 * ((flipY ? r : rows - 1 - r) * columns + (flipX ? columns - 1 - c : c));
      const color = colors[Math.max(0, Math.min(255, Math.round((255 * (z[i] - low)) / (high - low))))];
      image.data.set(color, to);
      image.data[to + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  // ---------------------------------------- light or dark

  function colorsBehind(element) {
    const luminance = (color) => {
      const [r, g, b, a = 1] = (color.match(/[\d.]+/g) || []).map(Number);
      return a < 0.5 || b === undefined ? null : (0.2126 * r + 0.7152 * g + 0.0722 * b) / (color.includes("srgb") ? 1 : 255);
    };
    for (let node = element; node; node = node.parentElement || node.getRootNode().host) {
      const color = getComputedStyle(node).backgroundColor, light = luminance(color);
      if (light !== null) return { surface: color, dark: light < 0.4 };
    }
    const ink = luminance(getComputedStyle(element).color);
    return ink !== null && ink > 0.6 ? { surface: "#14181e", dark: true } : { surface: "#ffffff", dark: false };
  }

  const STYLE = `
  :host { display: block; margin: 0.5rem 0; font-size: 1rem; line-height: 1.45; text-align: start; }
  .all { --ink: var(--pst-color-text-base, var(--jp-content-font-color1, #24292f));
    --faint: var(--pst-color-text-muted, var(--jp-content-font-color2, #57606a)); --accent: #1f6fb4;
    color: var(--ink); max-width: 46rem; margin: 0 auto; position: relative; }
  .all.dark { --accent: #6cb4ee; color-scheme: dark; }
  .title { font-weight: 600; margin: 0 0 0.15rem; }
  .legend { display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; list-style: none; margin: 0 0 0.4rem; padding: 0;
    font-size: 0.875rem; }
  .legend li { display: flex; align-items: center; gap: 0.45rem; }
  .legend canvas { width: 5rem; height: 0.7rem; border-radius: 2px; }
  .plot { position: relative; }
  .title, .legend li, .text, .note, .setting, .value, label { unicode-bidi: plaintext; }
  .plot, .legend canvas, .reading, input:is([type="range"], [type="number"]), .numbers { direction: ltr; unicode-bidi: isolate; }
  .plot svg { display: block; position: relative; overflow: visible; font-size: 12.5px; font-variant-numeric: tabular-nums; }
  .plot canvas { position: absolute; }
  .axis { stroke: var(--faint); stroke-width: 1; fill: none; opacity: 0.75; }
  .lines { stroke: var(--ink); stroke-width: 1; fill: none; opacity: 0.09; }
  .label, .tick { fill: var(--faint); }
  .label { fill: var(--ink); }
  .controls { display: grid; gap: 0.15rem 0.8rem; grid-template-columns: max-content minmax(6rem, 1fr) max-content;
    align-items: center; margin: 0.5rem 0 0.3rem; font-size: 0.9375rem; }
  .views button { white-space: normal; text-align: start; margin: 0 0.4rem 0.3rem 0; }
  .value { min-width: 6.5rem; display: flex; align-items: center; gap: 0.6rem; font-variant-numeric: tabular-nums; }
  .reading { min-width: 3rem; }
  input, select, button, summary { font: inherit; color: inherit; }
  input[type="range"] { width: 100%; min-height: 28px; margin: 0; accent-color: var(--accent); cursor: pointer; }
  input[type="checkbox"] { width: 20px; height: 20px; margin: 4px 0; accent-color: var(--accent); justify-self: start; }
  input[type="number"] { width: 6.5rem; }
  input[type="number"], select, button { background: transparent; border: 1px solid var(--faint); border-radius: 4px;
    min-height: 28px; padding: 0.05rem 0.5rem; }
  select { justify-self: start; max-width: 100%; }
  option { color: #24292f; background: #fff; }
  .dark option { color: #e6e6e6; background: #22272e; }
  button { cursor: pointer; white-space: nowrap; min-width: 6.2rem; }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
  .text { margin: 0.35rem 0 0; min-height: 1.45em; font-variant-numeric: tabular-nums; }
  .setting { display: none; }
  .note { margin: 0.1rem 0 0; color: var(--faint); font-size: 0.8125rem; min-height: 1.45em; }
  .problem { margin: 0.35rem 0; padding: 0.4rem 0.7rem; border: 1px solid #c62f2f; border-left-width: 5px; border-radius: 4px;
    overflow-wrap: anywhere; }
  .problem:empty { display: none; }
  progress { width: 8rem; height: 0.6rem; accent-color: var(--accent); margin-right: 0.5rem; }
  .busy svg, .busy canvas { opacity: 0.55; }
  summary { cursor: pointer; font-size: 0.875rem; padding: 0.15rem 0; }
  .numbers { overflow: auto; max-height: 18rem; font-size: 0.8125rem; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0.3rem 0 0.8rem; }
  caption { text-align: start; font-weight: 600; padding: 0.2rem 0; }
  th, td { text-align: end; padding: 0.1rem 0.8rem 0.1rem 0; border-bottom: 1px solid color-mix(in srgb, currentcolor 15%, transparent);
    white-space: nowrap; }
  th { font-weight: 600; }
  .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  @media (pointer: coarse) { input[type="range"], select, button, summary { min-height: 44px; } }
  @media (max-width: 480px) {
    .controls { grid-template-columns: minmax(0, 1fr) max-content; }
    .controls label { grid-column: 1 / -1; margin-top: 0.2rem; }
    .controls label.check { grid-column: 1; } /* beside its box */
    .value:empty { display: none; }
    .value { min-width: 5rem; }
  }
  @media print {
    .controls, .views, details, .note { display: none; }
    .setting { display: block; margin: 0.35rem 0 0; }
    .plot svg { width: 100%; height: auto; }
  }
  @media (forced-colors: active) { .plot { forced-color-adjust: none; background: Canvas; } }
  `;

  // ---------------------------------------- an explorer

  // `ask(setting)` has drawings come to the returned `show`, at once or later. `live` is whether Python answers.
  function build(host, spec, { live, ask }) {
    const id = "explorer" + ++made;
    const shadow = host.shadowRoot || host.attachShadow({ mode: "open" });
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const element = {
      title: make("div", { class: "title", id: id + "title" }, spec.title),
      legend: make("ul", { class: "legend" }),
      plot: make("div", { class: "plot" }),
      svg: draw("svg", { role: "img" }),
      controls: make("div", { class: "controls" }),
      views: make("div", { class: "views" }),
      setting: make("p", { class: "setting" }),
      text: make("p", { class: "text" }),
      problem: make("div", { class: "problem", role: "alert" }),
      note: make("p", { class: "note" }),
      numbers: make("div", { class: "numbers", role: "region", tabindex: "0", "aria-label": "The numbers of " + spec.title }),
      heard: make("div", { class: "heard", role: "status", "aria-live": "polite" }),
    };
    const details = make("details", {}, make("summary", {}, "Show the numbers"), element.numbers);
    element.plot.append(element.svg);
    const all = make("div", { class: "all", role: "group", "aria-labelledby": id + "title" },
      element.title, element.legend, element.plot, element.controls, element.views, element.setting,
      element.text, element.problem, details, element.note, element.heard);
    if (spec.text_above) element.plot.before(element.text);
    shadow.replaceChildren(make("style", {}, STYLE), all);

    let setting = spec.start.slice(), shown = null, colors = null, hearing = 0, playing = 0, waiting = 0;
    const zero = spec.items.map(() => null);
    const nodes = spec.items.map((item) => {
      const node = { path: draw("path", { "data-item": item.name }), rest: [] };
      if (item.kind === "image") {
        node.canvas = make("canvas", { "aria-hidden": "true" });
        node.rest.push(draw("path", { "stroke-dasharray": "5 4" })); // the contours other than zero
        element.plot.insertBefore(node.canvas, element.svg);
      }
      return node;
    });
    const frame = draw("g"), clip = draw("rect"), inside = draw("g", { "clip-path": `url(#${id}clip)` });
    inside.append(...nodes.flatMap((node) => [node.path, ...node.rest]));
    element.svg.append(draw("clipPath", { id: id + "clip" }, clip), frame, inside);

    // -- controls
    const said = (p, value) => (p.kind === "slider" ? format(value) + (p.unit ? " " + p.unit : "") : p.kind === "check" ? (value ? "on" : "off") : value);
    const nearest = (p, value) => p.values.reduce((best, v, i) => (Math.abs(v - value) < Math.abs(p.values[best] - value) ? i : best), 0);
    const controls = spec.parameters.map((p, k) => {
      const name = id + "p" + k, label = make("label", { for: name, class: p.kind }, p.label), value = make("span", { class: "value" });
      const set = (v) => { stop(); change(k, v); };
      let input, update, rename = () => {};
      if (p.kind === "check") {
        input = make("input", { type: "checkbox", id: name });
        input.addEventListener("change", () => set(input.checked));
        update = (v) => { input.checked = v; };
      } else if (p.kind === "choice") {
        input = make("select", { id: name }, ...p.values.map((v) => make("option", { value: v }, v)));
        input.addEventListener("change", () => set(input.value));
        update = (v) => { input.value = v; };
      } else {
        const last = p.values.length - 1, page = Math.max(1, Math.round(last / 5));
        input = make("input", { type: "range", id: name, min: 0, max: last, step: 1 });
        input.addEventListener("input", () => set(p.values[Number(input.value)]));
        input.addEventListener("keydown", (event) => { // a notebook cancels what a browser does with some of these
          const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -page, PageUp: page };
          const to = { Home: 0, End: last }[event.key] ?? Number(input.value) + steps[event.key];
          if (isNaN(to) || event.ctrlKey || event.altKey || event.metaKey) return;
          event.preventDefault();
          set(p.values[Math.max(0, Math.min(last, to))]);
        });
        const low = Math.min(...p.values), high = Math.max(...p.values);
        const exact = live
          ? make("input", { type: "number", min: low, max: high, step: p.whole ? 1 : "any", "aria-label": p.label + ", any value" })
          : make("span", { class: "reading", "aria-hidden": "true" }); // the slider itself says it
        value.append(exact);
        if (live && p.unit) value.append(p.unit);
        const commit = () => {
          const wanted = exact.valueAsNumber;
          if (isNaN(wanted)) return update(setting[k]);
          set(Math.max(low, Math.min(high, p.whole ? Math.round(wanted) : wanted)));
        };
        if (live) exact.addEventListener("change", commit);
        if (live) exact.addEventListener("keydown", (event) => event.key === "Enter" && commit()); // a notebook cancels it
        update = (v) => {
          input.value = nearest(p, v);
          input.setAttribute("aria-valuetext", said(p, v));
          if (live) exact.value = v;
          else exact.textContent = said(p, v);
        };
        if (p.name === spec.play) {
          const button = make("button", { type: "button", id: id + "play" });
          button.addEventListener("click", () => play(k));
          value.append(button);
          rename = () => {
            const [sign, word] = still.matches ? ["", "Step"] : playing ? ["❚❚ ", "Pause"] : ["▶ ", "Play"];
            button.textContent = sign + word;
            button.setAttribute("aria-label", word + ", " + p.label);
          };
          still.addEventListener("change", rename);
          rename();
        }
      }
      element.controls.append(label, input, value);
      return { update, rename, input };
    });

    const change = (k, value) => go(setting.map((v, j) => (j === k ? value : v)));
    function go(to, asking = true) {
      controls.forEach((control, k) => control.update(to[k]));
      if (to.every((value, k) => value === setting[k])) return;
      setting = to;
      clearTimeout(waiting);
      waiting = setTimeout(() => busy(true), 150);
      if (asking) ask(to.slice());
    }
    element.views.append(...spec.views.map(([name, to]) => {
      const button = make("button", { type: "button" }, name);
      button.addEventListener("click", () => { stop(); go(setting.map((v, k) => to[spec.parameters[k].name] ?? v)); });
      return button;
    }));
    function busy(is) {
      clearTimeout(waiting);
      all.classList.toggle("busy", is);
      all.setAttribute("aria-busy", is);
      if (is) element.note.textContent = "Computing …";
    }
    function stop() {
      clearInterval(playing);
      playing = 0;
      controls.forEach((control) => control.rename());
    }
    function play(k) {
      const { values } = spec.parameters[k], place = () => nearest(spec.parameters[k], setting[k]);
      if (still.matches) return change(k, values[(place() + 1) % values.length]);
      if (playing) { stop(); announce(); return; }
      if (place() === values.length - 1) change(k, values[0]);
      playing = setInterval(() => {
        if (all.classList.contains("busy")) return;
        if (place() < values.length - 1) change(k, values[place() + 1]);
        if (place() === values.length - 1) { stop(); announce(); }
      }, Math.max(50, Math.min(600, 6000 / values.length)));
      controls[k].rename();
    }

    // -- what is said
    const inWords = () => spec.parameters.map((p, k) => p.label + " " + said(p, setting[k])).join(", ");
    function announce() {
      clearTimeout(hearing);
      if (playing) return;
      hearing = setTimeout(() => { element.heard.textContent = inWords() + ". " + shown.text; }, 350);
    }

    // -- what is drawn
    function legend() {
      element.legend.replaceChildren(...spec.items.flatMap((item, k) => {
        if (!item.name) return [];
        if (item.kind === "image") {
          const [low, high] = limitsOf(k), unit = (high - low) / 500, near = (v) => format(Number((Math.round(v / unit) * unit).toPrecision(3)));
          const bar = make("canvas", { "aria-hidden": "true" });
          paint(bar, Float64Array.from({ length: 64 }, (_, i) => i), 64, [0, 63], item.colors[colors.dark ? 1 : 0], false, false);
          return [make("li", {}, item.name, make("span", {}, near(low)), bar, make("span", {}, near(high)))];
        }
        const swatch = draw("svg", { width: 30, height: 14, "aria-hidden": "true" }), path = draw("path");
        style(path, item);
        const shapes = { line: "M0 7H30", band: "M0 2H30V12H0Z", bars: "M4 14V6H13V14ZM15 14V1H24V14Z", rule: "M0 7H30" };
        path.setAttribute("d", shapes[item.kind] || "M15 7" + marker(item.marker, item.marker === "ring" ? 0.85 : 1));
        swatch.append(path);
        return [make("li", {}, swatch, item.name)];
      }));
    }
    const bars = spec.items.filter((item) => item.kind === "bars"), firstOfBars = bars.length > 1 ? bars[0] : null; // outlined
    const field = spec.items.some((item) => item.kind === "image"); // markers on it have an outline
    function style(path, item, many = false) {
      const color = item.color[colors.dark ? 1 : 0], open = item.marker === "cross" || item.marker === "ring";
      const set = (to) => put(path, to);
      set({ "stroke-linejoin": "round", "stroke-linecap": "butt" });
      if (item.kind === "line" || item.kind === "rule") {
        const width = item.kind === "rule" ? 1.3 : many ? 1.1 : 2.2;
        set({ fill: "none", stroke: color, "stroke-width": width, "stroke-opacity": many ? 0.8 : 1, "stroke-dasharray": item.dash });
      } else if (item.kind === "band") set({ fill: color, "fill-opacity": 0.2, stroke: color, "stroke-width": 0.8, "stroke-opacity": 0.7 });
      else if (item.kind === "bars") set({ fill: item === firstOfBars ? "none" : color, "fill-opacity": 0.32, stroke: color, "stroke-width": 1 });
      else if (item.kind === "points") set({ fill: open ? "none" : color, stroke: open ? color : colors.surface, "stroke-width": open ? 1.6 : field ? 3 : 0.8, "paint-order": "stroke" });
      else set({ fill: "none", stroke: "var(--ink)", "stroke-width": 1.4 });
    }
    const limitsOf = (k) => (shown.limits.z || zero)[k];

    const longest = () => [shown.text, ...(spec.texts || [])].reduce((a, b) => (b.length > a.length ? b : a));
    let box = null, drawnFor = "";
    // Axes, for the width there is; only when the width, the limits or the colours change.
    function layout() {
      const width = Math.floor(element.plot.clientWidth);
      const key = [width, JSON.stringify(shown.limits), colors.dark, colors.surface].join();
      if (!width || key === drawnFor) return Boolean(width);
      drawnFor = key;
      const ticksOf = (axis, count) => {
        const [a, b] = shown.limits[axis], low = Math.min(a, b), high = Math.max(a, b);
        if (spec[axis].ticks) return spec[axis].ticks.filter(([v]) => v >= low - 1e-9 * (high - low) && v <= high + 1e-9 * (high - low)).map(([at, text]) => ({ at, text }));
        return (spec[axis].scale === "log" ? logTicks : linearTicks)(low, high, count);
      };
      let height = Math.max(170, Math.min(430, (width - 60) * spec.aspect));
      const yTicks = ticksOf("y", height / 48);
      const left = 14 + 7.2 * Math.max(...yTicks.map((tick) => [...tick.text].length), 2), top = 26, bottom = 44;
      const widest = ticksOf("x", width / 68).reduce((most, tick) => Math.max(most, [...tick.text].length), 2);
      const right = Math.max(14, 4 * widest);
      let across = width - left - right;
      if (spec.aspect >= 0.8) {
        across = Math.min(across, 430 / spec.aspect);
        height = across * spec.aspect;
      }
      box = { left, right: left + across, top, bottom: top + height };
      const sx = scaleOf(shown.limits.x, spec.x.scale, box.left, box.right);
      const sy = scaleOf(shown.limits.y, spec.y.scale, box.bottom, box.top);
      Object.assign(box, { sx, sy, width, height: box.bottom + bottom });
      const xTicks = ticksOf("x", across / 68);
      put(element.svg, { width, height: box.height, viewBox: `0 0 ${width} ${box.height}` });
      put(clip, { x: left - 1, y: top - 5, width: across + 2, height: height + 6 });
      let axis = `M${left} ${top}V${box.bottom}H${box.right}`, lines = "";
      const texts = [];
      let free = -1e9;
      for (const { at: value, text } of xTicks) {
        const x = sx(value);
        axis += `M${x.toFixed(1)} ${box.bottom}v${text ? 5 : 3}`;
        const half = 3.6 * [...text].length;
        if (!text || x - half < free) continue;
        free = x + half + 6;
        texts.push(draw("text", { class: "tick", x: x.toFixed(1), y: box.bottom + 19, "text-anchor": "middle" }, text));
      }
      for (const { at: value, text } of yTicks) {
        const y = sy(value).toFixed(1);
        axis += `M${left} ${y}h${text ? -5 : -3}`;
        if (!text) continue;
        lines += `M${left} ${y}H${box.right}`;
        texts.push(draw("text", { class: "tick", x: left - 8, y, dy: "0.34em", "text-anchor": "end" }, text));
      }
      texts.push(draw("text", { class: "label", x: 0, y: 12 }, spec.y.label));
      texts.push(draw("text", { class: "label", x: box.right, y: box.bottom + 38, "text-anchor": "end" }, spec.x.label));
      if (field) {
        lines = "";
        inside.style.filter = `drop-shadow(0 0 1px ${colors.surface}) drop-shadow(0 0 1px ${colors.surface})`; // apart from the image
      }
      frame.replaceChildren(draw("path", { class: "lines", d: lines }), draw("path", { class: "axis", d: axis }), ...texts);
      // what a test, or a curious reader, needs to turn places into numbers
      put(inside, { "data-x": shown.limits.x.join(" "), "data-y": shown.limits.y.join(" "), "data-box": [box.left, box.right, box.bottom, box.top].join(" ") });
      legend();
      // as high as the longest text, or the page would move
      element.text.style.minHeight = "";
      element.text.textContent = longest();
      element.text.style.minHeight = element.text.offsetHeight + "px";
      element.text.textContent = shown.text;
      return true;
    }

    function paintAll() {
      if (!shown || !layout()) return;
      const { sx, sy } = box, base = spec.y.scale === "log" ? box.bottom : sy(0);
      spec.items.forEach((item, k) => {
        const [a, b, c] = shown.arrays[k], { path, canvas, rest } = nodes[k];
        let d = "";
        if (item.kind === "line") d = linePath(a, b, sx, sy);
        else if (item.kind === "band") d = bandPath(a, b, c, sx, sy);
        else if (item.kind === "points") d = pointPath(a, b, item.marker, sx, sy);
        else if (item.kind === "bars") d = barPath(a, b, sx, base, sy);
        else if (item.kind === "rule") d = item.axis === "x" ? `M${at(sx(a[0]), box.bottom)}V${box.top}` : `M${at(box.left, sy(a[0]))}H${box.right}`;
        else {
          const columns = shown.columns[k], [x0, x1] = [sx(a[0]), sx(a[1])], [y0, y1] = [sy(b[0]), sy(b[1])];
          paint(canvas, c, columns, limitsOf(k), item.colors[colors.dark ? 1 : 0], x1 < x0, y1 > y0);
          // in parts of the whole, so that the image keeps its place when paper scales the drawing
          const part = (v, whole) => ((100 * v) / whole).toFixed(4) + "%", { width, height } = box;
          // what has contours is a field between its values too
          Object.assign(canvas.style, { imageRendering: item.contours.length ? "auto" : "pixelated", left: part(Math.min(x0, x1), width), top: part(Math.min(y0, y1), height),
            width: part(Math.abs(x1 - x0), width), height: part(Math.abs(y1 - y0), height) });
          let others = "";
          for (const level of item.contours) {
            const contour = contourPath(c, columns, a, b, level, sx, sy);
            if (level === 0 || item.contours.length === 1) d += contour;
            else others += contour;
          }
          style(rest[0], item);
          rest[0].setAttribute("d", others);
        }
        style(path, item, item.kind === "line" && b.length > a.length);
        path.setAttribute("d", d);
      });
    }

    // -- the numbers as tables: lines over the same x side by side
    function tables() {
      const groups = new Map(), out = [];
      const column = (name, values, { step } = values) => ({ name, values, step });
      spec.items.forEach((item, k) => {
        const [a, b, c] = shown.arrays[k], name = item.name || item.kind;
        if (item.kind === "image") { out.push(matrix(item, a, b, c, shown.columns[k], limitsOf(k))); return; }
        if (item.kind === "rule") { out.push(table(name, [column(spec[item.axis].label, a)])); return; }
        const key = item.kind + Array.from(a).join();
        const group = groups.get(key) || { first: [], rest: [], names: [] };
        if (!groups.has(key)) {
          groups.set(key, group);
          group.first = item.kind === "bars" ? [column("from", a.slice(0, -1), a), column("to", a.slice(1), a)] : [column(spec.x.label, a)];
          out.push(group);
        }
        group.names.push(name);
        const many = b.length / (item.kind === "bars" ? b.length || 1 : a.length || 1);
        if (item.kind === "band") group.rest.push(column(name + ", lower", b), column(name + ", upper", c));
        else if (many > 1) for (let i = 0; i < many; i++) group.rest.push(column(`${name} ${i + 1}`, b.slice(i * a.length, (i + 1) * a.length), b));
        else group.rest.push(column(name, b));
      });
      return out.map((part) => (part instanceof Node ? part : table(part.names.join(", "), [...part.first, ...part.rest])));
    }
    // a digit less than is stored: its last one is where rounding shows
    const known = (v, { step = 0 }) => format(v, 10 * (step < 0 ? -step * Math.abs(v) : step));
    function table(name, columns) {
      const head = make("tr", {}, ...columns.map((c) => make("th", { scope: "col" }, c.name)));
      const body = Array.from(columns[0].values, (_, i) => make("tr", {}, ...columns.map((c, k) =>
        make(k || columns.length === 1 ? "td" : "th", k || columns.length === 1 ? {} : { scope: "row" }, known(c.values[i], c)))));
      return make("table", {}, make("caption", {}, name), make("thead", {}, head), make("tbody", {}, ...body));
    }
    function matrix(item, [x0, x1], [y0, y1], z, columns, [low, high]) {
      const step = Math.max(z.step || 0, (high - low) / 300); // as finely as colours tell
      const rows = z.length / columns, every = Math.ceil(Math.max(rows, columns) / 16), middle = (a, b, i, n) => format(a + ((i + 0.5) / n) * (b - a), Math.abs(b - a) / n / 10);
      const pick = (n) => Array.from({ length: n }, (_, i) => i).filter((i) => i % every === 0);
      const head = make("tr", {}, make("th", { scope: "col" }, `${spec.y.label} \\ ${spec.x.label}`), ...pick(columns).map((c) => make("th", { scope: "col" }, middle(x0, x1, c, columns))));
      const body = pick(rows).map((r) => make("tr", {}, make("th", { scope: "row" }, middle(y0, y1, r, rows)), ...pick(columns).map((c) => make("td", {}, format(z[r * columns + c], step)))));
      const name = item.name + (every > 1 ? ` (one row and column in ${every}, of ${rows} × ${columns})` : "");
      return make("table", {}, make("caption", {}, name), make("thead", {}, head), make("tbody", {}, ...body));
    }
    const showNumbers = () => { if (details.open && shown) element.numbers.replaceChildren(...tables()); };
    details.addEventListener("toggle", showNumbers);

    function show(answer) {
      if (answer.error === undefined) shown = answer;
      const current = answer.setting.every((value, k) => value === setting[k]);
      if (!current) return false; // an older question was answered: wait for the newest
      busy(false);
      element.problem.textContent = answer.error === undefined ? "" : `${inWords()}: ${answer.error}`;
      if (answer.error !== undefined) { element.note.textContent = "The drawing is still the one before."; return true; }
      (shown.idle || []).forEach((is, k) => { controls[k].input.disabled = is; });
      element.text.textContent = shown.text;
      element.setting.textContent = inWords();
      element.svg.setAttribute("aria-label", `${spec.title}. ${spec.description} ${inWords()}. ${shown.text}`);
      const count = spec.parameters.reduce((n, p) => n * p.values.length, 1);
      element.note.textContent = live
        ? `Computed by Python for exactly this setting, in ${format(Math.max(answer.seconds, 1e-4), answer.seconds > 0.1 ? 0.01 : 0.0001)} s.`
        : `${count} computed settings are stored in this page; nothing is drawn in between.`;
      paintAll();
      showNumbers();
      if (first) first = false;
      else announce();
      return true;
    }
    let first = true;

    // -- what happens around it
    const look = () => { colors = colorsBehind(host); all.classList.toggle("dark", colors.dark); paintAll(); };
    const sizes = new ResizeObserver(paintAll), themes = new MutationObserver(() => { look(); setTimeout(look, 400); });
    colors = colorsBehind(host);
    all.classList.toggle("dark", colors.dark);
    sizes.observe(element.plot);
    for (const root of [document.documentElement, document.body]) {
      themes.observe(root, { attributes: true, attributeFilter: ["class", "style", "data-theme", "data-jp-theme-light", "data-jp-theme-name", "theme"] });
    }
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", look);
    controls.forEach((control, k) => control.update(setting[k]));
    return {
      show,
      move: (to) => go(to, false), // the setting was changed from elsewhere
      note: element.note,
      close() {
        stop();
        clearTimeout(hearing);
        clearTimeout(waiting);
        sizes.disconnect();
        themes.disconnect();
        system.removeEventListener("change", look);
      },
    };
  }

  // ---------------------------------------- on a page

  async function start(host) {
    const box = host.closest(".output"); // the theme puts outputs into a light box in dark mode
    try {
      const { spec, answer } = await unpack(host.querySelector("script").textContent);
      if (box) box.style.cssText += "background: none !important; padding: 0; color: inherit;";
      const view = build(host, spec, { live: false, ask: (setting) => view.show(answer(setting)) });
      view.show(answer(spec.start));
    } catch (error) { // the still picture stays
      host.append(make("p", {}, "This browser cannot move the figure: " + error.message));
      throw error;
    }
  }

  if (document.currentScript) {
    // the pictures had another height: a link to a place below them leads there again
    const place = () => { // a damaged address leads nowhere
      try { return document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return null; }
    };
    const startAll = () => Promise.all([...document.querySelectorAll(".ntk-explorer")].map(start))
      .then(() => place()?.scrollIntoView());
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
    else startAll();
  }
  return { build, make, typeset };
})();
