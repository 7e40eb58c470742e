// Requests to the server this page came from; what goes wrong becomes one sentence.

export class Failed extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const KEY = "fervlm-key";
const key = () => sessionStorage.getItem(KEY);
export const useKey = (value) => sessionStorage.setItem(KEY, value);

async function send(path, options = {}) {
  const headers = new Headers(options.headers);
  if (key()) headers.set("authorization", `Bearer ${key()}`);
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failed(0, "The server does not answer. Is it still running?");
  }
  if (answer.ok) return answer;
  let detail = `The server answered ${answer.status}.`;
  try {
    detail = (await answer.json()).detail || detail;
  } catch { /* no problem body: the status has to do */ }
  throw new Failed(answer.status, detail);
}

export const get = async (path) => (await send(path)).json();

const asJson = (body) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

export const file = async (path, body) => (await send(path, asJson(body))).blob();

// Server-sent events of a POST, one { name, data } after another.
export async function* events(path, body, signal) {
  const options = body instanceof FormData ? { method: "POST", body } : asJson(body);
  const answer = await send(path, { ...options, signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Failed(0, "The answer broke off: the server went away.");
    }
    if (part.done) return;
    text += part.value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const found = { name: "message", data: "" };
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) found.name = line.slice(7);
        if (line.startsWith("data: ")) found.data += line.slice(6);
      }
      if (found.data === "[DONE]") return;
      found.data = JSON.parse(found.data);
      if (found.name === "error") throw new Failed(found.data.status, found.data.detail);
      yield found;
    }
  }
}
