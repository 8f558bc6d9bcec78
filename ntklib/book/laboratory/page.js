// What does a reader touch, and what follows? Controls and readings around the pictures; the worker computes.
function laboratoryPage(host, engine, limit, settings, picture) {
  const { make, number } = picture, { FIELDS, REACH } = settings;
  const shadow = host.attachShadow({ mode: "open" }), still = matchMedia("(prefers-reduced-motion: reduce)");
  let setting = settings.decode(location.hash), shown = null, dark = false, box = null;
  let playing = false, turning = false, history = [], lastDrawn = 0, lastRead = 0;

  const div = (name, ...children) => make("div", { class: name }, ...children);
  const ask = laboratoryAsk(engine, limit, (problem) => { element.problem.textContent = `The computation stopped: ${problem}`; });

  // ---------------------------------------- what there is on the page

  const element = {
    legend: make("ul", { class: "legend" }), plot: div("plot"), status: make("p", { class: "status" }),
    problem: make("div", { class: "problem", role: "alert" }), heard: make("div", { class: "heard", role: "status", "aria-live": "polite" }),
    experiments: div("row"), sentence: div("sentence"),
    readings: div("readings"), numbers: make("div"),
    setting: make("p", { class: "setting" }), code: make("code"),
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
    button("Add a point", () => points.add()), button("Remove the point", () => points.remove()),
    button("New seed", () => change({ seed: (setting.seed + 1) % 100 })), button("Copy link", copyLink),
  ];
  const folds = [["The numbers at the points", element.numbers], ["The same in Python", make("pre", {}, element.code)]].map(([title, content]) => {
    const region = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, content);
    const fold = make("details", {}, make("summary", {}, title), region);
    fold.addEventListener("toggle", fill);
    return fold;
  });
  const controls = laboratoryControls(FIELDS, picture, change);
  const points = laboratoryPoints(element.plot, settings, picture, { setting: () => setting, box: () => box, change, say });
  // the picture stays in sight while one moves what is below it
  const brief = make("span", { class: "brief", "aria-hidden": "true" }); // the status says it too
  const stage = div("stage", element.plot, div("row", ...Object.values(buttons), brief));
  const desk = make("div", {}, stage, element.setting, element.problem, element.status,
    div("experiments", make("h2", {}, "Experiments"), element.sentence, element.experiments),
    div("tools", make("h2", {}, "Settings"), div("row", ...tools), controls.groups));
  const all = make("div", { class: "all", role: "group", "aria-label": "Laboratory" }, element.legend, desk, make("h2", {}, "Readings"), element.readings, ...folds, element.heard);

  // -- readings, with titles and captions from the page
  function takeTitle(place) {
    const title = place.querySelector(".laboratory-title");
    title.remove();
    return title.textContent;
  }
  const READINGS = {
    loss: [["network", "kernel"], (s) => [s.loss, s.kernelLoss]],
    distance: [["network"], (s) => [s.distance]],
    change: [["network"], (s) => [s.kernelChange]],
    motion: [["network"], (s) => [s.parameterMotion]],
  };
  const charts = Object.entries(READINGS).map(([slot, [roles, read]]) => {
    const title = takeTitle(host.querySelector(`[slot=${slot}]`)), made = picture.chart(title, roles), value = make("span");
    const holder = make("div", {}, made.svg);
    element.readings.append(div("reading", make("h3", {}, title, value), holder, div("caption", make("slot", { name: slot }))));
    return { ...made, holder, value, read };
  });
  const matrices = ["the first network's", "at infinite width"].map((name) => {
    const canvas = make("canvas", { role: "img" });
    return { name, canvas, figure: make("figure", {}, canvas, make("figcaption", {}, name)) };
  });
  const ratio = make("span");
  element.readings.append(div("reading", make("h3", {}, takeTitle(host.querySelector("[slot=kernel]")), ratio), div("matrices", ...matrices.map((m) => m.figure)),
    div("caption", make("slot", { name: "kernel" }))));

  const MUTE = ["speed", "band", "limit"];
  const trained = (of) => JSON.stringify(Object.entries(of).filter(([name]) => !MUTE.includes(name)));
  // -- experiments: their titles, sentences and settings are the page's
  const experiments = [...host.querySelectorAll("[data-setting]")].map((place, k) => {
    place.slot = `experiment-${k + 1}`;
    const made = button(takeTitle(place), () => {
      set(settings.decode(place.dataset.setting), true);
      play(true);
    }, { "aria-pressed": "false" });
    element.experiments.append(made);
    return { made, wanted: trained(settings.decode(place.dataset.setting)) };
  });
  const invitation = host.querySelector("[slot=invitation]") ? make("slot", { name: "invitation" }) : "";

  // ---------------------------------------- changing something

  function change(part) { set(settings.complete({ ...setting, ...part })); }
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
      const others = shown.diverged < shown.networks ? " The readings are the means of the others." : "";
      element.problem.textContent = `${who} diverged by step ${number(shown.step, 6)}: the loss grew beyond all bounds.${above}${others}`;
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
    brief.textContent = `step ${number(shown.step, 7)} · loss ${number(shown.loss)} · kernel ${number(shown.kernelLoss)}`;
    element.status.textContent = note + inWords() + fewer;
  }
  // What a setting changes outside of the pictures.
  function describe() {
    controls.show(setting);
    const chosen = 1 + experiments.findIndex(({ wanted }) => wanted === trained(setting)); // also of a link
    experiments.forEach(({ made }, k) => made.setAttribute("aria-pressed", String(chosen === k + 1)));
    element.setting.textContent = Object.entries(FIELDS).map(([name, [label, values, , words]]) => {
      const v = setting[name];
      return `${label.replace("_", "")}: ${words ? words[values.indexOf(v)] : typeof v === "number" ? number(v, 4) : v ? "yes" : "no"}`;
    }).join(", ") + ".";
    element.sentence.replaceChildren(chosen ? make("slot", { name: `experiment-${chosen}` }) : invitation);
    curves.points(setting.points, dark);
    points.show();
  }
  function paint(readings = true) {
    const width = Math.floor(element.plot.clientWidth);
    if (!shown || !width) return;
    const circle = shown.settings.domain === "circle", height = Math.round(Math.max(200, Math.min(360, width * 0.5, innerHeight * 0.44))), key = [width, height, circle].join();
    if (!box || box.key !== key) {
      box = { ...curves.layout(width, height, REACH[shown.settings.domain], circle), key };
      describe();
      all.style.setProperty("--stage", (stage.offsetHeight || stage.lastChild.offsetHeight) + "px");
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
    controls.hint.textContent = `Red mark: the kernel's threshold, ${number(shown.threshold)}${setting.momentum ? ", times 1 + momentum" : ""}. The learning rate is ${number(shown.learningRate)}.`;
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
      (host.shadowRoot || host).append("This browser cannot run the laboratory: " + problem.message);
      throw problem;
    }
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
}
