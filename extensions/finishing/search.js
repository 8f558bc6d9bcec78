/* Find passages of the book for a reader's words: the best first, each with the sentence that answers.

   A word counts by how rare it is and by where it stands (BM25, with titles before text). Each thing that is asked for may go
   by several names; passages that have more of the things come first. A word that is nowhere is taken for the nearest
   one that is somewhere. */
"use strict";
(() => {
  const K1 = 1.2, B = 0.5;
  const IN_TITLE = 4, IN_PAGE = 1.5;  // what a word counts in the title of its passage, and in that of its page
  const OTHER_NAME = { same: 0.95, related: 0.45 };  // what another name, or what goes with it, counts
  const TITLE = 0.8;  // what it adds when a title says nothing but what was asked for
  const PART = /^(exercises|further reading)$/i, PART_WORTH = 0.6;  // sections that mention everything
  const PER_PAGE = 3, SHOWN = 30;
  const IDLE = new Set(("a about after all also an and any are as at be become becomes been before being between both but by can could did do does doing "
    + "each for from get had has have how i if in into is it its just kind like me mean means more most my no not of on "
    + "one only or other our out over say says should so some such than that the their them then there these they this "
    + "those to under up us use used using vs was way we were what when where which while who why will with would you your").split(" "));
  const stemmer = new Stemmer();
  const stems = new Map();

  /** The same word in British and in American spelling, in singular and plural. */
  const stem = (word) => {
    if (!stems.has(word)) {
      const spelled = word
        .replace(/([a-z]{2})iz(e|ed|es|er|ers|ing|ation|ations)$/, "$1is$2")
        .replace(/yz(e|ed|es|ing)$/, "ys$1")
        .replace(/([a-z]{3})our(?=s$|$|ed|ing|hood|al)/, "$1or")
        .replace(/([a-z]{2})ll(ed|ing|er|ers)$/, "$1l$2")
        .replace(/amme(s?)$/, "am$1")
        .replace(/([a-z]{2}t)re(s?)$/, "$1er$2");
      stems.set(word, stemmer.stemWord(spelled));
    }
    return stems.get(word);
  };
  const idle = new Set([...IDLE].map(stem));
  const words = (text) => text.toLowerCase().normalize("NFKD").match(/[\p{L}\p{N}]+/gu) || [];
  const stemmed = (text) => words(text).map(stem);

  // ----- what there is to be found

  const passages = [];
  const frequency = new Map();  // in how many passages a word is
  let typical = 0;
  for (const [page, pageTitle, worth, found] of bookPassages.pages) {
    const above = stemmed(pageTitle);
    for (const [anchor, title, text] of found) {
      const named = stemmed(title), inside = stemmed(text);
      const counts = new Map();
      const count = (word, by) => counts.set(word, (counts.get(word) || 0) + by);
      for (const word of inside) count(word, 1);
      for (const word of named) count(word, IN_TITLE);
      for (const word of new Set(above)) count(word, IN_PAGE);
      for (const word of counts.keys()) frequency.set(word, (frequency.get(word) || 0) + 1);
      const length = inside.length + named.length;
      typical += length;
      passages.push({ page, pageTitle, worth: worth * (PART.test(title) ? PART_WORTH : 1), anchor, title, text, named, inside, counts, length, top: anchor === found[0][0] });
    }
  }
  typical /= passages.length;

  // ----- what is asked for

  const names = Object.entries(bookPassages.synonyms)
    .flatMap(([kind, groups]) => groups.map((group) => Object.assign(group.map(stemmed), { value: OTHER_NAME[kind] })));
  const same = (one, other) => one.length === other.length && one.every((word, i) => word === other[i]);
  const starts = (list, at, name) => name.every((word, i) => list[at + i] === word);
  const contains = (list, name) => list.some((_, at) => starts(list, at, name));

  /** How many letters have to be typed otherwise, if it is one, else two. */
  const apart = (one, other) => {
    if (Math.abs(one.length - other.length) > 1) return 2;
    let from = 0, end = 0;
    while (from < one.length && one[from] === other[from]) from++;
    while (end < Math.min(one.length, other.length) - from && one.at(-1 - end) === other.at(-1 - end)) end++;
    const [left, right] = [one.slice(from, one.length - end), other.slice(from, other.length - end)];
    const swapped = left.length === 2 && left[0] === right[1] && left[1] === right[0];
    return swapped || Math.max(left.length, right.length) <= 1 ? 1 : 2;
  };

  /** A word that is in the book: as asked for, else what begins so, else what is one letter away. */
  const known = (word) => {
    if (frequency.has(word) || names.some((group) => group.some((name) => name.includes(word)))) return word;
    const best = (fits) => [...frequency.keys()].filter(fits).sort((a, b) => frequency.get(b) - frequency.get(a))[0];
    return (word.length > 2 && best((other) => other.startsWith(word)))
      || (word.length > 3 && best((other) => other.length > 3 && apart(word, other) === 1)) || word;
  };

  /** The things asked for, each with its names; the longest names are looked for first. */
  const things = (question) => {
    const asked = words(question).map((word) => ({ word, stem: known(stem(word)), idle: IDLE.has(word) }));
    const list = asked.map((one) => one.stem);
    const found = [];
    for (let at = 0; at < list.length;) {
      let length = 0;
      for (const name of names.flat()) if (name.length > length && starts(list, at, name)) length = name.length;
      if (length > 1 || (length === 1 && !asked[at].idle)) {
        const own = list.slice(at, at + length);
        const others = names.filter((group) => group.some((name) => same(name, own)))
          .flatMap((group) => group.filter((name) => !same(name, own)).map((name) => [name, group.value]));
        found.push([[own, 1], ...others]);
        at += length;
      } else {
        if (!asked[at].idle) found.push([[[list[at]], 1]]);
        at += 1;
      }
    }
    return found.length ? found : asked.map((one) => [[[one.stem], 1]]);
  };

  // ----- how well a passage answers

  const rarity = (word) => {
    const n = frequency.get(word) || 0;
    return n ? Math.log(1 + (passages.length - n + 0.5) / (n + 0.5)) : 0;
  };
  const weight = (passage, word) => {
    const count = passage.counts.get(word) || 0;
    return rarity(word) * count * (K1 + 1) / (count + K1 * (1 - B + B * passage.length / typical));
  };
  const named = (passage, name) => {
    if (!name.every((word) => passage.counts.has(word))) return 0;
    const together = name.length === 1 || contains(passage.named, name) || contains(passage.inside, name);
    const sum = name.reduce((total, word) => total + weight(passage, word), 0) / Math.sqrt(name.length);
    return together ? sum : 0.3 * sum;
  };
  /** How much of a title was asked for: of *What a kernel is* all, by whoever asks for a kernel. */
  const share = (passage, asked) => {
    const said = passage.named.filter((word) => !idle.has(word) && !/^\d+$/.test(word));
    const wanted = new Set(asked.flatMap((names_) => names_.filter(([name]) => contains(passage.named, name)).flatMap(([name]) => name)));
    return said.length ? said.filter((word) => wanted.has(word)).length / said.length : 0;
  };
  const score = (passage, asked) => {
    const each = asked.map((names_) => Math.max(...names_.map(([name, value]) => value * named(passage, name))));
    const hit = each.filter((value) => value > 0).length / asked.length;
    const found = hit * hit * each.reduce((a, b) => a + b, 0);
    return found && found * passage.worth * (1 + TITLE * share(passage, asked));
  };

  const find = (question) => {
    const asked = things(question), typed = stemmed(question);
    const whole = (passage) => (typed.length > 3 && same(passage.named, typed) ? 3 : 1); // a title, asked word for word
    const ranked = passages.map((passage) => ({ passage, value: whole(passage) * score(passage, asked) }))
      .filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
    const perPage = new Map(), shown = [];
    for (const { passage, value } of ranked) {
      const before = perPage.get(passage.page) || 0;
      if (before >= PER_PAGE || value < ranked[0].value / 12) continue;
      perPage.set(passage.page, before + 1);
      shown.push(passage);
    }
    return { asked, hits: shown.slice(0, SHOWN) };
  };

  // ----- what a reader sees

  const sentences = (text) => text.split(/(?<=[.!?…]["”’)]?)(?<!\b(?:al|e\.g|i\.e|cf|Eq|Fig)\.)\s+/);

  /** The sentence that has most of what was asked for, cut around it where it is long. */
  const excerpt = (passage, asked) => {
    const wanted = new Set(asked.flatMap((names_) => names_.flatMap(([name]) => name)));
    const first = new Set(asked.flatMap((names_) => names_[0][0]));
    const value = (sentence) => {
      const there = new Set(stemmed(sentence));
      return [...there].reduce((sum, word) => sum + (first.has(word) ? 2 : wanted.has(word) ? 1 : 0) * rarity(word), 0);
    };
    const all = sentences(passage.text).map((sentence) => sentence.trim()).filter(Boolean);
    if (!all.length) return { text: "", wanted };
    const values = all.map(value);
    let at = values.indexOf(Math.max(...values)), text = all[at];
    while (text.length < 120 && at + 1 < all.length) text += ` ${all[++at]}`;
    if (text.length <= 260) return { text, wanted };
    const parts = text.split(" ");
    const from = Math.max(0, parts.findIndex((part) => stemmed(part).some((word) => wanted.has(word))) - 8);
    let cut = parts.slice(from).join(" ");
    if (cut.length > 260) cut = `${cut.slice(0, cut.lastIndexOf(" ", 260))} …`;
    return { text: from ? `… ${cut}` : cut, wanted };
  };

  const element = (tag, classes, text = "") => {
    const made = document.createElement(tag);
    if (classes) made.className = classes;
    made.textContent = text;
    return made;
  };
  const marked = (text, wanted) => {
    const shown = element("p", "search-excerpt");
    for (const piece of text.split(/([\p{L}\p{N}]+)/u)) {
      shown.append(wanted.has(stem(piece.toLowerCase())) && !IDLE.has(piece.toLowerCase()) ? element("mark", "", piece) : piece);
    }
    return shown;
  };
  const results = document.querySelector("#search-results");
  const show = (question) => {
    results.replaceChildren();
    if (!question.trim()) return;
    const { asked, hits } = find(question);
    const said = hits.length
      ? `${hits.length === SHOWN ? "The best" : "There are"} ${hits.length} places found for “${question}”.`
      : `Your search for “${question}” did not match anything in the book: fewer or other words may.`;
    const summary = element("p", "search-summary", hits.length === 1 ? `One place found for “${question}”.` : said);
    summary.setAttribute("role", "status");
    const list = element("ul", "search");
    for (const passage of hits) {
      const item = element("li"), link = element("a", "", passage.title);
      link.href = passage.top ? passage.page : `${passage.page}#${passage.anchor}`;
      item.append(link);
      if (!passage.top) item.append(element("span", "search-where", passage.pageTitle));
      const { text, wanted } = excerpt(passage, asked);
      if (text) item.append(marked(text, wanted));
      list.append(item);
    }
    results.append(summary, list);
  };

  const field = document.querySelector(".bd-search-container input[name=q]");
  const address = new URL(location.href);
  let waiting;
  const take = (question) => {
    address.searchParams.set("q", question);
    history.replaceState(null, "", address);
    show(question);
  };
  field.value = address.searchParams.get("q") || "";
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => take(field.value), 150);
  });
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    take(field.value);
  });
  show(field.value);
})();
