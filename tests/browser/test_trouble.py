"""When the net, the server or the visitor's patience fails; and what is kept."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.database.models import ChatSession
from tests.browser.servers import Place


def fail(visitor: Any, times: int, status: int, **headers: str) -> list[str]:
    """The next messages fail; the ids of all that were sent."""
    ids: list[str] = []

    def answer(route: Any) -> None:
        ids.append(json.loads(route.request.post_data)["id"])
        if len(ids) > times:
            return route.continue_()
        body = json.dumps({"error": {"code": "x", "message": "Please wait. In an emergency call 999."}})
        return route.fulfill(status=status, body=body, headers={"Content-Type": "application/json", **headers})

    visitor.page.route("**/chat/messages", answer)
    return ids


def test_offline_and_back(visit: Any, site: Place) -> None:
    visitor = visit(quiet=True).ask("hello")
    visitor.context.set_offline(True)
    visitor.chat.get_by_text("You are offline.").first.wait_for()
    visitor.box.fill("can i take xanax")
    visitor.box.press("Enter")
    visitor.chat.locator(".unsent").get_by_text("It is sent when you are back").wait_for()
    assert "Not sent." in visitor.status.inner_text()
    visitor.box.fill("half a thought")
    visitor.context.set_offline(False)
    visitor.answers.nth(1).wait_for()
    assert [turn.text for turn in site.bot.turns] == ["hello", "can i take xanax"]
    assert visitor.box.input_value() == "half a thought"
    assert visitor.chat.locator(".unsent").count() == 0


def test_not_ready_is_tried_again_with_the_same_id(visit: Any, site: Place) -> None:
    visitor = visit(quiet=True)
    ids = fail(visitor, 2, 503, **{"Retry-After": "1"})
    visitor.box.fill("can i take xanax")
    visitor.box.press("Enter")
    visitor.chat.locator(".unsent").get_by_text("The bot cannot be reached").wait_for()
    visitor.answers.first.wait_for()
    assert len(ids) == 3 and len(set(ids)) == 1 and len(site.bot.turns) == 1
    assert visitor.answers.count() == 1


def test_too_many(visit: Any) -> None:
    visitor = visit(quiet=True)
    ids = fail(visitor, 1, 429, **{"Retry-After": "50"})
    visitor.box.fill("can i take xanax")
    visitor.box.press("Enter")
    visitor.chat.locator(".unsent").get_by_text("many messages at once").wait_for()
    visitor.chat.get_by_role("button", name="Try again").click()
    visitor.answers.first.wait_for()
    assert len(set(ids)) == 1 and len(ids) == 2


def test_a_refused_message_can_be_changed(visit: Any) -> None:
    visitor = visit(quiet=True)
    fail(visitor, 1, 413)
    visitor.box.fill("much too long")
    visitor.box.press("Enter")
    visitor.chat.get_by_text("Please wait.").first.wait_for()
    visitor.chat.get_by_role("button", name="Edit").click()
    assert visitor.box.input_value() == "much too long" and visitor.focused() == "question"
    assert visitor.chat.locator(".visitor").count() == 0


def test_a_bot_that_fails_once(visit: Any, site: Place) -> None:
    visitor = visit(quiet=True)
    visitor.box.wait_for()
    site.bot.failures = 1
    visitor.box.fill("can i take xanax")
    visitor.box.press("Enter")
    visitor.chat.locator(".unsent").wait_for()
    visitor.chat.get_by_role("button", name="Try again").click()
    visitor.answers.first.wait_for()
    assert visitor.answers.count() == 1


def test_the_panel_cannot_be_loaded(visit: Any, site: Place) -> None:
    visitor = visit(
        site.put("/c", f"<!doctype html><title>c</title>{site.script}<chat-widget></chat-widget>"), quiet=True
    )
    visitor.page.route("**/panel-*", lambda route: route.abort())
    visitor.launcher.click()
    note = visitor.chat.locator(".loading")
    note.get_by_text("could not be opened").wait_for()
    assert note.get_by_role("link", name="Plain page").get_attribute("href") == site.bot_address + "/"
    visitor.page.unroute("**/panel-*")
    visitor.open()
    assert note.inner_text() == ""


def test_code_that_was_changed_on_the_way_does_not_run(visit: Any, site: Place) -> None:
    visitor = visit(
        site.put("/c", f"<!doctype html><title>c</title>{site.script}<chat-widget></chat-widget>"), quiet=True
    )

    def change(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body="window.hacked=1;" + answer.text())

    visitor.page.route("**/panel-*", change)
    visitor.launcher.click()
    visitor.chat.get_by_text("could not be opened").wait_for()
    assert visitor.page.evaluate("window.hacked") is None


# -- reload, tabs --------------------------------------------------------------------------------------------------

#: Notes for every message that is put into a log whether the log would announce it.
ANNOUNCED = """
  window.announced = [];
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes)
        if (node.classList?.contains("message"))
          window.announced.push([node.closest("[role=log]")?.getAttribute("aria-live"), node.className.split(" ")[1]]);
    }).observe(root, { subtree: true, childList: true });
    return root;
  };
