/*
 * <clinic-chat>: the patient's side of a conversation, in the order of one message; looks at
 * the end. What people write becomes text nodes, never markup. No transcript is kept here.
 */
(() => {
"use strict";

const TEXT_LIMIT = 1000;
const COUNTER_FROM = 900;
const COMMENT_LIMIT = 500;
const REQUEST_TIMEOUT_MS = 20000;
const POLL_MS = 5000;
const POLLS_PER_CHECK = 6; // with events: look anyway, some proxies hold a stream back
const POLLS_PER_RETRY = 24; // without events: try them again
const MAX_FAILURES = 3;
// A phone, or a page zoomed so far that a panel would not fit.
const SHEET = "(max-width: 30em), (max-height: 30em)";

// ---- words

const LANGUAGES = ["en-US", "es-US"];
const WORDS = {
  clinic: ["Our clinic", "Nuestra clínica"],
  launch: ["Ask a question", "Haga una pregunta"],
  unread: ["New messages: ", "Mensajes nuevos: "],
  kind: ["Automated assistant", "Asistente automático"],
  assistant: ["Assistant", "Asistente"],
  staff: ["Clinic staff", "Personal de la clínica"],
  you: ["You", "Usted"],
  person: ["Talk to a person", "Hablar con una persona"],
  emergency: ["In an emergency call ", "En una emergencia llame al "],
  menu: ["Chat options", "Opciones del chat"],
  close: ["Close chat", "Cerrar el chat"],
  print: ["Print or save", "Imprimir o guardar"],
  printed: ["Chat transcript, ", "Transcripción del chat, "],
  erase: ["Delete my chat", "Borrar mi chat"],
  log: ["Conversation", "Conversación"],
  choices: ["Choices", "Opciones"],
  input: ["Your message", "Su mensaje"],
  placeholder: ["Type your question", "Escriba su pregunta"],
  send: ["Send", "Enviar"],
  left: ["Characters left: ", "Caracteres restantes: "],
  over: ["Message too long. Characters over: ", "Mensaje muy largo. Caracteres de más: "],
  newest: ["Newest messages", "Mensajes más recientes"],
  connecting: ["Connecting…", "Conectando…"],
  sending: ["Sending…", "Enviando…"],
  delivered: ["Delivered to clinic staff", "Entregado al personal de la clínica"],
  typing: [" is typing…", " está escribiendo…"],
  reviewed: ["Reviewed on ", "Revisado el "],
  helpful: ["This helped", "Me ayudó"],
  unhelpful: ["This did not help", "No me ayudó"],
  thanks: ["Thank you.", "Gracias."],
  missing: ["What was missing? (optional)", "¿Qué faltó? (opcional)"],
  comment: ["Send comment", "Enviar comentario"],
  skip: ["Skip", "Omitir"],
  unsent: ["Not sent. We keep trying.", "No se envió. Seguimos intentando."],
  refused: ["This message could not be sent.", "No se pudo enviar este mensaje."],
  call: [" You can also call ", " También puede llamar al "],
  retry: ["Try again", "Intentar de nuevo"],
  discard: ["Remove", "Quitar"],
  failed: ["The chat cannot be reached right now.", "El chat no está disponible en este momento."],
  expired: ["Your earlier chat has closed to protect your privacy. This is a new chat.", "Su chat anterior se cerró para proteger su privacidad. Este es un chat nuevo."],
  eraseTitle: ["Delete this chat?", "¿Borrar este chat?"],
  eraseText: ["Your messages are erased and cannot be brought back. If you are waiting for staff, call the clinic.", "Sus mensajes se borran y no se pueden recuperar. Si espera al personal, llame a la clínica."],
  eraseYes: ["Delete chat", "Borrar chat"],
  eraseNo: ["Keep chat", "Conservar chat"],
  erased: ["Your chat has been deleted.", "Su chat fue borrado."],
  eraseFailed: ["Your chat could not be deleted. Please try again.", "No se pudo borrar su chat. Intente de nuevo."],
  restart: ["Start a new chat", "Empezar un chat nuevo"],
};

// ---- building nodes

/** Make an element. Attributes named `on…` are listeners; an id is also a part to style. */
function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
    if (name === "id") node.setAttribute("part", value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

const button = (attributes, ...children) => h("button", { type: "button", ...attributes }, ...children);

const ICONS = {
  chat: "M4 5.5h16v10.5h-9.5L6 20v-4H4z",
  close: "M6 6l12 12M18 6L6 18",
  menu: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  send: "M12 19V5.5M6 11l6-6 6 6",
  down: "M12 5v13.5M6 13l6 6 6-6",
  person: "M12 11.5a3.75 3.75 0 1 0 0-7.5 3.75 3.75 0 0 0 0 7.5zM5 20c.8-3.6 3.6-5 7-5s6.2 1.4 7 5",
  up: "M7.5 11v8.5H4V11zl3.7-7c1.5 0 2.4 1 2.2 2.5L12.8 10H18a1.7 1.7 0 0 1 1.7 2l-1 6a1.8 1.8 0 0 1-1.8 1.5H7.5",
};

function icon(name, turned) {
  const make = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const svg = make("svg");
  const path = make("path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  if (turned) path.setAttribute("transform", "rotate(180 12 12)");
  svg.append(path);
  return svg;
}

const phoneLink = (text) => h("a", { href: `tel:${text.replace(/\D/g, "")}`, class: "tel" }, text);

const LINKS = /https?:\/\/[^\s<>"]*[^\s<>".,;:!?)]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\(?\b\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b|\b911\b/g;

/** Text as nodes, with web addresses, e-mail and phone numbers as links. */
function linked(text) {
  const nodes = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(LINKS)) {
    nodes.push(text.slice(from, index), found.startsWith("http")
      ? h("a", { href: found, target: "_blank", rel: "noopener noreferrer" }, found)
      : found.includes("@") ? h("a", { href: `mailto:${found}` }, found) : phoneLink(found));
    from = index + found.length;
  }
  return [...nodes, text.slice(from)];
}

/** A blank line ends a paragraph, "- " starts a list item. */
function paragraphs(text) {
  const blocks = [];
  let block = null;
  for (const line of text.trim().split("\n")) {
    const tag = !line.trim() ? null : line.startsWith("- ") ? "ul" : "p";
    if (tag && (!block || block.localName !== tag)) blocks.push((block = h(tag)));
    if (!tag) block = null;
    else if (tag === "ul") block.append(h("li", null, ...linked(line.slice(2))));
    else block.append(block.firstChild ? "\n" : "", ...linked(line));
  }
  return blocks;
}

// ---- talking to the server

/** `status` 0: no answer came. `detail`: the server's words for people. */
const failure = (status, detail = "", retryAfterS = 0) => Object.assign(new Error(), { status, detail, retryAfterS });

/** All messages, or those after an id. */
const since = (after) => (after ? `?after=${encodeURIComponent(after)}` : "");

class Api {
  constructor(base, language) {
    Object.assign(this, { base, language });
  }
  session() { return this.call("POST", "/session", {}); }
  async history(after) { return (await this.call("GET", `/messages${since(after)}`)).messages; }
  send(id, content) { return this.call("POST", "/messages", { client_message_id: id, ...content }); }
  feedback(rating) { return this.call("POST", "/feedback", rating); }
  erase() { return this.call("DELETE", "/session"); }
  events(after) { return new EventSource(`${this.base}/events${since(after)}`, { withCredentials: true }); }

  async call(method, path, body) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), REQUEST_TIMEOUT_MS);
    try {
      const response = await fetch(this.base + path, {
        method, body: JSON.stringify(body), credentials: "include", cache: "no-store", signal: abort.signal,
        headers: { "Content-Type": "application/json", "Accept-Language": this.language },
      });
      const answer = await response.json().catch(() => ({}));
      if (response.ok) return answer;
      throw failure(response.status, typeof answer.detail === "string" ? answer.detail : "",
        parseInt(response.headers.get("Retry-After"), 10) || 0);
    } catch (error) {
      throw error.status ? error : failure(0);
    } finally {
      clearTimeout(timer);
    }
  }
}

