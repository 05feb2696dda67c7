// Keeps the live part of a page fresh, and says when a red flag comes in.
"use strict";

const BADGE = /^\(\d+\) /;
const news = document.getElementById("live-news");
const sound = document.getElementById("sound");
let known = null;
let mark = null;
let wanted = false;
let loading = false;

function live() {
  return document.getElementById("live");
}

// The same page again, from the server's one template. A document that XMLHttpRequest
// parses runs no script, and its nodes are moved, never its text.
function refresh() {
  if (loading) {
    wanted = true;
    return;
  }
  loading = true;
  wanted = false;
  const request = new XMLHttpRequest();
  request.open("GET", location.pathname + location.search);
  request.responseType = "document";
  request.setRequestHeader("X-Background", "yes");
  request.setRequestHeader("Accept", "text/html");
  request.addEventListener("loadend", () => {
    loading = false;
    if (request.status === 200 && request.response && request.response.getElementById("live")) {
      swap(request.response);
    }
    if (wanted) refresh();
  });
  request.send();
}

function swap(fresh) {
  const list = document.querySelector("[data-follow]") ? document.getElementById("transcript") : null;
  const atEnd = list && list.scrollTop + list.clientHeight >= list.scrollHeight - 40;
  const top = list ? list.scrollTop : 0;
  replace(live(), fresh.getElementById("live"));
  const after = document.getElementById("transcript");
  if (after) after.scrollTop = atEnd ? after.scrollHeight : top;
  // Forms are renewed only while nobody is typing into them: a stale one is refused with
  // the reason, and nothing typed is lost.
  for (const section of document.querySelectorAll(".side > section, .reply")) {
    const selector = section.id ? "#" + section.id : section.classList.contains("reply") ? ".reply" : null;
    const other = selector && fresh.querySelector(selector);
    if (other && !busy(section)) replace(section, other);
  }
}

function replace(old, fresh) {
  const open = new Set();
  old.querySelectorAll("details").forEach((item, index) => item.open && open.add(index));
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const href = focused && focused.getAttribute("href");
  const node = document.importNode(fresh, true);
  if (node.id !== "case") {
    node.querySelectorAll("details").forEach((item, index) => { if (open.has(index)) item.open = true; });
  }
  old.replaceWith(node);
  if (href) {
    for (const link of node.querySelectorAll("a")) if (link.getAttribute("href") === href) link.focus();
  }
}

function busy(section) {
  if (section.contains(document.activeElement)) return true;
  for (const field of section.querySelectorAll("textarea, input:not([type=hidden])")) {
    if (field.value !== field.defaultValue) return true;
  }
  for (const field of section.querySelectorAll("select")) {
    for (const option of field.options) if (option.selected !== option.defaultSelected && field.selectedIndex > 0) return true;
  }
  return false;
}

function tell(flags) {
  if (!flags) return;
  const count = flags.length;
  document.title = (count ? "(" + count + ") " : "") + document.title.replace(BADGE, "");
  const added = known === null ? [] : flags.filter((id) => !known.has(id));
  known = new Set(flags);
  if (!added.length) return;
  news.textContent = added.length === 1 ? "A new red flag waits." : added.length + " new red flags wait.";
  if (sound && sound.getAttribute("aria-pressed") === "true") beep();
}

function beep() {
  const context = new AudioContext();
  for (const start of [0, 0.25]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = 880;
    volume.gain.value = 0.15;
    tone.connect(volume).connect(context.destination);
    tone.start(context.currentTime + start);
    tone.stop(context.currentTime + start + 0.15);
  }
}

if (sound) {
  const show = (on) => {
    sound.setAttribute("aria-pressed", String(on));
    sound.textContent = on ? "Sound on" : "Sound off";
  };
  sound.hidden = false;
  show(localStorage.getItem("queue-sound") === "on");
  sound.addEventListener("click", () => {
    const on = sound.getAttribute("aria-pressed") !== "true";
    localStorage.setItem("queue-sound", on ? "on" : "off");
    show(on);
    if (on) beep();
  });
}

const transcript = document.getElementById("transcript");
if (transcript) {
  // A link from a list leads to one message; without one, the newest is what matters.
  const wanted = document.getElementById(location.hash.slice(1));
  const inside = wanted && transcript.contains(wanted);
  transcript.scrollTop = inside ? wanted.offsetTop - transcript.offsetTop - 8 : transcript.scrollHeight;
}

const events = new EventSource(live().dataset.events);
events.addEventListener("changed", (event) => {
  const data = JSON.parse(event.data);
  tell(data.red_flags);
  if (mark !== null && data.mark !== mark) refresh();
  mark = data.mark;
});
events.addEventListener("ended", () => {
  events.close();
  location.replace("/console/sign-in?said=ended&next=" + encodeURIComponent(location.pathname));
});
// Clocks go on although nothing happens.
setInterval(refresh, 30000);
