// The opened chat: header, emergency line, log, and the box to write in. One Panel for each element; panels of one page
// that speak with the same bot show the same conversation.

import { busy, length, newest } from "./conversation.js";
import { callLink, countryOf, emergencyNumbers } from "./links.js";
import { botEntry, delivery, fill, link, make, use, visitorEntry, why } from "./parts.js";
import { Talk } from "./talk.js";
import { COUNTRY, DAYS, EN, NUMBERS, PANEL_STYLE, UNION } from "./served.js";

const talks = new Map();

function talkWith(server, about) {
  if (!talks.has(server)) talks.set(server, new Talk(server, about));
  return talks.get(server);
}

let style;

const PHONE = matchMedia("(max-width: 30rem), (max-height: 26rem)");

export class Panel {
  /**
   * @param {ChatWidget} element whose box is filled: a dialog, or a section where it stands in the page
   * @param {object} texts of the language; English stands in for those that are missing
   */
  constructor(element, texts) {
    const shadow = element.shadowRoot;
    if (!style) {
      style = new CSSStyleSheet();
      style.replaceSync(PANEL_STYLE);
    }
    shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, style];
    this.element = element;
    this.shadow = shadow;
    this.box = element.box;
    this.inline = element.inline;
    this.language = element.language;
    this.texts = { ...EN, ...texts };
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
    const country = countryOf(element.getAttribute("country"));
    this.country = country || COUNTRY || countryOf("", zone);
    this.talk = talkWith(element.server, { locale: element.locale, country, time_zone: zone });
    this.nodes = new Map();
    this.build();
  }

  // -- building --------------------------------------------------------------------------------------------------

  build() {
    const { texts, inline } = this;
    const { server } = this.talk;
    const button = (words, name, click, more = {}) => make("button", { type: "button", class: name, click, ...more }, words);
    const icon = (sign) => make("span", { "aria-hidden": "true" }, sign);

    this.menuButton = button(icon("⋯"), "icon", () => this.menu(this.menuBox.hidden), {
      "aria-label": texts.menu,
      "aria-expanded": "false",
      "aria-controls": "menu",
    });
    this.stay = make("input", { type: "checkbox", change: () => this.talk.stay(this.stay.checked) });
    this.stay.checked = Boolean(this.talk.stored.stay);
    this.keepButton = button(texts.dontKeep, "quiet", () => this.dontKeep());
    this.sure = make(
      "div",
      { hidden: true, role: "group", "aria-label": texts.clear },
      make("p", {}, texts.sure),
      button(texts.yesDelete, "", () => this.forget()),
      " ",
      button(texts.cancel, "", () => this.askDelete(false)),
    );
    this.deleteButton = button(texts.clear, "", () => this.askDelete(true));
    this.menuBox = make(
      "div",
      { id: "menu", class: "menu", hidden: true },
      make("label", {}, this.stay, texts.stay),
      this.deleteButton,
      this.sure,
      link(server + "/privacy", texts.privacy, texts),
    );
    this.log = make(
      "div",
      { class: "log", part: "log", role: "log", tabindex: "0", "aria-label": texts.log, "aria-live": "polite", "aria-relevant": "additions" },
      make("p", { class: "hello" }, texts.hello),
    );
    this.log.addEventListener("keydown", (event) => this.step(event));
    this.status = make("p", { class: "status", role: "status" });
    this.alert = make("p", { class: "hidden", role: "alert" });
    this.note = make("span", { id: "kept" });
    this.counter = make("p", { class: "note", id: "count" });
    this.input = make("textarea", {
      id: "question",
      part: "input",
      rows: 2,
      dir: "auto",
      autocomplete: "off",
      enterkeyhint: "send",
      "aria-describedby": "kept count",
      input: () => this.typed(),
      keydown: (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
        event.preventDefault();
        this.send();
      },
    });
    this.input.value = this.talk.stored.draft ?? "";
    const form = make(
      "form",
      {
        part: "form",
        submit: (event) => {
          event.preventDefault();
          this.send();
        },
      },
      make("label", { for: "question" }, texts.label),
      make("div", { class: "row" }, this.input, make("button", { class: "send", part: "send" }, texts.send)),
      this.counter,
      make("p", { class: "note" }, this.note, " ", this.keepButton),
    );
    this.title = make("h2", { id: "title", tabindex: "-1", dir: "auto" }, this.element.getAttribute("heading") || texts.title);
    this.box.replaceChildren(
      make(
        "header",
        { part: "header" },
        this.title,
        this.menuButton,
        !inline && button(icon("✕"), "icon", () => this.element.close(), { "aria-label": texts.close }),
      ),
      this.menuBox,
      this.emergency(),
      this.log,
      this.status,
      this.alert,
      form,
    );
    this.typed();
    this.keptNote();
    this.listeners = [
      [window, "online", () => this.talk.online(true)],
      [window, "offline", () => this.talk.online(false)],
      [window, "storage", (event) => event.key === this.talk.key && event.storageArea !== sessionStorage && this.talk.changedElsewhere()],
      [window, "popstate", () => PHONE.matches && !history.state?.evenkeel && this.element.close()],
      [visualViewport, "resize", () => this.fit()],
      [visualViewport, "scroll", () => this.fit()],
      [PHONE, "change", () => this.element.expanded && this.place()],
      [this.box, "keydown", (event) => event.key === "Escape" && this.escape(event)],
      [this.box, "cancel", (event) => this.escape(event)],
      [this.box, "close", () => this.box.open || this.element.close()],
    ];
  }

  /** The numbers to call, each with its country; always in view. */
  emergency() {
    const { texts } = this;
    const shown = emergencyNumbers(this.country, NUMBERS, UNION);
    const known = shown.length === 1;
    const names = new Intl.DisplayNames(this.language, { type: "region" });
    const calls = (numbers) => numbers.flatMap((number, place) => [place && " / ", make("a", { href: callLink(number) }, number)]);
    const numbers = known
      ? calls(shown[0][1])
      : shown.flatMap(([country, list], place) => [place && ", ", calls(list), " " + names.of(country)]).flat();
    this.line = make("span", {}, fill(known ? texts.emergencyIn : texts.emergency, { numbers, country: known && names.of(this.country) }));
    return make(
      "p",
      { class: "emergency", part: "emergency" },
      this.line,
      " ",
      link(this.talk.server + "/safety", texts.moreNumbers, texts),
    );
  }

  // -- life ------------------------------------------------------------------------------------------------------

  connect() {
    for (const [target, name, listener] of this.listeners) target.addEventListener(name, listener);
    this.unlisten = this.talk.listen((state, event) => this.show(state, event));
    this.talk.online(navigator.onLine);
    this.show(this.talk.state, { type: "restored" });
    this.talk.restore();
  }

  disconnect() {
    for (const [target, name, listener] of this.listeners) target.removeEventListener(name, listener);
    this.unlisten?.();
    clearTimeout(this.quiet);
  }

  open(focus) {
    this.place();
    this.remember(true);
    if (focus && !this.inline) this.focus();
    this.element.tell("open");
  }

  /** To the box; on a phone, where that brings up the keyboard, to the title. */
  focus() {
    (PHONE.matches ? this.title : this.input).focus();
  }

  remember(open) {
    if (this.inline) return;
    this.talk.stored.open = open || undefined;
    this.talk.write();
  }

  /** Over the whole of a small screen, else beside the launcher. */
  place() {
    const { box, element } = this;
    if (!this.inline) {
      const held = this.shadow.activeElement;
      const small = PHONE.matches;
      if (box.open) box.close();
      element.root.classList.toggle("full", small);
      this.fit();
      // Not show(), which would take the focus.
      if (small) box.showModal();
      else box.open = true;
      try {
        if (small && !history.state?.evenkeel) history.pushState({ ...history.state, evenkeel: true }, "");
      } catch {
        // No history in this frame: the back button does what it always does.
      }
      held?.focus({ preventScroll: true });
      element.launcher.setAttribute("aria-expanded", "true");
      element.toggleAttribute("open", true);
    }
    this.scrollDown();
  }

  close() {
    const { box, element } = this;
    const held = box.contains(this.shadow.activeElement);
    box.close();
    element.launcher.setAttribute("aria-expanded", "false");
    element.toggleAttribute("open", false);
    this.remember(false);
    if (held) element.launcher.focus();
    if (history.state?.evenkeel) history.back();
    element.tell("close");
  }

  /** The part of the screen that a keyboard leaves. */
  fit() {
    const { height, offsetTop, scale } = visualViewport;
    if (scale > 1.05) return;
    const { style } = this.element.root;
    style.setProperty("--seen", height + "px");
    style.setProperty("--above", offsetTop + "px");
  }

  // -- showing ---------------------------------------------------------------------------------------------------

  show(state, event) {
    const { texts, log } = this;
    const restored = event.type === "restored";
    if (restored && state.entries.length) this.silence();
    this.tidy(state);
    const added = this.draw(state);
    this.keptNote();
    if (restored) this.scrollDown();
    else if (added.length) this.arrived(added);
    this.status.replaceChildren(...this.said(state, event));
    if (event.type === "begun") this.element.tell("ready");
    if (event.type === "failed" && event.reason !== "offline") this.element.tell("error", { reason: event.reason });
    this.deleteButton.disabled = !state.entries.length && !this.talk.stored.token;
    this.stay.checked = Boolean(this.talk.stored.stay);
  }

  draw(state) {
    const added = [];
    const last = newest(state);
    let before = this.log.firstChild; // the welcome
    for (const entry of state.entries) {
      const key = entry.from + entry.id;
      let known = this.nodes.get(key);
      if (!known) {
        known = { node: this.node(entry) };
        this.nodes.set(key, known);
        before.after(known.node);
        added.push([entry, known.node]);
      }
      if (known.entry !== entry && entry.from === "visitor") this.deliver(entry, known.node);
      known.entry = entry;
      before = known.node;
      // Buttons and figures of all but the newest message are done with.
      if (entry !== last && !known.old) {
        known.old = true;
        before.querySelector(".breathing")?.remove();
        use(before.querySelector(".suggestions"));
      }
    }
    return added;
  }

  node(entry) {
    if (entry.from === "visitor") return visitorEntry(entry, this.texts);
    return botEntry(entry, this.texts, this.language, {
      press: (one) => this.talk.say(one.title, one.id),
      rate: (helpful, reason) => this.talk.rate(entry.id, helpful, reason),
      tell: (words) => this.tell(words),
    });
  }

  deliver(entry, node) {
    const place = node.querySelector(".delivery");
    const held = place.contains(this.shadow.activeElement);
    place.replaceChildren(
      ...delivery(entry, this.texts, {
        again: () => this.talk.again(entry.id),
        edit: () => {
          this.talk.withdraw(entry.id);
          this.input.value = [entry.text, this.input.value].filter(Boolean).join("\n");
          this.typed();
          this.input.focus();
        },
      }),
    );
    node.classList.toggle("unsent", place.hasChildNodes());
    if (held && !place.hasChildNodes()) node.focus({ preventScroll: true });
  }

  /** Takes away what is no longer part of the conversation. */
  tidy(state) {
    const there = new Set(state.entries.map((entry) => entry.from + entry.id));
    for (const [key, { node }] of this.nodes) {
      if (there.has(key)) continue;
      node.remove();
      this.nodes.delete(key);
    }
  }

  arrived(added) {
    const replies = added.filter(([entry]) => entry.from === "bot");
    const first = (replies[0] ?? added[0])[1];
    // The beginning of what is new comes into view, with the end of what was asked.
    this.log.scrollTop = replies.length ? first.offsetTop - 80 : this.log.scrollHeight;
    for (const [entry] of replies) {
      this.element.tell("message", { id: entry.id, kind: entry.kind });
      if (entry.kind === "safety" && entry.category !== "panic_now") this.warn();
    }
  }

  /** Said at once, and in other words than the message, which the log says. */
  warn() {
    this.alert.textContent = "";
    setTimeout(() => (this.alert.textContent = this.line.textContent), 100);
  }

  /** History is put into the log without a word. */
  silence() {
    this.log.setAttribute("aria-live", "off");
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.log.setAttribute("aria-live", "polite"), 400);
  }

  said(state, event) {
    const { texts } = this;
    if (busy(state)) return [texts.thinking];
    if (event.type === "ended") return [texts.ended];
    if (event.type === "unrestored")
      return [texts.unready + " ", make("button", { type: "button", click: () => this.talk.restore() }, texts.again)];
    const last = state.entries.findLast((entry) => entry.from === "visitor");
    if (last?.reason) return [why(last, texts)];
    if (!state.online) return [texts.offlineNow];
    return [];
  }

  tell(words) {
    this.status.textContent = words;
  }

  keptNote() {
    const kept = this.talk.state.kept && DAYS;
    this.keepButton.hidden = !kept;
    this.note.textContent = kept ? fill(this.texts.keptDays, { days: String(DAYS) }).join("") : this.texts.notKept;
  }

  scrollDown() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  // -- doing -----------------------------------------------------------------------------------------------------

  typed() {
    const { input, texts } = this;
    const long = length(input.value);
    const count = long?.count.toLocaleString(this.language);
    this.counter.textContent = long ? fill(long.over ? texts.over : texts.count, { count }).join("") : "";
    if (input.value !== (this.talk.stored.draft ?? "")) this.talk.draft(input.value);
  }

  send() {
    const text = this.input.value.trim();
    if (!text) return this.input.focus();
    this.input.value = "";
    this.typed();
    this.talk.say(text);
  }

  menu(open) {
    this.menuBox.hidden = !open;
    this.menuButton.setAttribute("aria-expanded", open);
    this.sure.hidden = true;
    this.deleteButton.hidden = false;
  }

  askDelete(asked) {
    this.sure.hidden = !asked;
    this.deleteButton.hidden = asked;
    (asked ? this.sure.querySelector("button") : this.deleteButton).focus();
  }

  async dontKeep() {
    try {
      await this.talk.dontKeep();
      this.focus();
      this.tell(this.texts.notKept);
    } catch {
      this.tell(this.texts.failed);
    }
  }

  async forget() {
    try {
      await this.talk.forget();
      this.input.value = "";
      this.typed();
      this.tell(this.texts.deleted);
      this.menu(false);
      this.input.focus();
      this.element.tell("cleared");
    } catch {
      this.tell(this.texts.failed);
    }
  }

  /** Escape closes what is open, the innermost first. */
  escape(event) {
    if (event.isComposing) return;
    if (!this.menuBox.hidden) {
      this.menu(false);
      this.menuButton.focus();
    } else if (this.inline) return;
    else this.element.close();
    event.preventDefault();
    event.stopPropagation();
  }

  /** The arrow keys walk through the messages. */
  step(event) {
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const all = [...this.log.querySelectorAll(".message")];
    const at = all.indexOf(event.target);
    if (!move || !all.length || (at < 0 && event.target !== this.log)) return;
    event.preventDefault();
    (all[at < 0 ? all.length - 1 : at + move] ?? event.target).focus();
  }
}
