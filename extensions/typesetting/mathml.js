// Formulas are named in words. Who wants to walk through them with a screen reader, or to have them in braille, gets
// their MathML by a button that the keyboard finds first: hidden to the eye, and remembered for the next page.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const KEY = "book-mathml";
  const drawn = [...document.querySelectorAll("[data-mathml]")];
  if (!drawn.length) return;
  const button = Object.assign(document.createElement("button"), { className: "book-mathml", type: "button" });
  button.textContent = "Read formulas as MathML";

  function show(on) {
    button.setAttribute("aria-pressed", on);
    for (const formula of drawn) {
      formula.toggleAttribute("aria-hidden", false);
      if (formula.nextElementSibling?.matches("mjx-assistive-mml")) formula.nextElementSibling.remove();
      if (!on) continue;
      const read = document.createElement("mjx-assistive-mml");
      read.innerHTML = formula.dataset.mathml;
      formula.setAttribute("aria-hidden", "true");
      formula.after(read);
    }
  }

  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    show(on);
    try { localStorage.setItem(KEY, on ? "on" : ""); } catch { /* a browser that keeps nothing is asked again */ }
  });
  let kept = "";
  try { kept = localStorage.getItem(KEY); } catch { /* as above */ }
  show(kept === "on");
  (document.querySelector("#pst-skip-link") || document.body.firstElementChild).after(button);
});
