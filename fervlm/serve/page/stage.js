// The picture with its faces and the muscles that move, near or far; names with leaders beside the near face.

import { at, draw, drawing, make } from "./make.js";

const LEVELS = ["#fbdcb5", "#f8b878", "#ee8748", "#d4542b", "#9c2a1b"];
const LEVEL_INK = ["#5a3a12", "#5a3408", "#ffffff", "#ffffff", "#ffffff"];
const stage = () => at("stage");
let shown = null;

export function chip(mark) {
  const node = make("span", { class: mark.level ? "chip" : "chip presence" }, `AU ${mark.au}`);
  if (mark.level) node.style.cssText = `background:${LEVELS[mark.level - 1]};color:${LEVEL_INK[mark.level - 1]}`;
  return node;
}

// The picture before anything is known of it.
export function photo(picture) {
  const { url, wide, high } = picture;
  const image = draw("image", { href: url, width: wide, height: high, preserveAspectRatio: "none" });
  const svg = draw("svg", { viewBox: `0 0 ${wide} ${high}`, role: "group", "aria-label": "The picture" }, image);
  stage().className = "stage photo busy";
  stage().replaceChildren(svg);
  shown = { svg, picture, faces: [], now: 0, view: "face" };
  svg.append(draw("g", { class: "faces" }), draw("g", { class: "muscles" }), draw("g", { class: "names" }));
  move(whole());
}

export function paper(text) {
  stage().className = "stage drawn";
  stage().replaceChildren(drawing(text));
  shown = null;
}

export const settled = () => stage().classList.remove("busy");

export function addFace(face) {
  if (!shown) return;
  shown.faces[face.face] = face;
  if (!face.box) return;
  const { x, y, width, height } = face.box;
  const pen = 0.02 * Math.min(width, height);
  const box = draw("rect", { x, y, width, height, rx: 4 * pen, class: "box" });
  box.append(draw("title", {}, `Face ${face.face + 1}`));
  box.addEventListener("click", () => stage().dispatchEvent(new CustomEvent("face", { detail: face.face })));
  shown.svg.querySelector(".faces").append(box);
}

export function choose(number, view = shown ? shown.view : "face") {
  if (!shown || !shown.faces[number]) return;
  const face = shown.faces[number];
  shown.now = number;
  shown.view = view;
  shown.svg.querySelectorAll(".box").forEach((box, k) => box.classList.toggle("now", k === number));
  const muscles = shown.svg.querySelector(".muscles");
  const names = shown.svg.querySelector(".names");
  muscles.replaceChildren();
  names.replaceChildren();
  const text = face.figure && face.figure.overlay;
  stage().classList.toggle("close", view !== "picture" && Boolean(text));
  stage().classList.toggle("plain", view === "plain");
  if (!text) return move(whole());
  const overlay = drawing(text);
  const [x, y, side] = overlay.getAttribute("viewBox").split(" ").map(Number);
  muscles.append(...overlay.children);
  const near = { x: x - side * 0.4, y: y - side * 0.14, wide: side * 1.8, high: side * 1.35 };
  move(view === "picture" ? whole() : near);
  if (view !== "picture") name(face, { x, y, side }, near, muscles, names);
}

const whole = () => ({ x: 0, y: 0, wide: shown.picture.wide, high: shown.picture.high });

