// Judging without the mouse: 1 to 6 for the verdicts, f to flag, j and k for next and previous.
"use strict";

// What is to be judged and its answer are in sight, whatever came before.
const judged = document.querySelector(".judged");
if (judged) judged.parentElement.scrollTop = judged.offsetTop - judged.parentElement.offsetTop - 8;

const verdicts = document.querySelectorAll("#verdict-form button[name=verdict]");

function typing(node) {
  return node instanceof HTMLElement && node.matches("input, textarea, select");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "Escape" && typing(event.target)) event.target.blur();
  if (typing(event.target)) return;
  const number = Number.parseInt(event.key, 10);
  let wanted = null;
  if (number >= 1 && number <= verdicts.length) wanted = verdicts[number - 1];
  else if (event.key === "f") wanted = document.querySelector("#flag-form button");
  else if (event.key === "j") wanted = document.getElementById("next");
  else if (event.key === "k") wanted = document.getElementById("previous");
  if (wanted === null) return;
  event.preventDefault();
  wanted.click();
});
