/* A telephone for trying the SMS line. Words become text nodes, never markup. */
(() => {
"use strict";

const POLL_MS = 1000;
const byId = (id) => document.getElementById(id);
const thread = byId("thread");
const state = byId("state");
const shown = new Set();
let number = byId("number").value;

const element = (name, className, words) => {
  const made = document.createElement(name);
  made.className = className;
  made.append(document.createTextNode(words));
  return made;
};

const show = (message) => {
  if (shown.has(message.id)) return;
  shown.add(message.id);
  const bubble = element("div", message.from, message.text);
  const time = new Date(message.at).toLocaleTimeString();
  const parts = message.parts ? ` · ${message.parts} SMS` : "";
  bubble.append(element("small", "", `${message.from === "clinic" ? "Clinic" : "You"} · ${time}${parts}`));
  thread.append(bubble);
  thread.scrollTop = thread.scrollHeight;
};

const read = async () => {
  const asked = number;
  try {
    const response = await fetch("/sms/phone/thread", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ number }),
    });
    const body = await response.json();
    if (asked !== number) return;
    if (!response.ok) { state.textContent = body.detail; return; }
    // A text that has just gone into the transcript has a new id: the whole thread is shown anew.
    const ids = body.messages.map((message) => message.id);
    if ([...shown].some((id) => !ids.includes(id))) { shown.clear(); thread.replaceChildren(); }
    body.messages.forEach(show);
    state.textContent = "";
  } catch {
    state.textContent = "The server cannot be reached.";
  }
};

const loop = async () => {
  await read();
  setTimeout(loop, POLL_MS);
};

byId("number-form").addEventListener("submit", (event) => {
  event.preventDefault();
  number = byId("number").value.trim();
  shown.clear();
  thread.replaceChildren();
  read();
});

byId("text-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("text");
  const form = new URLSearchParams({ From: number, Body: field.value, NumMedia: byId("photo").checked ? "1" : "0" });
  try {
    const response = await fetch("/sms/simulator/inbound", { method: "POST", body: form });
    if (!response.ok) { state.textContent = (await response.json()).detail; return; }
    field.value = "";
    byId("photo").checked = false;
    read();
  } catch {
    state.textContent = "Not sent: the server cannot be reached.";
  }
});

byId("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("text-form").requestSubmit();
  }
});

loop();
})();
