// Builds what is seen of a message. Every text becomes a text node; no markup is ever read from anywhere.

import { callLink, safeLink, textLink } from "./links.js";

/** An element with attributes (on…: a listener; null, undefined and false: none) and children. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value != null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child?.length !== 0 && child));
  return element;
}

/** `text` with {name} replaced by `values.name`: a list of texts and nodes. */
export function fill(text, values) {
  return text.split(/\{(\w+)\}/).map((part, place) => (place % 2 ? values[part] ?? "" : part)).flat();
}

/** A link to another page, which says that it opens a new tab; the bare words where there is no https address. */
export function link(address, words, texts) {
  if (!/^https?:/.test(address)) return make("span", { dir: "auto" }, words);
  return make(
    "a",
    { href: address, target: "_blank", rel: "noreferrer", dir: "auto" },
    words,
    make("span", { class: "hidden" }, ` (${texts.newTab})`),
  );
}

const paragraph = (text, name) => make("p", { class: name, dir: "auto" }, text);

/**
 * A visitor's message; `state` in it is filled by `delivery`.
 */
export function visitorEntry(entry, texts) {
  return make(
    "article",
    { class: "message visitor", part: "message visitor", tabindex: "-1" },
    make("span", { class: "hidden" }, texts.you + ": "),
    paragraph(entry.text, "words"),
    // Announced by the status line, not again by the log.
    make("div", { class: "delivery", "aria-live": "off" }),
  );
}

export const why = (entry, texts) => `${texts.notSent} ${entry.sentence || texts[entry.reason] || texts.unready}`;

/** What became of a visitor's message: nothing to see once it is sent. */
export function delivery(entry, texts, actions) {
  if (!entry.reason) return [];
  const again = entry.status === "waiting" && entry.reason !== "offline" ? " " + texts.trying : "";
  return [
    make("p", {}, why(entry, texts) + again),
    make("button", { type: "button", click: actions.again }, texts.again),
    !entry.button && make("button", { type: "button", click: actions.edit }, texts.edit),
  ].filter(Boolean);
}

/**
 * A message of the bot.
 *
 * @param {object} actions press(suggestion), rate(helpful, reason): a promise
 */
export function botEntry(message, texts, language, actions) {
  const danger = message.kind === "safety" && message.category !== "panic_now";
  const foreign = message.lang && message.lang.split("-")[0] !== language.split("-")[0] ? message.lang : null;
  const calm = message.flow && /panic|breath/.test(message.flow.name);
  return make(
    "article",
    {
      class: danger ? "message bot danger" : "message bot",
      part: danger ? "message bot danger" : "message bot",
      lang: foreign,
      tabindex: "-1",
    },
    make("span", { class: "hidden", lang: language }, texts.bot + ": "),
    message.flow && progress(message.flow, texts, language),
    paragraph(message.lead, "lead"),
    calm && breath(texts, language),
    message.contacts?.length && contacts(message.contacts, texts, language),
    message.details?.length && details(message, texts, language),
    message.sources?.length && sources(message.sources, texts, language),
    message.review && make("p", { class: "review", lang: language }, review(message.review, texts)),
    message.disclaimer && paragraph(message.disclaimer, "disclaimer"),
    message.suggestions?.length && suggestions(message.suggestions, texts, language, actions),
    message.kind === "answer" && feedback(texts, language, actions),
  );
}

function progress(flow, texts, lang) {
  return make(
    "p",
    { class: "progress", lang },
    fill(texts.step, { step: String(flow.step), of: String(flow.of) }).join(""),
    make("progress", { value: flow.step, max: flow.of, "aria-hidden": "true" }),
  );
}

/** A figure that widens and narrows at the pace of the exercise, and can be stopped; the words say all of it. */
function breath(texts, lang) {
  const figure = make("div", { class: "breath", "aria-hidden": "true" }, make("span"));
  const button = make(
    "button",
    {
      type: "button",
      class: "quiet motion",
      "aria-pressed": "false",
      click: () => (button.ariaPressed = figure.classList.toggle("still")),
    },
    texts.still,
  );
  return make("div", { class: "breathing", lang }, figure, button);
}

