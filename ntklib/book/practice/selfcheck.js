// Makes the self-checks of a page, or of a notebook, answer. Nothing is stored or sent. Without this script each shows its answer in a fold.
"use strict";

(() => {
  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // "0.25", "0,25", "1/4", "25 %" (where per cent is asked for), "−3": a number, or NaN
  const parsed = (text, unit) => {
    // 1,000 is a thousand, 0,5 is a half
    let words = text.trim().replace(/[−–]/g, "-").replace(/(?<=[1-9]\d{0,2}),(?=\d{3}(\D|$))/, "").replace(",", ".");
    if (unit && words.endsWith(unit)) words = words.slice(0, -unit.length).trim();
    const match = /^([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:\s*\/\s*(\d+\.?\d*))?$/i.exec(words);
    return match ? Number(match[1]) / Number(match[2] || 1) : NaN;
  };

  const isRight = (given, wanted, tolerance) =>
    Math.abs(given - wanted) <= tolerance * Math.abs(wanted) + 1e-9 * Math.max(1, Math.abs(wanted));

  document.querySelectorAll("div.self-check:not(.live)").forEach((check) => {
    const feedback = [...check.querySelector(".self-check-feedback").children];
    const question = check.querySelector(".self-check-question");
    const fold = check.querySelector("details");
    const said = element("div", { className: "self-check-said" });
    said.setAttribute("role", "status");
    said.setAttribute("aria-live", "polite");
    question.id ||= `${check.id}-question`;
    const say = (right, ...content) => {
      said.classList.toggle("right", right);
      said.replaceChildren(...content);
    };
    const why = (item) => [...item.childNodes].map((node) => node.cloneNode(true));
    const button = element("button", { type: "button", textContent: "Check" });

    if (check.dataset.kind === "choice") {
      const choices = check.querySelector(".self-check-choices");
      // a notebook may show a question twice, in two tabs
      const name = `${check.id}-${Math.random().toString(36).slice(2)}`;
      const inputs = [...choices.children].map((item, place) => {
        const input = element("input", { type: "radio", name, value: String(place) });
        const text = element("span", {}, ...item.childNodes);
        text.querySelectorAll("p").forEach((p) => p.replaceWith(...p.childNodes));
        item.replaceChildren(element("label", {}, input, text));
        return input;
      });
      const group = element("fieldset", {});
      group.setAttribute("aria-labelledby", question.id);
      choices.replaceWith(group);
      group.append(choices);
      button.addEventListener("click", () => {
        const place = inputs.findIndex((input) => input.checked);
        if (place < 0) say(false, element("p", { textContent: "Choose an answer first." }));
        else say(place === Number(check.dataset.right), ...why(feedback[place]));
      });
      group.addEventListener("change", () => say(false));
      // a notebook takes the arrows away from the browser
      const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
      group.addEventListener("keydown", (event) => {
        const here = inputs.indexOf(event.target);
        if (!(event.key in steps) || here < 0) return;
        event.preventDefault();
        event.stopPropagation();
        const next = inputs[(here + steps[event.key] + inputs.length) % inputs.length];
        next.focus();
        next.checked = true;
        next.dispatchEvent(new Event("change", { bubbles: true }));
      });
      fold.before(element("div", { className: "self-check-form" }, button), said);
    } else {
      const { answer, tolerance, unit } = check.dataset;
      const input = element("input", { type: "text", autocomplete: "off", spellcheck: false });
      input.setAttribute("aria-label", unit ? `Your answer, in ${unit}` : "Your answer, a number");
      input.setAttribute("aria-describedby", question.id);
      const form = element("form", { className: "self-check-form" }, input, unit, " ", button);
      button.type = "submit";
      input.addEventListener("input", () => say(false));
      // a notebook keeps this key from sending the form
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing) return;
        event.preventDefault();
        form.requestSubmit();
      });
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const given = parsed(input.value, unit);
        if (Number.isNaN(given)) {
          say(false, element("p", { textContent: "That is not a number: write it like 3, 0.25 or 1/4." }));
          return;
        }
        const right = isRight(given, Number(answer), parseFloat(tolerance) / 100);
        const verdict = element("p", {}, element("strong", { textContent: right ? "Right." : "No." }));
        say(right, verdict, ...why(feedback.find((item) => item.classList.contains(right ? "right" : "wrong"))));
      });
      fold.before(form, said);
    }
    check.classList.add("live");
  });
})();
