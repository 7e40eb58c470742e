// Sentence, muscle, chip and time line point at each other: whatever names an action unit lights up with it.

const units = (node) => (node.getAttribute("data-au") || "").split(" ").filter(Boolean);

function light(wanted) {
  const some = wanted.length > 0;
  for (const svg of document.querySelectorAll(".stage svg, .svgbox svg")) {
    const nodes = [...svg.querySelectorAll("[data-au]")];
    const hit = nodes.some((node) => units(node).some((au) => wanted.includes(au)));
    svg.classList.toggle("lit", some && hit);
  }
  for (const node of document.querySelectorAll("[data-au]")) {
    node.classList.toggle("on", some && units(node).some((au) => wanted.includes(au)));
  }
}

export function watch() {
  const enter = (event) => {
    const node = event.target.closest && event.target.closest("[data-au]");
    if (node) light(units(node));
  };
  const leave = (event) => {
    if (event.target.closest && event.target.closest("[data-au]")) light([]);
  };
  for (const type of ["mouseover", "focusin"]) document.addEventListener(type, enter);
  for (const type of ["mouseout", "focusout"]) document.addEventListener(type, leave);
}
