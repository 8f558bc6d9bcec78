// Shows what an internal link leads to (a definition, theorem, equation, figure, exercise, claim, entry of the glossary or of the
// bibliography) while the pointer or the keyboard is on the link. Escape closes it. Without this script links are links.
"use strict";

(() => {
  const article = document.querySelector("article.bd-article");
  const here = document.currentScript;
  if (!article || !here) return;
  const box = document.createElement("div");
  box.id = "book-preview";
  box.setAttribute("role", "tooltip");
  box.hidden = true;
  document.body.append(box);
  let link = null, timer = 0, others = null;

  // the anchor in an address; a damaged one leads nowhere
  const anchor = (hash) => {
    try { return decodeURIComponent(hash.slice(1)); } catch { return ""; }
  };

  // a link to something folded unfolds it
  const unfold = () => {
    const target = location.hash && document.getElementById(anchor(location.hash));
    for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      if (fold.open) continue;
      fold.open = true;
      target.scrollIntoView();
    }
  };
  unfold();
  addEventListener("hashchange", unfold);

  const page = (url) => url.href.split("#")[0].replace(/\/$/, "/index.html");

  // what other pages show of themselves: a file for each page, fetched as a script, which works from a disk too
  const fromOthers = () => (others ??= new Promise((resolve) => {
    window.bookPreviews = resolve;
    const script = document.createElement("script");
    script.src = here.dataset.previews;
    script.onerror = () => resolve({});
    document.head.append(script);
  }));

  const bare = (root) => {
    root.querySelectorAll("a.headerlink, script, button, details, .claim-links, .ntk-explorer, .cell_input").forEach((e) => e.remove());
    root.querySelectorAll("a").forEach((a) => {
      const span = document.createElement("span");
      span.append(...a.childNodes);
      a.replaceWith(span);
    });
    [root, ...root.querySelectorAll("[id], [tabindex]")].forEach((e) => ["id", "tabindex"].forEach((name) => e.removeAttribute(name)));
    return root;
  };

  const onThisPage = (id) => {
    let found = document.getElementById(id);
    if (!found) return null;
    if (found.matches("dt")) {
      let meaning = found;
      while (meaning && !meaning.matches("dd")) meaning = meaning.nextElementSibling;
      const both = document.createElement("div");
      const name = document.createElement("strong");
      name.append(...bare(found.cloneNode(true)).childNodes);
      both.append(name, ...(meaning ? bare(meaning.cloneNode(true)).childNodes : []));
      return both;
    }
    if (found.matches("span") && !found.textContent.trim()) found = found.nextElementSibling || found.parentElement;
    if (!found.matches("figure, div.math, div.proof, div.exercise, .claim, div.citation")) return null;
    const copy = bare(found.cloneNode(true));
    if (copy.matches("details")) copy.open = true;
    return copy;
  };

  const content = async (a) => {
    const url = new URL(a.href, location.href);
    const id = anchor(url.hash);
    if (!id) return null;
    if (page(url) === page(location)) return onThisPage(id);
    const known = (await fromOthers())[a.getAttribute("href")];
    if (!known) return null;
    const shown = document.createElement("div");
    shown.innerHTML = known;
    if (shown.querySelector(".math:not(:has(mjx-container))")) {  // else they were rendered when the book was built
      if (!window.MathJax || !MathJax.typesetPromise) return null;
      await MathJax.typesetPromise([shown]);
    }
    return shown;
  };

  const close = () => {
    clearTimeout(timer);
    if (link) link.removeAttribute("aria-describedby");
    link = null;
    box.hidden = true;
    if (window.MathJax && MathJax.typesetClear) MathJax.typesetClear([box]);
    box.replaceChildren();
  };

  const open = async (a) => {
    close();
    link = a;
    const shown = await content(a);
    // the focus has the page scroll, smoothly: wait until the link is in the window and rests, at most a second or two
    for (let frame = 0, before; frame < 100; frame++) {
      const { top, bottom } = a.getBoundingClientRect();
      if (top === before && top >= 0 && bottom <= innerHeight) break;
      before = top;
      await new Promise(requestAnimationFrame);
    }
    if (!shown || link !== a) return;
    box.replaceChildren(shown);
    box.hidden = false;
    const at = a.getClientRects()[0], gap = 6;
    box.style.maxHeight = "";
    const below = at.bottom + gap + box.offsetHeight < innerHeight || at.top < innerHeight - at.bottom;
    box.style.maxHeight = `min(60vh, ${(below ? innerHeight - at.bottom : at.top) - 2 * gap}px)`;
    box.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - box.offsetWidth - 8)) + scrollX}px`;
    box.style.top = `${(below ? at.bottom + gap : at.top - gap - box.offsetHeight) + scrollY}px`;
    a.setAttribute("aria-describedby", box.id);
  };

  const later = (action, delay) => {
    clearTimeout(timer);
    timer = setTimeout(action, delay);
  };
  const internal = (target) => target.closest?.("article.bd-article a[href*='#']:not(.headerlink)");

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const a = internal(event.target);
    if (a && a !== link) later(() => open(a), 200);
    else if (a || box.contains(event.target)) clearTimeout(timer);
    else if (link) later(close, 250);
    else clearTimeout(timer);
  });
  document.addEventListener("focusin", (event) => {
    const a = internal(event.target);
    if (a && a.matches(":focus-visible")) open(a);
    else if (link) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !box.hidden) close();
  });
})();
