// The page: what was given is sent, what comes back is shown part by part.

import { about, forget, listen } from "./chat.js";
import { watch } from "./light.js";
import { at, drawing, make } from "./make.js";
import { opened, taken } from "./picture.js";
import { addFace, chip, choose, paper, photo, settled } from "./stage.js";
import { addSection, checked, head, ranks, sections } from "./words.js";
import { Failed, events, file as fileOf, get, useKey } from "./wire.js";

const state = { given: null, faces: [], predictions: [], now: 0, view: "face", model: "", running: null, ready: null };

// ---- what is looked at

async function take(file) {
  if (!file) return;
  const isPicture = file.type.startsWith("image/") || /\.(jpe?g|png|webp|gif|bmp|avif|hei[cf]|tiff?)$/i.test(file.name);
  try {
    state.given = isPicture ? { picture: await opened(file) } : { evidence: await file.text(), name: file.name, file };
  } catch (error) {
    return trouble(error);
  }
  run();
}

function form() {
  const found = new FormData();
  const { picture, file } = state.given;
  if (picture) found.append("picture", picture.file, picture.file.name || "picture");
  else found.append("evidence", file, file.name);
  const own = at("own").value.split(",").map((word) => word.trim()).filter(Boolean);
  if (own.length) found.append("labels", own.join(","));
  else if (at("labelset").value) found.append("label_set", at("labelset").value);
  found.append("observe_only", at("only").checked);
  if (picture) found.append("face_is_crop", at("crop").checked);
  found.append("stream", "true");
  found.append("draw", "true");
  return found;
}

async function run() {
  if (!state.given) return;
  if (state.running) state.running.abort();
  const mine = (state.running = new AbortController());
  begin();
  try {
    await state.ready; // a quick hand drops a file before the label sets are here
    for await (const { name, data } of events("/v1/explain", form(), mine.signal)) {
      if (name === "begin") started(data);
      if (name === "face") seen(data);
      if (name === "section" && data.face === state.now) addSection(data);
      if (name === "prediction") told(data);
      if (name === "done") done();
    }
  } catch (error) {
    if (error.name !== "AbortError") trouble(error);
  } finally {
    if (state.running === mine) {
      state.running = null;
      settled();
      at("said").setAttribute("aria-busy", "false");
    }
  }
}

// ---- what comes back

function begin() {
  Object.assign(state, { faces: [], predictions: [], now: 0, notes: [] });
  hide("banner", "waiting", "how", "time");
  for (const id of ["said", "ranked", "units", "faces", "looked", "lines"]) at(id).replaceChildren();
  for (const id of ["label", "certainty", "place", "checked", "unseen", "done"]) at(id).textContent = "";
  at("said").setAttribute("aria-busy", "true");
  forget();
  at("empty").hidden = true;
  at("stage").hidden = false;
  at("answer").hidden = false;
  at("bar").hidden = false;
  const { picture } = state.given;
  at("drop").classList.toggle("full", Boolean(picture));
  at("drop").classList.toggle("paper", !picture);
  if (picture && picture.url) photo(picture);
  else at("stage").replaceChildren();
  views();
}

function started(data) {
  state.model = data.model;
  state.notes = data.notes || [];
  at("backend").textContent = `${data.model} · ${data.backend}`;
  at("backend").hidden = false;
}

function seen(face) {
  state.faces[face.face] = face;
  addFace(face);
  if (face.face === state.now) showFace(face.face);
}

function told(prediction) {
  state.predictions.push(prediction);
  if (state.predictions.length - 1 === state.now) conclude(prediction);
}

function done() {
  facesBar();
  if (!state.predictions.length) {
    at("label").textContent = "Nothing to explain";
    at("certainty").textContent = state.notes.join(" ");
  }
}

function conclude(prediction) {
  head(prediction);
  ranks(prediction);
  checked(prediction);
  if (state.notes.length) at("checked").append(make("br"), state.notes.join(" "));
  const { picture, evidence } = state.given;
  about({ model: state.model, picture: picture && picture.data, evidence, face: state.now }, prediction);
}

function showFace(number) {
  const face = state.faces[number];
  const figure = face.figure;
  if (state.given.picture && state.given.picture.url) choose(number, state.view);
  else if (figure) paper(figure.drawing);
  at("units").replaceChildren(
    ...face.marks.map((mark) => {
      const side = mark.side ? `${mark.side}, ` : "";
      return make("li", { "data-au": mark.au, tabindex: 0 }, chip(mark), mark.name, make("small", {}, side + mark.strength));
    }),
  );
  const measured = new Set(face.readings.map((reading) => reading.au)).size;
  const present = new Set(face.marks.map((mark) => mark.au)).size;
  const sided = face.readings.some((reading) => reading.side);
  at("unseen").textContent =
    `${present} of ${measured} measured action units are present; ` +
    (sided ? "sides are the subject's." : "sides were not measured, so both are drawn.");
  at("how").hidden = !(figure && figure.overlay);
  if (figure && figure.overlay) at("looked").replaceChildren(drawing(figure.drawing));
  at("time").hidden = !(figure && figure.timeline);
  if (figure && figure.timeline) at("lines").replaceChildren(drawing(figure.timeline));
}

function pick(number) {
  if (!state.faces[number]) return;
  state.now = number;
  showFace(number);
  facesBar();
  const prediction = state.predictions[number];
  at("said").replaceChildren();
  if (!prediction) return;
  if (prediction.verification) for (const section of sections(prediction.verification)) addSection(section);
  conclude(prediction);
}

