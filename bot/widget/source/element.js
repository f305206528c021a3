// The element: the button that opens the chat, and what is needed before it is opened.

import { LANGUAGES, LAUNCHER_STYLE, PANEL, PANEL_HASH } from "./served.js";

const HERE = import.meta.url;
const DARK = matchMedia("(prefers-color-scheme: dark)");

let style;
let tries = 0;
let code;

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  element.append(...children);
  return element;
}

/** The panel's code, which the browser checks against the hash that stands here. */
async function loadPanel() {
  const href = new URL(PANEL + (tries++ ? "?" + tries : ""), HERE).href;
  const hint = make("link", { rel: "modulepreload", href, integrity: PANEL_HASH, crossorigin: "" });
  if (hint.relList.supports?.("modulepreload"))
    await new Promise((done) => {
      hint.onload = hint.onerror = done;
      document.head.append(hint);
    });
  hint.remove();
  return import(href);
}

export class ChatWidget extends HTMLElement {
  static observedAttributes = ["accent", "scheme", "position", "open"];

  connectedCallback() {
    if (!this.root) this.build();
    this.look = () => this.attributeChangedCallback();
    DARK.addEventListener("change", this.look);
    this.look();
    this.panel?.connect();
    if (this.inline || this.hasAttribute("open") || this.wasOpen()) this.open(false);
  }

  disconnectedCallback() {
    DARK.removeEventListener("change", this.look);
    this.panel?.disconnect();
  }

  /** Colours and place, as the attributes and the device say. */
  attributeChangedCallback(name) {
    if (!this.root) return;
    const scheme = this.getAttribute("scheme");
    const classes = this.root.classList;
    classes.toggle("dark", scheme === "dark" || (scheme !== "light" && DARK.matches));
    classes.toggle("start", this.getAttribute("position") === "start");
    classes.toggle("inline", this.inline);
    this.root.style.setProperty("--own-accent", this.getAttribute("accent"));
    if (name === "open" && this.hasAttribute("open") !== this.expanded) this.toggle();
  }

  get inline() {
    return this.hasAttribute("inline");
  }

  get server() {
    return (this.getAttribute("server") || new URL(HERE).origin).replace(/\/+$/, "");
  }

  build() {
    const asked = this.getAttribute("locale") || this.closest("[lang]")?.lang || navigator.language;
    this.locale = /^[\w-]{2,35}$/.test(asked) ? asked : "en";
    const short = this.locale.split("-")[0].toLowerCase();
    this.language = LANGUAGES[short] ? this.locale : "en";
    this.words = LANGUAGES[short] ?? LANGUAGES.en;
    if (!style) {
      style = new CSSStyleSheet();
      style.replaceSync(LAUNCHER_STYLE);
    }
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [style];
    this.expanded = false;
    this.box = make(this.inline ? "section" : "dialog", { id: "panel", class: "panel", part: "panel", "aria-labelledby": "title" });
    this.note = make("p", { class: "loading", role: "status" });
    const dir = /^(ar|fa|he|ur)\b/.test(this.language) ? "rtl" : "ltr";
    this.root = make("div", { class: "root", lang: this.language, dir }, this.note, this.box);
    if (!this.inline) {
      this.launcher = make(
        "button",
        { class: "launcher", part: "launcher", type: "button", "aria-expanded": "false", "aria-controls": "panel" },
        this.getAttribute("label") || this.words.open,
      );
      this.launcher.onclick = () => this.toggle();
      this.root.prepend(this.launcher);
    }
    shadow.append(this.root);
  }

  wasOpen() {
    try {
      return JSON.parse(sessionStorage["evenkeel:" + this.server]).open;
    } catch {
      return false;
    }
  }

  toggle() {
    return this.expanded ? this.close() : this.open();
  }

  /** Opens the chat; `focus`: moves there, as somebody who pressed a button expects. */
  async open(focus = true) {
    if (this.expanded) return;
    this.expanded = true;
    try {
      await (this.loading ??= this.load());
    } catch {
      this.expanded = false;
      this.loading = code = null;
      const plain = make("a", { href: this.server + "/", target: "_blank", rel: "noreferrer" }, this.words.plain);
      this.note.replaceChildren(this.words.unloaded, " ", plain);
      return;
    }
    if (this.expanded && this.isConnected) this.panel.open(focus);
  }

  /** Closes the chat; the focus goes back to the launcher. */
  close() {
    if (!this.expanded || this.inline) return;
    this.expanded = false;
    this.panel?.close();
  }

  /** Asks `text` as if the visitor had written it. */
  async ask(text) {
    await this.open();
    await this.loading;
    this.panel?.talk.say(String(text));
  }

  async load() {
    const { words } = this;
    this.note.textContent = words.loading;
    const [{ Panel }, texts] = await Promise.all([
      (code ??= loadPanel()),
      words.at && fetch(new URL(words.at, HERE)).then((answer) => answer.json()),
    ]);
    this.note.textContent = "";
    this.panel = new Panel(this, texts);
    if (this.isConnected) this.panel.connect();
  }

  tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent("chat-" + name, { bubbles: true, composed: true, detail }));
  }
}