// ---- waiting to be sent

/**
 * Messages the server has not confirmed, oldest first. Kept for this tab, so that a reload
 * loses nothing; each keeps its id, so that nothing is stored twice. An empty list, rather than
 * none, says that this tab has a conversation: visitors who never chat cause no request.
 */
class Outbox {
  constructor() {
    this.items = [];
    this.storage((kept) => {
      const items = JSON.parse(kept.getItem("clinic-chat.unsent"));
      this.known = Boolean(items);
      this.items = (items || []).filter(({ id, content }) => id && content);
    });
  }
  storage(work) {
    try { work(sessionStorage); } catch { /* blocked or tampered with: memory is enough */ }
  }
  save() {
    this.known = true;
    const kept = this.items.map(({ id, content, title }) => ({ id, content, title }));
    this.storage((storage) => storage.setItem("clinic-chat.unsent", JSON.stringify(kept)));
  }
  add(content, title) {
    // `randomUUID` is missing on plain-http pages.
    const id = crypto.randomUUID ? crypto.randomUUID() : crypto.getRandomValues(new Uint32Array(4)).join("-");
    const item = { id, content, title };
    this.items.push(item);
    this.save();
    return item;
  }
  /** The oldest, to keep order; but one the server keeps failing at lets the others pass. */
  next() {
    const waiting = this.items.filter((item) => !item.refused);
    return waiting.find((item) => !(item.failures > 3)) || waiting[0];
  }
  remove(item) {
    this.items = this.items.filter((other) => other !== item);
    this.save();
  }
  forget() {
    this.items = [];
    this.known = false;
    this.storage((storage) => storage.removeItem("clinic-chat.unsent"));
  }
}

// ---- coming in

/** New messages: by events, or by asking when events do not get through. */
class Feed {
  constructor(api, on) {
    Object.assign(this, { api, on, failures: 0 });
  }
  start(cursor) {
    this.stop();
    this.cursor = cursor;
    this.timer = setInterval(() => this.tick(), POLL_MS);
    this.connect();
  }
  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.disconnect();
  }
  disconnect() {
    if (this.source) this.source.close();
    this.source = null;
  }
  connect() {
    this.disconnect();
    this.ticks = 0;
    if (this.failures >= MAX_FAILURES) return;
    const { cursor } = this;
    const source = (this.source = this.api.events(cursor));
    let openedAt = 0;
    source.onopen = () => {
      openedAt = Date.now();
      this.fetch(cursor); // a stream may start at now: what came before it opened
    };
    source.onmessage = (event) => this.take([JSON.parse(event.data)]);
    source.addEventListener("typing", (event) => this.on.typing(event.data));
    source.addEventListener("ended", () => this.fetch(this.cursor)); // 401 when it is gone
    source.onerror = () => {
      // A stream that ran for a while worked; one that dies young counts.
      this.failures = openedAt && Date.now() - openedAt > 2 * POLL_MS ? 1 : this.failures + 1;
      openedAt = 0;
      if (this.failures >= MAX_FAILURES || source.readyState === EventSource.CLOSED) {
        this.disconnect();
        this.fetch(this.cursor);
      }
    };
  }
  tick() {
    this.ticks += 1;
    if (document.hidden) {
      // A browser allows six connections to a host: a hidden tab returns its own.
      if (this.ticks > POLLS_PER_CHECK) this.disconnect();
    } else if (!this.source && (this.failures < MAX_FAILURES || this.ticks >= POLLS_PER_RETRY)) {
      this.failures = Math.min(this.failures, MAX_FAILURES - 1);
      this.connect();
    } else if (!this.source || this.ticks % POLLS_PER_CHECK === 0) this.fetch(this.cursor);
  }
  wake() {
    if (!this.timer || document.hidden) return;
    this.fetch(this.cursor);
    if (!this.source) this.connect();
  }
  async fetch(after) {
    const { timer } = this; // another one when the answer comes: another conversation
    try {
      const messages = await this.api.history(after);
      if (timer === this.timer) this.take(messages);
    } catch (error) {
      if (timer === this.timer && error.status === 401) this.on.gone();
    }
  }
  take(messages) {
    for (const message of messages) {
      this.cursor = message.id;
      this.on.message(message);
    }
  }
}

