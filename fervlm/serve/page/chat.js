// Questions about the face on the stage, over the OpenAI-compatible endpoint, with the verdicts of each answer.

import { at, make } from "./make.js";
import { addSection, sections, sentenceItem } from "./words.js";
import { Failed, events } from "./wire.js";

let turns = [];
let subject = null;
let busy = false;

export function about(what, prediction) {
  subject = what;
  turns = [];
  at("talk").replaceChildren();
  at("chat").hidden = false;
  ideas(prediction);
}

export function forget() {
  subject = null;
  at("chat").hidden = true;
}

function ideas(prediction) {
  const others = (prediction.caption && prediction.caption.conclusion.alternatives) || [];
  const other = others.map((one) => one.label).find((label) => label !== prediction.label);
  const found = ["Why?", "What do the brows do?", "Is AU4 present?", ...(other ? [`Why not ${other}?`] : [])];
  at("ideas").replaceChildren(
    ...found.map((words) => {
      const button = make("button", { type: "button" }, words);
      button.addEventListener("click", () => ask(words));
      return button;
    }),
  );
}

function payload(question) {
  const picture = subject.picture ? [{ type: "image_url", image_url: { url: subject.picture } }] : [];
  const first = { role: "user", content: [...picture, { type: "text", text: "Here is the face." }] };
  const evidence = subject.evidence ? { evidence: subject.evidence } : {};
  return {
    model: subject.model,
    stream: true,
    messages: [first, ...turns, { role: "user", content: question }],
    ...evidence,
    face: subject.face,
  };
}

export async function ask(question) {
  if (!subject || busy || !question.trim()) return;
  busy = true;
  const answer = make("div", { class: "it" });
  at("talk").append(make("div", { class: "me" }, question), answer);
  let text = "";
  try {
    for await (const { data } of events("/v1/chat/completions", payload(question))) {
      if (data.error) throw new Failed(data.status || 0, data.error.message);
      const delta = data.choices && data.choices[0] && data.choices[0].delta;
      if (delta && delta.content) answer.textContent = text += delta.content;
      if (data.fervlm && data.fervlm.verification) show(answer, data.fervlm.verification);
    }
    turns.push({ role: "user", content: question }, { role: "assistant", content: text });
    turns = turns.slice(-12);
  } catch (error) {
    answer.textContent = error.message;
  }
  busy = false;
  at("talk").scrollTop = at("talk").scrollHeight;
}

// The same words, each sentence with its verdict.
function show(answer, verification) {
  const found = sections(verification);
  answer.replaceChildren();
  if (found.length === 1) answer.append(make("ul", { class: "list" }, ...found[0].sentences.map(sentenceItem)));
  else for (const section of found) addSection(section, answer);
}

export function listen() {
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = at("question");
    ask(field.value);
    field.value = "";
  });
}
