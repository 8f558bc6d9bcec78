// How does a reader move the data? A button lies over each point: dragged, or moved by arrow keys; added and removed.
function laboratoryPoints(plot, settings, { make, number }, { setting, box, change, say }) {
  const { MOST, REACH } = settings, buttons = () => [...plot.querySelectorAll(".point")];
  let selected = 0;
  const flat = () => setting().domain === "plane";
  function move(k, x, y, label = setting().points[k][2]) {
    const points = setting().points.map((p, i) => (i === k ? settings.place([x, y, label], setting().domain) : p));
    selected = k;
    change({ preset: "own", points });
  }
  function flip(k) {
    if (!setting().points[k]) k = 0;
    const [x, y, label] = setting().points[k];
    move(k, x, y, -label);
  }
  // The place of the plane that is farthest from all points.
  function gap() {
    const away = (x, y) => Math.min(...setting().points.map((p) => Math.hypot(p[0] - x, p[1] - y)));
    const places = Array.from({ length: 81 }, (_, k) => [(k % 9) / 5 - 0.8, Math.floor(k / 9) / 5 - 0.8]);
    return places.reduce((best, each) => (away(...each) > away(...best) ? each : best));
  }
  function add(x, y) {
    if (setting().points.length >= MOST) return say(`There are ${MOST} points, and no place for more. `);
    const reach = REACH[setting().domain];
    if (x === undefined && flat()) [x, y] = gap();
    else if (x === undefined) { // in the widest gap
      const xs = [-reach, ...setting().points.map((p) => p[0]).sort((a, b) => a - b), reach], gaps = xs.slice(1).map((b, i) => b - xs[i]);
      const i = gaps.indexOf(Math.max(...gaps));
      [x, y] = [(xs[i] + xs[i + 1]) / 2, 0];
    }
    selected = setting().points.length;
    change({ preset: "own", points: [...setting().points, settings.place([x, y, 1], setting().domain)] });
    buttons()[selected].focus();
  }
  function remove(k) {
    if (setting().points.length <= 1) return say("The last point stays. ");
    const points = setting().points.filter((_, i) => i !== Math.min(k, setting().points.length - 1));
    selected = Math.min(k, points.length - 1);
    const focused = buttons().includes(plot.getRootNode().activeElement);
    change({ preset: "own", points });
    if (focused) buttons()[selected].focus();
  }
  function pointButton() {
    let held = null; // by one pointer: another finger may hold another point
    const made = make("button", { type: "button", class: "point" }), index = () => buttons().indexOf(made);
    made.addEventListener("focus", () => { selected = index(); });
    made.addEventListener("pointerdown", (event) => {
      if (event.button || held || !box()) return;
      made.setPointerCapture(event.pointerId);
      const at = made.getBoundingClientRect(), { clientX, clientY } = event; // it does not jump to the pointer
      held = { pointer: event.pointerId, clientX, clientY, dx: clientX - (at.left + at.right) / 2, dy: clientY - (at.top + at.bottom) / 2, moves: false };
      made.focus();
    });
    made.addEventListener("pointermove", (event) => {
      if (!held || event.pointerId !== held.pointer) return;
      const { clientX, clientY } = event, at = plot.getBoundingClientRect();
      held.moves ||= Math.hypot(clientX - held.clientX, clientY - held.clientY) > 3;
      if (held.moves) move(index(), box().x(clientX - at.left - held.dx), box().y(clientY - at.top - held.dy));
    });
    made.addEventListener("lostpointercapture", () => { held = null; });
    made.addEventListener("dblclick", (event) => event.stopPropagation());
    made.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key], k = index();
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (by) {
        const far = event.shiftKey ? 5 : 1, [x, y] = setting().points[k];
        move(k, x + (by[0] * far * REACH[setting().domain]) / 50, y + by[1] * far * (flat() ? 0.02 : 0.05));
      } else if (flat() && ["Enter", " ", "f"].includes(event.key)) flip(k);
      else if (event.key === "Delete" || event.key === "Backspace") {
        held = null; // the next point takes this place, and is not the one that was taken hold of
        remove(k);
      }
      else return;
      event.preventDefault();
    });
    return made;
  }
  plot.addEventListener("dblclick", (event) => {
    const at = plot.getBoundingClientRect(), px = event.clientX - at.left, py = event.clientY - at.top;
    const { left, right, top, bottom } = box() || {};
    if (px > left && px < right && py > top && py < bottom) add(box().x(px), box().y(py));
  });
  // As many buttons as points, where these are; one that is being dragged stays the same element.
  function show() {
    const { domain, points } = setting(), all = buttons();
    while (all.length < points.length) plot.append(all[all.push(pointButton()) - 1]);
    while (all.length > points.length) all.pop().remove();
    points.forEach(([x, y, label], k) => {
      all[k].setAttribute("aria-label", flat() ? `Point ${k + 1} of ${points.length}: ${number(x)} across, ${number(y)} up, label ${number(label)}. Arrow keys move it, Enter flips its label, Delete removes it.` : `Point ${k + 1} of ${points.length}: x ${number(x)}${domain === "circle" ? " degrees" : ""}, y ${number(y)}. Arrow keys move it, Delete removes it.`);
      if (box()) Object.assign(all[k].style, { left: box().sx(x) + "px", top: box().sy(y) + "px" });
    });
  }
  return { add: () => add(), remove: () => remove(selected), flip: () => flip(selected), show };
}
