import assert from "node:assert/strict";
import { test } from "node:test";

import { busy, initial, length, newest, next, outbox, reduce } from "../../bot/widget/source/conversation.js";

const after = (...events) => events.reduce(reduce, initial());
const said = (id, text = "hello") => ({ type: "said", id, text });
const sending = (id) => ({ type: "sending", id });
const reply = (id, more = {}) => ({ id, kind: "answer", lead: id, ...more });
const answered = (id, ...messages) => ({ type: "answered", id, messages });
const shown = (state) => state.entries.map((entry) => `${entry.from}:${entry.id}`);

test("a change leaves the state before as it was", () => {
  const before = Object.freeze(after(said("1")));
  Object.freeze(before.entries);
  const later = reduce(before, sending("1"));
  assert.equal(before.entries[0].status, "waiting");
  assert.equal(later.entries[0].status, "sending");
});

test("said, sent, answered", () => {
  let state = after(said("1", "can i take xanax"));
  assert.equal(next(state).id, "1");
  state = reduce(state, sending("1"));
  assert.ok(busy(state));
  assert.equal(next(state), null);
  state = reduce(state, answered("1", reply("a"), reply("b")));
  assert.deepEqual(shown(state), ["visitor:1", "bot:a", "bot:b"]);
  assert.ok(!busy(state));
  assert.equal(newest(state).id, "b");
});

test("one message is on its way at a time, in order", () => {
  const state = after(said("1"), said("2"), sending("1"));
  assert.equal(next(state), null);
  assert.equal(next(reduce(state, answered("1", reply("a")))).id, "2");
});

test("a reply stands below what it answers", () => {
  const state = after(said("1"), sending("1"), said("2"), answered("1", reply("a")));
  assert.deepEqual(shown(state), ["visitor:1", "bot:a", "visitor:2"]);
  assert.equal(newest(state), undefined);
});

test("the same message twice, and the same answer twice, are there once", () => {
  const state = after(said("1"), said("1"), sending("1"), answered("1", reply("a")), answered("1", reply("a")), said("2"), answered("2", reply("a")));
  assert.deepEqual(shown(state), ["visitor:1", "bot:a", "visitor:2"]);
});

test("a failure is tried again, later and later, and then no more", () => {
  let state = after(said("1"));
  const waits = [];
  for (let tries = 1; tries < 4; tries++) {
    state = reduce(reduce(state, sending("1")), { type: "failed", id: "1", reason: "unready" });
    waits.push(state.entries[0].wait);
    assert.equal(next(state), null, "not before its time");
    state = reduce(state, { type: "waited", id: "1" });
    assert.equal(next(state).id, "1");
  }
  assert.deepEqual(waits, [1, 3, 9]);
  state = reduce(reduce(state, sending("1")), { type: "failed", id: "1", reason: "unready" });
  assert.equal(state.entries[0].status, "failed");
  assert.equal(next(state), null);
  state = reduce(state, { type: "again", id: "1" });
  assert.equal(next(state).id, "1");
  assert.equal(state.entries[0].tries, 0);
});

test("the server says when to come back, within reason", () => {
  const wait = (retryAfter) => after(said("1"), sending("1"), { type: "failed", id: "1", reason: "many", retryAfter }).entries[0].wait;
  assert.equal(wait(12), 12);
  assert.equal(wait(86_400), 60);
  assert.equal(wait(0), 1);
});

test("offline: waits without counting, and goes when the net is back", () => {
  let state = after(said("1"), { type: "online", online: false }, said("2"));
  assert.deepEqual(state.entries.map(({ reason, tries }) => [reason, tries]), [["offline", 0], ["offline", 0]]);
  assert.equal(next(state), null);
  state = reduce(state, { type: "online", online: true });
  assert.equal(next(state).id, "1");
  assert.equal(state.entries[0].reason, "");
  assert.equal(reduce(state, { type: "online", online: true }), state);
});

test("what is refused is not tried again", () => {
  const state = after(said("1"), sending("1"), { type: "failed", id: "1", reason: "refused", sentence: "Too much." });
  assert.equal(state.entries[0].status, "failed");
  assert.equal(state.entries[0].sentence, "Too much.");
});

test("a late failure does not undo an answer", () => {
  const state = after(said("1"), sending("1"), answered("1", reply("a")));
  assert.equal(reduce(state, { type: "failed", id: "1", reason: "unready" }), state);
  assert.deepEqual(shown(reduce(state, { type: "withdrawn", id: "1" })), ["visitor:1", "bot:a"]);
});

test("taking a message back that was not sent", () => {
  assert.deepEqual(shown(after(said("1"), said("2"), { type: "withdrawn", id: "1" })), ["visitor:2"]);
});

test("a reload brings back what was said and sends what was not", () => {
  const messages = [
    { from: "visitor", id: "1", text: "one" },
    { from: "bot", ...reply("a") },
    { from: "visitor", id: "2", text: "two" },
  ];
  const unsent = [{ id: "2", text: "two" }, { id: "3", text: "three" }, { id: "1", text: "one" }];
  const state = after({ type: "restored", messages, outbox: unsent });
  assert.deepEqual(shown(state), ["visitor:1", "bot:a", "visitor:2", "visitor:3"]);
  assert.deepEqual(state.entries.map((entry) => entry.status), ["sent", undefined, "waiting", "waiting"]);
  assert.equal(next(state).id, "2", "the answer that is missing is asked for under the same id");
});

test("what is being written while the reload goes on is not lost", () => {
  const state = after(said("9", "new"), { type: "restored", messages: [{ from: "visitor", id: "1", text: "old" }], outbox: [] });
  assert.deepEqual(shown(state), ["visitor:1", "visitor:9"]);
});

test("what is stored of a message is its words and its id", () => {
  assert.deepEqual(outbox(after(said("1"), said("2"), sending("1"))), [
    { id: "1", text: "hello", button: undefined },
    { id: "2", text: "hello", button: undefined },
  ]);
  assert.deepEqual(outbox(after(said("1"), answered("1"))), []);
});

test("words by which somebody had everything deleted, or not kept", () => {
  const before = [said("1"), sending("1"), answered("1", reply("a")), said("2"), sending("2")];
  const forgotten = after(...before, answered("2", reply("b", { wish: "forget" })));
  assert.deepEqual(shown(forgotten), ["bot:b"]);
  const unkept = after(...before, answered("2", reply("b", { wish: "dont_keep" })));
  assert.equal(unkept.kept, false);
  assert.equal(unkept.entries.length, 4);
});

test("cleared", () => {
  const state = after(said("1"), { type: "kept", kept: false }, { type: "online", online: false }, { type: "cleared" });
  assert.deepEqual(state, { entries: [], online: false, kept: false }, "the wish not to be kept stays");
});

test("an unknown event changes nothing", () => {
  const state = initial();
  assert.equal(reduce(state, { type: "surprise" }), state);
});

test("the count begins at 1,800 and counts characters as people do", () => {
  assert.equal(length("x".repeat(1799)), null);
  assert.deepEqual(length("x".repeat(1800)), { count: 1800, over: false });
  assert.deepEqual(length("😀".repeat(2000)), { count: 2000, over: false });
  assert.deepEqual(length("x".repeat(5000)), { count: 5000, over: true });
});
