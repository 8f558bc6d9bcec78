// What is read off the training, and where does it stand? Titles and captions are the page's.
function laboratoryReadings(host, picture, plane, takeTitle) {
  const { make, tell, number } = picture, div = (name, ...children) => make("div", { class: name }, ...children);
  const all = div("readings"), READINGS = {
    loss: [["network", "kernel"], (s) => [s.loss, s.kernelLoss]],
    distance: [["network"], (s) => [s.distance]],
    linear: [["network"], (s) => [s.linearDistance || 0]],
    change: [["network"], (s) => [s.kernelChange]],
    motion: [["network"], (s) => [s.parameterMotion]],
  };
  let history = [];

  // A reading: its title with what it is now, its picture, and the line of the page below it.
  function reading(slot, title, value, content, level = "h3") {
    const made = div("reading", make(level, { class: "title" }, title, value), content, div("caption", make("slot", { name: slot })));
    all.append(made);
    return made;
  }
  const titled = (slot) => takeTitle(host.querySelector(`[slot=${slot}]`));
  const charts = Object.entries(READINGS).map(([slot, [roles, read]]) => {
    const title = titled(slot), made = picture.chart(title, roles), value = make("span"), holder = make("div", {}, made.svg);
    return { ...made, slot, holder, value, read, whole: reading(slot, title, value, holder) };
  });
  const matrices = ["the first network's", "at infinite width"].map((name) => {
    const canvas = make("canvas", { role: "img" });
    return { name, canvas, figure: make("figure", {}, canvas, make("figcaption", {}, name)) };
  });
  const ratio = make("span"), turn = make("span"), arrows = plane.units();
  reading("kernel", titled("kernel"), ratio, div("matrices", ...matrices.map((m) => m.figure)));
  const units = reading("units", titled("units"), turn, arrows.canvas, "h2"); // it stands above them, too

  function record(shown, first) {
    if (first) history = [];
    if (history.length && history[history.length - 1].step >= shown.step) history = shown.step ? history : [];
    history.push({ step: shown.step, values: charts.map((c) => c.read(shown)) });
    if (history.length > 400) history = history.filter((_, i) => i % 2 === 0 || i === history.length - 1);
  }
  function show(shown, dark) {
    const steps = history.map((h) => h.step), across = charts.map((c) => Math.floor(c.holder.clientWidth));
    charts.forEach((c, k) => {
      c.whole.hidden = c.slot === "linear" && !shown.linearOutputs;
      const now = c.read(shown);
      tell(c.value, now.map((v) => number(v)).join(" · "));
      c.show(across[k], steps, now.map((_, j) => history.map((h) => h.values[k][j])), dark);
    });
    const both = [...shown.empiricalKernel, ...shown.limitKernel], low = Math.min(0, ...both), high = Math.max(...both), n = shown.settings.points.length;
    [shown.empiricalKernel, shown.limitKernel].forEach((m, k) => {
      picture.matrix(matrices[k].canvas, m, n, low, high, dark);
      matrices[k].canvas.setAttribute("aria-label", `Tangent kernel ${matrices[k].name}, ${n} by ${n}, entries from ${number(Math.min(...m))} to ${number(Math.max(...m))}`);
    });
    tell(ratio, `apart at the start: ${number(shown.kernelDistance)}`);
    units.hidden = !shown.units.length; // a unit of one input points left or right
    if (shown.units.length) tell(turn, `mean turn ${number(shown.unitTurn)}°`);
  }
  // The units' picture is drawn with the data: it stands beside them where there is room.
  function motion(shown, side, dark) {
    if (shown.units.length) arrows.show(shown, side, dark);
  }
  function lay(beside) {
    const home = beside || all;
    if (units.parentNode !== home) home.prepend(units);
  }
  return { all, record, show, motion, lay };
}
