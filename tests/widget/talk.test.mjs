import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Talk } from "../../bot/widget/source/talk.js";

const KEY = "evenkeel:https://bot.example";
let server;

/** A server of the chat API that can be told to fail. */
class Server {
  sessions = 0;
  calls = [];
  said = [];
  failures = [];
  gone = false;

  async fetch(address, { method, headers, body }) {
    const path = address.replace("https://bot.example", "");
    const sent = body ? JSON.parse(body) : null;
    this.calls.push([method, path, sent, headers.Authorization]);
    const failure = this.failures.shift();
    if (failure === "net") throw new TypeError("Failed to fetch");
    if (failure) return answer(failure.status, { error: { code: "x", message: failure.sentence ?? "no" } }, failure.headers);
    if (path === "/chat/sessions") return answer(201, { token: `token-${++this.sessions}`, expires_at: "2099-01-01T00:00:00+00:00" });
    if (this.gone) return answer(401, { error: { code: "no_session", message: "over" } });
    if (path === "/chat/messages" && method === "POST") {
      const reply = { id: "r-" + sent.id, kind: "answer", lead: "yes" };
      this.said.push({ from: "visitor", id: sent.id, text: sent.text }, { from: "bot", ...reply });
      return answer(200, { messages: [reply] });
    }
    if (path === "/chat/messages") return answer(200, { messages: this.said, keep: true });
    return answer(204);
  }

  paths() {
    return this.calls.map(([method, path]) => `${method} ${path}`);
  }
}

function answer(status, body, headers = {}) {
  return new Response(body ? JSON.stringify(body) : null, { status, headers });
}

const settled = () => new Promise((done) => setImmediate(done));
const talking = () => new Talk("https://bot.example", { locale: "en" });

beforeEach(() => {
  server = new Server();
  globalThis.fetch = (...all) => server.fetch(...all);
  globalThis.sessionStorage = {};
  globalThis.localStorage = {};
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true, writable: true });
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => mock.timers.reset());

test("nothing is asked or stored before something is said", () => {
  talking().restore();
  assert.deepEqual(server.calls, []);
  assert.deepEqual([globalThis.sessionStorage, globalThis.localStorage], [{}, {}]);
});

test("a session and a message: two requests", async () => {
  const talk = talking();
  talk.say("hello");
  await settled();
  assert.deepEqual(server.paths(), ["POST /chat/sessions", "POST /chat/messages"]);
  assert.deepEqual(server.calls[0][2], { locale: "en" });
  assert.equal(server.calls[1][3], "Bearer token-1");
  assert.equal(talk.state.entries.length, 2);
  assert.match(server.calls[1][2].id, /^[0-9a-f]{32}$/);
  assert.deepEqual(globalThis.localStorage, {}, "nothing unless asked for");
});

test("what is stored in the tab holds no words once they are sent", async () => {
  const talk = talking();
  talk.say("zebra");
  assert.match(globalThis.sessionStorage[KEY], /zebra/);
  await settled();
  assert.doesNotMatch(globalThis.sessionStorage[KEY], /zebra/);
});

test("a retry carries the same id", async () => {
  server.failures = [null, "net", { status: 503, headers: { "Retry-After": "5" } }];
  const talk = talking();
  talk.say("hello");
  await settled();
  assert.equal(talk.state.entries[0].reason, "unready");
  mock.timers.tick(1000);
  await settled();
  mock.timers.tick(4999);
  await settled();
  assert.equal(server.calls.length, 3);
  mock.timers.tick(1);
  await settled();
  const ids = new Set(server.calls.slice(1).map(([, , sent]) => sent.id));
  assert.deepEqual([ids.size, server.calls.length], [1, 4]);
  assert.deepEqual(talk.state.entries.map((entry) => entry.from), ["visitor", "bot"]);
});

test("too many: the reason and the wait are the server's", async () => {
  server.failures = [null, { status: 429, headers: { "Retry-After": "7" } }];
  const talk = talking();
  talk.say("hello");
  await settled();
  assert.equal(talk.state.entries[0].reason, "many");
  assert.equal(talk.state.entries[0].wait, 7);
});

test("refused: said in the server's words, not repeated", async () => {
  server.failures = [null, { status: 413, sentence: "That is too much text." }];
  const talk = talking();
  talk.say("x".repeat(600_000));
  await settled();
  assert.equal(talk.state.entries[0].sentence, "That is too much text.");
  mock.timers.tick(600_000);
  await settled();
  assert.equal(server.calls.length, 2);
});

test("an ended conversation: the message begins a new one", async () => {
  const talk = talking();
  talk.say("one");
  await settled();
  server.gone = true;
  const told = [];
  talk.listen((state, event) => told.push(event.type));
  talk.say("two");
  await settled();
  server.gone = false;
  mock.timers.tick(1000);
  await settled();
  assert.ok(told.includes("ended"));
  assert.deepEqual(server.paths().slice(-2), ["POST /chat/sessions", "POST /chat/messages"]);
  assert.equal(server.calls.at(-1)[3], "Bearer token-2");
});

