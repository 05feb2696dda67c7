// <clinic-chat>, explained in docs/widget.md. What people write becomes text nodes, never markup.
(() => {
"use strict";

const SCRIPT = document.querySelector('script[src*="clinic-chat.js"]');
const TEXT_LIMIT = 1000;
const REQUEST_TIMEOUT_MS = 20000;
const POLL_MS = 5000;
const POLLS_PER_CHECK = 6; // with events: some proxies hold them back
const POLLS_PER_RETRY = 24; // without events: try them again
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
  download: ["Download", "Descargar"],
  print: ["Print", "Imprimir"],
  erase: ["Delete my chat", "Borrar mi chat"],
  log: ["Conversation", "Conversación"],
  choices: ["Choices", "Opciones"],
  input: ["Your message", "Su mensaje"],
  placeholder: ["Type your question", "Escriba su pregunta"],
  send: ["Send", "Enviar"],
  left: ["Characters left: ", "Caracteres restantes: "],
  newest: ["Newest messages", "Mensajes más recientes"],
  wait: ["One moment…", "Un momento…"],
  delivered: ["Delivered to clinic staff", "Entregado al personal de la clínica"],
  typing: ["The assistant is typing…", "El asistente está escribiendo…"],
  source: ["Source", "Fuente"],
  reviewed: ["Reviewed on ", "Revisado el "],
  helpful: ["This helped", "Me ayudó"],
  unhelpful: ["This did not help", "No me ayudó"],
  thanks: ["Thank you.", "Gracias."],
  more: ["Anything to add? (optional)", "¿Quiere añadir algo? (opcional)"],
  unsent: ["Not sent. We keep trying.", "No se envió. Seguimos intentando."],
  refused: ["This message could not be sent.", "No se pudo enviar este mensaje."],
  call: [" You can also call ", " También puede llamar al "],
  retry: ["Try again", "Intentar de nuevo"],
  discard: ["Remove", "Quitar"],
  failed: ["The chat cannot be reached right now.", "El chat no está disponible en este momento."],
  expired: ["Your earlier chat has closed to protect your privacy. This is a new chat.", "Su chat anterior se cerró para proteger su privacidad. Este es un chat nuevo."],
  dropped: [" A message that was not sent was removed.", " Se quitó un mensaje que no se había enviado."],
  eraseText: ["It cannot be brought back. If you are waiting for staff, call the clinic.", "No se puede recuperar. Si espera al personal, llame a la clínica."],
  eraseNo: ["Keep chat", "Conservar chat"],
  erased: ["Your chat has been deleted.", "Su chat fue borrado."],
  restart: ["New chat", "Chat nuevo"],
};

/** An element. `on…` attributes are listeners; an id is also a part to style. */
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

const since = (after) => (after ? `?after=${encodeURIComponent(after)}` : "");

class Api {
  constructor(base, language) {
    Object.assign(this, { base, language });
  }
  session() { return this.call("POST", "/session", {}); }
  history(after) { return this.call("GET", `/messages${since(after)}`); }
  send(id, content) { return this.call("POST", "/messages", { client_message_id: id, ...content }); }
  sources(id) { return this.call("GET", `/messages/${id}/sources`); }
  feedback(rating) { return this.call("POST", "/feedback", rating); }
  erase() { return this.call("DELETE", "/session"); }
  events(after) { return new EventSource(`${this.base}/events${since(after)}`, { withCredentials: true }); }

  async call(method, path, body) {
    try {
      const response = await fetch(this.base + path, {
        method, body: JSON.stringify(body), credentials: "include", cache: "no-store", signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        headers: { "Accept-Language": this.language, ...(body && { "Content-Type": "application/json" }) },
      });
      const answer = await response.json().catch(() => ({}));
      if (response.ok) return answer;
      // Details are in English only.
      throw { status: response.status, detail: (this.language === LANGUAGES[0] && answer.detail) || "",
        retryAfterS: parseInt(response.headers.get("Retry-After"), 10) };
    } catch (error) {
      throw error.status ? error : { status: 0, detail: "" }; // no answer came
    }
  }
}

/**
 * Messages not confirmed, oldest first: kept for a closed tab, with ids, so that none is stored
 * twice, and for one conversation, so that nobody sends what another wrote. Even an empty list
 * tells that there is a conversation: visitors who never chat cause no request.
 */
class Outbox {
  constructor() {
    this.items = [];
  }
  storage(work) {
    try { return work(localStorage); } catch { return null; } // blocked or empty
  }
  get kept() {
    return this.storage((store) => {
      const kept = JSON.parse(store.getItem("clinic-chat"));
      return kept.items.every(({ id, content }) => id && content) && kept;
    });
  }

  /** Other tabs write here too. */
  keep(change) {
    const { conversation, kept } = this;
    const items = change(kept && kept.conversation === conversation ? kept.items : []);
    if (conversation) this.storage((store) => store.setItem("clinic-chat", JSON.stringify({ conversation, items })));
    return items;
  }
  begin(conversation) {
    this.conversation = conversation;
    const ids = new Set(this.items.map(({ id }) => id));
    this.items = this.keep((items) => [...items.filter(({ id }) => !ids.has(id)), ...this.items]);
  }
  add(content, title) {
    const item = { id: crypto.getRandomValues(new Uint32Array(4)).join("-"), content, title };
    this.items.push(item);
    this.keep((items) => [...items, item]);
    return item;
  }
  /** The oldest; but one that keeps failing lets the others pass. */
  next() {
    const waiting = this.items.filter((item) => !item.refused);
    return waiting.find((item) => !(item.failures > 3)) || waiting[0];
  }
  remove({ id }) {
    const others = (items) => items.filter((item) => item.id !== id);
    this.items = others(this.items);
    this.keep(others);
  }
  forget() {
    this.items = [];
    this.conversation = null;
    this.storage((store) => store.removeItem("clinic-chat"));
  }
}

/** New messages, by events or, when these are blocked, by asking. */
class Feed {
  constructor(api, on) {
    Object.assign(this, { api, on });
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
    const source = (this.source = this.api.events(this.cursor));
    let failures = 0, openedAt = 0;
    source.onopen = () => {
      openedAt = Date.now();
      this.on.reached();
    };
    source.onmessage = (event) => this.take([JSON.parse(event.data)]);
    source.addEventListener("answering", (event) => this.on.answering(JSON.parse(event.data)));
    source.addEventListener("ended", () => this.on.gone());
    source.onerror = () => {
      // Only one that dies young counts.
      failures = openedAt && Date.now() - openedAt > 2 * POLL_MS ? 0 : failures + 1;
      openedAt = 0;
      if (failures > 2 || source.readyState === EventSource.CLOSED) {
        this.disconnect();
        this.fetch();
      }
    };
  }
  tick() {
    this.ticks += 1;
    if (document.hidden) {
      // Browsers have six connections to a host.
      if (this.ticks > POLLS_PER_CHECK) this.disconnect();
    } else if (!this.source && this.ticks >= POLLS_PER_RETRY) this.connect();
    else if (!this.source || this.ticks % POLLS_PER_CHECK === 0) this.fetch();
  }
  wake() {
    if (!this.timer || document.hidden) return;
    this.fetch();
    if (!this.source) this.connect();
  }
  async fetch() {
    const { timer } = this; // changes with the conversation
    try {
      const { messages, answering } = await this.api.history(this.cursor);
      if (timer !== this.timer) return;
      this.take(messages);
      this.on.answering(answering);
      this.on.reached();
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

  /** What is only restored is not read out. */
  quietly(work) {
    this.log.setAttribute("aria-live", "off");
    work();
    setTimeout(() => this.log.setAttribute("aria-live", "polite"), 400);
  }

  opening({ notice, greeting, quick_replies: choices }) {
    if (notice) this.log.append(h("div", { class: "notice" }, ...paragraphs(notice)));
    if (greeting) this.append("assistant", "", null, paragraphs(greeting)).append(...this.choices(choices));
  }

  note(text) {
    this.last = "";
    const node = h("p", { class: "note" }, text);
    this.log.append(node);
    return node;
  }

  /** Show a message of the server; its node, if it is new. */
  add({ id, sender, text, at, buttons, answer, urgent, staff_name: staffName, client_message_id: clientId }) {
    let node = this.byId.get(id) || this.mine.get(clientId);
    const known = Boolean(node);
    if (!known) {
      if (sender === "system") node = this.note(text);
      else if (sender === "patient") node = this.append(sender, "", at, [text]);
      else {
        node = this.append(sender, staffName || "", at, paragraphs(text));
        if (answer) node.append(...this.about(id, answer));
        node.append(...this.choices(buttons));
      }
      if (clientId) this.mine.set(clientId, node);
    }
    node.dataset.id = id;
    if (urgent) node.classList.add("urgent");
    this.byId.set(id, node);
    return known ? null : node;
  }

  addMine({ id, title, content }) {
    if (!this.mine.has(id)) this.mine.set(id, this.append("patient", "", new Date(), [title || content.text]));
    return this.mine.get(id);
  }

  append(sender, staffName, at, content) {
    const { words } = this;
    const name = sender === "patient" ? words.you : words[sender];
    const run = sender + staffName;
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

  about(id, answer) {
    const { words } = this;
    // `new Date("2026-11-02")` is the day before in California.
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
      thumbs.find((thumb) => thumb.ariaPressed === "true").focus();
    };
    const thumbs = [true, false].map((helpful) => {
      const label = `${helpful ? words.helpful : words.unhelpful}: ${answer.title}`;
      return button({
        class: "icon thumb", "aria-pressed": "false", "aria-label": label,
        onclick: ({ currentTarget }) => {
          for (const thumb of thumbs) thumb.setAttribute("aria-pressed", thumb === currentTarget);
          rate(helpful);
          const field = h("textarea", { rows: "2", maxlength: 500 });
          comment.replaceChildren(
            h("label", null, words.more, field),
            button({
              class: "choice", onclick: () => {
                if (field.value.trim()) rate(helpful, { comment: field.value.trim() });
                close();
              },
            }, words.send),
          );
          comment.scrollIntoView({ block: "nearest" });
        },
      }, icon("up", !helpful));
    });
    const list = h("ul");
    const source = h("details", { ontoggle: () => list.firstChild || this.on.sources(id).then(({ sources }) => {
      if (!list.firstChild) list.append(...sources.map((text) => h("li", null, text)));
      source.scrollIntoView({ block: "nearest" });
    }, () => { source.open = false; }) }, h("summary", { "aria-label": `${words.source}: ${answer.title}` }, words.source), list);
    return [h("div", { class: "about" }, date && h("span", null, words.reviewed, date), ...thumbs, source, thanks), comment];
  }

  /** What became of the patient's message, and what can be done. */
  mark(node, text, ...actions) {
    const old = node.querySelector(".state");
    if (old && old.firstChild.data === text) return; // not announced again at each attempt
    if (old) old.remove();
    node.classList.toggle("unsent", actions.length > 0);
    if (text) node.append(h("p", { class: "state" }, text, ...actions));
  }

  get text() {
    return [...this.log.children].map((node) => {
      const parts = [".meta", ".bubble", ".about > span"].map((part) => node.querySelector(part)?.innerText);
      return node.matches(".message") ? parts.join("\n").trim() : node.innerText;
    }).join("\n\n");
  }

  /** Down, but not past what the newest message belongs to. */
  scroll(from = [...this.log.querySelectorAll(".patient")].pop()) {
    const { log } = this;
    if (from?.previousSibling?.matches(".note")) from = from.previousSibling;
    log.scrollTop = Math.min(log.scrollHeight, from ? from.offsetTop - 12 : Infinity);
  }
  get atEnd() {
    return this.log.scrollHeight - this.log.clientHeight - this.log.scrollTop < 60;
  }
}

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
    window.addEventListener("online", () => { wake(); this.resume(); this.pump(); }, until);
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
    const server = this.getAttribute("server") ?? (SCRIPT ? new URL(SCRIPT.src).origin : "");
    this.api = new Api(`${server}/api/chat`, words.locale);
    this.outbox = new Outbox();
    this.unread = this.attempts = this.refusals = 0;
    this.sheet = matchMedia(SHEET);
    this.transcript = new Transcript(words, {
      choose: (id, title) => this.send({ button_id: id }, title),
      rate: (rating) => this.api.feedback(rating).catch(() => {}),
      sources: (id) => this.api.sources(id),
    });
    const { log } = this.transcript;
    log.addEventListener("scroll", () => this.offerJump(), { passive: true });
    this.feed = new Feed(this.api, {
      message: (message) => this.receive(message),
      answering: (who) => this.introduce(who),
      reached: () => this.pump(),
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
      button({ id: "download", onclick: () => this.download() }, words.download),
      button({ id: "print", onclick: () => this.print() }, words.print),
      button({ id: "delete", onclick: () => this.askErase() }, words.erase));
    this.heading = h("h2", { id: "title", tabindex: "-1" }, this.getAttribute("clinic-name") || words.clinic);
    this.jump = iconButton("jump", words.newest, "down", () => {
      log.scrollTop = log.scrollHeight;
      log.focus();
    }, { hidden: "" });
    this.status = h("p", { id: "status", role: "status" });
    this.confirm = h("div", { id: "confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text", hidden: "" },
      h("h3", { id: "confirm-title" }, words.erase), h("p", { id: "confirm-text" }, words.eraseText),
      button({ id: "confirm-delete", class: "choice", onclick: () => this.erase() }, words.erase),
      button({ id: "confirm-keep", class: "choice", onclick: () => this.keep() }, words.eraseNo));
    this.input = h("textarea", {
      id: "input", rows: "1", "aria-label": words.input, placeholder: words.placeholder, autocomplete: "off", enterkeyhint: "send",
      "aria-describedby": "counter", oninput: () => this.typed(), onkeydown: (event) => this.inputKey(event),
    });
    this.counter = h("span", { id: "counter" });
    this.form = h("form", { id: "composer", onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      this.input, this.counter,
      iconButton("send", words.send, "send", null, { type: "submit" }));
    this.panel = h("dialog", {
      id: "panel", "aria-labelledby": "title", "aria-describedby": "kind", onkeydown: (event) => this.panelKey(event),
      onclick: (event) => { if (!event.target.closest("#menu-button")) this.toggleMenu(false); },
      oncancel: (event) => { event.preventDefault(); this.open = false; },
      onclose: () => { if (!this.panel.open) this.open = false; },
    },
    h("div", { id: "header" }, h("div", { class: "who" }, this.heading, this.kind = h("p", { id: "kind" }, words.kind)),
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
    this.size = sheetOf("");
    root.adoptedStyleSheets = [this.look, dark, this.size];
    root.append(h("div", { id: "root", lang: words.locale }, this.panel, this.launcher, this.news));
  }

  showOrHide(byPatient) {
    const { open, panel, launcher } = this;
    launcher.setAttribute("aria-expanded", open);
    if (open && !panel.open) {
      // A sheet covers the page, so it is modal. `show()` would take the focus.
      if (this.sheet.matches) panel.showModal();
      else panel.setAttribute("open", "");
      this.fit();
      this.count(0);
      // A touch keyboard would hide the notice.
      if (byPatient) (matchMedia("(hover: none) and (pointer: coarse)").matches ? this.heading : this.input).focus();
      this.transcript.scroll();
      this.go();
    } else if (!open && panel.open) {
      this.toggleMenu(false);
      panel.close();
      if (byPatient) launcher.focus();
    }
  }

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
    if (scale === 1) this.size.replaceSync(`:host { --_top: ${offsetTop}px; --_height: ${height}px; --_covered: ${innerHeight - offsetTop - height}px }`);
  }

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

  say(text) {
    this.status.textContent = text;
    this.status.classList.toggle("busy", text === this.words.typing);
    const { log, atEnd } = this.transcript;
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  /** It must not say "automated" over the words of a person. */
  introduce({ owner, staff_name: name }) {
    const { words } = this;
    this.byStaff = owner === "staff";
    const text = this.byStaff ? (name ? `${name} · ` : "") + words.staff : words.kind;
    if (this.kind.textContent !== text) this.kind.textContent = text;
  }

  // ---- the session

  /** A reload or a new tab: go on. */
  async resume() {
    const { kept } = this.outbox;
    if (!kept || this.starting) return;
    try {
      await this.api.history();
      this.go();
    } catch ({ status }) {
      if (status !== 401) this.later(() => this.resume());
      else if (!this.starting) this.loseTrack(kept);
    }
  }

  /** What is kept is of a conversation that has ended. */
  loseTrack(kept) {
    this.lost = true;
    this.dropped = kept.items.length;
    this.outbox.forget();
  }

  later(work, afterS = Math.min(30, 2 ** ++this.attempts) * (0.8 + 0.4 * Math.random())) {
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(work, afterS * 1000);
  }

  go() {
    return this.start().then(() => this.pump(), () => {});
  }

  /** One request, however many ask. */
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
    if (!this.attempts) this.say(words.wait);
    try {
      const { kept } = outbox;
      const session = await this.api.session();
      if (kept && !outbox.conversation && kept.conversation !== session.conversation_id) this.loseTrack(kept);
      const { messages, answering } = await this.api.history();
      outbox.begin(session.conversation_id);
      this.introduce(answering);
      session.greeting = this.getAttribute("greeting") || session.greeting;
      const show = () => {
        transcript.clear();
        transcript.opening(session);
        if (this.lost) transcript.note(words.expired + (this.dropped ? words.dropped : ""));
        for (const message of messages) transcript.add(message);
        for (const item of outbox.items) transcript.addMine(item);
      };
      if (messages.length) transcript.quietly(show);
      else show();
      if (this.lost || transcript.mine.size) transcript.scroll();
      this.lost = this.dropped = this.form.hidden = false;
      this.attempts = 0;
      this.feed.start(messages.length ? messages[messages.length - 1].id : null);
      this.say("");
    } catch (error) {
      this.offerRestart(words.failed, words.retry, ...this.callToo());
      if (error.status !== 429) this.later(() => this.go());
      throw error;
    }
  }

  callToo() {
    return this.phone ? [this.words.call, phoneLink(this.phone), ". "] : [];
  }

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

  /** On a shared computer the old text must go, once. */
  expire() {
    if (this.lost && this.starting) return;
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
    counter.setAttribute("aria-live", counter.textContent ? "off" : "polite");
    counter.textContent = left < 100 ? words.left + left : "";
    counter.classList.toggle("over", left < 0);
    // Unlike styles, a strict policy allows rows.
    input.rows = 1;
    while (input.rows < 5 && input.scrollHeight > input.clientHeight) input.rows += 1;
    return left;
  }

  inputKey(event) {
    // Enter may accept a suggestion of an input method.
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

  /** Send what waits, one by one; only one loop runs. */
  async pump() {
    if (this.pumping) return;
    this.pumping = true;
    clearTimeout(this.retryTimer);
    const { words } = this;
    const slow = setTimeout(() => this.say(this.byStaff ? words.wait : words.typing), 300);
    let item = this.outbox.next();
    while (item && await this.deliver(item)) item = this.outbox.next();
    clearTimeout(slow);
    if ([words.wait, words.typing].includes(this.status.textContent)) this.say("");
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
    // The session is gone, or cookies are blocked.
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
    transcript.mark(node, `${words.unsent} ${status === 429 ? detail : ""}`, ...this.callToo(), again);
    transcript.scroll();
    this.later(() => this.pump(), retryAfterS || undefined);
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
    const { transcript, outbox } = this;
    const sent = outbox.items.find(({ id }) => id === message.client_message_id);
    const mine = sent && transcript.addMine(sent);
    if (mine && mine.matches(".unsent")) { // it had got through
      outbox.remove(sent);
      transcript.mark(mine);
    }
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
    const { words, transcript, feed } = this;
    feed.stop();
    try {
      await this.api.erase();
    } catch ({ status, detail }) {
      if (status !== 401) {
        feed.start(feed.cursor);
        this.say(detail || words.failed);
        return;
      }
    }
    this.outbox.forget();
    this.starting = null;
    transcript.clear();
    this.confirm.hidden = true;
    // A new notice comes first.
    this.form.hidden = true;
    this.offerRestart(words.erased, words.restart);
    transcript.log.querySelector("button").focus();
  }

  download() {
    this.toggleMenu(false);
    const href = URL.createObjectURL(new Blob([this.transcript.text], { type: "text/plain" }));
    h("a", { href, download: `chat-${new Date().toISOString().slice(0, 10)}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60000);
  }

  print() {
    this.toggleMenu(false);
    const copy = h("div", { id: "clinic-chat-print" });
    const log = this.transcript.log.cloneNode(true);
    for (const control of log.querySelectorAll("button, details, .comment, .choices")) control.remove();
    const root = copy.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [this.look];
    root.append(h("div", { class: "paper" }, h("h1", null, this.heading.textContent),
      h("p", null, this.words.log, " · ", new Date().toLocaleString(this.words.locale)), log));
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

// em: a page's root font size cannot shrink the text. Names with --_ are private.
const LOOK = `
:host {
  all: initial; color-scheme: light;
  --_fill: var(--clinic-chat-accent, #1d5f58); --_on-fill: var(--clinic-chat-on-accent, #fff); --_accent: var(--_fill);
  --_bg: var(--clinic-chat-background, #fff); --_soft: var(--clinic-chat-soft, #f2f5f3); --_text: var(--clinic-chat-text, #1d2927);
  --_muted: #5a6966; --_line: #dde4e1; --_edge: #7f8d8a; --_staff: #fbf3e6; --_staff-edge: #a86a1c; --_alert: #a3261b; --_alert-bg: #fdf2f0;
  --_shadow: 0 6px 28px #10201d40;
  --_x: calc(var(--clinic-chat-offset-x, 24px) + env(safe-area-inset-right, 0px)); --_right: var(--_x);
  --_y: calc(var(--clinic-chat-offset-y, 24px) + env(safe-area-inset-bottom, 0px));
}
:host([position=left]) { --_left: var(--_x); --_right: auto; }
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
  position: fixed; z-index: var(--clinic-chat-z-index, 2147483000); right: var(--_right); bottom: var(--_y); left: var(--_left, auto);
  display: flex; align-items: center; justify-content: center; gap: 10px; min-width: 56px; min-height: 56px; padding: 0 20px;
  border-radius: 28px; background: var(--_fill); color: var(--_on-fill); font-weight: 600; box-shadow: var(--_shadow);
}
#launcher:focus-visible { outline: 3px solid var(--_on-fill); outline-offset: -6px; }
#badge { position: absolute; top: -6px; right: -4px; min-width: 24px; padding: 0 5px; border: 2px solid #fff; border-radius: 12px; background: #b3261e; color: #fff; font-size: .8125em; }

#panel {
  position: fixed; z-index: var(--clinic-chat-z-index, 2147483000); inset: auto var(--_right) calc(var(--_y) + 68px + var(--_covered, 0px)) var(--_left, auto);
  display: none; flex-direction: column; width: 25em; height: min(42em, var(--_height, 100vh) - var(--_y) - 92px); max-width: none; max-height: none; padding: 0; overflow: hidden;
  border: 1px solid var(--_line); border-radius: var(--clinic-chat-radius, 18px); background: var(--_bg); color: var(--_text); box-shadow: var(--_shadow);
}
#panel[open] { display: flex; animation: rise .18s ease-out; }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
#header { position: relative; display: flex; align-items: center; gap: 4px; padding: 12px 10px 12px 16px; background: var(--_fill); color: var(--_on-fill); }
#header > :focus-visible { outline-color: currentColor; }
#header > .icon:hover { background: #ffffff24; }
#menu-button svg { stroke-width: 3; }
#title { outline: none; }
.who { flex: 1; min-width: 0; line-height: 1.3; overflow-wrap: anywhere; }
#kind { font-size: .875em; }
#menu { position: absolute; z-index: 2; top: calc(100% - 6px); right: 12px; display: grid; min-width: 12em; padding: 6px; border: 1px solid var(--_line); border-radius: 14px; background: var(--_bg); color: var(--_text); box-shadow: var(--_shadow); }
#menu button { min-height: 44px; padding: 0 14px; border-radius: 9px; text-align: start; }
#help { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; padding: 4px 16px 4px 8px; border-bottom: 1px solid var(--_line); font-size: .875em; }
#person { display: flex; align-items: center; gap: 8px; min-height: 44px; padding: 0 8px; border-radius: 10px; color: var(--_accent); font-weight: 600; }
#emergency { padding-left: 8px; color: var(--_muted); }
#emergency a { color: var(--_alert); }

.middle { position: relative; flex: 1; min-height: 0; }
#log { position: relative; height: 100%; padding: 16px 16px 8px; overflow: auto; overscroll-behavior: contain; overflow-wrap: break-word; font-size: .9375em; }
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
.comment, details[open] { width: 100%; }
summary { width: max-content; padding: 4px 0; cursor: pointer; }
.comment textarea { margin: 4px 0 8px; }

#status { margin: 0; padding: 0 18px; }
#status:not(:empty) { padding-bottom: 8px; }
.busy::before { content: ""; display: inline-block; width: 28px; height: 6px; margin-right: 8px; background: radial-gradient(circle closest-side, currentColor 90%, #0000) 0 / 33% 100%; animation: wait 1s steps(4, jump-none) infinite; }
@keyframes wait { from { clip-path: inset(0 100% 0 0); } }
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
  #person svg, #jump { display: none; }
}
@media (prefers-reduced-motion: reduce) { #panel, .busy::before { animation: none !important; } }
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

function embed() {
  const chat = h("clinic-chat");
  for (const { name, value } of SCRIPT.attributes) if (name.startsWith("data-")) chat.setAttribute(name.slice(5), value);
  document.body.append(chat);
}

// In old browsers what the page put inside the element stays.
if (!customElements.get("clinic-chat") && "adoptedStyleSheets" in document) {
  customElements.define("clinic-chat", ClinicChat);
  if (SCRIPT && SCRIPT.matches("[data-clinic-chat]")) {
    if (document.body) embed();
    else document.addEventListener("DOMContentLoaded", embed);
  }
}
})();
