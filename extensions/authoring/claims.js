// Sorts and filters the ledger of claims. Without this script the table is complete and in the order of the book.
"use strict";

document.querySelectorAll("table.claims-ledger").forEach((table) => {
  const [CHAPTER, KIND] = [1, 2];
  const body = table.tBodies[0];
  const rows = [...body.rows];
  // what the book wrote, not what is shown: a browser's translation puts other words there
  const text = (row, column) => row.cells[column].dataset.words;

  // "12.5 %", "2^-7", "1/3", "4.9 · 10⁻⁸" and "10⁻⁶" start with a number; a row without one goes last whichever way the
  // column is sorted
  const number = (words) => {
    const match = /^(?:at (?:most|least) |± )?([-−]?[\d.]+)(?:\/(\d+))?(?: · 10)?([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]*)/.exec(words);
    if (!match) return NaN;
    const [, digits, under, raised] = match;
    const power = raised ? Number([...raised].map((sign) => "0123456789-"["⁰¹²³⁴⁵⁶⁷⁸⁹⁻".indexOf(sign)]).join("")) : 0;
    const alone = raised && !words.includes("·") && digits.replace(/[-−]/, "") === "10";  // 10⁻⁶ is 1 · 10⁻⁶
    return (Number(digits.replace("−", "-")) / (alone ? 10 : 1) / Number(under || 1)) * 10 ** power;
  };
  const compare = (a, b, sign) => {
    const [x, y] = [number(a), number(b)];
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
    return sign * (Number.isNaN(x) ? a.localeCompare(b) : x - y);
  };

  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const shown = {};
  const filter = () => {
    let count = 0;
    rows.forEach((row) => {
      row.hidden = Object.entries(shown).some(([column, wanted]) => wanted && text(row, column) !== wanted);
      count += !row.hidden;
    });
    status.textContent = `${count} of ${rows.length} claims are shown.`;
  };

  const controls = document.createElement("div");
  controls.className = "claims-controls";
  [[CHAPTER, "Chapter"], [KIND, "Compared with"]].forEach(([column, name]) => {
    const label = document.createElement("label");
    const select = document.createElement("select");
    label.append(name, select);
    select.append(new Option("all", ""));
    const named = new Map(rows.map((row) => [text(row, column), row.cells[column].title || row.cells[column].textContent.trim()]));
    named.forEach((name, value) => select.append(new Option(name, value)));
    select.addEventListener("change", () => {
      shown[column] = select.value;
      filter();
    });
    controls.append(label);
  });
  (table.closest(".pst-scrollable-table-container") || table).before(controls, status);
  filter();

  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes[0].childNodes);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      [...head.parentNode.cells].forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sign = down ? -1 : 1;
      rows.sort((a, b) => compare(text(a, column), text(b, column), sign));
      body.append(...rows);
    });
  });
});
