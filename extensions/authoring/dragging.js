// How are the observations of an explorer dragged? Its curve is a matrix, which lies in the page, times their heights.
// explorer.js has drawn the explorer; when a reader is near, this builds it again, and answers instead of stored drawings.
(() => {
  "use strict";
  const MARK = "script[data-dragging]", STYLE = `
  .handle { position: absolute; width: 24px; height: 24px; margin: -12px 0 0 -12px; border-radius: 50%; cursor: ns-resize;
    touch-action: none; box-sizing: border-box; border: 1.5px solid var(--accent); opacity: 0.55; }
  .handle:hover, .handle:focus, .handle.moved { opacity: 1; border-width: 2.5px; }
  .handle:focus-visible { outline: 3px solid var(--accent); outline-offset: 1px; border-radius: 50%; }
  @media (pointer: coarse) { .handle::after { content: ""; position: absolute; inset: -12px -2px; } }
  @media (forced-colors: active) { .handle { border-color: Highlight; } }
  @media print { .handle { display: none; } }`;

  // The spec of the explorer, and for each setting of what is no height the numbers of one row.
  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const buffer = await new Response(stream).arrayBuffer(), size = new DataView(buffer).getUint32(0, true);
    const spec = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size))), floats = new DataView(buffer, 4 + size);
    let place = 0;
    const arrays = spec.arrays.map(([n]) => Float64Array.from({ length: n }, () => floats.getFloat32(4 * place++, true)));
    const known = spec.rows.map((row) => row.map((index) => arrays[index]));
    return { ...spec, known };
  }

  function take(old, spec) {
    const host = old.cloneNode(true), { make, typeset } = explorer, { unit } = spec, [low, high] = spec.limits.y.slice().sort((a, b) => a - b);
    const { parameters, height } = spec, last = spec.known[0][1].length - 1;
    const index = (setting, among) => parameters.reduce((sum, p, k) => (among(k) ? sum * p.values.length + p.values.indexOf(setting[k]) : sum), 0);
    const digits = Math.max(0, -Math.round(Math.log10(unit))), fixed = (v) => v.toFixed(digits).replace(/^-(?=0\.?0*$)/, "");
    const signed = (v) => typeset((v > 0 ? "+" : "") + fixed(v));
    const moved = new Map(); // heights by the number of the observation; that of a parameter stands in the setting
    let setting = now(), latest = null;

    // What the explorer of before was set to.
    function now() {
      const inputs = [...(old.shadowRoot?.querySelectorAll(".controls :is(input, select)") || [])];
      return parameters.map((p, k) => (inputs.length !== parameters.length ? spec.start[k]
        : p.kind === "check" ? inputs[k].checked : p.kind === "choice" ? inputs[k].value : p.values[inputs[k].value]));
    }
    const row = () => spec.known[index(setting, (k) => k !== height)];
    const own = (i) => height !== null && i === last;
    const observed = (i) => (own(i) ? spec.start[height] : row()[2][i]);
    const heights = () => Float64Array.from(row()[2], (y, i) => (own(i) ? setting[height] : moved.get(i) ?? y));
    const stored = () => moved.size === 0 && (height === null || parameters[height].values.includes(setting[height]));

    function answer() {
      const [matrix, x, , at, half, ...still] = row(), y = heights(), m = at.length; // a column of the matrix after the other
      const curve = Float64Array.from(at, (_, r) => y.reduce((sum, v, i) => sum + matrix[i * m + r] * v, 0));
      let first = 0, next = 0;
      const arrays = spec.items.map((item, k) => {
        if (k === spec.curve) return [at, curve];
        if (k === spec.band) return [at, curve.map((v, r) => v - half[r]), curve.map((v, r) => v + half[r])];
        const count = { band: 3, image: 3, rule: 1 }[item.kind] || 2;
        return spec.observations.includes(k) ? null : still.slice(next, (next += count));
      });
      for (const k of spec.observations) {
        const size = spec.sizes[spec.observations.indexOf(k)];
        arrays[k] = [x.slice(first, first + size), y.slice(first, (first += size))];
      }
      return { setting: setting.slice(), limits: spec.limits, columns: spec.items.map((item) => item.columns), arrays, text: words(x, y, at, curve, half) };
    }
    function words(x, y, at, curve, half) {
      if (stored()) return typeset(spec.texts[spec.text[index(setting, () => true)]]);
      const i = latest ?? last, r = at.reduce((best, v, k) => (Math.abs(v - x[i]) < Math.abs(at[best] - x[i]) ? k : best), 0);
      const width = spec.band === null ? "" : ` ±\u00a0${fixed(half[r])}`;
      return typeset(`the observation at x = ${Number(x[i].toPrecision(6))} went from ${signed(observed(i))} to ${signed(y[i])}; there the curve is at ${signed(curve[r])}${width}`);
    }

    // ---------------------------------------- what a reader does

    old.replaceWith(host); // colours and widths are those of its place
    const sample = "the observation at x = −0.00 went from −0.00 to −0.00; there the curve is at −0.00 ±\u00a00.00";
    const view = explorer.build(host, { ...spec, start: setting.slice(), texts: [...spec.texts, sample] }, {
      live: false,
      ask(to) {
        if (height !== null && to[height] !== setting[height]) latest = last;
        setting = to;
        show();
      },
    });
    const shadow = host.shadowRoot, plot = shadow.querySelector(".plot"), inside = shadow.querySelector("[data-box], svg g[clip-path]");
    const handles = Array.from({ length: last + 1 }, (_, i) => {
      const handle = make("div", { class: "handle", role: "slider", tabindex: 0, "aria-orientation": "vertical", "aria-valuemin": low, "aria-valuemax": high });
      let from = null;
      handle.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        event.preventDefault(); // no text is selected on the way
        handle.setPointerCapture(event.pointerId);
        handle.focus({ preventScroll: true });
        from = { place: event.clientY, y: heights()[i] }; // it does not jump to the pointer
      });
      handle.addEventListener("pointermove", (event) => {
        if (!from || !handle.hasPointerCapture(event.pointerId)) return;
        const [, , bottom, top] = numbers("data-box"), [start, end] = numbers("data-y");
        move(i, from.y + ((event.clientY - from.place) * (end - start)) / (top - bottom));
      });
      handle.addEventListener("lostpointercapture", () => { from = null; });
      handle.addEventListener("keydown", (event) => {
        const steps = { ArrowUp: 10, ArrowRight: 10, ArrowDown: -10, ArrowLeft: -10, PageUp: 50, PageDown: -50 }, y = heights()[i];
        const to = { Home: low, End: high }[event.key] ?? y + steps[event.key] * unit;
        if (isNaN(to) || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        move(i, to);
      });
      return handle;
    });
    const numbers = (name) => inside.getAttribute(name).split(" ").map(Number);
    function move(i, to) {
      const y = Number((Math.round(Math.max(low, Math.min(high, to)) / unit) * unit).toFixed(digits));
      latest = i;
      if (own(i)) setting[height] = y;
      else if (Math.abs(y - row()[2][i]) < unit / 2) moved.delete(i);
      else moved.set(i, y);
      show();
    }
    function back(whole) {
      moved.clear();
      if (whole && height !== null) setting[height] = spec.start[height];
      show();
    }
    const button = make("button", { type: "button" }, "Put all back");
    button.addEventListener("click", () => back(true));
    const views = shadow.querySelector(".views"); // a view is a setting of what was observed
    views.addEventListener("click", (event) => event.target !== button && back(false));
    views.append(button);

    // ---------------------------------------- what is shown

    function show() {
      view.move(setting.slice());
      view.show(answer());
      view.note.textContent = "Drag an observation up or down, or move it with the arrow keys: the curve is computed in this page.";
      place();
    }
    function place() {
      if (!inside.hasAttribute("data-box")) return; // nothing is drawn before there is room
      const [left, right, bottom, top] = numbers("data-box"), [x0, x1] = numbers("data-x"), [y0, y1] = numbers("data-y"), x = row()[1];
      heights().forEach((y, i) => {
        const style = { left: left + ((x[i] - x0) / (x1 - x0)) * (right - left) + "px", top: bottom + ((y - y0) / (y1 - y0)) * (top - bottom) + "px" };
        Object.assign(handles[i].style, style);
        handles[i].classList.toggle("moved", Math.abs(y - observed(i)) > unit / 2);
        for (const [name, text] of [["aria-label", typeset(`Observation at x = ${Number(x[i].toPrecision(6))}`)], ["aria-valuenow", fixed(y)], ["aria-valuetext", "y = " + signed(y)]]) handles[i].setAttribute(name, text);
      });
    }
    shadow.append(make("style", {}, STYLE));
    plot.append(...handles);
    new MutationObserver(place).observe(inside, { attributes: true, attributeFilter: ["data-box"] });
    show();
  }

  function start() {
    const near = new IntersectionObserver((seen) => seen.forEach(async ({ isIntersecting, target }) => {
      if (!isIntersecting) return;
      near.unobserve(target);
      const spec = await unpack(target.querySelector(MARK).textContent);
      take(target, spec);
    }), { rootMargin: "200px" });
    document.querySelectorAll(MARK).forEach((script) => near.observe(script.parentElement));
  }
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start); // explorer.js has drawn by then, and stays what it is if this fails
})();
