// What the pages do beyond plain HTML; every one of them works without it.
"use strict";

// A one-time code travels behind the #, which no server and no log ever sees.
const secret = document.getElementById("secret");
const takeCode = () => {
  if (!secret || !location.hash.startsWith("#code=")) return;
  secret.value = decodeURIComponent(location.hash.slice(6));
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("name").focus();
};
takeCode();
addEventListener("hashchange", takeCode); // the link was opened where this page stands already

// Tables with class "sortable": a click on a head sorts by that column; cells may carry the value as data-value.
const valueOf = (cell) => cell.dataset.value ?? cell.textContent.trim();
const compare = (a, b) => {
  const [x, y] = [Number(a), Number(b)];
  return a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y) ? x - y : a.localeCompare(b);
};
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th:not(.fixed)").forEach((head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows];
      const key = (row) => valueOf(row.cells[head.cellIndex]);
      rows.sort((a, b) => (up ? 1 : -1) * compare(key(a), key(b)));
      table.tBodies[0].append(...rows);
    });
  });
}
