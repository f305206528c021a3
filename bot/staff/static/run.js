// Shows how far a run is, and loads the page again once it has ended.
const shown = document.querySelector("[data-progress]");
const bar = shown.querySelector("progress");
const status = shown.querySelector("[role=status]");
let said = 0;

async function look() {
  try {
    const response = await fetch(shown.dataset.progress, { headers: { Accept: "application/json" } });
    const run = await response.json();
    if (!run.going) return location.reload();
    bar.value = run.done;
    // Readers of screens are told now and then, not at every test.
    if (Date.now() - said > 3000) {
      status.textContent = `${run.done} of ${run.total} tests, ${run.wrong} to look at`;
      said = Date.now();
    }
  } catch {
    status.textContent = "The server does not answer. Trying again …";
  }
  setTimeout(look, 700);
}

look();
