// How is what was computed drawn? Curves over the data, small charts over the steps, and matrices: the site's looks.
function laboratoryPicture() {
  const SVG = "http://www.w3.org/2000/svg";
  // of the book's roles, on white and on dark: ntklib/book/_roles.py
  const COLORS = { data: ["#24292f", "#e6e6e6"], network: ["#1f6fb4", "#6cb4ee"], kernel: ["#c2491d", "#ff9361"], prediction: ["#0a7f5f", "#3ecfa3"],
    neutral: ["#6e7681", "#9aa4af"], negative: ["#7b3fa0", "#c89bea"], positive: ["#9a6700", "#e3b341"] };
  const SHADES = [["#f4f6f8", "#a9c9e6", "#4a8fc9", "#1c5791", "#0b2545"], ["#1b222b", "#1f4468", "#2f78b4", "#86bfee", "#eef7ff"]];

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const key in attributes) if (attributes[key] !== null && attributes[key] !== false) element.setAttribute(key, attributes[key]);
    element.append(...children);
    return element;
  };
  // What is as it was is not set again: the browser would compute its style anew, in each frame.
  const put = (node, attributes) => { for (const key in attributes) if (node.getAttribute(key) !== String(attributes[key])) node.setAttribute(key, attributes[key]); };
  const tell = (node, text) => { if (node.textContent !== text) node.textContent = text; }; // or the page would be laid out anew
  const draw = (name, attributes = {}, ...children) => {
    const element = document.createElementNS(SVG, name);
    put(element, attributes);
    element.append(...children);
    return element;
  };

  const superscript = (n) => String(n).replace(/./g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
  function number(v, digits = 3) {
    const size = Math.abs(v);
    if (size === 0) return "0";
    if (size >= 1e150) return "beyond 10¹⁵⁰"; // where what has diverged is cut off
    if (size >= 1e5 || size < 1e-3) {
      const [mantissa, power] = v.toExponential(digits - 2).split("e");
      return `${mantissa.replace("-", "−")}×10${superscript(Number(power))}`;
    }
    return String(Number(v.toPrecision(digits))).replace("-", "−").replace(/(?<!\.\d*)\d(?=(\d{3})+(?!\d))/g, "$&,");
  }

  // A place to a tenth of a pixel. Curves have thousands in each frame, and few different ones on the screen.
  const tenths = [];
  function tenth(v) {
    const k = Math.round(10 * v);
    return k >= 0 && k < 20000 ? (tenths[k] ??= (k / 10).toFixed(1)) : v.toFixed(1);
  }
  const at = (x, y) => tenth(x) + " " + tenth(y);
  const far = (v) => Math.max(-1e4, Math.min(1e4, v)); // a curve that has left is not drawn at the end of the world
  function line(xs, ys, sx, sy, from = 0) {
    let path = "";
    for (let i = 0; i < xs.length; i++) path += (i ? "L" : "M") + at(sx(xs[i]), far(sy(ys[from + i])));
    return path;
  }

  // ---------------------------------------- the curves

  function curves(id) {
    const svg = draw("svg", { role: "img" }), clip = draw("rect"), frame = draw("g");
    const names = ["band", "limit", "networks", "kernel", "linear", "data"], paths = Object.fromEntries(names.map((name) => [name, draw("path", { fill: "none", "data-curve": name })]));
    svg.append(draw("clipPath", { id: id + "clip" }, clip), frame, draw("g", { "clip-path": `url(#${id}clip)` }, ...Object.values(paths)));
    let box = null;
    function layout(width, height, reach, circle) {
      const left = 34, right = width - 10, top = 8, bottom = height - 38;
      const sx = (x) => left + ((x + reach) / (2 * reach)) * (right - left), sy = (y) => bottom - ((y + 2.2) / 4.4) * (bottom - top);
      box = {
        left, right, top, bottom, width, height, sx, sy,
        x: (px) => ((px - left) / (right - left)) * 2 * reach - reach, y: (py) => ((bottom - py) / (bottom - top)) * 4.4 - 2.2,
      };
      put(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
      put(clip, { x: left, y: top, width: right - left, height: bottom - top });
      const parts = [draw("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` })];
      for (const y of [-2, -1, 0, 1, 2]) {
        parts.push(draw("path", { class: "lines", d: `M${left} ${sy(y).toFixed(1)}H${right}` }));
        parts.push(draw("text", { class: "tick", x: left - 7, y: sy(y).toFixed(1), dy: "0.34em", "text-anchor": "end" }, number(y)));
      }
      for (const x of circle ? [-180, -90, 0, 90, 180] : [-2, -1, 0, 1, 2]) {
        const anchor = circle && x === 180 ? "end" : "middle";
        parts.push(draw("text", { class: "tick", x: sx(x).toFixed(1), y: bottom + 16, "text-anchor": anchor }, number(x) + (circle ? "°" : "")));
      }
      parts.push(draw("text", { class: "label", x: right, y: bottom + 32, "text-anchor": "end" }, circle ? "angle of the point x" : "x"));
      parts.push(draw("text", { class: "label", x: left + 6, y: top + 10 }, "output"));
      frame.replaceChildren(...parts);
      return box;
    }
    function show(shown, { dark, band, limit, linear }) {
      const { sx, sy } = box, { grid, curves: all, gridKernelOutputs: kernel } = shown, color = (role) => COLORS[role][dark ? 1 : 0];
      let networks = "", filled = "";
      for (let k = 0; k < shown.networks; k++) networks += line(grid, all, sx, sy, k * grid.length);
      if (band && shown.band) {
        const back = Array.from(grid).reverse(), sum = (sign) => shown.bandCentre.map((v, i) => v + sign * shown.band[i]);
        filled = line(grid, sum(1), sx, sy) + line(back, sum(-1).reverse(), sx, sy).replace("M", "L") + "Z";
      }
      const many = shown.networks > 1;
      put(paths.band, { d: filled, fill: color("kernel"), "fill-opacity": 0.13 });
      put(paths.limit, { d: limit ? line(grid, shown.limitOutputs, sx, sy) : "", stroke: color("prediction"), "stroke-width": 1.5, "stroke-dasharray": "9 3 2 3" });
      put(paths.networks, { d: networks, stroke: color("network"), "stroke-width": many ? 1.1 : 2.2, "stroke-opacity": many ? 0.7 : 1 });
      put(paths.kernel, { d: line(grid, kernel, sx, sy), stroke: color("kernel"), "stroke-width": 2.4, "stroke-dasharray": "7 4" });
      put(paths.linear, { d: linear && shown.linearOutputs ? line(grid, shown.gridLinearOutputs, sx, sy) : "", stroke: color("neutral"), "stroke-width": 2.6, "stroke-dasharray": "2 3" });
    }
    function points(all, dark) { // they move at once, the curves when they are computed
      if (!box) return;
      const d = all.map(([x, y]) => `M${at(box.sx(x), box.sy(y))}m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z`).join("");
      put(paths.data, { d, fill: COLORS.data[dark ? 1 : 0], stroke: "var(--surface)", "stroke-width": 1.2 });
    }
    return { parts: [svg], svg, layout, show, points };
  }

  function legend(shown, { dark, band, limit, linear }) {
    const color = (role) => COLORS[role][dark ? 1 : 0];
    const swatch = (d, attributes) => draw("svg", { width: 30, height: 14, "aria-hidden": "true" }, draw("path", { d, fill: "none", "stroke-width": 2.2, ...attributes }));
    const items = [
      [swatch("M10 7a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", { fill: color("data") }), "data: drag a point"],
      [swatch("M0 7H30", { stroke: color("network") }), shown.networks > 1 ? `${shown.networks} networks` : "the network"],
      [swatch("M0 7H30", { stroke: color("kernel"), "stroke-dasharray": "7 4" }), "what the kernel predicts for this step"],
    ];
    if (linear && shown.linearOutputs) items.push([swatch("M0 7H30", { stroke: color("neutral"), "stroke-dasharray": "2 3" }), shown.networks > 1 ? "mean of their own linearisations" : "its own linearisation"]);
    if (limit) items.push([swatch("M0 7H30", { stroke: color("prediction"), "stroke-dasharray": "9 3 2 3" }), "the kernel after infinite time"]);
    if (band && shown.band) items.push([swatch("M0 2H30V12H0Z", { fill: color("kernel"), "fill-opacity": 0.2 }), "± 2 standard deviations of infinitely wide networks"]);
    return items.map((parts) => make("li", {}, ...parts));
  }

  // ---------------------------------------- a quantity over the steps, on a log axis

  function chart(what, roles) {
    const svg = draw("svg", { role: "img" }), frame = draw("g"), lines = roles.map(() => draw("path", { fill: "none" }));
    const end = draw("text", { class: "tick", "text-anchor": "end" });
    let axes = "";
    svg.append(frame, ...lines);
    // `series`: for each role the values at `steps`; what is zero has no place on the axis
    function show(width, steps, series, dark) {
      const height = 120, left = 44, right = width - 6, top = 8, bottom = height - 22, last = Math.max(10, steps[steps.length - 1] || 0);
      const positive = series.flat().filter((v) => v > 1e-16), most = Math.max(...positive), least = Math.min(...positive);
      const high = positive.length ? Math.min(1e12, 10 ** Math.ceil(Math.log10(most) + 1e-9)) : 1;
      const low = positive.length ? Math.min(high / 100, Math.max(1e-16, 10 ** Math.floor(Math.log10(least)))) : 0.01;
      const span = Math.log10(high / low), sx = (s) => left + (s / last) * (right - left);
      const sy = (v) => bottom - ((Math.log10(Math.max(v, low * 1e-3)) - Math.log10(low)) / span) * (bottom - top);
      put(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
      if (axes !== (axes = [width, low, high].join())) { // they seldom change
        const parts = [draw("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` })], first = Math.round(Math.log10(low)), every = Math.ceil(span / 4);
        for (let p = first; p <= Math.round(Math.log10(high)); p += every) {
          const y = sy(10 ** p).toFixed(1);
          parts.push(draw("path", { class: "lines", d: `M${left} ${y}H${right}` }), draw("text", { class: "tick", x: left - 6, y, dy: "0.34em", "text-anchor": "end" }, "10" + superscript(p)));
        }
        put(end, { x: right, y: bottom + 15 });
        frame.replaceChildren(...parts, draw("text", { class: "tick", x: left, y: bottom + 15 }, "0"), end);
      }
      tell(end, `${number(last, 6)} steps`);
      lines.forEach((path, k) => {
        let d = "";
        series[k].forEach((v, i) => { if (v > 1e-16) d += (d ? "L" : "M") + at(sx(steps[i]), Math.max(-20, sy(v))); });
        put(path, { d, stroke: COLORS[roles[k]][dark ? 1 : 0], "stroke-width": 1.8, "stroke-dasharray": roles[k] === "kernel" ? "6 3" : "none" });
      });
      svg.setAttribute("aria-label", `${what}: ${series.map((s, k) => `${roles[k]} ${number(s[s.length - 1] || 0)}`).join(", ")}`);
    }
    return { svg, show };
  }

  // ---------------------------------------- a matrix, in shades

  const colors = (stops) => stops.map((s) => [1, 3, 5].map((i) => parseInt(s.slice(i, i + 2), 16)));
  // The shade of a part t of a scale, from 0 to 1, into the bytes of a picture.
  function shade(bytes, at, t, stops) {
    const s = Math.max(0, Math.min(1, t)) * (stops.length - 1), k = Math.min(Math.floor(s), stops.length - 2);
    for (let c = 0; c < 3; c++) bytes[at + c] = stops[k][c] + (s - k) * (stops[k + 1][c] - stops[k][c]);
    bytes[at + 3] = 255;
  }
  function matrix(canvas, values, n, low, high, dark) {
    const stops = colors(SHADES[dark ? 1 : 0]);
    if (canvas.width !== n) canvas.width = canvas.height = n;
    const context = canvas.getContext("2d"), image = context.createImageData(n, n);
    values.forEach((v, i) => shade(image.data, 4 * i, (v - low) / (high - low || 1), stops));
    context.putImageData(image, 0, 0);
  }

  // The colour that the page has behind an element, and whether it is dark.
  function ground(element) {
    const bright = (color) => { const [r, g, b, a = 1] = (color.match(/[\d.]+/g) || []).map(Number); return b === undefined || a < 0.5 ? null : (0.2126 * r + 0.7152 * g + 0.0722 * b) / (color.includes("srgb") ? 1 : 255); };
    for (let node = element; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor, light = bright(color);
      if (light !== null) return { color, dark: light < 0.4 };
    }
    return { color: "Canvas", dark: false };
  }
  // Calls back when the reader or the system changes between light and dark.
  function onGround(changed, signal) {
    const themes = new MutationObserver(() => { changed(); setTimeout(changed, 400); }), attributeFilter = ["data-theme", "class", "data-jp-theme-name"];
    for (const root of [document.documentElement, document.body]) themes.observe(root, { attributes: true, attributeFilter });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed, { signal });
    signal?.addEventListener("abort", () => themes.disconnect());
  }

  return { make, draw, put, tell, number, curves, legend, chart, matrix, colors, shade, ground, onGround, COLORS };
}
