// How is each setting moved? A slider, a list or a check box for each field, by groups.
function laboratoryControls(FIELDS, { make, number }, change) {
  const div = (name, ...children) => make("div", { class: name }, ...children);
  const groups = div("groups"), hint = make("p", { class: "hint" });
  const controls = {};
  for (const [name, [label, values, start, words, group]] of Object.entries(FIELDS)) {
    const id = "laboratory-" + name;
    let set = groups.querySelector(`[data-group=${group}]`);
    if (!set) groups.append(set = make("fieldset", { "data-group": group }, make("legend", {}, group)));
    const row = div("control", make("label", { for: id }, ...label.split("_").map((part, i) => (i ? make("sub", {}, part) : part))));
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
      const slider = div("slider", input);
      input.addEventListener("input", () => change({ [name]: values[input.value] }));
      row.append(slider, value);
      controls[name] = (v) => {
        input.value = values.indexOf(v);
        value.textContent = number(v, 4);
        input.setAttribute("aria-valuetext", number(v, 4));
      };
      if (name === "learning_rate") { // the threshold is drawn where the slider stands at it
        const mark = div("mark");
        slider.append(mark);
        const set = controls[name];
        controls[name] = (v, { momentum }) => {
          set(v);
          const at = 1 + momentum, i = values.findIndex((each) => each >= at - 1e-9);
          const place = values[i] === at ? i : i - 1 + (at - values[i - 1]) / (values[i] - values[i - 1]);
          mark.style.left = `calc(8px + ${place / (values.length - 1)} * (100% - 16px) - 1px)`;
        };
        hint.id = "laboratory-threshold";
        input.setAttribute("aria-describedby", hint.id);
      }
    }
    set.append(row);
    if (name === "learning_rate") set.append(hint);
  }
  const band = groups.querySelector("#laboratory-band").parentNode; // there is none around a line in the plane
  return { groups, hint, show: (setting) => { band.hidden = setting.domain === "plane"; for (const name in controls) controls[name](setting[name], setting); } };
}