test("offline: nothing is asked until the net is back", async () => {
  navigator.onLine = false;
  const talk = talking();
  talk.online(false);
  talk.say("hello");
  await settled();
  assert.equal(server.calls.length, 0);
  navigator.onLine = true;
  talk.online(true);
  await settled();
  assert.equal(talk.state.entries.length, 2);
});

test("a reload sends what was not sent, under its id", async () => {
  navigator.onLine = false;
  const id = talking().say("hello");
  navigator.onLine = true;
  const later = talking();
  await later.restore();
  await settled();
  assert.equal(server.calls.at(-1)[2].id, id);
  assert.equal(later.state.entries.length, 2);
});

test("a reload brings the conversation back; once", async () => {
  talking().say("hello");
  await settled();
  const later = talking();
  later.restore();
  await later.restore();
  assert.equal(server.paths().filter((path) => path === "GET /chat/messages").length, 1);
  assert.equal(later.state.entries.length, 2);
});

test("a reload when the server cannot be reached: may be tried again", async () => {
  talking().say("hello");
  await settled();
  server.failures = ["net"];
  const later = talking();
  const told = [];
  later.listen((state, event) => told.push(event.type));
  await later.restore();
  assert.deepEqual(told, ["unrestored"]);
  await later.restore();
  assert.equal(later.state.entries.length, 2);
});

test("a session that has expired is not used", () => {
  globalThis.sessionStorage[KEY] = JSON.stringify({ token: "old", expires: "2020-01-01T00:00:00Z" });
  assert.equal(talking().stored.token, undefined);
});

test("storage that holds something odd, or is denied", async () => {
  for (const odd of ["{", "null", "7", '"x"', "[]"]) {
    globalThis.sessionStorage = { [KEY]: odd };
    assert.equal(talking().stored.token, undefined);
  }
  for (const kind of ["sessionStorage", "localStorage"]) {
    Object.defineProperty(globalThis, kind, { get: () => { throw new Error("denied"); }, configurable: true });
  }
  const talk = talking();
  talk.say("hello");
  await settled();
  assert.equal(talk.state.entries.length, 2);
  for (const kind of ["sessionStorage", "localStorage"]) Object.defineProperty(globalThis, kind, { value: {}, writable: true, configurable: true });
});

test("kept on the device where asked for, and there alone the key", async () => {
  const talk = talking();
  talk.say("hello");
  await settled();
  talk.stay(true);
  talk.draft("half a thought");
  assert.deepEqual(Object.keys(JSON.parse(globalThis.localStorage[KEY])).sort(), ["at", "expires", "stay", "token"]);
  globalThis.sessionStorage = {};
  assert.equal(talking().stored.token, "token-1");
  talk.stay(false);
  assert.deepEqual(globalThis.localStorage, {});
});

test("deleted: on the server, here, and in storage", async () => {
  const talk = talking();
  talk.say("hello");
  await settled();
  talk.stay(true);
  await talk.forget();
  assert.equal(server.paths().at(-1), "DELETE /chat/session");
  assert.deepEqual(talk.state.entries, []);
  assert.doesNotMatch(JSON.stringify([globalThis.sessionStorage, globalThis.localStorage]), /token-1/);
});

test("not deleted here when it could not be deleted there", async () => {
  const talk = talking();
  talk.say("hello");
  await settled();
  server.failures = ["net"];
  await assert.rejects(talk.forget());
  assert.equal(talk.state.entries.length, 2);
});

test("not kept: asked for before anything is said", async () => {
  const talk = talking();
  await talk.dontKeep();
  assert.deepEqual(server.calls, []);
  talk.say("hello");
  await settled();
  assert.equal(server.calls[0][2].keep, false);
  assert.equal(talk.state.kept, false);
});

test("not kept: asked for later", async () => {
  const talk = talking();
  talk.say("hello");
  await settled();
  await talk.dontKeep();
  assert.deepEqual(server.calls.at(-1).slice(0, 3), ["POST", "/chat/keep", { keep: false }]);
});

test("the wish not to be kept outlives the conversation", async () => {
  const talk = talking();
  await talk.dontKeep();
  talk.say("one");
  await settled();
  server.gone = true;
  talk.say("two");
  await settled();
  server.gone = false;
  mock.timers.tick(1000);
  await settled();
  assert.deepEqual(server.calls.filter(([, path]) => path === "/chat/sessions").map(([, , sent]) => sent.keep), [false, false]);
});

test("a message written while the conversation comes back waits for it", async () => {
  talking().say("one");
  await settled();
  const later = talking();
  later.restore();
  later.say("two");
  await settled();
  await settled();
  assert.deepEqual(later.state.entries.map((entry) => entry.text ?? entry.lead), ["one", "yes", "two", "yes"]);
});

test("what was not sent outlives the conversation", async () => {
  talking().say("one");
  await settled();
  navigator.onLine = false;
  const offline = talking();
  offline.online(false);
  offline.say("two");
  navigator.onLine = true;
  server.gone = true;
  const later = talking();
  const restoring = later.restore();
  await restoring;
  server.gone = false;
  await settled();
  await settled();
  assert.deepEqual(later.state.entries.map((entry) => entry.text ?? entry.lead), ["two", "yes"]);
});
