(() => {
  "use strict";
  const form = document.getElementById("filter");
  if (form) {
    const entries = [...document.querySelectorAll(".entry")].map((item) => ({
      item,
      details: item.querySelector("details"),
      text: item.textContent.toLowerCase(),
      type: item.dataset.type,
      source: item.dataset.source,
    }));
    const chips = [...form.querySelectorAll("button.chip")];
    const { text, source, clear, toggle } = form.elements;
    const output = form.querySelector("output");
    const none = document.getElementById("none");
    const visible = () => entries.filter((entry) => !entry.item.hidden);

    const relabel = () => {
      const shown = visible();
      const closed = !shown.length || shown.some((entry) => !entry.details.open);
      toggle.textContent = closed ? "Open all" : "Close all";
    };

    const apply = () => {
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const types = new Set(chips.filter((c) => c.getAttribute("aria-pressed") === "true").map((c) => c.dataset.type));
      let count = 0;
      for (const entry of entries) {
        const fits =
          (!types.size || types.has(entry.type)) &&
          (!source.value || entry.source === source.value) &&
          words.every((word) => entry.text.includes(word));
        entry.item.hidden = !fits;
        count += fits;
      }
      const all = entries.length.toLocaleString("en");
      const filtered = types.size || source.value || words.length;
      output.textContent = filtered
        ? `${count.toLocaleString("en")} of ${all}`
        : `${all} ${entries.length === 1 ? "anomaly" : "anomalies"}`;
      none.hidden = count > 0;
      clear.hidden = !filtered;
      relabel();
    };

    for (const chip of chips) {
      chip.addEventListener("click", () => {
        chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
        apply();
      });
    }
    text.addEventListener("input", apply);
    source.addEventListener("change", apply);
    clear.addEventListener("click", () => {
      for (const chip of chips) chip.setAttribute("aria-pressed", "false");
      text.value = "";
      source.value = "";
      apply();
      text.focus();
    });
    toggle.addEventListener("click", () => {
      const open = toggle.textContent === "Open all";
      for (const entry of visible()) entry.details.open = open;
      relabel();
    });
    // A large drawing scrolls in its frame: begin where something was violated.
    const center = (details) => {
      const mark = details.open && details.querySelector(".violated");
      if (!mark) return;
      const frame = mark.closest(".scroll");
      const [inner, outer] = [mark.getBoundingClientRect(), frame.getBoundingClientRect()];
      frame.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
      frame.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
    };
    for (const entry of entries) {
      entry.details.addEventListener("toggle", () => {
        relabel();
        center(entry.details);
      });
      center(entry.details);
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    // A browser may keep what was typed before a reload.
    apply();
  }

  for (const head of document.querySelectorAll(".templates th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const body = head.closest("table").tBodies[0];
      const column = head.cellIndex;
      const key = (row) => {
        const cell = row.cells[column];
        return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
      };
      // Counts begin with the highest, words with A.
      const start = column === 0 ? "ascending" : "descending";
      const other = start === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === start ? other : start;
      const sign = order === "ascending" ? 1 : -1;
      const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en"));
      const rows = [...body.rows].sort((a, b) => sign * compare(key(a), key(b)));
      for (const cell of head.parentElement.cells) cell.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      body.replaceChildren(...rows);
    });
  }
})();
