// What happens when a reader presses Measure? The claim judges itself anew, by what was measured in this page.
// The controls stand on the page already, so that nothing moves; the numbers come from a worker.
function laboratoryMeasure(box, ask) {
  const button = box.querySelector("button"), said = box.querySelector("[data-said]"), outside = box.querySelector("[data-outside]");
  const fields = [...box.querySelectorAll("select, input")], { measure } = box.dataset;
  const theorem = box.querySelector(".measure-law a").textContent; // as the page numbers it
  const number = (v) => (v !== 0 && (Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3) ? v.toExponential(2) : String(Number(v.toPrecision(4)))).replace(/^-/, "−");
  const numbers = (text) => (text ? text.split(" ").map(Number) : []);
  const setting = () => Object.fromEntries(fields.map((field) => {
    if (field.type === "number" && !(field.value !== "" && field.checkValidity() && Number.isInteger(Number(field.value)))) field.value = field.defaultValue;
    return [field.dataset.field, field.dataset.words ? field.value : Number(field.value)];
  }));
  // What is measured against what, and whether the tolerance could tell a wrong answer from it.
  function judged(of, measured) {
    const law = laboratoryLaws[measure], { expected, rejects } = law ? law(of) : { expected: Number(box.dataset.expected), rejects: numbers(box.dataset.rejects) };
    const tolerance = Number(box.dataset.tolerance), near = (v) => Math.abs(v - expected) <= tolerance;
    const verdict = !Number.isFinite(measured) ? "disagrees" : rejects.some(near) ? "undecided" : near(measured) ? "agrees" : "disagrees";
    return { measured, expected, tolerance, rejects, verdict, setting: of };
  }
  const explain = (on) => { outside.style.visibility = on ? "" : "hidden"; }; // its room is kept: nothing moves
  const SIGNS = { agrees: ["✓", "It agrees"], disagrees: ["✗", "It does not agree"], undecided: ["?", "This cannot tell"] };
  function show(state) {
    const { measured, expected, tolerance, rejects, verdict } = state, [sign, words] = SIGNS[verdict];
    const why = verdict === "undecided" ? ` A wrong answer, ${rejects.map(number).join(" or ")}, is as near.` : "";
    const value = Number.isFinite(measured) ? number(measured) : "no number: the training diverged";
    said.textContent = `${sign} ${words}: measured ${value}, expected ${number(expected)} ± ${number(tolerance)} (${theorem}).${why}`;
    explain(verdict === "disagrees");
    box.dataset.verdict = verdict;
    box.state = state;
  }
  function forget() { // an outcome is of the setting that it was measured at
    if (!box.state) return;
    delete box.dataset.verdict;
    box.state = null;
    explain(false);
    said.textContent = "The setting has changed: press Measure.";
  }
  let asked = 0;
  function press() {
    const of = setting(), mine = ++asked;
    forget();
    said.textContent = "Measuring.";
    button.setAttribute("aria-busy", "true");
    const settled = (act) => (answer) => {
      if (mine !== asked) return; // the reader has moved on
      button.removeAttribute("aria-busy");
      act(answer);
    };
    ask(measure, of).then(settled((measured) => show(judged(of, measured))), settled((problem) => { said.textContent = `The computation stopped: ${problem.message}`; }));
  }
  button.addEventListener("click", press);
  for (const field of fields) {
    field.addEventListener("input", () => {
      asked++;
      button.removeAttribute("aria-busy");
      forget();
      if (said.textContent === "Measuring.") said.textContent = "The setting has changed: press Measure.";
    });
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") press(); });
  }
  if (box.pressed) press();
}

// A function that measures, in a worker where there is one.
function laboratoryMeasuring() {
  const here = () => laboratoryMeasures(laboratoryEngine(), laboratoryLimit()), waiting = new Map();
  let worker = null, next = 0;
  try {
    const source = `const m = (${laboratoryMeasures})((${laboratoryEngine})(), (${laboratoryLimit})());
      onmessage = ({ data: { id, name, setting } }) => { try { postMessage({ id, measured: m[name](setting) }); } catch ({ message }) { postMessage({ id, message }); } };`;
    worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.onmessage = ({ data }) => {
      const { done, failed } = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.message === undefined) done(data.measured);
      else failed(new Error(data.message));
    };
    worker.onerror = () => { // this browser starts none: what waits is measured here
      worker = null;
      for (const { name, setting, done } of waiting.values()) done(here()[name](setting));
      waiting.clear();
    };
  } catch { worker = null; }
  return (name, setting) => new Promise((done, failed) => {
    if (!worker) return void setTimeout(() => { try { done(here()[name](setting)); } catch (problem) { failed(problem); } });
    waiting.set(++next, { name, setting, done, failed });
    worker.postMessage({ id: next, name, setting });
  });
}

const ask = laboratoryMeasuring();
document.querySelectorAll("[data-measure]").forEach((box) => laboratoryMeasure(box, ask));
