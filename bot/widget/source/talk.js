// Speaks with the chat API for one conversation, keeps what a reload needs, and tells its listeners of every change.

import { busy, initial, next, outbox, reduce } from "./conversation.js";

const PATIENCE = 35_000;

/** An id that nobody guesses; pages without https have no randomUUID. */
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Talk {
  /**
   * @param {string} server address of the bot, without a slash at the end
   * @param {object} about locale, country and time_zone of the visitor
   */
  constructor(server, about) {
    this.server = server;
    this.about = about;
    this.key = "evenkeel:" + server;
    this.state = initial();
    this.listeners = new Set();
    this.stored = this.read();
  }

  /** Calls `listener(state, event)` after every change; returns a function that ends this. */
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  // -- what people do --------------------------------------------------------------------------------------------

  say(text, button) {
    const id = newId();
    this.change({ type: "said", id, text, button });
    this.pump();
    return id;
  }

  again(id) {
    this.change({ type: "again", id });
    this.pump();
  }

  withdraw(id) {
    this.change({ type: "withdrawn", id });
  }

  /** Keeps the conversation on the device (until it expires), or no longer. */
  stay(on) {
    this.stored.stay = on || undefined;
    this.write();
    if (!on && this.from("localStorage").stay) delete localStorage[this.key];
  }

  async rate(message, helpful, reason) {
    await this.ask("/chat/feedback", "POST", { message, helpful, ...(reason ? { reason } : {}) });
  }

  /** "Don't keep this": also before anything was said. */
  async dontKeep() {
    if (this.stored.token) await this.ask("/chat/keep", "POST", { keep: false });
    this.stored.keep = false;
    this.write();
    this.change({ type: "kept", kept: false });
  }

  /** Erases the conversation on the server, here and in storage. Throws where the server could not be reached. */
  async forget() {
    if (this.stored.token) {
      try {
        await this.ask("/chat/session", "DELETE");
      } catch (problem) {
        if (problem.status !== 401) throw problem;
      }
    }
    this.drop();
    this.change({ type: "cleared" });
  }

  /** Brings back what was said before a reload; once. */
  restore() {
    this.restoring ??= this.refresh(this.stored.outbox);
    return this.restoring;
  }

  async refresh(unsent = []) {
    let told = { messages: [] };
    try {
      if (this.stored.token) told = await this.ask("/chat/messages", "GET");
    } catch (problem) {
      if (problem.status !== 401) {
        this.restoring = null;
        return this.tell({ type: "unrestored" });
      }
      this.drop();
      this.change({ type: "cleared" });
      this.tell({ type: "ended" });
    }
    if (told.keep === false) this.change({ type: "kept", kept: false });
    if (told.messages.length || unsent.length) this.change({ type: "restored", messages: told.messages, outbox: unsent });
    this.pump();
  }

  online(online) {
    this.change({ type: "online", online });
    if (online && this.stored.token && !this.restoring) this.restore();
    this.pump();
  }

  /** Another tab changed what is kept on the device. */
  changedElsewhere() {
    if (!this.stored.stay && this.stored.token) return;
    this.stored = this.read();
    if (!this.stored.token) this.change({ type: "cleared" });
    else if (!busy(this.state)) this.refresh();
  }

  draft(text) {
    this.stored.draft = text || undefined;
    this.write();
  }

  // -- sending ---------------------------------------------------------------------------------------------------

  async pump() {
    await this.restoring;
    const entry = next(this.state);
    if (!entry) return;
    const { id, text, button } = entry;
    if (!navigator.onLine) return this.change({ type: "failed", id, reason: "offline" });
    this.change({ type: "sending", id });
    try {
      if (!this.stored.token) await this.begin();
      const { messages } = await this.ask("/chat/messages", "POST", button ? { id, button } : { id, text });
      this.change({ type: "answered", id, messages });
      this.stored.at = Date.now();
      if (!this.state.kept) this.stored.keep = false;
      this.write();
    } catch (problem) {
      this.failed(id, problem);
    }
    this.pump();
  }

  async begin() {
    const keep = this.stored.keep === false ? { keep: false } : {};
    const { token, expires_at } = await this.ask("/chat/sessions", "POST", { ...this.about, ...keep }, false);
    Object.assign(this.stored, { token, expires: expires_at });
    this.write();
    this.tell({ type: "begun" });
  }

  failed(id, problem) {
    if (problem.status === 401) {
      // The conversation is over: the message begins a new one.
      this.drop();
      this.tell({ type: "ended" });
    }
    const { status, retryAfter, message } = problem;
    const refused = status >= 400 && status < 500 && ![401, 408, 429].includes(status);
    const reason = !navigator.onLine ? "offline" : status === 429 ? "many" : refused ? "refused" : "unready";
    this.change({ type: "failed", id, reason, retryAfter, sentence: refused && message });
    const wait = this.state.entries.find((one) => one.id === id)?.wait;
    if (wait)
      setTimeout(() => {
        this.change({ type: "waited", id });
        this.pump();
      }, wait * 1000);
  }

  async ask(path, method, body, signed = true) {
    const headers = {};
    if (body) headers["Content-Type"] = "application/json";
    if (signed) headers.Authorization = "Bearer " + this.stored.token;
    const response = await fetch(this.server + path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout?.(PATIENCE),
    });
    if (response.status === 204) return null;
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    throw Object.assign(new Error(answer.error?.message ?? ""), {
      status: response.status,
      retryAfter: Number(response.headers.get("Retry-After")) || 0,
    });
  }

  // -- what is told and kept -------------------------------------------------------------------------------------

  change(event) {
    const before = this.state;
    this.state = reduce(before, event);
    if (this.state === before) return;
    const unsent = outbox(this.state);
    if (unsent.length || this.stored.outbox) {
      this.stored.outbox = unsent.length ? unsent : undefined;
      this.write();
    }
    this.tell(event);
  }

  tell(event) {
    for (const listener of this.listeners) listener(this.state, event);
  }

  drop() {
    const { open, draft, stay, keep } = this.stored;
    this.stored = { open, draft, stay, keep };
    this.restoring = Promise.resolve();
    this.write();
  }

  from(store) {
    try {
      return JSON.parse(globalThis[store][this.key]);
    } catch {
      return {}; // nothing there, or denied in a sandboxed frame
    }
  }

  read() {
    const stored = { ...this.from("sessionStorage"), ...this.from("localStorage") };
    if (stored.expires && Date.parse(stored.expires) < Date.now()) delete stored.token;
    if (stored.keep === false) this.state = reduce(this.state, { type: "kept", kept: false });
    return stored;
  }

  /** The tab's storage; on the device, where asked for, the key to the conversation alone. */
  write() {
    const { token, expires, stay, at, keep, ...rest } = this.stored;
    try {
      sessionStorage[this.key] = JSON.stringify(stay ? rest : { token, expires, keep, ...rest });
      if (stay) localStorage[this.key] = JSON.stringify({ token, expires, keep, stay, at });
    } catch {
      // Full or denied: it lives in memory.
    }
  }
}
