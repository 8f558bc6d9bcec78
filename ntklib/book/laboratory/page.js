// What does a reader touch, and what follows? Controls and readings around the pictures; the worker computes.
function laboratoryPage(host, engine, limit, settings, picture) {
  "use strict";
  const { make, number } = picture, { FIELDS, MOST, REACH } = settings;
  const shadow = host.attachShadow({ mode: "open" }), still = matchMedia("(prefers-reduced-motion: reduce)");
  let setting = settings.decode(location.hash), shown = null, dark = false, box = null;
  let playing = false, turning = false, selected = 0, history = [], lastDrawn = 0, lastRead = 0;

  // ---------------------------------------- the worker: one question at a time, and of waiting ones the newest

  const ask = (() => {
    let busy = null, waiting = [], send = null, next = 0;
    const answered = ({ data }) => {
      if (busy === null || data.id !== busy.id) return;
      const { done } = busy;
      busy = null;
      if (data.problem) element.problem.textContent = `The computation stopped: ${data.problem}`;
      else done(data.shown);
      proceed();
    };
    function alone() { // no worker: the page computes by itself, a message at a time
      const here = {}, session = laboratorySession(engine, limit);
      const run = new Function("self", "session", `(${laboratoryWorker})(session)`);
      here.postMessage = (data) => setTimeout(() => answered({ data }));
      run(here, session);
      send = (message) => setTimeout(() => here.onmessage({ data: message }));
    }
    try {
      const source = `(${laboratoryWorker})((${laboratorySession})((${laboratoryEngine})(), (${laboratoryLimit})()))`;
      const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      worker.onmessage = answered;
      worker.onerror = () => { if (busy) { const again = busy; alone(); send(again.message); } };
      send = (message) => worker.postMessage(message);
    } catch { alone(); }
    function proceed() {
      if (busy || !waiting.length) return;
      busy = waiting.shift();
      busy.id = busy.message.id = ++next;
      send(busy.message);
    }
    return (message, done) => {
      // a new setting makes older questions pointless
      if (message.configure) waiting = [];
      waiting.push({ message, done });
      proceed();
    };
  })();

  // ---------------------------------------- what there is on the page

  const element = {
    legend: make("ul", { class: "legend" }), plot: make("div", { class: "plot" }), status: make("p", { class: "status" }),
    problem: make("div", { class: "problem", role: "alert" }), heard: make("div", { class: "heard", role: "status", "aria-live": "polite" }),
    experiments: make("div", { class: "row" }), sentence: make("div", { class: "sentence" }), groups: make("div", { class: "groups" }),
    readings: make("div", { class: "readings" }), numbers: make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The numbers at the points" }),
    setting: make("p", { class: "setting" }), code: make("code"), hint: make("p", { class: "hint" }),
  };
  const button = (text, act, attributes = {}) => {
    const made = make("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", act);
    return made;
  };
  const curves = picture.curves("laboratory");
  element.plot.append(curves.svg);
  const buttons = {
    Play: button("Play", () => play(true), { class: "main", "aria-pressed": "false" }),
    Pause: button("Pause", () => play(false), { class: "main" }),
    Step: button("Step", () => { play(false); ask({ advance: 1 }, (answered) => { answer(answered); say(""); }); }, { class: "main" }),
    Reset: button("Reset", () => { play(false); begin("At the start again. "); }, { class: "main" }),
  };
  const tools = [
    button("Add a point", () => add()), button("Remove the point", () => remove(selected)),
    button("New seed", () => change({ seed: (setting.seed + 1) % 100 })), button("Copy link", copyLink),
  ];
  const folds = [["The numbers at the points", element.numbers], ["The same in Python", make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The same in Python" }, make("pre", {}, element.code))]]
    .map(([title, content]) => {
      const fold = make("details", {}, make("summary", {}, title), content);
      fold.addEventListener("toggle", fill);
      return fold;
    });
  // the picture stays in sight while one moves what is below it
  const stage = make("div", { class: "stage" }, element.plot, make("div", { class: "row" }, ...Object.values(buttons)));
  const desk = make("div", {}, stage, element.setting, element.problem, element.status,
    make("div", { class: "experiments" }, make("h2", {}, "Experiments"), element.experiments, element.sentence),
    make("div", { class: "tools" }, make("h2", {}, "Settings"), make("div", { class: "row" }, ...tools), element.groups));
  const all = make("div", { class: "all", role: "group", "aria-label": "Laboratory" }, element.legend, desk, make("h2", {}, "Readings"), element.readings, ...folds, element.heard);

  // -- controls, by group
  const controls = {};
  for (const [name, [label, values, start, words, group]] of Object.entries(FIELDS)) {
    const id = "laboratory-" + name;
    let set = element.groups.querySelector(`[data-group=${group}]`);
    if (!set) element.groups.append(set = make("fieldset", { "data-group": group }, make("legend", {}, group)));
    const row = make("div", { class: "control" }, make("label", { for: id }, ...label.split("_").map((part, i) => (i ? make("sub", {}, part) : part))));
    if (words) {
      const input = make("select", { id }, ...values.map((v, i) => make("option", { value: i }, words[i])));
      input.addEventListener("change", () => change({ [name]: values[input.value] }));
      row.append(input);
      controls[name] = (v) => { input.value = values.indexOf(v); };
      if (name === "preset") input.lastChild.disabled = true; // one comes there by moving a point
    } else if (typeof start === "boolean") {
      const input = make("input", { id, type: "checkbox" });
      input.addEventListener("change", () => change({ [name]: input.checked }));
      row.append(input);
      controls[name] = (v) => { input.checked = v; };
    } else {
      const input = make("input", { id, type: "range", min: 0, max: values.length - 1, step: 1 }), value = make("span", { "aria-hidden": "true" });
      const slider = make("div", { class: "slider" }, input);
      input.addEventListener("input", () => change({ [name]: values[input.value] }));
      row.append(slider, value);
      controls[name] = (v) => {
        input.value = values.indexOf(v);
        value.textContent = number(v, 4);
        input.setAttribute("aria-valuetext", number(v, 4));
      };
      if (name === "learning_rate") { // the threshold is drawn where the slider stands at it
        const mark = make("div", { class: "mark" });
        slider.append(mark);
        const set = controls[name];
        controls[name] = (v) => {
          set(v);
          const at = 1 + setting.momentum, i = values.findIndex((each) => each >= at - 1e-9);
          const place = values[i] === at ? i : i - 1 + (at - values[i - 1]) / (values[i] - values[i - 1]);
          mark.style.left = `calc(8px + ${place / (values.length - 1)} * (100% - 16px) - 1px)`;
        };
        element.hint.id = "laboratory-threshold";
        input.setAttribute("aria-describedby", element.hint.id);
      }
    }
    set.append(row);
    if (name === "learning_rate") set.append(element.hint);
  }

  // -- readings, with captions from the page
  const READINGS = {
    loss: ["Training loss", ["network", "kernel"], (s) => [s.loss, s.kernelLoss]],
    distance: ["Distance to the kernel's prediction", ["network"], (s) => [s.distance]],
    change: ["Relative change of the tangent kernel", ["network"], (s) => [s.kernelChange]],
    motion: ["Relative motion of the parameters", ["network"], (s) => [s.parameterMotion]],
  };
  const charts = Object.entries(READINGS).map(([slot, [title, roles, read]]) => {
    const made = picture.chart(title, roles), value = make("span");
    const holder = make("div", {}, made.svg);
    element.readings.append(make("div", { class: "reading" }, make("h3", {}, title, value), holder, make("div", { class: "caption" }, make("slot", { name: slot }))));
    return { ...made, holder, value, read };
  });
  const matrices = ["the first network's", "at infinite width"].map((name) => {
    const canvas = make("canvas", { role: "img" });
    return { name, canvas, figure: make("figure", {}, canvas, make("figcaption", {}, name)) };
  });
  const ratio = make("span");
  element.readings.append(make("div", { class: "reading" }, make("h3", {}, "Tangent kernel of the points", ratio), make("div", { class: "matrices" }, ...matrices.map((m) => m.figure)),
    make("div", { class: "caption" }, make("slot", { name: "kernel" }))));

  const MUTE = ["speed", "band", "limit"];
  const trained = (of) => JSON.stringify(Object.entries(of).filter(([name]) => !MUTE.includes(name)));
  // -- experiments: their titles, sentences and settings are the page's
  const experiments = [...host.querySelectorAll("[data-setting]")].map((place, k) => {
    place.slot = `experiment-${k + 1}`;
    const title = place.querySelector(".laboratory-title"), name = title.textContent;
    title.remove();
    const made = button(name, () => {
      set(settings.decode(place.dataset.setting), true);
      play(true);
    }, { "aria-pressed": "false" });
    element.experiments.append(made);
    return { made, wanted: trained(settings.decode(place.dataset.setting)) };
  });
  const invitation = host.querySelector("[slot=invitation]") ? make("slot", { name: "invitation" }) : "";

  // ---------------------------------------- changing something

  const change = (part) => set(settings.complete({ ...setting, ...part }));
  // New data or another network begin at the start again; speed and what is shown do not.
  function set(to, whole = false) {
    const before = setting;
    setting = to;
    describe();
    remember();
    if (trained(to) !== trained(before) || whole) begin("");
    else if (shown) { shown.settings = setting; paint(); }
  }
  function begin(words) {
    turning = false; // a question that waits is given up
    ask({ configure: setting }, (answered) => {
      history = [];
      element.problem.textContent = "";
      answer(answered);
      if (!playing) say(words);
    });
  }
  function answer(answered) {
    const { speed, band, limit } = setting;
    shown = { ...answered, settings: { ...answered.settings, speed, band, limit } };
    record();
    if (shown.diverged) {
      const who = shown.networks === 1 ? "The network" : `${shown.diverged} of ${shown.networks} networks`;
      const above = setting.learning_rate > 1 + setting.momentum ? " The learning rate is above the threshold." : "";
      element.problem.textContent = `${who} diverged at step ${number(shown.step, 6)}: the loss grew beyond all bounds, and training of ${shown.networks === 1 ? "it" : "these"} has stopped.${above}`;
      if (shown.diverged === shown.networks && playing) play(false);
    }
    requestAnimationFrame(frame);
  }
  function frame() {
    turn(); // the worker goes on while this is drawn
    const now = performance.now();
    if (playing && still.matches && now - lastDrawn < 1000) return; // who wants less motion sees a picture a second
    lastDrawn = now;
    paint(!playing || now - lastRead > 120); // numbers that change faster are not read
  }
  // The next steps of Play: one question at a time, however often somebody presses.
  function turn() {
    if (!playing || turning) return;
    turning = true;
    ask({ advance: setting.speed, budget: 12 }, (answered) => { turning = false; answer(answered); });
  }
  function record() {
    if (history.length && history[history.length - 1].step >= shown.step) history = shown.step ? history : [];
    history.push({ step: shown.step, values: charts.map((c) => c.read(shown)) });
    if (history.length > 400) history = history.filter((_, i) => i % 2 === 0 || i === history.length - 1);
  }
  function play(on) {
    if (on === playing) return;
    playing = on;
    buttons.Play.setAttribute("aria-pressed", String(on));
    if (on && shown && shown.diverged === shown.networks) begin(""); // what is lost goes on from the start only
    else if (on) turn();
    else { paint(); say(""); }
  }

  // -- points
  const spot = (k) => element.plot.querySelectorAll(".point")[k];
  function move(k, x, y) {
    const points = setting.points.map((p, i) => (i === k ? settings.place([x, y], setting.domain) : p));
    selected = k;
    change({ preset: "own", points });
  }
  function add(x, y) {
    if (setting.points.length >= MOST) return say(`There are ${MOST} points, and no place for more. `);
    const reach = REACH[setting.domain];
    if (x === undefined) { // in the widest gap
      const xs = [-reach, ...setting.points.map((p) => p[0]).sort((a, b) => a - b), reach], gaps = xs.slice(1).map((b, i) => b - xs[i]);
      const i = gaps.indexOf(Math.max(...gaps));
      [x, y] = [(xs[i] + xs[i + 1]) / 2, 0];
    }
    selected = setting.points.length;
    change({ preset: "own", points: [...setting.points, settings.place([x, y], setting.domain)] });
    spot(selected).focus();
  }
  function remove(k) {
    if (setting.points.length <= 1) return say("The last point stays. ");
    const points = setting.points.filter((_, i) => i !== Math.min(k, setting.points.length - 1));
    selected = Math.min(k, points.length - 1);
    const focused = shadow.activeElement && shadow.activeElement.classList.contains("point");
    change({ preset: "own", points });
    if (focused) spot(selected).focus();
  }
  function pointButton() {
    const made = make("button", { type: "button", class: "point" }), index = () => [...element.plot.querySelectorAll(".point")].indexOf(made);
    made.addEventListener("focus", () => { selected = index(); });
    made.addEventListener("pointerdown", (event) => {
      made.setPointerCapture(event.pointerId);
      made.focus();
    });
    made.addEventListener("pointermove", (event) => {
      if (!made.hasPointerCapture(event.pointerId)) return;
      const at = element.plot.getBoundingClientRect();
      move(index(), box.x(event.clientX - at.left), box.y(event.clientY - at.top));
    });
    made.addEventListener("dblclick", (event) => event.stopPropagation());
    made.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key], k = index();
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (by) {
        const far = event.shiftKey ? 5 : 1, [x, y] = setting.points[k];
        move(k, x + (by[0] * far * REACH[setting.domain]) / 50, y + by[1] * far * 0.05);
      } else if (event.key === "Delete" || event.key === "Backspace") remove(k);
      else return;
      event.preventDefault();
    });
    return made;
  }
  element.plot.addEventListener("dblclick", (event) => {
    const at = element.plot.getBoundingClientRect(), px = event.clientX - at.left, py = event.clientY - at.top;
    if (box && px > box.left && px < box.right && py > box.top && py < box.bottom) add(box.x(px), box.y(py));
  });

  // ---------------------------------------- the address

  let remembering = 0;
  const address = () => location.href.split("#")[0] + "#" + settings.encode(setting);
  function remember() {
    clearTimeout(remembering);
    remembering = setTimeout(() => { try { window.history.replaceState(null, "", address()); } catch { /* some forbid it for files */ } }, 300);
  }
  async function copyLink() {
    try {
      await navigator.clipboard.writeText(address());
      say("The link to this setting is in the clipboard. ");
    } catch {
      location.hash = settings.encode(setting);
      say("The address of this page is the link to this setting: copy it from there. ");
    }
  }
  window.addEventListener("hashchange", ({ newURL }) => {
    const asked = newURL.split("#")[1] || ""; // in the address another setting may stand by now
    if (asked === settings.encode(setting)) return;
    play(false);
    set(settings.decode(asked), true);
  });

  // ---------------------------------------- what is shown

  function say(words) {
    if (shown) element.heard.textContent = words + inWords();
    note = words;
    status();
  }
  let note = "";
  const inWords = () => `Step ${number(shown.step, 7)}, training time ${number(shown.time)}. Training loss ${number(shown.loss)}, of the kernel's prediction ${number(shown.kernelLoss)}.`
    + ` Distance between them ${number(shown.distance)}.`;
  function status() {
    if (!shown) return;
    const fewer = setting.networks > shown.networks ? " Of networks this large only one is trained at a time." : "";
    element.status.textContent = note + inWords() + fewer;
  }
  // What a setting changes outside of the pictures.
  function describe() {
    const { domain, points } = setting;
    for (const name in controls) controls[name](setting[name]);
    const chosen = 1 + experiments.findIndex(({ wanted }) => wanted === trained(setting)); // also of a link
    experiments.forEach(({ made }, k) => made.setAttribute("aria-pressed", String(chosen === k + 1)));
    element.setting.textContent = Object.entries(FIELDS).map(([name, [label, values, , words]]) => {
      const v = setting[name];
      return `${label.replace("_", "")}: ${words ? words[values.indexOf(v)] : typeof v === "number" ? number(v, 4) : v ? "yes" : "no"}`;
    }).join(", ") + ".";
    element.sentence.replaceChildren(chosen ? make("slot", { name: `experiment-${chosen}` }) : invitation);
    curves.points(points, dark);
    const spots = [...element.plot.querySelectorAll(".point")];
    while (spots.length < points.length) element.plot.append(spots[spots.push(pointButton()) - 1]);
    while (spots.length > points.length) spots.pop().remove();
    points.forEach(([x, y], k) => {
      spots[k].setAttribute("aria-label", `Point ${k + 1} of ${points.length}: x ${number(x)}${domain === "circle" ? " degrees" : ""}, y ${number(y)}. Arrow keys move it, Delete removes it.`);
      if (box) Object.assign(spots[k].style, { left: box.sx(x) + "px", top: box.sy(y) + "px" });
    });
  }
  function paint(readings = true) {
    const width = Math.floor(element.plot.clientWidth);
    if (!shown || !width) return;
    const circle = shown.settings.domain === "circle", height = Math.round(Math.max(200, Math.min(360, width * 0.5, innerHeight * 0.44))), key = [width, height, circle].join();
    if (!box || box.key !== key) {
      box = { ...curves.layout(width, height, REACH[shown.settings.domain], circle), key };
      describe();
      all.style.setProperty("--stage", stage.offsetHeight + "px");
    }
    const how = { dark, band: setting.band, limit: setting.limit };
    curves.show(shown, how);
    curves.points(setting.points, dark);
    if (element.legend.key !== [shown.networks, !!shown.band, dark, setting.band, setting.limit].join()) {
      element.legend.replaceChildren(...picture.legend(shown, how));
      element.legend.key = [shown.networks, !!shown.band, dark, setting.band, setting.limit].join();
    }
    if (readings) read();
  }
  function read() {
    lastRead = performance.now();
    status();
    const circle = shown.settings.domain === "circle", steps = history.map((h) => h.step);
    const across = charts.map((c) => Math.floor(c.holder.clientWidth));
    charts.forEach((c, k) => {
      const now = c.read(shown);
      c.value.textContent = now.map((v) => number(v)).join(" · ");
      c.show(across[k], steps, now.map((_, j) => history.map((h) => h.values[k][j])), dark);
    });
    const both = [...shown.empiricalKernel, ...shown.limitKernel], low = Math.min(0, ...both), high = Math.max(...both), n = shown.settings.points.length;
    [shown.empiricalKernel, shown.limitKernel].forEach((m, k) => {
      picture.matrix(matrices[k].canvas, m, n, low, high, dark);
      matrices[k].canvas.setAttribute("aria-label", `Tangent kernel ${matrices[k].name}, ${n} by ${n}, entries from ${number(Math.min(...m))} to ${number(Math.max(...m))}`);
    });
    ratio.textContent = `apart at the start: ${number(shown.kernelDistance)}`;
    element.hint.textContent = `Red mark: the kernel's threshold, ${number(shown.threshold)}${setting.momentum ? ", times 1 + momentum" : ""}. The learning rate is ${number(shown.learningRate)}.`;
    curves.svg.setAttribute("aria-label", `Outputs against ${circle ? "the angle" : "x"}: ${shown.networks} networks of width ${number(shown.settings.width, 5)} and the kernel's prediction, for ${n} points. ${inWords()}`);
    if (!playing) fill();
  }
  function fill() {
    if (!shown) return;
    if (folds[0].open) {
      const head = ["x", "y", "networks", "kernel"].map((t) => make("th", { scope: "col" }, t));
      element.numbers.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...shown.settings.points.map(([x, y], i) =>
        make("tr", {}, ...[x, y, shown.outputs[i], shown.kernelOutputs[i]].map((v) => make("td", {}, number(v, 4))))))));
    }
    if (folds[1].open) element.code.textContent = host.python();
  }

  // ---------------------------------------- light or dark, narrow or wide

  function look() {
    const bright = (color) => { const [r, g, b, a = 1] = (color.match(/[\d.]+/g) || []).map(Number); return b === undefined || a < 0.5 ? null : (0.2126 * r + 0.7152 * g + 0.0722 * b) / (color.includes("srgb") ? 1 : 255); };
    dark = false;
    for (let node = host; node; node = node.parentElement) {
      const light = bright(getComputedStyle(node).backgroundColor);
      if (light === null) continue;
      dark = light < 0.4;
      all.style.setProperty("--surface", getComputedStyle(node).backgroundColor);
      break;
    }
    all.classList.toggle("dark", dark);
    paint();
  }
  shadow.replaceChildren(make("style", {}, host.querySelector("script[data-look]").textContent), all);
  new ResizeObserver(() => paint()).observe(element.plot);
  window.addEventListener("resize", () => paint());
  new MutationObserver(() => { look(); setTimeout(look, 400); }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
  describe();
  look();

  // ---------------------------------------- what tests, and the curious, can ask

  const plain = (value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
  Object.defineProperty(host, "state", {
    get: () => shown && { ...Object.fromEntries(Object.entries(shown).map(([k, v]) => [k, plain(v)])), settings: structuredClone(shown.settings), playing },
  });
  // So many steps at once; resolves to the state after them.
  host.advance = (steps) => new Promise((done) => { play(false); ask({ advance: steps }, (answered) => { answer(answered); done(host.state); }); });
  host.python = () => laboratoryPython(shown.settings, shown.step, shown.networks);
  begin("");
}

if (document.currentScript) {
  const start = () => document.querySelectorAll("[data-laboratory]").forEach((host) => {
    const engine = laboratoryEngine();
    try {
      laboratoryPage(host, engine, laboratoryLimit(), laboratorySettings(engine.normals), laboratoryPicture());
    } catch (problem) { // what is written there stays
      host.append("This browser cannot run the laboratory: " + problem.message);
      throw problem;
    }
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
}
