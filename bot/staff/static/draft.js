// Checks a draft while it is written. Without it, saving shows the same.
const WAIT = 600;
const form = document.querySelector("#draft");
let timer;
let running;

function list(place, lines) {
  const items = (lines.length ? lines : ["Nothing."]).map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    item.classList.toggle("none", !lines.length);
    return item;
  });
  document.querySelector(place).replaceChildren(...items);
}

function figures(rows) {
  const lines = rows.map(([name, value, fine]) => {
    const line = document.createElement("div");
    const term = document.createElement("dt");
    const words = document.createElement("dd");
    term.textContent = name;
    words.textContent = fine ? value : `${value}, over`;
    words.classList.toggle("over", !fine);
    line.append(term, words);
    return line;
  });
  document.querySelector("#figures").replaceChildren(...lines);
}

function preview(channel) {
  const place = document.querySelector(`[data-channel="${channel.name}"]`);
  if (!place) return;
  const shown = channel.messages.flatMap(({ text, length, most }) => {
    const bubble = document.createElement("p");
    const note = document.createElement("p");
    bubble.className = "bubble";
    note.className = "note";
    bubble.textContent = text;
    note.textContent = `${length} of ${most} characters`;
    return [bubble, note];
  });
  place.querySelector('[data-part="note"]').textContent = channel.note;
  place.querySelector('[data-part="messages"]').replaceChildren(...shown);
}

async function check() {
  running?.abort();
  running = new AbortController();
  try {
    const answer = await fetch(form.dataset.check, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      signal: running.signal,
    });
    if (!answer.ok) return;
    const found = await answer.json();
    figures(found.figures);
    list("#must", found.must);
    list("#look", found.look);
    found.channels.forEach(preview);
  } catch (error) {
    if (error.name !== "AbortError") console.info("The draft could not be checked just now.");
  }
}

if (form) {
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, WAIT);
  });
}
