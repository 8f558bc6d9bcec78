// How does the laboratory answer in a notebook? It is the one of the page; its setting stands in the traits of a widget.
const laboratoryWords = {
  loss: ["Training loss", "Network (line) and kernel (dashes), with half the mean square of output minus target."],
  distance: ["Distance to the kernel's prediction", "Root mean square over the picture, from the same start."],
  linear: ["Distance to the linearisation", "Root mean square over the picture, from each network to its own."],
  change: ["Relative change of the tangent kernel", "On the points, since the start."],
  motion: ["Relative motion of the parameters", "Of all parameters together, since the start."],
  kernel: ["Tangent kernel of the points", "The same shades for both."],
  units: ["Where units point", "Units of the first layer and their way from the start, in the colour of their readout's sign."],
};
// The curves with their legend and the numbers below them, as a PNG, whose bytes stand in a text.
async function laboratoryPhotograph(host) {
  const root = host.shadowRoot, all = root.querySelector(".all"), svg = root.querySelector(".plot svg"), field = root.querySelector(".field");
  const style = getComputedStyle(all), [width, height] = ["width", "height"].map((side) => Number(svg.getAttribute(side)));
  if (!width || !height) return "";
  const copy = svg.cloneNode(true), parts = [svg, ...svg.querySelectorAll("*")], kept = ["fill", "stroke", "opacity", "font-size", "font-family"];
  [copy, ...copy.querySelectorAll("*")].forEach((part, k) => { // the sheet does not come with it
    const of = getComputedStyle(parts[k]);
    for (const name of kept) part.style.setProperty(name, of.getPropertyValue(name));
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
  await image.decode();
  const items = [...root.querySelectorAll(".legend li")].map((item) => [item.querySelector("path"), item.textContent.replace(/: drag.*$/, "")]);
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d"), font = `13px ${style.fontFamily}`, line = 18, scale = 1.5;
  context.font = font;
  const across = Math.max(width, 360, ...items.map(([, words]) => 56 + context.measureText(words).width));
  canvas.width = scale * across;
  canvas.height = scale * (height + line * (items.length + 1) + 10);
  context.scale(scale, scale);
  context.fillStyle = style.getPropertyValue("--surface") || "#fff";
  context.fillRect(0, 0, across, canvas.height);
  if (field) context.drawImage(field, ...["left", "top", "width", "height"].map((side) => parseFloat(field.style[side])));
  context.drawImage(image, 0, 0, width, height);
  context.font = font;
  items.forEach(([path, words], k) => {
    const y = height + line * (k + 0.6), sample = new Path2D(path.getAttribute("d"));
    context.save();
    context.translate(8, y - 7);
    if (path.getAttribute("fill") !== "none") {
      context.fillStyle = path.getAttribute("fill");
      context.globalAlpha = Number(path.getAttribute("fill-opacity") || 1);
      context.fill(sample);
    }
    context.globalAlpha = 1;
    if (path.getAttribute("stroke")) {
      context.strokeStyle = path.getAttribute("stroke");
      context.lineWidth = 2.2;
      context.setLineDash((path.getAttribute("stroke-dasharray") || "").split(" ").filter(Boolean).map(Number));
      context.stroke(sample);
    }
    context.restore();
    context.fillStyle = style.color;
    context.fillText(words, 46, y + 4);
  });
  context.fillText(root.querySelector(".brief").textContent, 8, height + line * (items.length + 0.6) + 4);
  return canvas.toDataURL("image/png").split(",")[1];
}

// The traits, each with its name on the page.
const laboratoryTraits = Object.fromEntries(["domain", "width", "depth", "activation", "w_std", "b_std", "networks", "seed", "alpha", "subtract", "learning_rate", "momentum"].map((name) => [name, name]));
laboratoryTraits.scale = "parameterization";
const laboratoryViews = new WeakMap(); // the views of a model: the first one says what was computed, all follow

function render({ model, el }) {
  const engine = laboratoryEngine(), limit = laboratoryLimit(), picture = laboratoryPicture(), settings = laboratorySettings(engine.normals);
  const { make } = picture, host = make("div", { class: "ntk-laboratory", "data-lm-suppress-shortcuts": "true" }); // or a notebook takes the keys
  for (const [slot, [title, words]] of Object.entries(laboratoryWords)) host.append(make("div", { slot }, make("p", { class: "laboratory-title" }, title), words));
  for (const { name, title, setting, words } of laboratoryExperiments) host.append(make("div", { "data-name": name, "data-setting": setting }, make("p", { class: "laboratory-title" }, title), words));
  host.append(make("div", { slot: "invitation" }, "Each experiment sets everything and starts. It says what to look at, and what would refute it."));
  const sheet = make("script", { type: "text/css", "data-look": true });
  sheet.textContent = laboratorySheet;
  host.append(sheet);
  // Below it the notebook keeps a picture for those who open it without a kernel; who sees the widget needs none.
  const hides = ".jp-OutputArea-child:has(.ntk-laboratory) + .jp-OutputArea-child:has(.jp-RenderedImage)";
  el.append(host, make("style", {}, `@media screen { ${hides} { display: none; } }`));

  const views = laboratoryViews.get(model) || laboratoryViews.set(model, new Set()).get(model), me = {}, first = () => [...views][0] === me;
  views.add(me);
  let own = false, losses = [], telling = 0, news = {}, last = null, waiting = null;
  // What the page knows is told to Python a few times a second; what Python has set in between, Python knows better.
  function tell(values) {
    Object.assign(news, values);
    telling ||= setTimeout(() => {
      telling = 0;
      own = true;
      for (const [name, value] of Object.entries(news)) if (JSON.stringify(model.get(name)) !== JSON.stringify(value)) model.set(name, value);
      own = false;
      news = {};
      model.save_changes();
    }, 150);
  }
  const pointsOf = () => model.get("x").map((x, i) => [x, model.get("y")[i]].flat());
  function settingOf(names, before = {}) {
    const some = { ...before };
    for (const [name, field] of Object.entries(laboratoryTraits)) if (names.has(name)) some[field] = model.get(name);
    if (["x", "y", "domain"].some((name) => names.has(name))) Object.assign(some, { preset: "own", domain: model.get("domain"), points: pointsOf() });
    return settings.complete(some);
  }
  function changed(setting) {
    const values = Object.fromEntries(Object.entries(laboratoryTraits).map(([name, field]) => [name, setting[field]]));
    const flat = setting.domain === "plane";
    tell({ ...values, x: setting.points.map((p) => (flat ? p.slice(0, 2) : p[0])), y: setting.points.map((p) => p.at(-1)) });
  }
  function took(shown, begun) {
    if (begun || (losses.length && losses.at(-1)[0] >= shown.step)) losses = [];
    losses.push([shown.step, shown.loss, shown.kernelLoss]);
    if (losses.length > 400) losses = losses.filter((_, i) => i % 2 === 0 || i === losses.length - 1);
    last = shown;
    if (first()) photograph();
    if (!first() || (waiting !== null && shown.step !== waiting)) return; // the steps that were asked for come
    waiting = null;
    const n = shown.settings.points.length;
    tell({ step: shown.step, outputs: [...shown.outputs], losses: losses.slice(), kernel: Array.from({ length: n }, (_, i) => [...shown.empiricalKernel.slice(i * n, i * n + n)]) });
  }

  // When nothing has moved for a while Python is told what is to be seen, for the notebook that is saved.
  let resting = 0;
  function photograph() {
    clearTimeout(resting);
    resting = setTimeout(async () => {
      if (!host.isConnected || page.playing()) return;
      const picture = await laboratoryPhotograph(host).catch(() => ""); // without one the last one stays
      if (picture) tell({ _picture: picture });
    }, 800);
  }

  const everything = new Set([...Object.keys(laboratoryTraits), "x", "y"]), asked = new Set();
  const page = laboratoryPage(host, engine, limit, settings, picture, laboratoryPlane(picture), { start: settingOf(everything), changed, took });
  if (model.get("step")) train(model.get("step"));
  function train(to) {
    waiting = first() ? to : null;
    if (!last || last.step > to) page.begin();
    page.advance(to - (last && last.step <= to ? last.step : 0));
  }
  // All that one message of Python changes is one change.
  function heard(name) {
    if (own) return;
    delete news[name];
    if (!asked.size) setTimeout(follow);
    asked.add(name);
  }
  function follow() {
    const names = new Set(asked), to = names.has("step") ? model.get("step") : 0;
    asked.clear();
    const renewed = [...names].some((name) => name !== "step");
    if (renewed) {
      last = null;
      page.set(settingOf(names, page.setting()));
    } else if (page.playing() && !first()) return; // it plays by itself
    if (to || !renewed) train(to);
  }
  const listeners = [...everything, "step"].map((name) => ["change:" + name, () => heard(name)]);
  for (const [event, listener] of listeners) model.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) model.off(event, listener);
    clearTimeout(telling);
    clearTimeout(resting);
    views.delete(me);
    page.close();
  };
}

export default { render };
