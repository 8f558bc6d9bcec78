// Shows a deck of slides, and makes each as large as fits: reveal.js scales the whole, this what is on one slide.
(() => {
  const SMALLEST = 0.4, LARGEST = 1.45;

  const whole = element => element.scrollWidth <= element.clientWidth + 1;

  function fit(slide) {
    const body = slide.querySelector(".slide-body"), inside = slide.querySelector(".slide-fit");
    if (!body || !inside || !body.clientHeight) return;
    // a picture that is drawn to the width of its box needs to know it first; text may grow a little, too
    let low = SMALLEST, high = slide.matches(".slide-explorer, .slide-figure, .slide-table") ? 1 : LARGEST;
    const fits = zoom => {
      inside.style.zoom = zoom;
      return inside.scrollHeight * zoom <= body.clientHeight - 8 && whole(inside) &&
        [...inside.querySelectorAll("div.math, mjx-container[display], pre")].every(whole);
    };
    if (fits(high)) return;
    for (let step = 0; step < 7; step++) {
      const middle = (low + high) / 2;
      if (fits(middle)) low = middle; else high = middle;
    }
    fits(low);
  }

  const wide = table => {  // what is wider than the slide, as a table may be, is measured by its own width
    table.style.width = "max-content";
    table.style.maxWidth = "100%";
  };
  document.querySelectorAll(".slide-table table").forEach(wide);

  const deck = new Reveal({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
    plugins: [RevealNotes], pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1, controlsTutorial: false,
  });
  const all = () => document.querySelectorAll(".slides > section, .pdf-page > section").forEach(fit);
  const current = () => fit(deck.getCurrentSlide());
  deck.on("ready", () => {
    for (const wait of [0, 60, 400]) setTimeout(current, wait);
    window.deck = deck;  // for those who want to steer it
  });
  document.fonts.addEventListener("loadingdone", current);  // a formula's font may come after its slide
  // explorers draw themselves when they are seen, at whatever pace, and are then higher
  const drawing = new ResizeObserver(() => requestAnimationFrame(current));
  deck.on("slidechanged", () => {
    current();
    drawing.disconnect();
    deck.getCurrentSlide().querySelectorAll(".ntk-explorer").forEach(explorer => drawing.observe(explorer));
  });
  deck.on("pdf-ready", () => { all(); setTimeout(all, 500); });
  // keys that an explorer or a question takes are not the deck's
  deck.initialize({
    keyboardCondition: event => !event.target?.closest?.("input, select, textarea, button, summary, [role=slider], .ntk-explorer"),
  });
})();