// ---- showing

/** The message list: each is shown once, however often it comes. */
class Transcript {
  constructor(words, on) {
    Object.assign(this, { words, on });
    this.log = h("div", { id: "log", role: "log", "aria-label": words.log, tabindex: "0" });
    this.clear();
  }
  clear() {
    this.log.replaceChildren();
    this.byId = new Map();
    this.mine = new Map(); // by client_message_id
    this.last = "";
  }

  /** Screen readers must not read out what is only being restored. */
  quietly(work) {
    this.log.setAttribute("aria-live", "off");
    work();
    setTimeout(() => this.log.setAttribute("aria-live", "polite"), 400);
  }

  opening({ notice, greeting, quick_replies: choices }) {
    this.greeting = greeting;
    if (notice) this.log.append(h("div", { class: "notice" }, ...paragraphs(notice)));
    if (greeting) this.append("assistant", "", null, paragraphs(greeting)).append(...this.choices(choices));
  }

  note(text) {
    this.last = "";
    const node = h("p", { class: "note" }, text);
    this.log.append(node);
    return node;
  }

  /** Show one message of the server; returns its node if it is new here. */
  add({ id, sender, text, at, buttons, answer, urgent, staff_name: staffName, client_message_id: clientId }) {
    let node = this.byId.get(id) || this.mine.get(clientId);
    const known = Boolean(node);
    if (!known) {
      if (sender === "system") node = this.note(text);
      else if (sender === "patient") node = this.append(sender, "", at, [text]);
      // A server may also keep the greeting as its first message.
      else if (text === this.greeting && !this.byId.size) return null;
      else {
        node = this.append(sender, staffName || "", at, paragraphs(text));
        node.append(...this.about(id, answer), ...this.choices(buttons));
      }
      if (clientId) this.mine.set(clientId, node);
    }
    node.dataset.id = id;
    if (urgent) node.classList.add("urgent");
    this.byId.set(id, node);
    return known ? null : node;
  }

  /** Show the patient's own message at once, before the server has it. */
  addMine({ id, title, content }) {
    if (!this.mine.has(id)) this.mine.set(id, this.append("patient", "", new Date(), [title || content.text]));
    return this.mine.get(id);
  }

  append(sender, staffName, at, content) {
    const { words } = this;
    const name = sender === "patient" ? words.you : words[sender];
    const run = sender + staffName;
    // Within a run of one sender the name is only spoken, not shown again.
    const meta = h("p", { class: run === this.last ? "meta spoken" : "meta" },
      h("span", null, staffName, staffName && " · ", name), at && this.time(new Date(at)));
    this.last = run;
    const node = h("div", { class: `message ${sender}`, part: `message ${sender}` }, meta,
      h("div", { class: "bubble", part: "bubble" }, ...content));
    this.log.append(node);
    return node;
  }

  time(at) {
    const today = at.toDateString() === new Date().toDateString();
    return h("time", { datetime: at.toISOString() }, at.toLocaleString(this.words.locale,
      { hour: "numeric", minute: "2-digit", ...(today ? {} : { month: "short", day: "numeric" }) }));
  }

  choices(buttons) {
    return !buttons || !buttons.length ? [] : [h("div", { class: "choices", role: "group", "aria-label": this.words.choices },
      ...buttons.map(({ id, title }) => button({
        class: "choice", part: "choice", "data-button-id": id, onclick: () => this.on.choose(id, title),
      }, title)))];
  }

  /** Under a published answer: its review date, and whether it helped. */
  about(id, answer) {
    if (!answer) return [];
    const { words } = this;
    // The parts are read apart: `new Date("2026-11-02")` is the day before in California.
    const [year, month, day] = (answer.reviewed_on || "").split("-");
    const date = day && new Date(year, month - 1, day.slice(0, 2)).toLocaleDateString(words.locale, { dateStyle: "medium" });
    const thanks = h("span");
    const comment = h("div", { class: "comment" });
    const rate = (helpful, more) => {
      this.on.rate({ message_id: id, helpful, ...more });
      thanks.textContent = words.thanks;
    };
    const close = () => {
      comment.replaceChildren();
      thumbs[1].focus();
    };
    const thumbs = [true, false].map((helpful) => {
      const label = `${helpful ? words.helpful : words.unhelpful}: ${answer.title}`;
      return button({
        class: "icon thumb", "aria-pressed": "false", title: label, "aria-label": label,
        onclick: ({ currentTarget }) => {
          for (const thumb of thumbs) thumb.setAttribute("aria-pressed", thumb === currentTarget);
          rate(helpful);
          const field = h("textarea", { rows: "2", maxlength: COMMENT_LIMIT });
          comment.replaceChildren(...(helpful ? [] : [
            h("label", null, words.missing, field),
            button({
              class: "choice", onclick: () => {
                if (field.value.trim()) rate(false, { comment: field.value.trim() });
                close();
              },
            }, words.comment),
            button({ class: "plain", onclick: close }, words.skip),
          ]));
          comment.scrollIntoView({ block: "nearest" });
        },
      }, icon("up", !helpful));
    });
    return [h("div", { class: "about" }, date && h("span", null, words.reviewed, date), ...thumbs, thanks), comment];
  }

