// The explorer in a notebook: it asks Python for each setting. It stands behind explorer.js, in one module.
function progress(note, [done, total]) {
  const bar = note.querySelector("progress");
  if (done >= total) return void (bar && (note.textContent = ""));
  if (!bar) note.replaceChildren(explorer.make("progress", { max: total, "aria-label": "Computing" }), " ");
  note.firstChild.value = done;
  note.lastChild.textContent = `Computing the ${total} settings that a page stores: ${done} done.`;
}

function render({ model, el }) {
  // without the mark, JupyterLab takes letters and arrows for its own commands
  const host = explorer.make("div", { "data-lm-suppress-shortcuts": "true" }), spec = model.get("_spec");
  el.append(host);
  const names = spec.parameters.map((p) => p.name), setting = () => names.map((name) => model.get(name));
  const numbers = (values) => Float64Array.from(values, (v) => (v === null ? NaN : v));
  const view = explorer.build(host, { ...spec, start: setting() }, {
    live: true,
    ask(to) {
      names.forEach((name, k) => model.set(name, to[k]));
      model.save_changes();
      answer(); // Python says nothing if this is the setting that it answered last
    },
  });
  const answer = () => {
    const given = model.get("_answer");
    if (given.setting) view.show({ ...given, text: explorer.typeset(given.text || ""), arrays: (given.arrays || []).map((arrays) => arrays.map(numbers)) });
  };
  const moved = () => { view.move(setting()); answer(); }, progressed = () => progress(view.note, model.get("_progress"));
  const listeners = [["change:_answer", answer], ["change:_progress", progressed], ...names.map((name) => ["change:" + name, moved])];
  for (const [event, listener] of listeners) model.on(event, listener);
  answer();
  progressed();
  return () => {
    view.close();
    for (const [event, listener] of listeners) model.off(event, listener);
  };
}

export default { render };
