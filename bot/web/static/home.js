// An example question goes into the widget where it works; else the form is sent as it is.
for (const form of document.querySelectorAll("form[data-chat]")) {
  form.addEventListener("submit", (event) => {
    const chat = document.getElementById(form.dataset.chat);
    if (!chat?.ask || !event.submitter?.value) return;
    event.preventDefault();
    chat.ask(event.submitter.value);
    chat.scrollIntoView({ block: "nearest" });
  });
}