function contacts(list, texts, lang) {
  return make(
    "ul",
    { class: "contacts" },
    list.map((one) => {
      const call = callLink(one.call);
      const text = textLink(one.text);
      const about = [one.country, one.hours].filter(Boolean).join(", ");
      return make(
        "li",
        {},
        make("strong", { dir: "auto" }, one.name),
        about && make("span", { class: "note" }, " " + about),
        make(
          "span",
          { class: "ways", lang },
          call && make("a", { href: call }, fill(texts.call, { number: one.call })),
          text &&
            make(
              "a",
              { href: text },
              fill(one.text.body ? texts.textWord : texts.text, { number: one.text.number, word: one.text.body }),
            ),
          safeLink(one.url) && link(safeLink(one.url), texts.website, texts),
        ),
      );
    }),
  );
}

function details(message, texts, lang) {
  const paragraphs = message.details.map((text) => paragraph(text));
  if (message.kind !== "answer") return make("div", {}, paragraphs);
  return make("details", {}, make("summary", { lang }, texts.more), paragraphs);
}

function sources(list, texts, lang) {
  return make(
    "details",
    { class: "sources", open: list.length < 3 },
    make("summary", { lang }, fill(texts.sources, { count: String(list.length) }).join("")),
    make(
      "ul",
      {},
      list.map((one) =>
        make(
          "li",
          {},
          link(safeLink(one.url), one.title, texts),
          make("span", { class: "note", dir: "auto" }, " " + [one.publisher, one.year].filter(Boolean).join(", ")),
        ),
      ),
    ),
  );
}

function review({ state, on, by }, texts) {
  if (state !== "reviewed" && state !== "due") return texts.unreviewed;
  const said = fill(texts.reviewed, { by: [by, on].filter(Boolean).join(", ") }).join("");
  return state === "due" ? `${said} ${texts.due}` : said;
}

/** Buttons that are used once: after that the one pressed stays and says so. */
function suggestions(list, texts, lang, actions) {
  const group = make("div", { class: "suggestions", role: "group", "aria-label": texts.suggestions });
  group.append(
    ...list.map((one) => {
      const button = make(
        "button",
        {
          type: "button",
          dir: "auto",
          click: () => use(group, button) && actions.press(one),
        },
        one.title,
      );
      return button;
    }),
  );
  return group;
}

export function use(group, pressed) {
  if (!group || group.classList.contains("used")) return;
  group.classList.add("used");
  for (const button of group.children) {
    button.ariaDisabled = "true";
    if (button === pressed) button.ariaPressed = "true";
  }
  group.hidden = !pressed;
  return true;
}

/** Did this help: yes or no, once; after a no, why, if somebody likes to say. */
function feedback(texts, lang, actions) {
  const box = make("div", { class: "helpful", role: "group", "aria-label": texts.helped, "aria-live": "off", lang });
  const done = (words) => {
    box.replaceChildren(make("span", { class: "note", tabindex: "-1" }, words));
    box.firstChild.focus();
  };
  const send = async (helpful, reason, then) => {
    try {
      await actions.rate(helpful, reason);
      then();
    } catch {
      actions.tell(texts.failed);
    }
  };
  const ask = () => {
    const reason = make("textarea", { rows: 2, "aria-label": texts.why, placeholder: texts.why, dir: "auto" });
    const form = make(
      "form",
      {
        submit: (event) => {
          event.preventDefault();
          const said = reason.value.trim();
          if (said) send(false, said, () => done(texts.thanks));
          else done(texts.thanks);
        },
      },
      reason,
      make("button", {}, texts.sendReason),
    );
    box.replaceChildren(form);
    reason.focus();
  };
  box.append(
    make("span", { class: "note" }, texts.helped),
    make("button", { type: "button", class: "quiet", click: () => send(true, "", () => done(texts.thanks)) }, texts.yes),
    make("button", { type: "button", class: "quiet", click: () => send(false, "", ask) }, texts.no),
  );
  return box;
}
