// What does a reader touch, and what follows? Controls and readings around the pictures; the worker computes.
// `keeper`: who keeps the setting in place of the address of the page: where it starts, and whom changes and answers are told.
function laboratoryPage(host, engine, limit, settings, picture, plane, keeper = null) {
  const { make, tell, number } = picture, { FIELDS, REACH } = settings;
  host.style.overflowAnchor = "none"; // or the browser would follow the text that was here down the page
  const shadow = host.attachShadow({ mode: "open" }), still = matchMedia("(prefers-reduced-motion: reduce)");
  // A link names an experiment, or holds a whole setting.
  const named = (text) => [...host.querySelectorAll("[data-setting]")].find((place) => place.dataset.name === (/^#?experiment[-=]([^&]*)/.exec(text) || [])[1]);
  const asked = (text) => { const place = named(text); return settings.decode(place ? place.dataset.setting : text); };
  let setting = keeper ? keeper.start : asked(location.hash), shown = null, dark = false, box = null;
  let lastDrawn = 0, lastRead = 0, lastMoved = 0, between = 0, waits = false;

  const div = (name, ...children) => make("div", { class: name }, ...children);
  const flat = () => setting.domain === "plane";
  const run = laboratoryRun(engine, limit, {
    setting: () => setting, took, draw: frame,
    turned: (on) => {
      buttons.Play.setAttribute("aria-pressed", String(on));
      if (!on) { paint(); say(""); }
    },
    slow: (on) => {
      waits = on;
      brief.textContent = inBrief();
      if (!shown) status();
    },
    troubled: (problem) => { element.problem.textContent = `The computation stopped: ${problem}`; },
  });

  // ---------------------------------------- what there is on the page

  const element = {
    legend: make("ul", { class: "legend" }), plot: div("plot"), status: make("p", { class: "status" }),
    problem: make("div", { class: "problem", role: "alert" }), heard: make("div", { class: "heard", role: "status", "aria-live": "polite" }),
    experiments: div("row"), sentence: div("sentence"),
    numbers: make("div"),
    setting: make("p", { class: "setting" }), code: make("code"),
  };
  const button = (text, act, attributes = {}) => {
    const made = make("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", act);
    return made;
  };
  const views = { curves: picture.curves("laboratory"), plane: plane.field() }, view = () => (flat() ? views.plane : views.curves);
  const buttons = {
    Play: button("Play", () => run.play(true), { class: "main", "aria-pressed": "false" }),
    Pause: button("Pause", () => run.play(false), { class: "main" }),
    Step: button("Step", () => run.advance(1, () => say("")), { class: "main" }),
    Reset: button("Reset", () => { run.play(false); begin("At the start again. "); }, { class: "main" }),
  };
  const tools = [
    button("Add a point", () => points.add()), button("Remove the point", () => points.remove()), button("Flip the label", () => points.flip()),
    button("New seed", () => change({ seed: (setting.seed + 1) % 100 })), ...(keeper ? [] : [button("Copy link", copyLink)]),
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
  const beside = div("beside"), stage = div("stage", div("views", element.plot, beside), div("row", ...Object.values(buttons), brief));
  const desk = make("div", {}, stage, element.setting, element.problem, element.status,
    div("experiments", make("h2", {}, "Experiments"), element.sentence, element.experiments),
    div("tools", make("h2", {}, "Settings"), div("row", ...tools), controls.groups));

  // -- titles, captions, sentences and settings are the page's
  function takeTitle(place) {
    const title = place.querySelector(".laboratory-title");
    title.remove();
    return title.textContent;
  }
  const readings = laboratoryReadings(host, picture, plane, takeTitle);
  const all = make("div", { class: "all", role: "group", "aria-label": "Laboratory" }, element.legend, desk, make("h2", {}, "Readings"), readings.all, ...folds, element.heard);
  const MUTE = ["speed", "band", "limit", "linear", "preset", "noise"]; // of the data only the points count
  const trained = (of) => JSON.stringify(Object.entries(of).filter(([name]) => !MUTE.includes(name)));
  const experiments = [...host.querySelectorAll("[data-setting]")].map((place, k) => {
    place.slot = `experiment-${k + 1}`;
    const made = button(takeTitle(place), () => {
      set(settings.decode(place.dataset.setting), true);
      run.play(true);
    }, { "aria-pressed": "false" });
    element.experiments.append(made);
    return { made, wanted: trained(settings.decode(place.dataset.setting)) };
  });
  const invitation = host.querySelector("[slot=invitation]") ? make("slot", { name: "invitation" }) : "";

  if (!experiments.length) element.experiments.parentNode.hidden = true;

  // ---------------------------------------- changing something

  function change(part) { set(settings.complete({ ...setting, ...part })); }
  // New data or another network begin at the start again; speed and what is shown do not.
  function set(to, whole = false) {
    const before = setting;
    setting = to;
    describe();
    remember();
    if (trained(to) !== trained(before) || whole) begin("");
    else if (shown) {
      shown.settings = setting;
      if (to.linear !== before.linear) run.again();
      paint();
    }
  }
  function begin(words) { run.begin(() => { if (!run.playing()) say(words); }); }
  function took(answered, first) {
    const { speed, band, limit, linear } = setting;
    shown = { ...answered, settings: { ...answered.settings, speed, band, limit, linear } };
    readings.record(shown, first);
    if (keeper) keeper.took(shown, first);
    if (first) element.problem.textContent = "";
    if (!shown.diverged) return;
    const who = shown.networks === 1 ? "The network" : `${shown.diverged} of ${shown.networks} networks`;
    const above = setting.learning_rate > 1 + setting.momentum ? " The learning rate is above the threshold." : "";
    const others = shown.diverged < shown.networks ? " The readings are the means of the others." : "";
    element.problem.textContent = `${who} diverged by step ${number(shown.step, 6)}: the loss grew beyond all bounds.${above}${others}`;
  }
  function frame() {
    const now = performance.now();
    if (run.playing() && still.matches && now - lastDrawn < 1000) return; // who wants less motion sees a picture a second
    between += (Math.min(now - lastDrawn, 50) - between) / 8; // milliseconds from a frame to the next, lately
    lastDrawn = now;
    // numbers that change faster are not read; a slow machine draws the curves often, and the rest less
    const calm = !run.playing(), reads = calm || now - lastRead > Math.max(120, 8 * between);
    paint(reads, calm || now - lastMoved > 1.5 * between);
  }

  // ---------------------------------------- the address

  let remembering = 0;
  const address = () => location.href.split("#")[0] + "#" + settings.encode(setting);
  function remember() {
    if (keeper) return keeper.changed(setting);
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
  const over = new AbortController(), { signal } = over; // what is listened to outside of this place
  window.addEventListener("hashchange", ({ newURL }) => {
    if (keeper) return;
    const wanted = newURL.split("#")[1] || ""; // in the address another setting may stand by now
    if (wanted === settings.encode(setting)) return;
    run.play(false);
    set(asked(wanted), true);
  }, { signal });

  // ---------------------------------------- what is shown

  function say(words) {
    if (shown) element.heard.textContent = words + inWords();
    note = words;
    status();
  }
  let note = "";
  const inWords = () => `Step ${number(shown.step, 7)}, training time ${number(shown.time)}. Training loss ${number(shown.loss)}, of the kernel's prediction ${number(shown.kernelLoss)}.`
    + ` Distance between them ${number(shown.distance)}.`;
  const inBrief = () => !shown ? (waits ? "computing …" : "") : (waits ? "computing … · " : "") + `step ${number(shown.step, 7)} · loss ${number(shown.loss)}${waits ? "" : ` · kernel ${number(shown.kernelLoss)}`}`;
  function status() {
    if (!shown) { element.status.textContent = waits ? "Computing: networks this large take seconds a step." : ""; return; }
    const fewer = setting.networks > shown.networks ? " Of networks this large only one is trained at a time." : "";
    tell(brief, inBrief());
    tell(element.status, note + inWords() + fewer);
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
    tools[2].hidden = !flat();
    view().points(setting.points, dark);
    points.show();
  }
  // The picture of this domain, as large as there is room. In the plane the units stand beside it, or below all.
  function lay() {
    const wide = flat() && stageWidth() >= 600;
    if (element.plot.firstChild !== view().parts[0]) {
      for (const { parts } of Object.values(views)) parts.forEach((part) => part.remove());
      element.plot.prepend(...view().parts);
      box = null;
    }
    readings.lay(wide ? beside : null);
    const width = Math.floor(element.plot.clientWidth), circle = setting.domain === "circle";
    const height = Math.round(flat() ? Math.max(220, Math.min(380, width, innerHeight * 0.46)) : Math.max(200, Math.min(360, width * 0.5, innerHeight * 0.44)));
    const key = [width, height, setting.domain].join();
    if (box && box.key === key) return;
    box = { ...view().layout(width, height, REACH[setting.domain], circle), key, height };
    describe();
    all.style.setProperty("--stage", (stage.offsetHeight || stage.lastChild.offsetHeight) + "px");
  }
  const stageWidth = () => element.plot.parentNode.clientWidth;
  function paint(withReadings = true, withUnits = true) {
    if (!stageWidth()) return;
    lay(); // points and legend have their places before anything is computed
    const how = { dark, band: setting.band, limit: setting.limit, linear: setting.linear };
    const of = shown || { networks: setting.networks, band: !flat() && !setting.subtract, linearOutputs: setting.linear };
    const key = [setting.domain, of.networks, !!of.band, !!of.linearOutputs, ...Object.values(how)].join();
    if (element.legend.key !== key) element.legend.replaceChildren(...(flat() ? plane : picture).legend(of, how));
    element.legend.key = key;
    view().points(setting.points, dark);
    if (!shown) return;
    if (shown.settings.domain === setting.domain) view().show(shown, how); // else it is on the way
    if (withUnits) {
      lastMoved = performance.now();
      readings.motion(shown, Math.min(Math.max(200, box.height - 60), beside.clientWidth || readings.all.clientWidth), dark);
    }
    if (withReadings) read();
  }
  function read() {
    lastRead = performance.now();
    status();
    readings.show(shown, dark);
    tell(controls.hint, `Red mark: the kernel's threshold, ${number(shown.threshold)}${setting.momentum ? ", times 1 + momentum" : ""}. The learning rate is ${number(shown.learningRate)}.`);
    const against = { line: "Outputs against x", circle: "Outputs against the angle", plane: "The output as a field in the plane" }[setting.domain];
    view().svg.setAttribute("aria-label", `${against}: ${shown.networks} networks of width ${number(shown.settings.width, 5)} and the kernel's prediction, for ${shown.settings.points.length} points. ${inWords()}`);
    if (!run.playing()) fill();
  }
  function fill() {
    if (!shown) return;
    if (folds[0].open) {
      const head = [...(flat() ? ["across", "up", "label"] : ["x", "y"]), "networks", "kernel"].map((t) => make("th", { scope: "col" }, t));
      element.numbers.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...shown.settings.points.map((p, i) =>
        make("tr", {}, ...[...p, shown.outputs[i], shown.kernelOutputs[i]].map((v) => make("td", {}, number(v, 4))))))));
    }
    if (folds[1].open) element.code.textContent = host.python();
  }

  // ---------------------------------------- light or dark, narrow or wide

  function look() {
    const ground = picture.ground(host);
    dark = ground.dark;
    all.style.setProperty("--surface", ground.color);
    all.classList.toggle("dark", dark);
    paint();
  }
  shadow.replaceChildren(make("style", {}, host.querySelector("script[data-look]").textContent), all);
  new ResizeObserver(() => paint()).observe(element.plot);
  window.addEventListener("resize", () => paint(), { signal });
  picture.onGround(look, signal);
  describe();
  look();

  // ---------------------------------------- what tests, and the curious, can ask

  const plain = (value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
  Object.defineProperty(host, "state", {
    get: () => shown && { ...Object.fromEntries(Object.entries(shown).map(([k, v]) => [k, plain(v)])), settings: structuredClone(shown.settings), playing: run.playing() },
  });
  // So many steps at once; resolves to the state after them.
  host.advance = (steps) => new Promise((done) => { run.advance(steps, () => done(host.state)); });
  host.python = () => laboratoryPython(shown.settings, shown.step, shown.networks);
  begin("");
  return {
    set, begin: () => run.begin(), advance: (steps) => run.advance(steps, () => say("")), playing: run.playing, setting: () => setting,
    close() { over.abort(); run.close(); },
  };
}

if (document.currentScript) {
  const engine = laboratoryEngine(), limit = laboratoryLimit(), settings = laboratorySettings(engine.normals), picture = laboratoryPicture();
  const start = () => {
    document.querySelectorAll("[data-laboratory]").forEach((host) => {
      try {
        laboratoryPage(host, engine, limit, settings, picture, laboratoryPlane(picture));
      } catch (problem) { // what is written there stays
        (host.shadowRoot || host).append("This browser cannot run the laboratory: " + problem.message);
        throw problem;
      }
    });
    const small = () => document.querySelectorAll("[data-laboratory-small]").forEach((host) => laboratorySmall(host, engine, limit, settings, picture));
    const later = () => (window.requestIdleCallback || setTimeout)(small); // the page is read first
    if (document.readyState === "complete") later();
    else window.addEventListener("load", later);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
}
