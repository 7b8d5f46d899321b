"use strict";
(function () {
  const form = document.getElementById("filter");
  const search = form.querySelector("input[type=search]");
  const runs = form.querySelector("select");
  const boxes = Array.from(form.querySelectorAll("input[type=checkbox]"));
  const families = Array.from(document.querySelectorAll("details.family"));
  const texts = new Map();

  function textOf(row) {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  }

  function fits(row, wanted, run, outcomes) {
    const cells = Array.from(row.children).slice(1);
    const asked = run === "" ? cells : [cells[Number(run)]];
    return asked.some((cell) => outcomes.has(cell.className)) && (!wanted || textOf(row).includes(wanted));
  }

  function apply() {
    const wanted = search.value.trim().toLowerCase();
    const outcomes = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const filtered = wanted !== "" || runs.value !== "" || outcomes.size < boxes.length;
    let shown = 0, all = 0;
    for (const family of families) {
      let here = 0;
      for (const row of family.querySelectorAll("table.cases > tbody > tr")) {
        const fit = !filtered || fits(row, wanted, runs.value, outcomes);
        row.hidden = !fit;
        here += fit;
        all += 1;
      }
      family.hidden = here === 0;
      if (filtered && wanted) family.open = here > 0;
      shown += here;
    }
    form.querySelector("output").textContent = shown === all ? all + " cases" : shown + " of " + all + " cases";
  }

  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    const inner = target.querySelector(":scope > th > details");
    if (inner) inner.open = true;
    target.scrollIntoView();
  }

  for (const link of document.querySelectorAll("a[data-run]")) {
    link.addEventListener("click", () => { runs.value = link.dataset.run; apply(); setTimeout(reveal); });
  }
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", reveal);
  form.hidden = false;
  apply();
  reveal();
})();
