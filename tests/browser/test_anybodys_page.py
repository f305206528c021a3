"""On anybody's page: hostile styles, strict policies, frames, payloads, two at once; and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.rich_bot import HOSTILE
from tests.browser.servers import Place

AWFUL = """
  * { all: unset !important; font-size: 3px !important; display: none; color: lime !important; letter-spacing: 9px }
  html { font-size: 62.5%; direction: rtl; visibility: hidden; text-transform: uppercase; line-height: 0 }
  body { transform: none; text-align: right; cursor: none }
  chat-widget { display: none !important; opacity: 0 !important; position: absolute !important; left: -9999px !important }
  button, dialog, article, p, form { display: none !important }
"""


def strict(site: Place) -> dict[str, str]:
    bot = site.bot_address
    return {
        "Content_Security_Policy": f"default-src 'none'; script-src 'self' {bot}; style-src 'self'; connect-src {bot}; "
        "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'",
        "Referrer_Policy": "no-referrer",
    }


def test_hostile_styles_and_a_strict_policy(visit: Any, site: Place) -> None:
    site.put("/awful.css", AWFUL)
    address = site.put(
        "/awful",
        '<!doctype html><html lang="en"><title>Awful</title><link rel="stylesheet" href="/awful.css">'
        f"{site.script}<chat-widget></chat-widget></html>",
        **strict(site),
    )
    visitor = visit(address)
    box = visitor.launcher.bounding_box()
    assert box["width"] > 100 and 44 <= box["height"] < 80 and box["x"] > 900
    visitor.open().ask()
    style = visitor.newest.locator(".lead").evaluate(
        "one => (({fontSize, color, letterSpacing, textTransform, direction, visibility}) => [fontSize, color, letterSpacing, textTransform, direction, visibility])(getComputedStyle(one))"
    )
    assert style == ["16px", "rgb(28, 43, 45)", "normal", "none", "ltr", "visible"]
    assert "Did this help?" in visitor.newest.inner_text()


def test_two_at_once_are_one_conversation(visit: Any, site: Place) -> None:
    address = site.put(
        "/two",
        f'<!doctype html><html lang="en"><title>Two</title>{site.script}<chat-widget inline></chat-widget>'
        '<chat-widget position="start" heading="Second" label="Second"></chat-widget></html>',
    )
    visitor = visit(address).open().ask()
    inline = visitor.page.locator("chat-widget").first
    assert inline.locator(".message.bot").count() == 1
    inline.locator("#question").fill("hello")
    inline.locator("#question").press("Enter")
    visitor.answers.nth(1).wait_for()
    assert len({turn.conversation for turn in site.bot.turns}) == 1
    assert visitor.chat.get_by_role("dialog", name="Second").count() == 1


def test_taken_out_and_put_back(visit: Any, site: Place) -> None:
    address = site.put(
        "/move",
        f"<!doctype html><title>m</title><div id=a></div><div id=b></div>{site.script}<chat-widget></chat-widget>",
    )
    visitor = visit(address).open().ask("hello")
    visitor.page.evaluate("b.append(document.querySelector('chat-widget'))")
    visitor.page.evaluate("document.querySelector('chat-widget').toggle()")
    visitor.page.evaluate("document.querySelector('chat-widget').open()")
    visitor.box.wait_for()
    visitor.ask("asdf")
    assert visitor.answers.count() == 2 and len(site.bot.turns) == 2


def test_events_and_methods(visit: Any, site: Place) -> None:
    address = site.put(
        "/events",
        "<!doctype html><title>e</title><body>" + site.script + "<chat-widget></chat-widget></body>",
    )
    visitor = visit(address)
    visitor.page.evaluate(
        """() => { window.told = [];
             for (const name of ["open", "close", "ready", "message", "error", "cleared"])
               document.body.addEventListener("chat-" + name, (event) => told.push([name, event.detail.kind ?? ""])); }"""
    )
    visitor.page.evaluate("document.querySelector('chat-widget').ask('can i take xanax')")
    visitor.newest.wait_for()
    visitor.page.evaluate("document.querySelector('chat-widget').close()")
    assert visitor.page.evaluate("told") == [["open", ""], ["ready", ""], ["message", "answer"], ["close", ""]]
    assert "xanax" not in visitor.page.evaluate("JSON.stringify(told)")
    visitor.page.evaluate("document.querySelector('chat-widget').setAttribute('open', '')")
    visitor.box.wait_for()
    visitor.page.evaluate("document.querySelector('chat-widget').removeAttribute('open')")
    visitor.box.wait_for(state="hidden")


def test_in_a_sandboxed_frame(visit: Any, site: Place) -> None:
    """No storage and no origin: it opens and shows the numbers; the server refuses unless ALLOW_NULL_ORIGIN is on."""
    site.put(
        "/inner",
        f'<!doctype html><html lang="en"><title>i</title>{site.script}<chat-widget country="GB"></chat-widget></html>',
    )
    address = site.put(
        "/frame",
        '<!doctype html><html lang="en"><title>f</title><iframe title="chat" sandbox="allow-scripts" src="/inner" width=900 height=700></iframe></html>',
    )
    visitor = visit(address, quiet=True)
    frame = visitor.page.frame_locator("iframe")
    frame.locator("chat-widget button.launcher").click()
    assert "999" in frame.locator("chat-widget .emergency").inner_text()
    frame.locator("chat-widget #question").fill("can i take xanax")
    frame.locator("chat-widget #question").press("Enter")
    frame.locator("chat-widget .unsent").get_by_text("The bot cannot be reached").wait_for()
    assert site.bot.turns == []


def test_a_page_that_is_not_allowed(visit: Any, site: Place) -> None:
    site.put(
        "/stranger", f'<!doctype html><html lang="en"><title>s</title>{site.script}<chat-widget></chat-widget></html>'
    )
    visitor = visit(site.stranger_address + "/stranger", quiet=True).open()
    visitor.box.fill("can i take xanax")
    visitor.box.press("Enter")
    visitor.chat.locator(".unsent").wait_for()
    assert site.bot.turns == []


# -- payloads ------------------------------------------------------------------------------------------------------


def test_payloads_are_text(visit: Any, site: Place) -> None:
    visitor = visit()
    visitor.box.fill(HOSTILE + " hostile")
    visitor.box.press("Enter")
    visitor.newest.wait_for()
    answer = visitor.newest
    assert visitor.chat.locator(".visitor .words").inner_text() == HOSTILE + " hostile"
    assert answer.locator(".lead").inner_text() == HOSTILE
    # Of "javascript:alert(1)" as a number to call its digit is left; of all other addresses nothing.
    assert [link.get_attribute("href") for link in answer.get_by_role("link").all()] == ["tel:1"]
    answer.locator("summary").first.click()
    answer.locator(".suggestions button").click()
    visitor.answers.nth(1).wait_for()
    visitor.page.reload()
    visitor.answers.nth(1).wait_for()
    inside = visitor.chat.evaluate(
        "chat => chat.shadowRoot.querySelectorAll('img, script, iframe, [onerror], [onload]').length"
    )
    assert inside == 0 and visitor.page.evaluate("window.hacked") is None


def test_attributes_of_the_page_are_text(visit: Any, site: Place) -> None:
    address = site.put(
        "/attributes",
        f"<!doctype html><title>a</title>{site.script}<chat-widget heading='&lt;img src=x onerror=hacked=1&gt;' label='&lt;b&gt;x'"
        " accent='red;}*{display:none' locale='\"><script>hacked=1</script>' country='<b>' position='<i>'></chat-widget>",
    )
    visitor = visit(address)
    assert visitor.launcher.inner_text() == "<b>x"
    visitor.open()
    assert visitor.chat.locator("#title").inner_text() == "<img src=x onerror=hacked=1>"
    assert visitor.page.evaluate("window.hacked") is None


# -- our own pages -------------------------------------------------------------------------------------------------


def test_the_first_page(visit: Any, site: Place) -> None:
    visitor = visit()
    visitor.box.wait_for()
    visitor.page.get_by_role("button", name="Can I take Xanax before ketamine?").click()
    visitor.newest.wait_for()
    assert [turn.text for turn in site.bot.turns] == ["Can I take Xanax before ketamine?"]
    assert visitor.page.url == site.bot_address + "/"
    assert all(request.split()[1].startswith(site.bot_address) for request in visitor.requests)
    visitor.page.get_by_role("link", name="What panic attacks are").click()
    assert visitor.page.get_by_role("heading", level=1).inner_text() == "What panic attacks are"
    assert visitor.page.locator("meta[name=robots]").get_attribute("content") == "noindex"


@pytest.mark.parametrize("path", ["/", "/widget/demo", "/safety"])
def test_nothing_shifts_and_nothing_is_refused(visit: Any, path: str) -> None:
    visitor = visit(path)
    visitor.page.wait_for_timeout(300)
    assert visitor.page.title()


def test_without_javascript(visit: Any, site: Place) -> None:
    visitor = visit(java_script_enabled=False)
    page = visitor.page
    assert "999" in page.locator(".emergency").first.inner_text()
    page.get_by_label("Your question").fill("can i take xanax")
    page.get_by_role("button", name="Send").click()
    assert "Benzodiazepines such as Xanax" in page.locator("article.bot").inner_text()
    cookie = visitor.context.cookies()[0]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    page.get_by_role("button", name="What about alcohol?").click()
    assert page.locator("article.bot").count() == 2
    page.get_by_role("button", name="Delete this conversation").click()
    assert "has been deleted" in page.inner_text("main")


def test_without_javascript_on_a_clinics_page(visit: Any, site: Place) -> None:
    address = site.put(
        "/c",
        f'<!doctype html><title>c</title>{site.script}<chat-widget><a href="{site.bot_address}/">Ask here</a></chat-widget>',
    )
    visitor = visit(address, java_script_enabled=False)
    visitor.page.get_by_role("link", name="Ask here").click()
    assert visitor.page.get_by_label("Your question").is_visible()


def test_somebody_who_began_with_the_form_sees_it_again(visit: Any, site: Place) -> None:
    visitor = visit("/privacy")
    visitor.page.route("**/widget/*", lambda route: route.abort())
    plain = visit(context=visitor.context, quiet=True)
    plain.page.route("**/widget/*", lambda route: route.abort())
    plain.page.reload()
    plain.page.get_by_label("Your question").fill("can i take xanax")
    plain.page.get_by_role("button", name="Send").click()
    plain.page.get_by_text("Benzodiazepines such as Xanax").wait_for()
