// Warns before the session ends by itself, and leaves the page when it has.
"use strict";

const WARN_S = 120;
const LOOK_EVERY_MS = 15000;
const TYPING_EVERY_MS = 60000;

const dialog = document.getElementById("idle");
const left = document.getElementById("idle-left");
const token = document.body.dataset.formToken;
let endsAt = Date.now() + Number(document.body.dataset.secondsLeft) * 1000;
let toldAt = Date.now();

async function ask(method) {
  const response = await fetch("/console/session", {
    method,
    headers: { "X-Form-Token": token, Accept: "application/json" },
    body: method === "POST" ? "" : undefined,
  });
  if (response.status === 401 || response.status === 403) return leave();
  if (response.ok) endsAt = Date.now() + (await response.json()).seconds_left * 1000;
}

function leave() {
  // The words of patients must not stay on an unattended screen.
  location.replace("/console/sign-in?said=ended&next=" + encodeURIComponent(location.pathname));
}

async function look() {
  const seconds = () => Math.round((endsAt - Date.now()) / 1000);
  if (seconds() <= WARN_S) {
    // Another tab may have been used meanwhile.
    await ask("GET").catch(() => {});
  }
  if (seconds() <= 0) return leave();
  if (seconds() > WARN_S) {
    if (dialog.open) dialog.close();
  } else {
    left.textContent = seconds() >= 90 ? "2 minutes" : seconds() + " seconds";
    if (!dialog.open) dialog.showModal();
  }
}

async function stay() {
  toldAt = Date.now();
  await ask("POST").catch(() => {});
  if (dialog.open) dialog.close();
}

document.getElementById("idle-stay").addEventListener("click", stay);
document.addEventListener("input", () => {
  // A long reply is work too, though it sends nothing until it is done.
  if (Date.now() - toldAt > TYPING_EVERY_MS) stay();
});
setInterval(look, LOOK_EVERY_MS);
document.addEventListener("visibilitychange", () => document.hidden || look());
