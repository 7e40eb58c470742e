// The explanation: sentences with verdicts as they come, the label, the ranks.

import { at, make } from "./make.js";

const TITLES = {
  overview: "Overview",
  observation: "Key observations",
  interpretation: "Interpretation",
  course: "Course over time",
  conclusion: "Conclusion",
  text: "Answer",
};
const VERDICTS = ["forbidden", "contradicted", "unmeasured", "supported"];
const TOLD = {
  supported: "supported by the evidence",
  contradicted: "contradicted by the evidence",
  unmeasured: "not measured",
  forbidden: "not to be said",
  none: "nothing to check in it",
};

const verdictOf = (sentence) => {
  const found = VERDICTS.find((v) => sentence.claims.some((claim) => claim.verdict === v));
  return !sentence.ok && (!found || found === "supported") ? "contradicted" : found || "none";
};

// The words of false claims marked; the first of overlapping ones wins.
function marked(sentence) {
  const parts = [];
  let done = 0;
  const faults = sentence.claims.filter((claim) => claim.verdict !== "supported").sort((a, b) => a.start - b.start);
  for (const claim of faults) {
    const letters = [...sentence.text];
    if (claim.start < done || letters.slice(claim.start, claim.start + [...claim.text].length).join("") !== claim.text) continue;
    parts.push(letters.slice(done, claim.start).join(""), make("mark", { class: claim.verdict }, claim.text));
    done = claim.start + [...claim.text].length;
  }
  parts.push([...sentence.text].slice(done).join(""));
  return parts;
}

export function sentenceItem(sentence) {
  const verdict = verdictOf(sentence);
  const units = [...new Set(sentence.claims.flatMap((claim) => claim.aus))];
  const item = make("li", { "data-verdict": verdict, "data-au": units.length ? units.join(" ") : null, tabindex: units.length ? 0 : null });
  item.append(make("span", { class: `v ${verdict}`, title: TOLD[verdict] }, make("span", { class: "hid" }, `${TOLD[verdict]}: `)), ...marked(sentence));
  for (const claim of sentence.claims) {
    if (claim.verdict === "supported") continue;
    const why = claim.reason ? `: ${claim.reason}` : "";
    item.append(make("span", { class: `fault ${claim.verdict}` }, `“${claim.text}” is ${TOLD[claim.verdict]}${why}`));
  }
  return item;
}

export function addSection(section, into = at("said")) {
  const list = make("ul", { class: "list" }, ...section.sentences.map(sentenceItem));
  into.append(make("h3", {}, TITLES[section.section] || section.section), list);
  return list;
}

export function sections(verification) {
  const found = [];
  for (const name of Object.keys(TITLES)) {
    const sentences = verification.sentences.filter((one) => one.section === name);
    if (sentences.length) found.push({ section: name, sentences });
  }
  return found;
}

function headline(prediction) {
  const conclusion = prediction.caption && prediction.caption.conclusion;
  if (prediction.label && prediction.probabilities) {
    const share = Math.round(100 * (prediction.probabilities[prediction.label] || 0));
    return [prediction.label, `${share} % by the picture model`];
  }
  if (prediction.label) return [prediction.label, conclusion ? `${conclusion.confidence} confidence` : ""];
  if (conclusion && conclusion.abstain === "observe-only") return ["Movements only", "no label was asked for"];
  return [prediction.caption ? "No label" : "No face", (conclusion && conclusion.abstain) || ""];
}

export function head(prediction) {
  const [label, certainty] = headline(prediction);
  const parts = [certainty];
  if (prediction.agreement) {
    const { au_label: implied, equal } = prediction.agreement;
    parts.push(equal ? "the movements imply the same" : implied ? `the movements imply ${implied}` : "the movements imply no label");
  }
  if (prediction.valence !== null) parts.push(`valence ${signed(prediction.valence)}`);
  if (prediction.arousal !== null) parts.push(`arousal ${signed(prediction.arousal)}`);
  at("label").textContent = label;
  at("certainty").textContent = parts.filter(Boolean).join(" · ");
  const span = prediction.span_s ? ` · ${prediction.span_s[0].toFixed(2)} to ${prediction.span_s[1].toFixed(2)} s` : "";
  at("place").textContent = prediction.source.file + (prediction.face_id ? ` · face ${prediction.face_id}` : "") + span;
}

const percent = (share) => (share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`);
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);

export function ranks(prediction) {
  const alternatives = (prediction.caption && prediction.caption.conclusion.alternatives) || [];
  const rows = prediction.probabilities
    ? Object.entries(prediction.probabilities).map(([label, share]) => [label, share, percent(share)])
    : alternatives.filter((one) => one.score !== null).map((one) => [one.label, one.score, one.score.toFixed(2)]);
  if (!rows.length) return at("ranked").replaceChildren();
  const words = prediction.probabilities ? "Labels, by the picture model" : "Candidates, by support from the action units";
  const table = make("table", { class: "rank" }, make("caption", {}, words));
  for (const [label, share, told] of rows.slice(0, 12)) {
    const bar = make("i");
    bar.style.width = `${Math.max(1, Math.round(100 * share))}%`;
    table.append(make("tr", {}, make("th", { scope: "row" }, label), make("td", {}, make("span", { class: "meter" }, bar)), make("td", { class: "n" }, told)));
  }
  at("ranked").replaceChildren(table);
}

export function checked(prediction) {
  const found = prediction.verification;
  if (!found) return (at("checked").textContent = "Not checked.");
  const claims = found.sentences.flatMap((one) => one.claims);
  const faults = claims.filter((claim) => claim.verdict !== "supported").length;
  const detector = prediction.evidence.detector;
  at("checked").textContent =
    `${claims.length} claims checked, ${faults ? `${faults} not supported` : "all supported"}, against ${found.against} ` +
    `(trust: ${detector.trust}). ${prediction.versions.engine}.`;
}