"""


def test_a_reload_brings_it_back_without_a_word(visit: Any, chromium: Any) -> None:
    context = chromium.new_context(locale="en-GB")
    context.add_init_script(ANNOUNCED)
    visitor = visit(context=context)
    visitor.box.wait_for()
    visitor.page.wait_for_timeout(500)
    visitor.ask().ask("hello")
    assert visitor.page.evaluate("announced") == [["polite", "visitor"], ["polite", "bot"]] * 2, "each once"
    visitor.box.fill("half a thought")
    visitor.page.reload()
    visitor.answers.nth(1).wait_for()
    assert visitor.page.evaluate("announced") == [["off", "visitor"], ["off", "bot"]] * 2
    assert visitor.box.input_value() == "half a thought"
    assert visitor.newest.inner_text().strip().endswith("What would you like to know?")
    visitor.until("document.querySelector('chat-widget').shadowRoot.querySelector('[role=log]').ariaLive == 'polite'")
    visitor.ask("asdf")
    assert visitor.page.evaluate("announced.at(-1)") == ["polite", "bot"]
    context.close()


def test_a_reload_in_the_middle_of_an_answer(visit: Any, site: Place) -> None:
    visitor = visit(quiet=True)
    visitor.box.fill("slow question")
    visitor.page.route("**/chat/messages", lambda route: None if route.request.method == "POST" else route.continue_())
    visitor.box.press("Enter")
    visitor.chat.get_by_text("Looking for an answer").wait_for()
    visitor.page.unroute("**/chat/messages")
    visitor.page.reload()
    visitor.answers.first.wait_for()
    assert visitor.chat.locator(".visitor").count() == 1 and len(site.bot.turns) == 1


def test_an_open_chat_stays_open_and_takes_no_focus(visit: Any, site: Place) -> None:
    visitor = visit(
        site.put(
            "/c", f"<!doctype html><title>c</title><input autofocus id=mine>{site.script}<chat-widget></chat-widget>"
        )
    )
    visitor.open().ask("hello")
    visitor.page.reload()
    visitor.answers.first.wait_for()
    assert visitor.focused() == "mine"


def test_two_tabs_have_two_conversations(visit: Any) -> None:
    one = visit().ask("hello")
    two = visit(context=one.context)
    two.box.wait_for()
    two.page.wait_for_timeout(200)
    assert two.answers.count() == 0


def test_two_tabs_with_what_is_kept_on_the_device(visit: Any) -> None:
    one = visit().ask("hello").menu()
    one.chat.get_by_label("Keep on this device").check()
    assert "hello" not in json.dumps(one.page.evaluate("({...localStorage})"))
    two = visit(context=one.context)
    two.answers.first.wait_for()
    two.ask("can i take xanax")
    one.answers.nth(1).wait_for()
    two.menu().chat.get_by_role("button", name="Delete this conversation").click()
    two.chat.get_by_role("button", name="Yes, delete").click()
    two.chat.get_by_text("has been deleted").wait_for()
    one.until("!document.querySelector('chat-widget').shadowRoot.querySelector('.message')")
    two.page.goto("about:blank")


# -- your data -----------------------------------------------------------------------------------------------------


def test_delete(visit: Any, site: Place) -> None:
    visitor = visit().ask("zebrafish").menu()
    visitor.chat.get_by_role("button", name="Delete this conversation").click()
    visitor.chat.get_by_role("button", name="Cancel").click()
    assert visitor.answers.count() == 1
    visitor.chat.get_by_role("button", name="Delete this conversation").click()
    visitor.chat.get_by_role("button", name="Yes, delete").click()
    visitor.status.get_by_text("has been deleted").wait_for()
    assert visitor.chat.locator(".message").count() == 0 and visitor.focused() == "question"
    assert len(site.bot.forgotten) == 1
    stored = visitor.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    assert "token" not in stored and "zebrafish" not in stored
    visitor.page.reload()
    visitor.box.wait_for()
    assert visitor.chat.locator(".message").count() == 0


def test_deleting_fails(visit: Any) -> None:
    visitor = visit(quiet=True).ask("hello").menu()
    visitor.page.route("**/chat/session", lambda route: route.abort())
    visitor.chat.get_by_role("button", name="Delete this conversation").click()
    visitor.chat.get_by_role("button", name="Yes, delete").click()
    visitor.status.get_by_text("did not work").wait_for()
    assert visitor.answers.count() == 1


def test_dont_keep(visit: Any, site: Place) -> None:
    visitor = visit()
    visitor.kept.get_by_text("kept for 30 days").wait_for()
    visitor.chat.get_by_role("button", name="Don’t keep this").click()
    visitor.kept.get_by_text("This conversation is not kept").wait_for()
    assert visitor.focused() == "question"
    assert visitor.chat.get_by_role("button", name="Don’t keep this").count() == 0
    visitor.ask("hello")
    engine = make_engine(site.settings.database_url)
    with engine.connect() as connection:
        newest = sa.select(ChatSession.keep).order_by(ChatSession.created.desc()).limit(1)
        assert connection.execute(newest).scalar_one() is False
    engine.dispose()
    visitor.page.reload()
    visitor.answers.first.wait_for()
    assert "not kept" in visitor.kept.inner_text()


def test_deleted_by_asking_for_it(visit: Any) -> None:
    visitor = visit().ask("zebrafish")
    visitor.box.fill("delete my data")
    visitor.box.press("Enter")
    visitor.chat.get_by_text("This conversation has been deleted.").wait_for()
    assert visitor.chat.locator(".message").count() == 1


def test_a_conversation_that_is_over(visit: Any) -> None:
    visitor = visit(quiet=True).ask("hello")
    visitor.page.evaluate(
        "token => fetch('/chat/session', {method: 'DELETE', headers: {Authorization: 'Bearer ' + token}})",
        visitor.page.evaluate("JSON.parse(Object.values(sessionStorage)[0]).token"),
    )
    visitor.box.fill("can i take xanax")
    visitor.box.press("Enter")
    visitor.chat.get_by_text("This is a new one").or_(visitor.answers.nth(1)).first.wait_for()
    visitor.answers.nth(1).wait_for()
    visitor.page.reload()
    visitor.answers.first.wait_for()
    assert visitor.answers.count() == 1
