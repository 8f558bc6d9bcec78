// Puts the pages of the served site into this one document, ready to print: see pdf.py. Defines window.book.
"use strict";

window.book = {
  problems: [],

  /** Fetch the pages and append their articles; `parts` maps a page to the caption of the part that begins with it. */
  async compose({ pages, parts, title, subtitle, home, styles }) {
    const body = document.body;
    body.className = "pdf-book";
    document.documentElement.dataset.theme = "light";
    document.title = title;
    const parsed = new Map();
    for (const page of pages) {
      const answer = await fetch(`/${page}`);
      if (!answer.ok) throw new Error(`${page}: ${answer.status}`);
      parsed.set(page, new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
    const first = parsed.get(pages[pages.length > 1 ? 1 : 0]);
    for (const link of first.querySelectorAll('link[rel="stylesheet"]')) {
      const copy = document.createElement("link");
      copy.rel = "stylesheet";
      copy.href = new URL(link.getAttribute("href"), new URL(pages[pages.length > 1 ? 1 : 0], location.origin + "/")).href;
      await new Promise((done, failed) => {
        copy.onload = done;
        copy.onerror = () => failed(new Error(`no style sheet ${copy.href}`));
        document.head.append(copy);
      });
    }
    const style = document.createElement("style");
    document.head.append(style);
    style.textContent = styles;

    const cover = document.createElement("section");
    cover.className = "pdf-title";
    cover.innerHTML = "<p class='pdf-name'></p>";
    const name = document.createElement("h1");
    name.textContent = title;
    cover.replaceChildren(name, ...subtitle.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
    const contents = document.createElement("section");
    contents.className = "pdf-contents";
    contents.innerHTML = "<h1>Contents</h1><ol></ol>";
    body.replaceChildren(cover, contents);

    let place = 0;
    const entries = new Map();
    for (const [page, source] of parsed) {
      const article = source.querySelector("article.bd-article") || source.querySelector("article");
      if (!article) throw new Error(`${page} has no article`);
      const chapter = document.createElement("section");
      chapter.className = "pdf-chapter";
      chapter.id = `p-${page}`;
      chapter.style.page = `chapter${place}`;
      chapter.append(...document.importNode(article, true).childNodes);
      this.prepare(chapter, page, pages, home);
      const heading = chapter.querySelector("h1");
      const running = heading.textContent.trim().replace(/["\\]/g, "");
      style.textContent += `@page chapter${place} { @top-left { content: "${title}"; font: 8.5pt sans-serif; color: #555; } @top-right { content: "${running}"; font: 8.5pt sans-serif; color: #555; } }\n`;
      body.append(chapter);
      if (parts[page]) contents.lastChild.append(Object.assign(document.createElement("li"), { className: "part", textContent: parts[page] }));
      const entry = document.createElement("li");
      entry.append(this.entry(heading, chapter.id));
      const inner = document.createElement("ol");
      for (const section of chapter.querySelectorAll("h2")) {
        const target = section.closest("section[id]");
        if (target && target !== chapter) {
          const item = document.createElement("li");
          item.append(this.entry(section, target.id));
          inner.append(item);
        }
      }
      entries.set(page, { entry, inner });
      // the page of a module, appendix/library/x.html, belongs below appendix/library.html
      const above = entries.get(`${page.slice(0, page.lastIndexOf("/"))}.html`);
      if (above) {
        above.inner.append(entry);
        above.entry.append(above.inner);
      } else {
        if (inner.children.length) entry.append(inner);
        contents.lastChild.append(entry);
      }
      place += 1;
    }
    void document.body.offsetHeight; // only a laid-out text asks for its fonts
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    await document.fonts.ready;
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
    // a link to what is not in this book would be dead
    for (const link of body.querySelectorAll('a[href^="#"]')) {
      if (!document.getElementById(decodeURIComponent(link.getAttribute("href").slice(1)))) {
        this.problems.push(`dead link ${link.getAttribute("href")} (${link.textContent.trim().slice(0, 40)})`);
      }
    }
    for (const image of document.images) {
      if (!image.naturalWidth) this.problems.push(`missing picture ${image.src.slice(0, 100)} (${image.alt.slice(0, 40)})`);
    }
  },

  entry(heading, id) {
    const link = document.createElement("a");
    link.href = `#${id}`;
    const text = document.createElement("span");
    text.append(...[...heading.cloneNode(true).childNodes]);
    link.append(text, Object.assign(document.createElement("span"), { className: "dots" }));
    return link;
  },

  prepare(chapter, page, pages, home) {
    const base = new URL(page, `${location.origin}/`);
    const id = (name, of) => `p-${of}--${name}`;
    chapter.querySelectorAll("script, style, .headerlink, .copybtn, button, dialog, noscript, .claims-controls").forEach((e) => e.remove());
    chapter.querySelectorAll("h1 > .section-number").forEach((number) => { // one text with the title, for the bookmark
      number.replaceWith(number.textContent);
    });
    chapter.querySelector("h1").normalize();
    chapter.querySelectorAll("details").forEach((fold) => { fold.open = true; });
    // code that the site folds away, of claims and figures, would fill every fourth page
    chapter.querySelectorAll("details.hide.above-input, details.cell-code").forEach((fold) => fold.remove());
    chapter.querySelectorAll("details.hide, details.toggle-details").forEach((fold) => {
      // "Show code cell output" says nothing on paper
      fold.querySelector("summary")?.remove();
      const open = document.createElement("div");
      open.append(...fold.childNodes);
      fold.replaceWith(open);
    });
    chapter.querySelectorAll(".proof-rest").forEach((fold) => {
      fold.querySelector("summary").remove();
      fold.replaceWith(...fold.childNodes);
    });
    chapter.querySelectorAll(".self-check-answer > summary").forEach((summary) => { summary.textContent = "Answer"; });
    chapter.querySelectorAll("img[src]").forEach((image) => {
      image.src = new URL(image.getAttribute("src"), base).href;
      image.loading = "eager";
    });
    chapter.querySelectorAll(".ntk-explorer").forEach((explorer) => {
      const figure = explorer.closest("figure[id]");
      const note = Object.assign(document.createElement("p"), { className: "pdf-explorer-link" });
      const where = `${page}${figure ? `#${figure.id}` : ""}`;
      if (home) {
        const link = Object.assign(document.createElement("a"), { href: home + where, textContent: home + where });
        link.className = "reference external";
        note.append("This figure answers on its page: ", link);
      } else note.textContent = `This figure answers on its page of the site, ${where}`;
      explorer.after(note);
    });
    chapter.querySelectorAll("a[href]").forEach((link) => {
      const address = new URL(link.getAttribute("href"), base);
      if (address.origin !== location.origin) return;
      const target = address.pathname.slice(1);
      if (pages.includes(target)) link.setAttribute("href", address.hash ? `#${id(address.hash.slice(1), target)}` : `#p-${target}`);
      else if (home) link.setAttribute("href", home + target + address.hash);
      else link.replaceWith(...link.childNodes);
    });
    chapter.querySelectorAll("[id]").forEach((element) => { element.id = id(element.id, page); });
    chapter.querySelectorAll("[for], [aria-labelledby], [aria-describedby]").forEach((element) => {
      ["for", "aria-labelledby", "aria-describedby"].forEach((name) => element.removeAttribute(name));
    });
  },

  /** Shrink formulas that are a little too wide; report what stays wider than the page. To be called at print width. */
  fit(smallest) {
    const right = (element) => element.closest("td, th, .admonition, .proof, li, .pdf-chapter") || document.body;
    for (const formula of document.querySelectorAll('mjx-container[display="true"]')) {
      const space = document.body.getBoundingClientRect().right - formula.getBoundingClientRect().left - 2;
      const math = formula.querySelector("mjx-math");
      const number = formula.parentElement.querySelector(".eqno");
      const left = math.getBoundingClientRect();
      const wanted = left.width + (number ? number.getBoundingClientRect().width + 8 : 0);
      const room = Math.min(space, right(formula).clientWidth);
      if (wanted > room) {
        const scale = room / wanted;
        if (scale < smallest) this.problems.push(`a formula is ${Math.round(wanted)} px wide where there are ${Math.round(room)}: ${formula.textContent.slice(0, 60)}`);
        formula.style.fontSize = `${Math.max(scale, smallest) * 100}%`;
      }
    }
    const edge = document.querySelector(".pdf-contents").getBoundingClientRect().right + 1;
    for (const element of document.querySelectorAll("mjx-container[display='true'] mjx-math, .pdf-chapter table, .pdf-chapter pre, .pdf-chapter img, .pdf-chapter p, .pdf-chapter svg")) {
      const box = element.getBoundingClientRect();
      if (box.width && box.right > edge && !element.closest("mjx-assistive-mml")) {
        this.problems.push(`wider than the page by ${Math.round(box.right - edge)} px: <${element.tagName.toLowerCase()}> ${element.textContent.trim().slice(0, 60)}`);
      }
    }
  },

  /** Write the page numbers into the table of contents. */
  number(pages) {
    document.querySelectorAll(".pdf-contents a").forEach((link) => {
      link.dataset.page = pages[link.getAttribute("href").slice(1)] ?? "";
    });
  },
};
