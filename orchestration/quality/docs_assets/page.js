// Stands in for the three calls that the pages make of jQuery and bootstrap-table.
(() => {
  const cell = (row, column) => row[column.field] ?? "";
  const sortKey = (row, column) => row[column.sortName || column.field] ?? "";

  function table(element, options) {
    const head = document.createElement("thead");
    const body = document.createElement("tbody");
    const titles = head.insertRow();
    const show = (rows) => {
      body.replaceChildren();
      for (const row of rows) {
        const line = body.insertRow();
        options.columns.forEach((column, at) => {
          const target = line.insertCell();
          const link = at === 0 && row._table_row_link_path;
          target.innerHTML = link ? `<a href="${link}">${cell(row, column)}</a>` : cell(row, column);
        });
        if (row._table_row_link_path) {
          line.className = "clickable-row";
          line.addEventListener("click", (event) => {
            if (!event.target.closest("a")) window.location = row._table_row_link_path;
          });
        }
      }
    };
    let ascending = true;
    for (const column of options.columns) {
      const title = document.createElement("th");
      title.textContent = column.title;
      title.addEventListener("click", () => {
        const order = ascending ? 1 : -1;
        ascending = !ascending;
        show([...options.data].sort((a, b) => (sortKey(a, column) > sortKey(b, column) ? order : -order)));
      });
      titles.append(title);
    }
    element.replaceChildren(head, body);
    show(options.data);
  }

  class Selection {
    constructor(elements) { this.elements = elements.filter(Boolean); }
    each(act) { this.elements.forEach((element, at) => act(at, element)); return this; }
    parent() { return new Selection([...new Set(this.elements.map((element) => element.parentElement))]); }
    fadeIn() { return this.each((_, element) => { element.style.display = ""; }); }
    fadeOut() { return this.each((_, element) => { element.style.display = "none"; }); }
    bootstrapTable(options) {
      return typeof options === "object" ? this.each((_, element) => table(element, options)) : this;
    }
    prepend() { return this; }
    on() { return this; }
    ready(act) { document.addEventListener("DOMContentLoaded", act); return this; }
  }

  window.$ = (target) =>
    new Selection(typeof target === "string" ? [...document.querySelectorAll(target)] : [target]);

  document.addEventListener("click", (event) => {
    const toggle = event.target.closest("[data-toggle=collapse], [data-toggle=tab]");
    if (!toggle) return;
    event.preventDefault();
    const target = document.getElementById(toggle.getAttribute("href").slice(1));
    if (toggle.dataset.toggle === "collapse") {
      target.classList.toggle("show");
      return;
    }
    for (const old of document.querySelectorAll(".nav-link.active, .tab-pane.active")) {
      old.classList.remove("active", "show");
    }
    toggle.classList.add("active");
    target.classList.add("active", "show");
  });
})();
