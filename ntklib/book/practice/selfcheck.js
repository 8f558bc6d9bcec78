// Makes the self-checks of a page, or of a notebook, answer. Nothing is stored or sent. Without this script each shows its answer in a fold.
"use strict";

(() => {
  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // what groups the digits of a long number, and what its decimal point then is
  const GROUPS = [[",", "."], [".", ","], [" ", ".,"], ["'", ".,"], ["’", ".,"], ["_", ".,"]];

  // What digits can mean: 0,5 is a half, 1.000 one, 1,000,000 a million, and 1,000 is both one and a thousand.
  const digits = (text) => {
    const [, plain, power = ""] = /^(.*?)(e[-+]?\d+)?$/i.exec(text);
    const found = /^(\d+[.,]?\d*|[.,]\d+)$/.test(plain) ? [plain.replace(",", ".")] : [];
    for (const [group, point] of GROUPS) {
      const grouped = new RegExp(`^[1-9]\\d{0,2}(?:[${group}]\\d{3})+(?:[${point}]\\d+)?$`).test(plain);
      if (grouped && !/^\d+\.\d+$/.test(plain)) found.push(plain.replaceAll(group, "").replace(",", "."));
    }
    return found.map((number) => Number(number + power));
  };

  // What a fraction can mean: 1/4, or a whole number and a proper fraction, 3 1/2.
  const fractions = (text) => {
    const [above, below, ...more] = text.split("/").map((part) => part.trim());
    const over = (a, b) => digits(a).flatMap((x) => digits(b).filter((y) => y !== 0).map((y) => x / y));
    const [, whole = "", part = ""] = /^(.+) (\S+)$/.exec(above) || [];
    const mixed = over(part, below).filter((x) => x > 0 && x < 1).flatMap((x) => digits(whole).map((w) => w + x));
    return more.length ? [] : [...over(above, below), ...mixed];
  };

  // What an answer can mean, as numbers: none where it is no number, two where nobody can tell which of them is meant.
  const readings = (text, unit) => {
    let words = text
      .replace(/[¼-¾⅐-⅞]/g, " $&") // 1½ is not 11/2
      .replace(/[⁰¹²³⁴-⁻]+/g, "^$&") // nor 10² 102
      .normalize("NFKC")
      .replace(/[−–‒]/g, "-").replace(/[⁄∕]/g, "/").replace(/\s+/g, " ").replace(/^[ =≈~]+| $/g, "");
    if (unit && words.toLowerCase().endsWith(unit.toLowerCase())) words = words.slice(0, -unit.length).trim();
    const [, number, percent] = /^(.*?)( ?%| ?per ?cent)?$/i.exec(words);
    const [, minus, size] = /^([-+]?) ?(.*)$/.exec(number);
    const bare = size.replace(/^10\^/, "1e").replace(/ ?[·⋅×*x] ?10\^/i, "e");
    const values = bare.includes("/") ? fractions(bare) : digits(bare);
    return [...new Set(values.map((value) => (minus === "-" ? -value : value) / (percent ? 100 : 1)))];
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
      const { answer, tolerance, unit, at = "[]" } = check.dataset;
      const slack = parseFloat(tolerance) / 100;
      // numbers that have an answer of their own: what a likely mistake leads to
      const mistakes = JSON.parse(at);
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
        const typed = input.value.trim();
        const given = readings(typed, unit);
        const judged = given.map((value) => isRight(value, Number(answer), slack));
        const right = judged[0];
        if (!given.length || judged.includes(!right)) {
          const problem = !typed ? "Your answer is empty: type a number first."
            : !given.length ? `“${typed}” is not a number: write it like 3, 0.25, 1/4 or 25 %.`
            : `“${typed}” can mean ${given.join(" or ")}: type the one that you mean.`;
          say(false, element("p", { textContent: problem }));
          return;
        }
        const verdict = element("p", {}, element("strong", { textContent: right ? "Right." : "No." }));
        const known = mistakes.findIndex((wrong) => wrong !== null && given.some((value) => isRight(value, wrong, slack)));
        const plain = feedback.findIndex((item, place) =>
          item.classList.contains(right ? "right" : "wrong") && (mistakes[place] ?? null) === null);
        say(right, verdict, ...why(feedback[right || known < 0 ? plain : known]));
      });
      fold.before(form, said);
    }
    check.classList.add("live");
  });
})();