  /** What became of the patient's own message: a note, and what can be done about it. */
  mark(node, text, ...actions) {
    const old = node.querySelector(".state");
    if (old && old.firstChild.data === text) return; // not announced again at each attempt
    if (old) old.remove();
    node.classList.toggle("unsent", actions.length > 0);
    if (text) node.append(h("p", { class: "state" }, text, ...actions));
  }

  /** Down to the newest message, never past what it belongs to or a note right before that. */
  scroll(from = [...this.log.querySelectorAll(".patient")].pop()) {
    const { log } = this;
    if (from?.previousSibling?.matches(".note")) from = from.previousSibling;
    log.scrollTop = Math.min(log.scrollHeight, from ? from.offsetTop - 12 : Infinity);
  }
  get atEnd() {
    return this.log.scrollHeight - this.log.clientHeight - this.log.scrollTop < 60;
  }
}

// ---- the element

class ClinicChat extends HTMLElement {
  static get observedAttributes() { return ["open"]; }

  get open() { return this.hasAttribute("open"); }
  set open(value) { this.toggleAttribute("open", Boolean(value)); }

  attributeChangedCallback() {
    if (this.panel) this.showOrHide(true);
  }

  connectedCallback() {
    if (!this.panel) this.build();
    this.life = new AbortController();
    const until = { signal: this.life.signal };
    const wake = () => {
      this.feed.wake();
      if (this.lost && this.open && !document.hidden) this.go();
    };
    window.addEventListener("online", () => { wake(); this.pump(); }, until);
    document.addEventListener("visibilitychange", wake, until);
    document.addEventListener("click", (event) => this.followLink(event), until);
    this.sheet.addEventListener("change", () => this.reopen(), until);
    for (const change of ["resize", "scroll"]) visualViewport.addEventListener(change, () => this.fit(), until);
    if (location.hash === "#clinic-chat") this.open = true;
    else this.showOrHide(false);
    this.resume();
  }

  disconnectedCallback() {
    this.life.abort();
    this.feed.stop();
    clearTimeout(this.retryTimer);
    this.starting = null;
    this.panel.close();
  }

  // ---- building and opening

