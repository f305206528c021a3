"""From the first visit to the answer, and everything that a visitor does with it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.rich_bot import DISCLAIMER
from tests.browser.servers import Place


def host(site: Place, more: str = "", **headers: str) -> str:
    return site.put(
        "/clinic",
        f'<!doctype html><html lang="en"><title>Clinic</title><main><h1>Clinic</h1></main>{site.script}'
        f'<chat-widget country="GB"><a href="{site.bot_address}/">Ask</a></chat-widget>{more}</html>',
        **headers,
    )


def test_from_the_first_visit_to_the_answer(visit: Any, site: Place) -> None:
    visitor = visit(host(site))
    assert visitor.launcher.inner_text() == "Ask a question"
    assert visitor.launcher.get_attribute("aria-expanded") == "false"
    visitor.open()
    assert visitor.launcher.get_attribute("aria-expanded") == "true"
    assert visitor.focused() == "question"
    assert "In an emergency call 999 (United Kingdom)" in visitor.chat.locator(".emergency").inner_text()
    visitor.ask()
    answer = visitor.newest
    text = answer.inner_text()
    for words in ("Benzodiazepines such as Xanax", "Not yet reviewed by a clinician.", DISCLAIMER, "Sources (3)"):
        assert words in text
    assert "Clinics often ask" not in text, "details are folded"
    answer.get_by_text("More about this").click()
    assert "Clinics often ask" in answer.inner_text()
    answer.get_by_text("Sources (3)").click()
    link = answer.get_by_role("link", name="Ketamine and benzodiazepines")
    assert link.get_attribute("href") == "https://example.org/a"
    assert link.get_attribute("rel") == "noreferrer" and "opens in a new tab" in link.text_content()
    assert "Journal of Examples, 2021" in answer.inner_text()
    assert [turn.country for turn in site.bot.turns] == ["GB"]


def test_few_requests_and_to_nobody_else(visit: Any, site: Place) -> None:
    visitor = visit(host(site))
    tools = visitor.context.new_cdp_session(visitor.page)
    tools.send("Network.enable")
    preflights: list[str] = []
    tools.on(
        "Network.requestWillBeSent",
        lambda event: event.get("type") == "Preflight" and preflights.append(event["request"]["url"]),
    )
    visitor.requests.clear()
    visitor.open().ask()
    asked = [re.sub(r"panel-\w+", "panel", request) for request in visitor.requests]
    here = site.bot_address
    assert asked == [f"GET {here}/widget/panel.js", f"POST {here}/chat/sessions", f"POST {here}/chat/messages"]
    assert len(preflights) <= 2
    visitor.ask("which one")
    assert len(preflights) <= 2, "the permission is remembered"
    assert visitor.context.cookies() == []
    assert visitor.page.evaluate("Object.keys(localStorage)") == []


def test_nothing_is_asked_or_stored_until_it_is_opened(visit: Any, site: Place) -> None:
    visitor = visit(host(site))
    assert [request for request in visitor.requests if "/chat/" in request or "panel" in request] == []
    assert visitor.page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]") == []


def test_suggestions_are_used_once(visit: Any, site: Place) -> None:
    visitor = visit().ask()
    first = visitor.answers.nth(0)
    first.get_by_role("button", name="What about alcohol?").click()
    visitor.answers.nth(1).wait_for()
    assert [turn.button for turn in site.bot.turns] == [None, "b-alcohol"]
    pressed = first.locator(".suggestions button:visible")
    assert pressed.count() == 1 and pressed.get_attribute("aria-pressed") == "true"
    pressed.click(force=True)
    visitor.page.wait_for_timeout(150)
    assert len(site.bot.turns) == 2
    visitor.ask("hello")
    assert visitor.answers.nth(1).locator(".suggestions").is_hidden()


def test_helpful(visit: Any, site: Place) -> None:
    visitor = visit().ask()
    with visitor.page.expect_request("**/chat/feedback") as told:
        visitor.newest.get_by_role("button", name="No", exact=True).click()
    assert told.value.post_data_json["helpful"] is False
    visitor.newest.get_by_label("What was missing?").fill("the dose")
    with visitor.page.expect_request("**/chat/feedback") as told:
        visitor.newest.get_by_role("button", name="Done").click()
    assert told.value.post_data_json["reason"] == "the dose"
    visitor.newest.get_by_text("Thank you.").wait_for()
    visitor.ask("another")
    visitor.newest.get_by_role("button", name="Yes").click()
    visitor.newest.get_by_text("Thank you.").wait_for()


def test_the_box_counts_and_never_cuts(visit: Any, site: Place) -> None:
    visitor = visit()
    visitor.box.fill("x" * 1799)
    assert visitor.chat.locator("#count").inner_text() == ""
    visitor.box.press_sequentially("x")
    assert visitor.chat.locator("#count").inner_text() == "1,800 of 2,000 characters"
    visitor.box.fill("x" * 2500)
    assert "2,500 characters" in visitor.chat.locator("#count").inner_text()
    visitor.box.press("Enter")
    visitor.answers.first.wait_for()
    assert len(site.bot.turns[0].text) == 2500


def test_new_lines_and_composed_letters(visit: Any, site: Place) -> None:
    visitor = visit()
    visitor.box.press_sequentially("one")
    visitor.box.press("Shift+Enter")
    visitor.box.press_sequentially("two")
    visitor.box.evaluate(
        "box => box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    assert site.bot.turns == [] and visitor.box.input_value() == "one\ntwo"
    visitor.box.press("Enter")
    visitor.answers.first.wait_for()
    assert site.bot.turns[0].text == "one two"
    assert visitor.chat.locator(".visitor .words").inner_text() == "one\ntwo"


def test_an_empty_message_is_not_sent(visit: Any, site: Place) -> None:
    visitor = visit()
    visitor.box.fill("  \n ")
    visitor.chat.get_by_role("button", name="Send").click()
    assert visitor.focused() == "question" and "POST" not in "".join(visitor.requests)


# -- every kind ----------------------------------------------------------------------------------------------------


def test_the_crisis_card(visit: Any) -> None:
    visitor = visit()
    visitor.ask("i want to die")
    card = visitor.newest
    assert "danger" in card.get_attribute("class")
    links = {link.get_attribute("href") for link in card.get_by_role("link").all()}
    assert links == {"tel:988", "sms:988", "sms:741741?body=HOME", "https://988lifeline.org/"}
    assert "Text HOME to 741741" in card.inner_text() and "If you may act on it" in card.inner_text()
    assert DISCLAIMER in card.inner_text()
    visitor.until("document.querySelector('chat-widget').shadowRoot.querySelector('[role=alert]').textContent")
    assert "In an emergency call 999" in visitor.chat.get_by_role("alert").text_content()


def test_only_danger_alerts(visit: Any) -> None:
    visitor = visit().ask().ask("hello").ask("im panicking")
    visitor.page.wait_for_timeout(200)
    assert visitor.chat.locator("[role=alert]").text_content() == ""


def test_danger_mixed_with_a_question(visit: Any) -> None:
    visitor = visit()
    visitor.ask("xanax and my heart hurts")
    visitor.answers.nth(1).wait_for()
    assert "Call 911 now" in visitor.answers.nth(0).inner_text()
    assert "Benzodiazepines" in visitor.answers.nth(1).inner_text()


def test_the_panic_steps(visit: Any) -> None:
    visitor = visit().ask("im panicking")
    assert "Step 1 of 5" in visitor.newest.inner_text()
    assert "danger" not in visitor.newest.get_attribute("class")
    figure = visitor.newest.locator(".breath span")
    assert figure.evaluate("one => getComputedStyle(one).animationName") == "breathe"
    still = visitor.newest.get_by_role("button", name="Hold still")
    still.click()
    assert still.get_attribute("aria-pressed") == "true"
    assert figure.evaluate("one => getComputedStyle(one).animationName") == "none"
    for step in range(2, 6):
        visitor.newest.get_by_role("button", name="Next step").click()
        visitor.chat.get_by_text(f"Step {step} of 5").wait_for()
    assert visitor.chat.locator(".breathing").count() == 1, "only the step at hand has the figure"
    visitor.newest.get_by_role("button", name="I feel better").click()
    visitor.chat.get_by_text("Rest for a moment").wait_for()
    assert visitor.chat.locator(".breathing").count() == 0


def test_the_figure_is_still_where_motion_is_unwelcome(visit: Any) -> None:
    visitor = visit(reduced_motion="reduce").ask("im panicking")
    assert visitor.newest.locator(".breath").is_visible()
    assert visitor.newest.get_by_role("button", name="Hold still").count() == 0
    assert visitor.page.evaluate("document.getAnimations({subtree: true}).length") == 0
    assert visitor.newest.locator(".breath span").evaluate("one => getComputedStyle(one).animationName") == "none"


KINDS = [
    ("which one", "clarify", "Which of these do you mean?", ["Before a session", "After a session"]),
    ("asdf", "fallback", "in other words", []),
    ("weather", "refusal", "outside what I know", []),
    ("hello", "smalltalk", "What would you like to know?", []),
]


@pytest.mark.parametrize(("said", "kind", "words", "buttons"), KINDS, ids=[row[1] for row in KINDS])
def test_other_kinds(visit: Any, said: str, kind: str, words: str, buttons: list[str]) -> None:
    visitor = visit().ask(said)
    assert words in visitor.newest.inner_text()
    assert visitor.newest.locator(".suggestions button").all_inner_texts() == buttons
    assert "Did this help?" not in visitor.newest.inner_text()


def test_review_states(visit: Any) -> None:
    visitor = visit().ask("something reviewed")
    assert "Reviewed: Dr A. Example, 2026-10-01." in visitor.newest.inner_text()


# -- languages -----------------------------------------------------------------------------------------------------


def test_spanish(visit: Any, site: Place) -> None:
    address = host(site).replace("/clinic", "/clinica")
    html, headers = site.pages.pop("/clinic")
    site.pages["/clinica"] = (html.replace('lang="en"', 'lang="es-ES"').replace(' country="GB"', ""), headers)
    visitor = visit(address, locale="es-ES", timezone_id="Europe/Madrid")
    assert visitor.launcher.inner_text() == "Haz una pregunta"
    visitor.open()
    assert "llama al 112 (Unión Europea)" in visitor.chat.locator(".emergency").inner_text()
    visitor.ask("hola")
    assert visitor.newest.get_attribute("lang") is None
    visitor.ask("hello")
    assert visitor.newest.get_attribute("lang") == "en"
    turn = site.bot.turns[0]
    assert (turn.locale, turn.country, turn.time_zone) == ("es-ES", None, "Europe/Madrid"), (
        "where, the server finds out"
    )


def test_another_language_and_direction(visit: Any) -> None:
    visitor = visit().ask("shalom")
    assert visitor.newest.get_attribute("lang") == "he"
    assert visitor.newest.locator(".lead").evaluate("one => getComputedStyle(one).direction") == "rtl"


def test_a_locale_without_texts_falls_back(visit: Any, site: Place) -> None:
    for locale in ("xx-YY", "<script>", "de"):
        visitor = visit(
            site.put("/l", f'<!doctype html><title>l</title>{site.script}<chat-widget locale="{locale}"></chat-widget>')
        )
        assert visitor.launcher.inner_text() == "Ask a question"


def test_nobody_knows_the_country(visit: Any) -> None:
    visitor = visit(locale="pt-BR", timezone_id="America/Sao_Paulo")
    visitor.box.wait_for()
    line = visitor.chat.locator(".emergency").inner_text()
    assert "911 United States, 999 United Kingdom, 112 European Union" in line
