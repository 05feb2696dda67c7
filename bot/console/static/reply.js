// The reply: prepared texts, what it costs by SMS, sending with Ctrl-Enter.
"use strict";

const LOOK_AFTER_MS = 300;

function parts() {
  return {
    reply: document.getElementById("reply"),
    length: document.getElementById("reply-length"),
  };
}

let timer = null;

function measure() {
  const { reply, length } = parts();
  if (!reply || !length) return;
  clearTimeout(timer);
  if (!("sms" in reply.dataset)) {
    const left = reply.maxLength - reply.value.length;
    length.textContent = left < 200 ? left + " characters left" : "";
    return;
  }
  timer = setTimeout(async () => {
    const body = new URLSearchParams({ text: reply.value });
    const response = await fetch("/console/reply-length", {
      method: "POST",
      headers: { "X-Form-Token": document.body.dataset.formToken },
      body,
    }).catch(() => null);
    if (!response || !response.ok) return;
    const found = await response.json();
    length.textContent = found.characters + " characters, " + found.parts + " SMS part" +
      (found.parts === 1 ? "" : "s") + (found.alphabet === "UCS-2" ? " (a special character makes it longer)" : "");
  }, LOOK_AFTER_MS);
}

// Listening on the document: the section is renewed when the conversation changes hands.
document.addEventListener("input", (event) => {
  if (event.target.id === "reply") measure();
});
document.addEventListener("keydown", (event) => {
  if (event.target.id === "reply" && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.target.form.requestSubmit();
  }
});
document.addEventListener("submit", (event) => {
  if (event.target.id !== "canned-form") return;
  event.preventDefault();
  const { reply } = parts();
  const chosen = document.getElementById("canned").selectedOptions[0];
  if (!reply || !chosen || !chosen.dataset.text) return;
  const gap = reply.value && !reply.value.endsWith("\n") ? "\n" : "";
  reply.value += gap + chosen.dataset.text;
  reply.focus();
  // The first gap is what has to be filled in next.
  const found = /\[[a-z][a-z ]{1,30}\]/.exec(reply.value);
  if (found) reply.setSelectionRange(found.index, found.index + found[0].length);
  measure();
});
measure();