  build() {
    const index = (this.lang || document.documentElement.lang).startsWith("es") ? 1 : 0;
    const words = (this.words = { locale: LANGUAGES[index] });
    for (const word in WORDS) words[word] = WORDS[word][index];
    this.phone = this.getAttribute("phone");
    this.api = new Api(this.getAttribute("api-base") || "/api/chat", words.locale);
    this.outbox = new Outbox();
    this.unread = this.attempts = this.refusals = 0;
    this.sheet = matchMedia(SHEET);
    this.transcript = new Transcript(words, {
      choose: (id, title) => this.send({ button_id: id }, title),
      rate: (rating) => this.api.feedback(rating).catch(() => {}),
    });
    const { log } = this.transcript;
    log.addEventListener("scroll", () => this.offerJump(), { passive: true });
    this.feed = new Feed(this.api, {
      message: (message) => this.receive(message),
      typing: (data) => {
        const { staff_name: name } = JSON.parse(data || "{}");
        this.say((name || words.staff) + words.typing, 6000);
      },
      gone: () => this.expire(),
    });

    const iconButton = (id, label, name, onclick, more) => button(
      { id, class: "icon", "aria-label": label, title: label, onclick, ...more }, icon(name));
    this.badge = h("span", { id: "badge", hidden: "", "aria-hidden": "true" });
    this.launcher = button({
      id: "launcher", "aria-label": words.launch, "aria-expanded": "false", "aria-controls": "panel",
      onclick: () => { this.open = !this.open; },
    }, icon("chat"), h("span", { class: "label" }, words.launch), this.badge);
    this.menuButton = iconButton("menu-button", words.menu, "menu", () => this.toggleMenu(),
      { "aria-expanded": "false", "aria-controls": "menu" });
    this.menu = h("div", { id: "menu", hidden: "" },
      button({ id: "print", onclick: () => this.print() }, words.print),
      button({ id: "delete", onclick: () => this.askErase() }, words.erase));
    this.heading = h("h2", { id: "title", tabindex: "-1" }, this.getAttribute("clinic-name") || words.clinic);
    this.jump = iconButton("jump", words.newest, "down", () => {
      log.scrollTop = log.scrollHeight;
      log.focus();
    }, { hidden: "" });
    this.status = h("p", { id: "status", role: "status" });
    this.confirm = h("div", { id: "confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text", hidden: "" },
      h("h3", { id: "confirm-title" }, words.eraseTitle), h("p", { id: "confirm-text" }, words.eraseText),
      button({ id: "confirm-delete", class: "choice", onclick: () => this.erase() }, words.eraseYes),
      button({ id: "confirm-keep", class: "choice", onclick: () => this.keep() }, words.eraseNo));
    this.input = h("textarea", {
      id: "input", rows: "1", placeholder: words.placeholder, autocomplete: "off", enterkeyhint: "send",
      "aria-describedby": "counter", oninput: () => this.typed(), onkeydown: (event) => this.inputKey(event),
    });
    this.counter = h("span", { id: "counter" });
    this.form = h("form", { id: "composer", onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      h("label", { for: "input", class: "spoken" }, words.input), this.input, this.counter,
      iconButton("send", words.send, "send", null, { type: "submit" }));
    this.panel = h("dialog", {
      id: "panel", "aria-labelledby": "title", "aria-describedby": "kind", onkeydown: (event) => this.panelKey(event),
      onclick: (event) => { if (!event.target.closest("#menu-button")) this.toggleMenu(false); },
      oncancel: (event) => { event.preventDefault(); this.open = false; },
      onclose: () => { if (!this.panel.open) this.open = false; },
    },
    h("div", { id: "header" }, h("span", { class: "mark" }, icon("chat")),
      h("div", { class: "who" }, this.heading, h("p", { id: "kind" }, words.kind)),
      this.menuButton, iconButton("close", words.close, "close", () => { this.open = false; }), this.menu),
    h("div", { id: "help" },
      button({ id: "person", onclick: () => this.send({ button_id: "talk-to-a-person" }, words.person) }, icon("person"), words.person),
      h("p", { id: "emergency" }, words.emergency, phoneLink("911"))),
    h("div", { class: "middle" }, log, this.jump), this.status, this.confirm, this.form);

    this.news = h("p", { class: "spoken", role: "status" });
    const root = this.attachShadow({ mode: "open" });
    this.look = sheetOf(LOOK);
    const themes = { light: "not all", dark: "screen" };
    const dark = sheetOf(DARK, themes[this.getAttribute("theme")] || "screen and (prefers-color-scheme: dark)");
    this.size = sheetOf(""); // a sheet of its own, so that no style attribute is needed
    root.adoptedStyleSheets = [this.look, dark, this.size];
    root.append(h("div", { id: "root", lang: words.locale }, this.panel, this.launcher, this.news));
  }

  showOrHide(byPatient) {
    const { open, panel, launcher } = this;
    launcher.setAttribute("aria-expanded", open);
    if (open && !panel.open) {
      // A sheet covers the page, so nothing behind it may take focus: modal. A panel is not;
      // it opens by its attribute because `show()` would take the focus.
      if (this.sheet.matches) panel.showModal();
      else panel.setAttribute("open", "");
      this.fit();
      this.count(0);
      // On touch screens the keyboard would hide the notice that must be read first.
      if (byPatient) (matchMedia("(hover: none) and (pointer: coarse)").matches ? this.heading : this.input).focus();
      this.transcript.scroll();
      this.go();
    } else if (!open && panel.open) {
      this.toggleMenu(false);
      panel.close();
      if (byPatient) launcher.focus();
    }
  }

  /** The layout changed between sheet and panel. */
  reopen() {
    if (!this.open) return;
    const focused = this.shadowRoot.activeElement;
    this.panel.close();
    this.showOrHide(false);
    if (focused) focused.focus();
  }

  /** Fill what the on-screen keyboard leaves free. */
  fit() {
    const { scale, offsetTop, height } = visualViewport;
    if (scale === 1) this.size.replaceSync(`:host { --_top: ${offsetTop}px; --_height: ${height}px }`);
  }

  /** Any link of the page to #clinic-chat opens the chat. */
  followLink(event) {
    if (!event.target.closest('a[href$="#clinic-chat"]')) return;
    event.preventDefault();
    this.open = true;
  }

  panelKey(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    if (!this.menu.hidden) {
      this.toggleMenu(false);
      this.menuButton.focus();
    } else if (!this.confirm.hidden) this.keep();
    else this.open = false;
  }

  toggleMenu(open = this.menu.hidden) {
    this.menu.hidden = !open;
    this.menuButton.setAttribute("aria-expanded", open);
    if (open) this.menu.firstChild.focus();
  }

  /** One line, spoken and shown, for `forMs` if given. */
  say(text, forMs) {
    clearTimeout(this.sayTimer);
    this.status.textContent = text;
    if (forMs) this.sayTimer = setTimeout(() => this.say(""), forMs);
  }

  // ---- the session

  /** A reload or another page of the site: go on where this tab was. */
  async resume() {
    if (!this.outbox.known || this.open) return;
    try {
      if (!this.outbox.items.length) await this.api.history();
      this.go();
    } catch (error) {
      if (error.status !== 401) return;
      this.lost = true;
      this.outbox.forget();
    }
  }

  /** Have a conversation and send what waits for it. */
  go() {
    return this.start().then(() => this.pump(), () => {});
  }

  /** One request, however many ask. Rejects when there is no conversation to be had. */
  start() {
    if (!this.starting) {
      this.starting = this.begin().catch((error) => {
        this.starting = null;
        throw error;
      });
    }
    return this.starting;
  }

  async begin() {
    const { words, transcript, outbox } = this;
    if (!this.attempts) this.say(words.connecting);
    try {
      const session = await this.api.session();
      const messages = await this.api.history();
      session.greeting = this.getAttribute("greeting") || session.greeting;
      const show = () => {
        transcript.clear();
        transcript.opening(session);
        if (this.lost) transcript.note(words.expired);
        for (const message of messages) transcript.add(message);
        for (const item of outbox.items) transcript.addMine(item);
      };
      if (messages.length) transcript.quietly(show);
      else show();
      if (this.lost || transcript.mine.size) transcript.scroll();
      this.lost = this.form.hidden = false;
      outbox.save();
      this.feed.start(messages.length ? messages[messages.length - 1].id : null);
      this.say("");
    } catch (error) {
      this.offerRestart(words.failed, words.retry, ...this.callToo());
      throw error;
    }
  }

  callToo() {
    return this.phone ? [this.words.call, phoneLink(this.phone), ". "] : [];
  }

  /** A line and a button that starts again. */
  offerRestart(text, label, ...more) {
    const { transcript } = this;
    this.say("");
    const old = transcript.log.querySelector(".restart");
    if (old && old.firstChild.data === text) return;
    if (old) old.remove();
    const node = transcript.note(text);
    node.classList.add("restart");
    node.append(...more, button({ class: "choice", onclick: () => {
      node.remove();
      this.go().then(() => this.input.focus());
    } }, label));
    transcript.scroll(node);
  }

  /** The session is over: on a shared computer the old text must go. */
  expire() {
    this.feed.stop();
    this.starting = null;
    this.lost = true;
    this.transcript.clear();
    if (this.open && !document.hidden) this.go();
    else if (!this.outbox.items.length) this.outbox.forget();
  }

  // ---- writing

  typed() {
    const { input, counter, words } = this;
    const left = TEXT_LIMIT - [...input.value.trim()].length;
    // Spoken when it appears, not at each key.
    counter.setAttribute("aria-live", counter.textContent ? "off" : "polite");
    counter.textContent = left < 0 ? words.over + -left : left < TEXT_LIMIT - COUNTER_FROM ? words.left + left : "";
    counter.classList.toggle("over", left < 0);
    // Grow by rows: unlike a style, an attribute that a strict policy allows.
    input.rows = 1;
    while (input.rows < 5 && input.scrollHeight > input.clientHeight) input.rows += 1;
    return left;
  }

  inputKey(event) {
    // Enter also accepts a suggestion of an input method; that must not send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.submit();
  }

  submit() {
    const { input } = this;
    const text = input.value.trim();
    input.focus();
    this.counter.textContent = "";
    if (this.typed() >= 0 && text) {
      input.value = "";
      this.typed();
      this.send({ text });
    }
  }

  // ---- sending

  send(content, title) {
    const { outbox, transcript } = this;
    const twice = ({ content: other }) => content.button_id && other.button_id === content.button_id;
    if (outbox.items.some(twice)) return;
    transcript.addMine(outbox.add(content, title));
    transcript.scroll();
    this.pump();
  }

  /** Send what is waiting, one after the other. Only one loop runs, so nothing goes twice. */
  async pump() {
    if (this.pumping) return;
    this.pumping = true;
    clearTimeout(this.retryTimer);
    const slow = setTimeout(() => this.say(this.words.sending), 400);
    let item = this.outbox.next();
    while (item && await this.deliver(item)) item = this.outbox.next();
    clearTimeout(slow);
    if (this.status.textContent === this.words.sending) this.say("");
    this.pumping = false;
  }

  /** Whether to go on with the next. */
  async deliver(item) {
    const { transcript, outbox } = this;
    try {
      await this.start();
      const result = await this.api.send(item.id, item.content);
      this.attempts = this.refusals = 0;
      if (outbox.items.includes(item)) { // the chat may have been deleted meanwhile
        outbox.remove(item);
        this.show(transcript.addMine(item), result);
      }
      return true;
    } catch (error) {
      return !outbox.items.includes(item) || this.failed(item, error);
    }
  }

  failed(item, { status, detail, retryAfterS }) {
    const { transcript, outbox, words } = this;
    const node = transcript.addMine(item);
    // The session is gone, unless new ones are refused too: then cookies are blocked.
    if (status === 401 && ++this.refusals < 3) {
      if (this.starting) this.expire();
      return true;
    }
    const again = button({ class: "plain", onclick: () => { item.refused = false; this.pump(); } }, words.retry);
    if (status >= 500) item.failures = (item.failures || 0) + 1;
    else if (status && ![401, 408, 409, 425, 429].includes(status)) {
      item.refused = true;
      transcript.mark(node, detail || words.refused, " ", ...this.callToo(), again, button({
        class: "plain", onclick: () => { outbox.remove(item); node.remove(); this.input.focus(); },
      }, words.discard));
      return true;
    }
    this.attempts += 1;
    transcript.mark(node, `${words.unsent} ${status === 429 ? detail : ""}`, ...this.callToo(), again);
    transcript.scroll();
    const backoffS = Math.min(30, 2 ** this.attempts) * (0.8 + 0.4 * Math.random());
    this.retryTimer = setTimeout(() => this.pump(), (retryAfterS || backoffS) * 1000);
    return false;
  }

  show(node, { message_id: id, outcome, replies }) {
    const { transcript } = this;
    node.dataset.id = id;
    transcript.byId.set(id, node);
    transcript.mark(node, outcome === "staff_owned" ? this.words.delivered : "");
    const urgent = /_(emergency|urgent)$/.test(outcome);
    for (const reply of replies || []) this.receive({ ...reply, urgent, sender: "assistant", at: new Date() });
  }

  // ---- receiving

  receive(message) {
    const { transcript } = this;
    const follow = transcript.atEnd || this.pumping;
    const node = transcript.add(message);
    if (!node) return;
    if (message.sender === "staff") this.say("");
    if (follow) transcript.scroll(message.sender === "assistant" ? undefined : node);
    this.offerJump();
    if (!this.open && message.sender !== "patient") this.count(this.unread + 1);
  }

  offerJump() {
    this.jump.hidden = this.transcript.atEnd;
  }

  count(unread) {
    const { words, badge } = this;
    this.unread = unread;
    badge.hidden = !unread;
    badge.textContent = unread;
    const news = (this.news.textContent = unread ? words.unread + unread : "");
    this.launcher.setAttribute("aria-label", `${words.launch} ${news}`);
  }

  // ---- ending

  askErase() {
    this.toggleMenu(false);
    this.confirm.hidden = false;
    this.form.hidden = true;
    this.confirm.lastChild.focus();
  }

  keep() {
    this.confirm.hidden = true;
    this.form.hidden = !this.starting;
    this.menuButton.focus();
  }

  async erase() {
    const { words, transcript } = this;
    try {
      await this.api.erase();
    } catch ({ status, detail }) {
      if (status !== 401) {
        this.keep();
        this.say(detail || words.eraseFailed);
        return;
      }
    }
    this.feed.stop();
    this.outbox.forget();
    this.starting = null;
    transcript.clear();
    this.confirm.hidden = true;
    // No composer until there is a new chat: its notice comes before its first message.
    this.form.hidden = true;
    this.offerRestart(words.erased, words.restart);
    transcript.log.querySelector("button").focus();
  }

  /** A copy for paper takes the page's place while printing. */
  print() {
    this.toggleMenu(false);
    const copy = h("div", { id: "clinic-chat-print" });
    const log = this.transcript.log.cloneNode(true);
    for (const control of log.querySelectorAll("button, .comment, .choices")) control.remove();
    const root = copy.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [this.look];
    root.append(h("div", { class: "paper" }, h("h1", null, this.heading.textContent),
      h("p", null, this.words.printed, new Date().toLocaleString(this.words.locale)), log));
    const page = sheetOf("@media screen { #clinic-chat-print { display: none } } "
      + "@media print { body > :not(#clinic-chat-print) { display: none !important } "
      + "html, body { background: #fff !important; height: auto !important; overflow: visible !important } }");
    document.body.append(copy);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, page];
    window.addEventListener("afterprint", () => {
      copy.remove();
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== page);
    }, { once: true });
    window.print();
  }
}

