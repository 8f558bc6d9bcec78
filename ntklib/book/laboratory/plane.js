// How are two classes in the plane drawn? The output as a field with the lines where it is zero, and where units point.
function laboratoryPlane(picture) {
  const { make, draw, put, number, COLORS } = picture, FINE = 97, SHADES = 256, REACH = 1.08;
  // of the book's scale of two classes, on white and on dark: ntklib/book/_roles.py
  const FIELD = [["#8665a5", "#c0acd1", "#f7f6f4", "#eadbb6", "#d6b871"], ["#17062e", "#2d2440", "#494d55", "#7a6a45", "#ab8a3a"]];
  const color = (role, dark) => COLORS[role][dark ? 1 : 0];
  const sideOf = (values) => Math.round(Math.sqrt(values.length));
  const mark = (x, y, label, size = 6) => (label > 0 // as the book's markers of the two classes
    ? `M${x - size} ${y + size * 0.8}h${2 * size}L${x} ${y - size}z` : `M${x - size + 1} ${y}a${size - 1} ${size - 1} 0 1 0 ${2 * size - 2} 0a${size - 1} ${size - 1} 0 1 0-${2 * size - 2} 0z`);

  // The scale as so many colours in a row, each the four bytes of a pixel.
  const scales = FIELD.map((stops) => {
    const bytes = new Uint8ClampedArray(4 * SHADES);
    for (let k = 0; k < SHADES; k++) picture.shade(bytes, 4 * k, k / (SHADES - 1), picture.colors(stops));
    return new Uint32Array(bytes.buffer);
  });

  // Where each column of the picture lies on a grid of g values: after which, and how far towards the next.
  const columns = {};
  const columnsOf = (g) => (columns[g] ??= Array.from({ length: FINE }, (_, k) => {
    const u = (k * (g - 1)) / (FINE - 1), i = Math.min(g - 2, Math.floor(u));
    return [i, u - i];
  }));

  // The shades of a field on a coarse grid, interpolated between its values.
  function shades(canvas, values, dark) {
    const scale = scales[dark ? 1 : 0], g = sideOf(values), places = columnsOf(g), between = new Float64Array(g);
    if (canvas.width !== FINE) canvas.width = canvas.height = FINE;
    const context = canvas.getContext("2d"), image = context.createImageData(FINE, FINE), pixels = new Uint32Array(image.data.buffer);
    for (let row = 0, at = 0; row < FINE; row++) {
      const [j, t] = places[FINE - 1 - row]; // the second component grows upwards
      for (let k = 0, below = j * g; k < g; k++, below++) between[k] = (((1 - t) * values[below] + t * values[below + g] + 1.25) / 2.5) * SHADES;
      for (const [i, s] of places) pixels[at++] = scale[Math.max(0, Math.min(SHADES - 1, Math.round((1 - s) * between[i] + s * between[i + 1])))];
    }
    context.putImageData(image, 0, 0);
  }

  // The lines along which a field is zero, cell by cell (marching squares): from edge to edge, straight in each cell.
  function zeros(values, from, g, sx, sy) {
    const place = (i) => -1 + (2 * i) / (g - 1);
    let path = "";
    for (let j = 0; j + 1 < g; j++) for (let i = 0; i + 1 < g; i++) {
      const k = from + j * g + i, a = values[k], b = values[k + 1], c = values[k + g + 1], d = values[k + g];
      if (a > 0 === b > 0 && b > 0 === c > 0 && c > 0 === d > 0) continue;
      const found = []; // along the cell's four edges
      if (a > 0 !== b > 0) found.push([i + a / (a - b), j]);
      if (b > 0 !== c > 0) found.push([i + 1, j + b / (b - c)]);
      if (c > 0 !== d > 0) found.push([i + d / (d - c), j + 1]);
      if (d > 0 !== a > 0) found.push([i, j + a / (a - d)]);
      if (found.length === 4 && a + b + c + d > 0 === a > 0) found.push(found.shift()); // a saddle: by its middle
      for (let e = 0; e < found.length; e += 2) {
        const [p, q] = [found[e], found[e + 1]].map(([x, y]) => sx(place(x)).toFixed(1) + " " + sy(place(y)).toFixed(1));
        path += `M${p}L${q}`;
      }
    }
    return path;
  }

  // ---------------------------------------- the field, the lines and the data

  function field() {
    const canvas = make("canvas", { class: "field", "aria-hidden": "true" }), svg = draw("svg", { role: "img" }), frame = draw("g");
    const names = ["limit", "networks", "kernel", "linear", "negative", "positive"], paths = Object.fromEntries(names.map((name) => [name, draw("path", { fill: "none", "data-curve": name })]));
    svg.append(frame, ...Object.values(paths));
    let box = null;
    function layout(width, height) {
      const left = 30, top = 8, side = Math.min(width - left - 8, height - 34), right = left + side, bottom = top + side;
      const sx = (x) => left + ((x + REACH) / (2 * REACH)) * side, sy = (y) => bottom - ((y + REACH) / (2 * REACH)) * side;
      box = { left, right, top, bottom, sx, sy, x: (px) => (((px - left) / side) * 2 - 1) * REACH, y: (py) => (((bottom - py) / side) * 2 - 1) * REACH };
      put(svg, { width: right + 8, height: bottom + 34, viewBox: `0 0 ${right + 8} ${bottom + 34}` });
      Object.assign(canvas.style, { left: sx(-1) + "px", top: sy(1) + "px", width: sx(1) - sx(-1) + "px", height: sx(1) - sx(-1) + "px" });
      const parts = [draw("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` })];
      for (const v of [-1, 0, 1]) {
        parts.push(draw("text", { class: "tick", x: left - 6, y: sy(v).toFixed(1), dy: "0.34em", "text-anchor": "end" }, number(v)));
        parts.push(draw("text", { class: "tick", x: sx(v).toFixed(1), y: bottom + 16, "text-anchor": "middle" }, number(v)));
      }
      frame.replaceChildren(...parts);
      return box;
    }
    function show(shown, { dark, limit, linear }) {
      const g = sideOf(shown.gridOutputs), line = (values, from = 0) => zeros(values, from, g, box.sx, box.sy);
      shades(canvas, shown.gridOutputs, dark);
      let networks = "";
      for (let k = 0; k < shown.networks; k++) networks += line(shown.curves, k * g * g);
      const many = shown.networks > 1, round = { "stroke-linecap": "round" };
      put(paths.limit, { d: limit ? chained(line(shown.limitOutputs)) : "", stroke: color("prediction", dark), "stroke-width": 1.6, "stroke-dasharray": "9 3 2 3" });
      put(paths.networks, { d: networks, stroke: color("network", dark), "stroke-width": many ? 1.1 : 2.4, "stroke-opacity": many ? 0.7 : 1, ...round });
      put(paths.kernel, { d: chained(line(shown.gridKernelOutputs)), stroke: color("kernel", dark), "stroke-width": 2.6, "stroke-dasharray": "7 4" });
      put(paths.linear, { d: linear && shown.linearOutputs ? chained(line(shown.gridLinearOutputs)) : "", stroke: color("neutral", dark), "stroke-width": 2.6, "stroke-dasharray": "2 3" });
    }
    function points(all, dark) {
      if (!box) return;
      for (const [name, sign] of [["negative", -1], ["positive", 1]]) {
        const d = all.filter((p) => p[2] === sign).map(([x, y]) => mark(box.sx(x), box.sy(y), sign)).join("");
        put(paths[name], { d, fill: color(name, dark), stroke: "var(--surface)", "stroke-width": 1.4 });
      }
    }
    return { parts: [canvas, svg], svg, layout, show, points };
  }

  // The pieces of lines, one a cell, put together end to end, so that they can be dashed.
  function chained(path) {
    const ends = new Map(), pieces = path.split("M").slice(1).map((each) => each.split("L")), used = new Set();
    pieces.forEach((piece, k) => piece.forEach((end) => ends.set(end, [...(ends.get(end) || []), k])));
    let whole = "";
    function follow(k, from) {
      if (!used.has(k)) whole += "M" + from;
      for (let at = from; k !== undefined && !used.has(k); k = ends.get(at).find((each) => !used.has(each))) {
        used.add(k);
        at = pieces[k][pieces[k][0] === at ? 1 : 0];
        whole += "L" + at;
      }
    }
    pieces.forEach((piece, k) => piece.forEach((end) => { if (ends.get(end).length === 1) follow(k, end); }));
    pieces.forEach((piece, k) => follow(k, piece[0])); // what is left goes round
    return whole;
  }

  function legend(shown, { dark, limit, linear }) {
    const swatch = (d, attributes) => draw("svg", { width: 30, height: 14, "aria-hidden": "true" }, draw("path", { d, fill: "none", "stroke-width": 2.2, ...attributes }));
    const many = shown.networks > 1, items = [
      [swatch(mark(15, 7, 1), { fill: color("positive", dark) }), "label 1"],
      [swatch(mark(15, 7, -1), { fill: color("negative", dark) }), "label −1: drag, or flip by Enter"],
      [swatch("M0 7H30", { stroke: color("network", dark) }), many ? `where each of ${shown.networks} networks is zero (shades: their mean)` : "where the network is zero (shades: its output)"],
      [swatch("M0 7H30", { stroke: color("kernel", dark), "stroke-dasharray": "7 4" }), "the kernel's prediction for this step"],
    ];
    if (linear && shown.linearOutputs) items.push([swatch("M0 7H30", { stroke: color("neutral", dark), "stroke-dasharray": "2 3" }), many ? "the mean of their own linearisations" : "its own linearisation"]);
    if (limit) items.push([swatch("M0 7H30", { stroke: color("prediction", dark), "stroke-dasharray": "9 3 2 3" }), "the kernel after infinite time"]);
    return items.map((parts) => make("li", {}, ...parts));
  }

  // ---------------------------------------- where the units of the first layer point, now and at the start

  function units() {
    const canvas = make("canvas", { role: "img", class: "units" });
    function show({ units: all, unitTurn, settings }, side, dark) {
      const density = Math.min(2, devicePixelRatio || 1), size = Math.round(side * density);
      if (canvas.width !== size) canvas.width = canvas.height = size;
      if (canvas.style.width !== side + "px") canvas.style.width = side + "px";
      const context = canvas.getContext("2d"), middle = size / 2;
      let most = 0;
      for (let i = 0; i < all.length; i += 5) most = Math.max(most, Math.hypot(all[i + 2], all[i + 3]));
      const reach = 3 * 1.5 ** Math.max(0, Math.ceil(Math.log(Math.min(1e9, most) / 3) / Math.log(1.5))), by = (0.94 * middle) / reach;
      context.clearRect(0, 0, size, size);
      context.strokeStyle = color("neutral", dark);
      for (const radius of [0.94 * middle, by]) { // the rim, and the length of a unit at the start
        context.globalAlpha = 0.5;
        context.lineWidth = density;
        context.beginPath();
        context.arc(middle, middle, radius, 0, 7);
        context.stroke();
      }
      for (const [role, sign] of [["positive", 1], ["negative", -1], ["network", 0]]) { // all of a colour at once
        const ways = new Path2D(), dots = new Path2D(), dot = 4 * density;
        for (let i = 0; i < all.length; i += 5) {
          if (all[i + 4] !== sign) continue;
          const x = middle + by * all[i + 2], y = middle - by * all[i + 3];
          ways.moveTo(middle + by * all[i], middle - by * all[i + 1]); // from the start to where it is now
          ways.lineTo(x, y);
          dots.moveTo(x, y);
          dots.lineTo(x, y);
        }
        context.strokeStyle = color(role, dark);
        for (const [path, width, alpha] of [[ways, density, 0.45], [dots, dot, 0.9]]) {
          Object.assign(context, { lineWidth: width, lineCap: "round", globalAlpha: alpha });
          context.stroke(path);
        }
      }
      context.globalAlpha = 1;
      context.fillStyle = color("data", dark);
      for (const p of settings.points) { // where the data are, on the rim
        const turn = settings.domain === "circle" ? (p[0] * Math.PI) / 180 : Math.atan2(p[1], p[0]);
        context.fill(new Path2D(mark(middle * (1 + 0.94 * Math.cos(turn)), middle * (1 - 0.94 * Math.sin(turn)), settings.domain === "circle" ? -1 : p[2], 4 * density)));
      }
      canvas.setAttribute("aria-label", `Where ${number(all.length / 5)} units of the first layer point, and from where they came: turned by ${number(unitTurn)} degrees on average, the longest now ${number(most)} times as long as a unit at the start`);
    }
    return { canvas, show };
  }

  return { field, legend, units };
}
