// Sorts tables by their headers and filters long ones. Without it they are plain tables in a sensible order.
"use strict";
(() => {
  const value = (row, at) => {
    const cell = row.cells[at];
    return cell.dataset.value ?? cell.textContent.trim();
  };
  // Digits alone are compared as a number; what is empty comes last either way.
  const compare = (a, b, down) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
    return down ? -order : order;
  };

  function sort(table, at) {
    const head = table.tHead.rows[0].cells[at];
    const first = head.classList.contains("n") ? "descending" : "ascending";
    const next = head.getAttribute("aria-sort") === first ? (first === "ascending" ? "descending" : "ascending") : first;
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", next);
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => compare(value(a, at), value(b, at), next === "descending"));
    body.append(...rows);
  }

  document.querySelectorAll("table.sortable").forEach((table, number) => {
    [...table.tHead.rows[0].cells].forEach((cell, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...cell.childNodes);
      button.addEventListener("click", () => sort(table, at));
      cell.append(button);
    });
    const frame = table.closest("[data-filter]");
    if (!frame) return;
    const rows = [...table.tBodies[0].rows];
    const bar = document.createElement("div");
    bar.className = "filter";
    const label = document.createElement("label");
    label.append("Filter");
    const field = document.createElement("input");
    field.type = "search";
    field.id = `filter-${number}`;
    field.setAttribute("aria-label", `Filter ${table.caption.textContent}`);
    const told = document.createElement("span");
    told.setAttribute("role", "status");
    const tell = (seen) => { told.textContent = seen === rows.length ? `${rows.length} rows` : `${seen} of ${rows.length} rows`; };
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      tell(rows.filter((row) => !row.hidden).length);
    });
    tell(rows.length);
    label.append(field);
    bar.append(label, told);
    frame.prepend(bar);
  });
})();