// ---- looks

function sheetOf(css, media = "all") {
  const sheet = new CSSStyleSheet({ media });
  sheet.replaceSync(css);
  return sheet;
}

// em of the reader's own setting: a page's root font size cannot shrink the text.
// Names that start with --_ are private; the others are for the page to set.
const LOOK = `
:host {
  all: initial; color-scheme: light;
  --_fill: var(--clinic-chat-accent, #1d5f58); --_on-fill: var(--clinic-chat-on-accent, #fff); --_accent: var(--_fill);
  --_bg: var(--clinic-chat-background, #fff); --_soft: var(--clinic-chat-soft, #f2f5f3); --_text: var(--clinic-chat-text, #1d2927);
  --_muted: #5a6966; --_line: #dde4e1; --_edge: #7f8d8a; --_staff: #fbf3e6; --_staff-edge: #a86a1c; --_alert: #a3261b; --_alert-bg: #fdf2f0;
  --_shadow: 0 2px 6px #10201d26, 0 10px 32px #10201d2e;
  --_x: calc(var(--clinic-chat-offset-x, 24px) + env(safe-area-inset-right, 0px));
  --_y: calc(var(--clinic-chat-offset-y, 24px) + env(safe-area-inset-bottom, 0px));
}
#root { font: 1em/1.5 var(--clinic-chat-font, system-ui, sans-serif); color: var(--_text); }
* { box-sizing: border-box; margin: 0; }
[hidden] { display: none !important; }
h1, h2, h3 { font-size: 1.0625em; font-weight: 600; }
a { color: inherit; }
.tel { font-weight: 600; white-space: nowrap; }
svg { width: 24px; height: 24px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
button, textarea { font: inherit; color: inherit; }
button { padding: 0; border: 0; background: none; cursor: pointer; }
.choice:hover, .thumb:hover, #person:hover, #menu button:hover { background: var(--_soft); }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.icon { display: grid; place-items: center; width: 44px; height: 44px; flex: none; border-radius: 12px; }
.meta, .state, .about, #status, #counter { color: var(--_muted); font-size: .8125em; }

#launcher {
  position: fixed; z-index: var(--clinic-chat-z-index, 2147483000); right: var(--_x); bottom: var(--_y);
  display: flex; align-items: center; justify-content: center; gap: 10px; min-width: 56px; min-height: 56px; padding: 0 20px;
  border-radius: 28px; background: var(--_fill); color: var(--_on-fill); font-weight: 600; box-shadow: var(--_shadow);
}
#launcher:focus-visible { outline: 3px solid var(--_on-fill); outline-offset: -6px; }
#badge { position: absolute; top: -6px; right: -4px; min-width: 24px; padding: 0 5px; border: 2px solid #fff; border-radius: 12px; background: #b3261e; color: #fff; font-size: .8125em; }

#panel {
  position: fixed; z-index: var(--clinic-chat-z-index, 2147483000); inset: auto var(--_x) calc(var(--_y) + 68px) auto;
  display: none; flex-direction: column; width: 25em; height: min(42em, 100vh - 116px); max-width: none; max-height: none; padding: 0; overflow: hidden;
  border: 1px solid var(--_line); border-radius: var(--clinic-chat-radius, 18px); background: var(--_bg); color: var(--_text); box-shadow: var(--_shadow);
}
#panel[open] { display: flex; animation: rise .18s ease-out; }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
#header { position: relative; display: flex; align-items: center; gap: 4px; padding: 12px 10px 12px 16px; background: var(--_fill); color: var(--_on-fill); }
#header > :focus-visible { outline-color: currentColor; }
#header > .icon:hover, .mark { background: #ffffff24; }
#menu-button svg { stroke-width: 3; }
#title { outline: none; }
.mark { display: grid; place-items: center; width: 40px; height: 40px; flex: none; margin-right: 8px; border-radius: 50%; }
.who { flex: 1; min-width: 0; line-height: 1.3; overflow-wrap: anywhere; }
#kind { font-size: .875em; }
#menu { position: absolute; z-index: 2; top: calc(100% - 6px); right: 12px; display: grid; min-width: 12em; padding: 6px; border: 1px solid var(--_line); border-radius: 14px; background: var(--_bg); color: var(--_text); box-shadow: var(--_shadow); }
#menu button { min-height: 44px; padding: 0 14px; border-radius: 9px; text-align: start; }
#help { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; padding: 4px 16px 4px 8px; border-bottom: 1px solid var(--_line); font-size: .875em; }
#person { display: flex; align-items: center; gap: 8px; min-height: 44px; padding: 0 8px; border-radius: 10px; color: var(--_accent); font-weight: 600; }
#emergency { padding-left: 8px; color: var(--_muted); }
#emergency a { color: var(--_alert); }

.middle { position: relative; flex: 1; min-height: 0; }
#log { position: relative; height: 100%; padding: 16px 16px 8px; scroll-padding: 8px 0 60px; overflow: auto; overscroll-behavior: contain; overflow-wrap: break-word; font-size: .9375em; scrollbar-width: thin; }
#log:focus-visible { outline-offset: -3px; }
#jump { position: absolute; right: 14px; bottom: 8px; border-radius: 50%; background: var(--_bg); color: var(--_accent); box-shadow: var(--_shadow); }
.notice { margin-bottom: 20px; padding: 10px 14px; border: 1px solid var(--_line); border-radius: 12px; }
p + p, p + ul, ul + p { margin-top: .7em; }
.note { margin: 18px auto; text-align: center; }
.note, .notice, .comment { color: var(--_muted); font-size: .9em; }
.note .choice { display: block; margin: 12px auto 0; }
.message { display: flex; flex-direction: column; align-items: flex-start; margin-bottom: 6px; }
.meta { display: flex; gap: 8px; margin: 12px 2px 4px; }
.meta span { font-weight: 600; }
.bubble { max-width: min(92%, 34em); padding: 10px 14px; border-radius: 4px 16px 16px; background: var(--_soft); white-space: pre-line; }
.bubble ul { padding-left: 1.2em; }
.bubble a { color: var(--_accent); overflow-wrap: anywhere; }
.patient { align-items: flex-end; }
.patient .bubble { border-radius: 16px 16px 4px; background: var(--_fill); color: var(--_on-fill); }
.staff .bubble { background: var(--_staff); border-left: 3px solid var(--_staff-edge); border-radius: 4px 16px 16px 4px; }
.urgent .bubble { background: var(--_alert-bg); border: solid var(--_alert); border-width: 1px 1px 1px 4px; border-radius: 4px 16px 16px 4px; }
.urgent .bubble p:first-child { font-weight: 600; }
.unsent .bubble { background: none; color: var(--_text); border: 1px dashed var(--_edge); }
.state { margin: 4px 2px; text-align: right; }
.unsent .state, #counter.over, .urgent a { color: var(--_alert); }
.choices { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 4px; }
.choice { min-height: 44px; padding: 8px 16px; border: 1px solid var(--_edge); border-radius: 22px; color: var(--_accent); font-weight: 500; line-height: 1.3; }
.plain { min-height: 32px; padding: 0 8px; color: var(--_accent); font-weight: 600; text-decoration: underline; }
.about { display: flex; flex-wrap: wrap; align-items: center; gap: 0 6px; margin: 2px; }
.thumb { width: 40px; height: 40px; }
.thumb svg { width: 18px; }
.thumb[aria-pressed=true] { color: var(--_accent); }
.thumb[aria-pressed=true] path { fill: currentColor; fill-opacity: .25; }
.comment { width: 100%; }
.comment textarea { margin: 4px 0 8px; }

#status { margin: 0; padding: 0 18px; }
#status:not(:empty) { padding-bottom: 8px; }
#composer { display: flex; flex-wrap: wrap; align-items: flex-end; gap: 8px; padding: 10px 12px 12px; border-top: 1px solid var(--_line); }
textarea { display: block; flex: 1; width: 100%; min-width: 0; padding: 10px 14px; border: 1px solid var(--_edge); border-radius: 14px; background: var(--_bg); line-height: 1.5; resize: none; }
textarea::placeholder { color: var(--_muted); opacity: 1; }
textarea:focus { outline: 2px solid var(--_accent); outline-offset: -1px; }
#send { width: 46px; height: 46px; border-radius: 50%; background: var(--_fill); color: var(--_on-fill); }
#counter { order: -1; width: 100%; }
#counter:empty { position: absolute; }
#confirm { padding: 16px; border-top: 1px solid var(--_line); font-size: .9375em; }
#confirm p { margin: 4px 0 14px; color: var(--_muted); }
#confirm button { margin: 0 8px 4px 0; }
#confirm-delete { background: var(--_alert); color: var(--_bg); }

@media ${SHEET} {
  #panel {
    inset: var(--_top, 0) 0 auto; width: 100%; height: var(--_height, 100dvh); border: 0; border-radius: 0;
    padding: env(safe-area-inset-top, 0px) env(safe-area-inset-right, 0px) env(safe-area-inset-bottom, 0px) env(safe-area-inset-left, 0px);
  }
  #panel[open] ~ #launcher, .label { display: none; }
  #launcher { padding: 0; }
  #log { font-size: 1em; }
}
@media (max-height: 24em) {
  #header { padding-block: 0; }
  #help { padding: 0 8px; }
  #person { min-height: 32px; }
  #composer { padding-block: 4px; }
  .mark, #person svg, #jump { display: none; }
}
@media (prefers-reduced-motion: reduce) { #panel { animation: none !important; } }
@media (forced-colors: active) { .bubble, button { border: 1px solid; } }
@media print { #root { display: none; } }
.paper { font: 11pt/1.5 system-ui, sans-serif; color: #000; }
.paper #log { height: auto; padding: 0; overflow: visible; }
.paper .bubble { max-width: none; padding: 0; border: 0; background: none; color: #000; }
.paper .message { align-items: start; }
`;

const DARK = `
:host {
  color-scheme: dark;
  --_fill: var(--clinic-chat-accent, #256a62); --_accent: var(--clinic-chat-accent-dark, #8fd6ca);
  --_bg: var(--clinic-chat-background-dark, #151d1c); --_soft: var(--clinic-chat-soft-dark, #212c2a); --_text: var(--clinic-chat-text-dark, #e6edeb);
  --_muted: #a6b4b1; --_line: #303c3a; --_edge: #75857f; --_staff: #30281b; --_staff-edge: #d9a55b; --_alert: #ffb4a9; --_alert-bg: #3b1d19;
}`;

// Without constructable style sheets, what the page put inside the element stays.
if (!customElements.get("clinic-chat") && "adoptedStyleSheets" in document) customElements.define("clinic-chat", ClinicChat);
})();