function facesBar() {
  const count = state.faces.length;
  const unit = state.given.picture ? "Face" : "No.";
  at("faces").replaceChildren(
    ...(count < 2 ? [] : state.faces.slice(0, 32)).map((_, k) => {
      const button = make("button", { type: "button", "aria-pressed": k === state.now }, `${unit} ${k + 1}`);
      button.addEventListener("click", () => pick(k));
      return button;
    }),
  );
}

function views() {
  const shown = state.given.picture && state.given.picture.url;
  const names = { face: "Face", plain: "Without marks", picture: "Whole picture" };
  at("views").hidden = !shown;
  at("views").replaceChildren(
    ...Object.entries(names).map(([view, words]) => {
      const button = make("button", { type: "button", "aria-pressed": view === state.view }, words);
      button.addEventListener("click", () => {
        state.view = view;
        views();
        choose(state.now, view);
      });
      return button;
    }),
  );
}

// ---- what goes wrong

function trouble(error) {
  at("banner").querySelector("span").textContent = error.message;
  at("banner").hidden = false;
  at("again").hidden = error instanceof Failed && error.status !== 0 && error.status < 500 && error.status !== 429;
  if (!state.predictions.length) {
    at("answer").hidden = true;
    at("waiting").hidden = false;
  }
  if (error.status === 401) at("keybox").showModal();
}

const hide = (...ids) => ids.forEach((id) => (at(id).hidden = true));

// ---- what can be kept

async function keep(format) {
  const { picture } = state.given;
  const order = [state.predictions[state.now], ...state.predictions.filter((_, k) => k !== state.now)];
  const body = { predictions: order.slice(0, 64), format, face_is_crop: Boolean(picture) && at("crop").checked };
  if (picture) body.picture = picture.data;
  try {
    const blob = await fileOf("/v1/draw", body);
    const link = make("a", { href: URL.createObjectURL(blob), download: `fervlm.${format}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    at("done").textContent = `Saved as fervlm.${format}.`;
  } catch (error) {
    trouble(error);
  }
}

async function copy() {
  const text = JSON.stringify(state.predictions, null, 2);
  try {
    await navigator.clipboard.writeText(text);
    at("done").textContent = "Copied.";
  } catch {
    at("done").textContent = "This browser does not let the page copy.";
  }
}

// ---- beginning

function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const names = { auto: "as the system has it", light: "light", dark: "dark" };
  let chosen = localStorage.getItem("fervlm-theme") || "auto";
  const set = () => {
    document.documentElement.dataset.theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
    at("theme").setAttribute("aria-label", `Theme: ${names[chosen]}`);
    at("theme").title = `Theme: ${names[chosen]}`;
  };
  dark.addEventListener("change", set);
  at("theme").addEventListener("click", () => {
    chosen = { auto: "light", light: "dark", dark: "auto" }[chosen];
    localStorage.setItem("fervlm-theme", chosen);
    set();
  });
  set();
}

function inputs() {
  at("choose").addEventListener("click", () => at("file").click());
  at("chooseau").addEventListener("click", () => at("aufile").click());
  for (const id of ["file", "aufile"]) {
    at(id).addEventListener("change", () => {
      take(at(id).files[0]);
      at(id).value = "";
    });
  }
  at("example").addEventListener("click", async () => {
    try {
      const blob = await (await fetch("/page/example.jpg")).blob();
      take(new File([blob], "astronaut.jpg", { type: "image/jpeg" }));
    } catch {
      trouble(new Failed(0, "The server does not answer. Is it still running?"));
    }
  });
  at("shoot").addEventListener("click", async () => {
    try {
      take(await taken());
    } catch {
      trouble(new Failed(400, "The camera cannot be used: it is missing, busy or not allowed."));
    }
  });
  const drop = at("drop");
  for (const type of ["dragenter", "dragover"]) {
    addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  addEventListener("dragleave", (event) => event.relatedTarget || drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => take([...(event.clipboardData?.files || [])][0]));
}

function choices() {
  at("choices").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["labelset", "own", "crop", "only"]) at(id).addEventListener("change", run);
  at("labelset").addEventListener("change", () => (at("own").value = ""));
  at("stage").addEventListener("face", (event) => pick(event.detail));
  at("again").addEventListener("click", () => (state.given ? run() : prepared()));
  at("copy").addEventListener("click", copy);
  at("png").addEventListener("click", () => keep("png"));
  at("html").addEventListener("click", () => keep("html"));
  at("fresh").addEventListener("click", () => {
    if (state.running) state.running.abort();
    state.given = null;
    forget();
    hide("stage", "bar", "answer", "how", "time", "banner");
    for (const id of ["units", "faces"]) at(id).replaceChildren();
    at("unseen").textContent = "";
    at("empty").hidden = at("waiting").hidden = false;
    at("drop").classList.remove("full", "paper");
    at("choose").focus();
  });
  at("keybox").addEventListener("close", () => {
    if (at("keybox").returnValue === "ok" && at("key").value) {
      useKey(at("key").value);
      prepared().then(run);
    }
  });
}

async function prepare() {
  try {
    const notice = await get("/v1/notice");
    at("notice").textContent = notice.text;
    if (notice.observe_only) {
      at("only").checked = true;
      at("only").disabled = true;
    }
    const { label_sets: sets } = await get("/v1/label-sets");
    at("labelset").replaceChildren(
      ...sets.map((one) => make("option", { value: one.name, selected: one.name === "basic8", title: one.labels.join(", ") }, one.name)),
    );
    at("banner").hidden = true;
  } catch (error) {
    trouble(error);
  }
}

const prepared = () => (state.ready = prepare());

theme();
watch();
inputs();
choices();
listen();
prepared();