function move(to) {
  const svg = shown.svg;
  const now = svg.getAttribute("viewBox").split(" ").map(Number);
  const goal = [to.x, to.y, to.wide, to.high];
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return svg.setAttribute("viewBox", goal.join(" "));
  const began = performance.now();
  const step = (time) => {
    const share = Math.min(1, (time - began) / 420);
    const eased = 1 - (1 - share) ** 3;
    svg.setAttribute("viewBox", now.map((v, k) => v + (goal[k] - v) * eased).join(" "));
    if (share < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

// Two columns of names; a side's own name on that side (the subject's left is on the viewer's right).
function name(face, square, near, muscles, names) {
  const unit = square.side / 100;
  const columns = { left: [], right: [] };
  for (const mark of face.marks) {
    const groups = [...muscles.querySelectorAll("[data-au]")].filter((g) =>
      g.getAttribute("data-au").split(" ").includes(String(mark.au)),
    );
    if (!groups.length) continue;
    const boxes = groups.map((g) => g.getBBox()).map((b) => ({ x: b.x + b.width / 2, y: b.y + b.height / 2 }));
    const fewer = columns.left.length <= columns.right.length ? "left" : "right";
    const column = mark.side === "left" ? "right" : mark.side === "right" ? "left" : fewer;
    const ordered = boxes.sort((a, b) => a.x - b.x);
    const anchor = column === "left" ? ordered[0] : ordered[ordered.length - 1];
    columns[column].push({ mark, anchor });
  }
  for (const [column, labels] of Object.entries(columns)) {
    labels.sort((a, b) => a.anchor.y - b.anchor.y);
    const row = Math.min(11 * unit, near.high / Math.max(1, labels.length));
    let top = near.y + 2 * unit;
    labels.forEach((label, k) => {
      const room = near.y + near.high - 2 * unit - row * (labels.length - k);
      label.y = Math.max(top, Math.min(label.anchor.y - row / 2, room));
      top = label.y + row;
      tag(label, column === "left", near, unit, names);
    });
  }
}

function tag({ mark, anchor, y }, onLeft, near, unit, names) {
  const high = 9.8 * unit, gap = 1.6 * unit, ink = mark.level ? LEVEL_INK[mark.level - 1] : "#17505e";
  const group = draw("g", { "data-au": mark.au });
  names.append(group);
  const inner = draw("g");
  const title = text(12.6 * unit, 4.5 * unit, 2.9 * unit, mark.name, "t1");
  const told = text(1.5 * unit, 8.3 * unit, 2.6 * unit, [mark.side, mark.strength].filter(Boolean).join(": "), "t2");
  const fill = mark.level ? LEVELS[mark.level - 1] : "#dceef1";
  const ground = draw("rect", { height: high, rx: 1.5 * unit });
  const badge = draw("rect", { x: 1.2 * unit, y: 1.2 * unit, width: 10.4 * unit, height: 4.5 * unit, rx: unit, style: `fill:${fill}` });
  const number = text(6.4 * unit, 4.5 * unit, 2.7 * unit, `AU ${mark.au}`, "t0");
  number.setAttribute("text-anchor", "middle");
  number.style.cssText = `fill:${ink};font-weight:700`;
  inner.append(ground, badge, number, title, told);
  group.append(inner);
  const room = 39 * unit;
  if (title.getComputedTextLength() > room - 14.4 * unit) cut(title, room - 14.4 * unit, mark.name);
  const wide = Math.max(14.4 * unit + title.getComputedTextLength(), 3 * unit + told.getComputedTextLength());
  ground.setAttribute("width", wide);
  const x = onLeft ? near.x + gap : near.x + near.wide - gap - wide;
  inner.setAttribute("transform", `translate(${x} ${y})`);
  const edge = onLeft ? x + wide : x;
  const bend = edge + (onLeft ? 1 : -1) * 2.5 * unit;
  group.prepend(
    draw("path", { class: "leader", d: `M${edge} ${y + high / 2}H${bend}L${anchor.x} ${anchor.y}` }),
    draw("circle", { class: "dot", cx: anchor.x, cy: anchor.y, r: 0.8 * unit }),
  );
}

// As many letters as fit, then an ellipsis.
function cut(node, room, words) {
  for (let n = words.length - 1; n > 3; n -= 1) {
    node.textContent = `${words.slice(0, n).trimEnd()}…`;
    if (node.getComputedTextLength() <= room) return;
  }
}

const text = (x, y, size, words, css) => draw("text", { x, y, "font-size": size, class: css }, words);
