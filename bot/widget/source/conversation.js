// The state of a conversation and every change to it. No page, no network, no clock: `reduce(state, event)` gives the
// next state and leaves the old one as it was.
//
// An entry is {from: "visitor", id, text, button?, status, reason?, wait?, tries} or {from: "bot", …Message}.
// Status of a visitor's entry: waiting (to be sent, perhaps after `wait` seconds), sending, sent, failed.

export const MOST = 2000;
const COUNT_FROM = 1800;
const TRIES = 4;
const LONGEST_WAIT = 60;

export const initial = () => ({ entries: [], online: true, kept: true });

export function reduce(state, event) {
  const change = (id, values) => ({
    ...state,
    entries: state.entries.map((entry) => (entry.id === id && entry.from === "visitor" ? { ...entry, ...values } : entry)),
  });
  const entry = find(state, event.id);
  const fresh = (online) => ({ status: "waiting", reason: online ? "" : "offline", wait: 0, tries: 0 });
  switch (event.type) {
    case "said":
      if (entry) return state;
      return {
        ...state,
        entries: [
          ...state.entries,
          { from: "visitor", id: event.id, text: event.text, button: event.button, ...fresh(state.online) },
        ],
      };
    case "sending":
      return change(event.id, { status: "sending", reason: "", wait: 0 });
    case "answered":
      return entry && entry.status !== "sent" ? answered(state, entry, event.messages) : state;
    case "failed":
      return entry && entry.status !== "sent" ? change(event.id, failure(entry, event)) : state;
    case "waited":
      return entry?.status === "waiting" ? change(event.id, { wait: 0 }) : state;
    case "again":
      return entry && entry.status !== "sending" ? change(event.id, fresh(state.online)) : state;
    case "withdrawn":
      return { ...state, entries: state.entries.filter((one) => one !== entry || one.status === "sent") };
    case "restored":
      return restored(state, event);
    case "online":
      if (event.online === state.online) return state;
      return {
        ...state,
        online: event.online,
        entries: state.entries.map((one) => (one.status === "waiting" ? { ...one, ...fresh(event.online) } : one)),
      };
    case "kept":
      return { ...state, kept: event.kept };
    case "cleared":
      return { ...state, entries: [] };
    default:
      return state;
  }
}

const find = (state, id) => state.entries.find((entry) => entry.id === id && entry.from === "visitor");

function answered(state, entry, messages) {
  const known = new Set(state.entries.filter((one) => one.from === "bot").map((one) => one.id));
  const replies = messages.filter((one) => !known.has(one.id)).map((one) => ({ ...one, from: "bot", to: entry.id }));
  const wish = messages.find((one) => one.wish)?.wish;
  const done = { ...entry, status: "sent", reason: "" };
  // A reply stands below what it answers, even where somebody wrote again before it came.
  const entries = state.entries.flatMap((one) => (one === entry ? [done, ...replies] : [one]));
  return {
    ...state,
    kept: state.kept && !wish,
    entries: wish === "forget" ? entries.slice(entries.indexOf(done) + 1) : entries,
  };
}

function failure(entry, { reason, retryAfter, sentence }) {
  const tries = entry.tries + 1;
  if (reason === "offline") return { status: "waiting", reason, wait: 0 };
  const wait = Math.min(retryAfter || 3 ** (tries - 1), LONGEST_WAIT);
  return { status: tries < TRIES && reason !== "refused" ? "waiting" : "failed", reason, sentence, wait, tries };
}

function restored(state, { messages, outbox = [] }) {
  const own = state.entries.filter((one) => one.from === "visitor" && one.status !== "sent");
  const unsent = [...outbox.map((one) => ({ ...one, from: "visitor", status: "waiting", tries: 0 })), ...own];
  // What the server has but did not answer yet is asked for again, under its id.
  const entries = messages.map((one, place) => {
    if (one.from === "bot") return one;
    const answered = messages[place + 1]?.from === "bot";
    return (!answered && unsent.find(({ id }) => id === one.id)) || { ...one, status: "sent" };
  });
  for (const one of unsent) if (!find({ entries }, one.id)) entries.push(one);
  return { ...state, entries };
}

/** The entry to send now: one at a time, in order; null while one is on its way or nothing may go. */
export function next(state) {
  if (!state.online || busy(state)) return null;
  return state.entries.find((entry) => entry.status === "waiting" && !entry.wait) ?? null;
}

/** Whether a message is on its way. */
export const busy = (state) => state.entries.some((entry) => entry.status === "sending");

/** What has not been sent, as it is stored: {id, text, button}. */
export const outbox = (state) =>
  state.entries
    .filter((entry) => entry.from === "visitor" && entry.status !== "sent")
    .map(({ id, text, button }) => ({ id, text, button }));

/** The bot's newest message, whose buttons can still be pressed; undefined where somebody wrote after it. */
export const newest = (state) => {
  const last = state.entries.at(-1);
  return last?.from === "bot" ? last : undefined;
};

/** How long a draft is, once that matters: {count, over}; null before. */
export function length(text) {
  const count = [...text].length;
  return count < COUNT_FROM ? null : { count, over: count > MOST };
}
