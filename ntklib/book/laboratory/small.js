// What stands at the head of the title page? Points, curves, Play and the width, in the place of the still picture,
// which stays until all is computed, and for paper. Nothing moves: it is as high as what it replaces.
function laboratorySmall(host, engine, limit, settings, picture) {
  const figure = document.getElementById(host.dataset.laboratorySmall), old = figure && figure.querySelector(".ntk-explorer");
  if (!old) return;
  const { make, number } = picture, DONE = 240, still = matchMedia("(prefers-reduced-motion: reduce)");
  const div = (name, ...children) => make("div", { class: name }, ...children), widths = settings.FIELDS.width[1].slice(0, 9);
  const shadow = host.attachShadow({ mode: "open" });
  let setting = settings.decode(""), shown = null, box = null, dark = false, lastDrawn = 0;
  const run = laboratoryRun(engine, limit, {
    setting: () => setting, draw,
    took: (answered) => {
      shown = answered;
      if (run.playing() && shown.step >= DONE) run.play(false); // all is learned
    },
    turned: (on) => {
      play.textContent = on ? "Pause" : "Play";
      if (!on) { draw(true); say(""); }
    },
    troubled: () => { host.hidden = true; old.classList.remove("laboratory-still"); },
  });

  const curves = picture.curves("laboratory-small"), plot = div("plot", ...curves.parts), legend = make("ul", { class: "legend" });
  const heard = make("div", { class: "heard", role: "status", "aria-live": "polite" }), width = make("span", { "aria-hidden": "true" });
  const play = make("button", { type: "button", class: "main" }, "Play");
  const slider = make("input", { type: "range", id: "laboratory-width", min: 0, max: widths.length - 1, step: 1 });
  const all = make("div", { class: "all small", role: "group", "aria-label": "Twenty networks and the formula" }, legend, plot,
    div("row", play, make("label", { for: "laboratory-width" }, "width"), slider, width, make("slot")), heard);
  const points = laboratoryPoints(plot, settings, picture, { setting: () => setting, box: () => box, change, say });

  const words = () => `Step ${number(shown.step)}, training loss ${number(shown.loss)}, distance to the formula ${number(shown.distance)}.`;
  function say(before) { if (shown) heard.textContent = before + words(); }
  // Whatever is changed is trained at once, from the start.
  function change(part) {
    setting = settings.complete({ ...setting, ...part });
    describe();
    run.begin(() => run.play(true));
  }
  play.addEventListener("click", () => {
    if (run.playing()) run.play(false);
    else if (shown.step >= DONE) run.begin(() => run.play(true));
    else run.play(true);
  });
  slider.addEventListener("input", () => change({ width: widths[slider.value] }));

  function describe() {
    slider.value = widths.indexOf(setting.width);
    slider.setAttribute("aria-valuetext", number(setting.width, 4));
    width.textContent = number(setting.width, 4);
    curves.points(setting.points, dark);
    points.show();
  }
  function draw(now = false) {
    if (!shown || host.hidden || !plot.clientWidth) return;
    const time = performance.now();
    if (now !== true && run.playing() && still.matches && time - lastDrawn < 1000) return; // less motion: a picture a second
    lastDrawn = time;
    const key = [plot.clientWidth, plot.clientHeight].join();
    if (!box || box.key !== key) {
      box = { ...curves.layout(plot.clientWidth, Math.max(120, plot.clientHeight), 180, true), key };
      describe();
    }
    const how = { dark, limit: false, band: false };
    curves.show(shown, how);
    curves.points(setting.points, dark);
    curves.svg.setAttribute("aria-label", `Outputs against the angle: ${shown.networks} networks of width ${number(setting.width, 4)} and the kernel's prediction. ${words()}`);
    if (legend.key !== dark) legend.replaceChildren(...picture.legend(shown, how));
    legend.key = dark;
  }
  function look() {
    const ground = picture.ground(figure);
    dark = ground.dark;
    all.classList.toggle("dark", dark);
    all.style.setProperty("--surface", ground.color);
    draw(true);
  }
  shadow.replaceChildren(make("style", {}, host.querySelector("script[data-look]").textContent), all);
  Object.defineProperty(host, "state", { get: () => shown && { step: shown.step, loss: shown.loss, kernelLoss: shown.kernelLoss, networks: shown.networks, settings: structuredClone(setting), playing: run.playing() } });
  run.begin(() => run.advance(DONE, () => { // it comes with what was learned, as the picture before it
    for (const part of host.querySelectorAll("p")) part.style.margin = "0";
    host.style.height = old.offsetHeight + "px";
    host.style.overflowX = "clip"; // until the curves are drawn again for a window that has become narrower
    old.after(host);
    old.classList.add("laboratory-still");
    document.head.append(make("style", {}, "@media screen { .laboratory-still { display: none !important } } @media print { [data-laboratory-small] { display: none !important } }"));
    host.hidden = false;
    look();
    new ResizeObserver(() => draw(true)).observe(plot);
    picture.onGround(look);
  }));
}
