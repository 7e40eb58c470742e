// Sentence and drawing point at each other: whatever names an action unit lights up with it.
(() => {
  "use strict";
  const units = (node) => (node.getAttribute("data-au") || "").split(" ").filter(Boolean);
  const cardOf = (node) => node.closest("article");
  const light = (card, wanted) => {
    const some = wanted.length > 0;
    for (const svg of card.querySelectorAll("svg")) svg.classList.toggle("lit", some && svg.querySelector("[data-au]") !== null);
    for (const node of card.querySelectorAll("[data-au]")) {
      const hit = some && units(node).some((au) => wanted.includes(au));
      node.classList.toggle("on", hit);
      if (node.matches("li")) node.classList.toggle("lit", hit);
    }
  };
  const enter = (event) => {
    const node = event.target.closest && event.target.closest("[data-au]");
    if (node && cardOf(node)) light(cardOf(node), units(node));
  };
  const leave = (event) => {
    const node = event.target.closest && event.target.closest("[data-au]");
    if (node && cardOf(node)) light(cardOf(node), []);
  };
  for (const type of ["mouseover", "focusin"]) document.addEventListener(type, enter);
  for (const type of ["mouseout", "focusout"]) document.addEventListener(type, leave);

  const search = document.getElementById("search");
  const faulty = document.getElementById("faulty");
  const told = document.getElementById("told");
  const filter = () => {
    const words = search.value.trim().toLowerCase();
    let shown = 0;
    const items = document.querySelectorAll("article, tr.brief");
    for (const item of items) {
      const fits = (!words || item.dataset.find.includes(words)) && (!faulty.checked || item.dataset.ok === "no");
      item.hidden = !fits;
      if (fits) shown += 1;
    }
    told.textContent = words || faulty.checked ? `${shown} of ${items.length} shown` : "";
  };
  if (search) {
    search.addEventListener("input", filter);
    faulty.addEventListener("change", filter);
    document.querySelector(".tools").hidden = document.querySelectorAll("article, tr.brief").length < 2;
  }
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
})();
