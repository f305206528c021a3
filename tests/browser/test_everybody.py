"""For everybody: keyboard, small screens, zoom, colours, readers of screens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.servers import Place

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
SMALLEST = {"viewport": {"width": 320, "height": 568}}


def floating(site: Place, attributes: str = "") -> str:
    return site.put(
        "/f",
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Clinic</title>'
        f'<main><h1>Clinic</h1><p><a href="#x" id="before">before</a></p></main>{site.script}<chat-widget {attributes}></chat-widget></html>',
    )


def test_with_the_keyboard_alone(visit: Any, site: Place) -> None:
    visitor = visit(floating(site))
    keys = visitor.page.keyboard
    visitor.launcher.wait_for()
    keys.press("Tab")
    keys.press("Tab")
    assert visitor.focused() == "launcher"
    keys.press("Enter")
    visitor.box.wait_for()
    assert visitor.focused() == "question"
    keys.type("can i take xanax")
    keys.press("Enter")
    visitor.newest.wait_for()
    assert visitor.focused() == "question", "the focus stays where it was"
    keys.press("Shift+Tab")
    for _ in range(12):
        if visitor.focused() == "No" or "quiet" in visitor.focused():
            break
        keys.press("Shift+Tab")
    names = []
    for _ in range(8):
        keys.press("Shift+Tab")
        names.append(visitor.page.evaluate("document.activeElement.shadowRoot.activeElement.textContent"))
    assert any("More about this" in name for name in names) and any("alcohol" in name for name in names)
    visitor.newest.get_by_role("button", name="What about alcohol?").focus()
    keys.press("Space")
    visitor.answers.nth(1).wait_for()
    assert visitor.page.evaluate("document.activeElement.shadowRoot.activeElement.textContent") == "What about alcohol?"
    keys.press("Tab")
    keys.press("Escape")
    assert visitor.focused() == "launcher" and visitor.box.is_hidden()
    assert visitor.launcher.get_attribute("aria-expanded") == "false"
    keys.press("Enter")
    visitor.box.wait_for()
    assert visitor.answers.count() == 2


def test_escape_closes_the_menu_first(visit: Any, site: Place) -> None:
    visitor = visit(floating(site)).open().menu()
    menu = visitor.chat.locator("#menu")
    assert menu.is_visible()
    assert visitor.chat.get_by_role("button", name="Options").get_attribute("aria-expanded") == "true"
    visitor.page.keyboard.press("Escape")
    assert menu.is_hidden() and visitor.box.is_visible()
    visitor.page.keyboard.press("Escape")
    assert visitor.box.is_hidden()


def test_escape_is_not_for_a_letter_being_composed_or_a_chat_in_the_page(visit: Any, site: Place) -> None:
    visitor = visit().ask("hello")
    visitor.page.keyboard.press("Escape")
    assert visitor.box.is_visible()
    other = visit(floating(site)).open()
    other.box.evaluate(
        "one => one.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', isComposing: true, bubbles: true, composed: true}))"
    )
    assert other.box.is_visible()


def test_the_arrows_walk_through_the_messages(visit: Any) -> None:
    visitor = visit().ask("hello").ask("asdf")
    visitor.log.focus()
    visitor.page.keyboard.press("ArrowUp")
    assert "bot" in visitor.focused()
    visitor.page.keyboard.press("ArrowUp")
    assert "visitor" in visitor.focused()
    for _ in range(6):
        visitor.page.keyboard.press("ArrowUp")
    assert "hello" in visitor.page.evaluate("document.activeElement.shadowRoot.activeElement.textContent")


def test_names_roles_states(visit: Any, site: Place) -> None:
    visitor = visit(floating(site)).open().ask()
    dialog = visitor.chat.get_by_role("dialog", name="Ask Evenkeel")
    assert dialog.count() == 1 and dialog.get_attribute("id") == visitor.launcher.get_attribute("aria-controls")
    assert (
        visitor.log.get_attribute("aria-relevant") == "additions" and visitor.log.get_attribute("aria-live") == "polite"
    )
    assert visitor.chat.get_by_role("log", name="Conversation").get_attribute("tabindex") == "0"
    assert visitor.chat.get_by_label("Your question").count() == 1
    assert visitor.chat.get_by_role("status").count() >= 1
    assert visitor.newest.evaluate("one => one.tagName") == "ARTICLE"
    assert visitor.newest.text_content().startswith("Evenkeel: ")
    group = visitor.newest.get_by_role("group", name="You can press one of these")
    assert group.get_by_role("button").count() == 3


# -- screens -------------------------------------------------------------------------------------------------------


def test_on_a_phone(visit: Any, site: Place) -> None:
    visitor = visit(floating(site), **PHONE)
    visitor.launcher.tap()
    visitor.box.wait_for()
    box = visitor.chat.locator("#panel").bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 780)
    assert visitor.chat.locator("#panel").evaluate("one => one.matches(':modal')")
    assert visitor.focused() == "title", "no keyboard jumps up"
    assert float(visitor.box.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")) >= 16
    visitor.ask()
    visitor.page.go_back()
    visitor.chat.locator("#panel").wait_for(state="hidden")
    assert visitor.page.url.endswith("/f") and visitor.focused() == "launcher"
    visitor.launcher.tap()
    visitor.box.wait_for()
    visitor.chat.get_by_role("button", name="Close").tap()
    visitor.box.wait_for(state="hidden")
    visitor.until("!history.state?.evenkeel")


def test_tab_stays_in_the_chat_on_a_phone(visit: Any, site: Place) -> None:
    visitor = visit(floating(site), **PHONE).open()
    for _ in range(30):
        visitor.page.keyboard.press("Tab")
        assert visitor.focused() != "before"


def test_the_screen_turns_or_grows(visit: Any, site: Place) -> None:
    visitor = visit(floating(site), viewport={"width": 400, "height": 800}).open()
    visitor.box.fill("half a thought")
    visitor.page.set_viewport_size({"width": 1000, "height": 800})
    visitor.until("!document.querySelector('chat-widget').shadowRoot.querySelector('dialog').matches(':modal')")
    assert visitor.box.is_visible() and visitor.box.input_value() == "half a thought"
    assert visitor.chat.locator("#panel").bounding_box()["width"] < 500
    assert visitor.chat.get_attribute("open") is not None


def test_back_on_a_large_screen_is_the_pages_own(visit: Any, site: Place) -> None:
    visitor = visit(floating(site)).open()
    visitor.page.evaluate("history.pushState({}, '', '#two')")
    visitor.page.go_back()
    visitor.page.wait_for_timeout(100)
    assert visitor.box.is_visible()


@pytest.mark.parametrize("path", ["/", "/articles", "/articles/panic-basics", "/safety", "/privacy", "/widget/demo"])
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_no_page_is_wider_than_the_screen(visit: Any, path: str, width: int) -> None:
    visitor = visit(path, viewport={"width": width, "height": 600})
    if path in ("/", "/widget/demo"):
        visitor.chat.locator("#question, .launcher").first.wait_for()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("said", ["can i take xanax", "i want to die", "im panicking"])
def test_the_smallest_screen(visit: Any, site: Place, said: str) -> None:
    """320 px wide, which is also 400 % zoom on a desktop: nothing scrolls sideways, everything can be reached."""
    visitor = visit(floating(site), **SMALLEST).open().ask(said)
    assert visitor.log.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert visitor.chat.get_by_role("button", name="Send").is_visible()
    assert visitor.chat.locator(".emergency").is_visible()


def test_twice_the_size(visit: Any, site: Place) -> None:
    visitor = visit(floating(site), viewport={"width": 640, "height": 400}, device_scale_factor=2).open().ask()
    for name in ("Send", "Close", "Options"):
        box = visitor.chat.get_by_role("button", name=name).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 400 and box["x"] + box["width"] <= 640


def test_a_short_screen_can_be_scrolled(visit: Any, site: Place) -> None:
    visitor = visit(floating(site), viewport={"width": 640, "height": 300}).open().ask("im panicking")
    visitor.box.scroll_into_view_if_needed()
    assert visitor.box.is_visible()


def test_targets_can_be_hit(visit: Any, site: Place) -> None:
    """WCAG 2.2, 2.5.8: at least 24 px, but for links in a sentence."""
    visitor = visit(floating(site), **PHONE).open().ask().menu()
    small = visitor.chat.evaluate(
        """chat => [...chat.shadowRoot.querySelectorAll("button, summary, textarea, .ways a, .menu a, label:has(input)")]
             .map((one) => [one.textContent || one.id, one.getBoundingClientRect()])
             .filter(([, box]) => box.width && (box.width < 24 || box.height < 23.9)).map(([name, box]) => name + " " + box.height)"""
    )
    assert small == []


# -- colours -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accent", ["#1d5c63", "#ffd400", "#ff0000", "#7a3e00", "#777777", "#0000ff", "#00c853", "tomato"]
)
def test_an_accent_of_the_page_can_be_read(visit: Any, site: Place, accent: str) -> None:
    visitor = visit(floating(site, f'accent="{accent}"'))
    ink = visitor.launcher.evaluate(
        """one => { const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
             const style = getComputedStyle(one);
             return [style.color, style.backgroundColor].map((colour) => { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
               return [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((part) => part.toString(16).padStart(2, "0")).join(""); }); }"""
    )
    from tests.widget.test_widget_files import contrast

    assert contrast(*ink) >= 4.5


def test_the_scheme_follows_the_device_or_the_page(visit: Any, site: Place) -> None:
    def ground(visitor: Any) -> str:
        return str(visitor.chat.locator("#panel").evaluate("one => getComputedStyle(one).backgroundColor"))

    dark, light = "rgb(26, 36, 39)", "rgb(255, 255, 255)"
    assert ground(visit(floating(site), color_scheme="dark").open()) == dark
    assert ground(visit(floating(site), color_scheme="light").open()) == light
    assert ground(visit(floating(site, 'scheme="light"'), color_scheme="dark").open()) == light
    visitor = visit(floating(site), color_scheme="light").open()
    visitor.page.emulate_media(color_scheme="dark")
    assert ground(visitor) == dark


def test_forced_colours(visit: Any, site: Place) -> None:
    visitor = visit(floating(site), forced_colors="active").open().ask("i want to die")
    for one in (visitor.launcher, visitor.newest, visitor.box, visitor.newest.get_by_role("link").first):
        assert one.evaluate("one => parseFloat(getComputedStyle(one).borderTopWidth)") >= 1


# -- axe -----------------------------------------------------------------------------------------------------------

PAGES = ["/", "/articles", "/articles/interactions-benzodiazepines", "/safety", "/privacy", "/widget/demo", "/nowhere"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_on_pages(visit: Any, path: str, scheme: str) -> None:
    visitor = visit(path, color_scheme=scheme, bypass_csp=True, quiet=path == "/nowhere")
    if path == "/":
        visitor.box.wait_for()
    if path == "/widget/demo":
        visitor.page.wait_for_timeout(300)
        visitor.open()
    assert visitor.axe() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_in_every_state(visit: Any, site: Place, scheme: str) -> None:
    visitor = visit(floating(site), color_scheme=scheme, quiet=True)
    assert visitor.axe() == []
    visitor.open()
    for said in ("can i take xanax", "i want to die", "chest pain", "which one", "im panicking"):
        visitor.ask(said)
        assert visitor.axe() == [], said
    visitor.answers.first.locator("summary").first.click()
    visitor.answers.first.get_by_role("button", name="No", exact=True).click()
    visitor.answers.first.get_by_label("What was missing?").wait_for()
    visitor.menu().chat.get_by_role("button", name="Delete this conversation").click()
    visitor.context.set_offline(True)
    visitor.box.fill("x" * 1900)
    visitor.box.press("Enter")
    visitor.chat.locator(".unsent").wait_for()
    assert visitor.axe() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_on_a_phone(visit: Any, site: Place, scheme: str) -> None:
    visitor = visit(floating(site), color_scheme=scheme, **PHONE).open().ask()
    assert visitor.axe() == []


def test_axe_without_scripts_of_ours(visit: Any, site: Place) -> None:
    """The form: what somebody sees whose browser could not load the widget."""
    visitor = visit("/privacy", bypass_csp=True, quiet=True)
    visitor.page.route("**/widget/*", lambda route: route.fulfill(status=200, content_type="text/javascript", body=""))
    visitor.page.goto(site.bot_address + "/")
    visitor.page.get_by_label("Your question").fill("i want to die")
    visitor.page.get_by_role("button", name="Send").click()
    visitor.page.get_by_role("heading", name="Your conversation").wait_for()
    assert visitor.axe() == []


# -- speed ---------------------------------------------------------------------------------------------------------


def test_quick_with_500_messages(visit: Any, site: Place) -> None:
    """Interaction to next paint, as the browser measures it, under 100 ms."""
    told = []
    for number in range(250):
        told.append({"from": "visitor", "id": f"v{number}", "text": f"question {number}", "at": ""})
        told.append(
            {"from": "bot", "id": f"b{number}", "kind": "answer", "lead": "An answer of some length. " * 8, "details": ["More. " * 20] * 3,
             "sources": [{"title": f"Source {n}", "publisher": "P", "year": 2020, "url": "https://example.org"} for n in range(3)],
             "review": {"state": "unreviewed"}, "suggestions": [{"id": f"s{number}", "title": "And then?"}], "contacts": [],
             "lang": "en", "disclaimer": "This is information."}
        )  # fmt: skip
    visitor = visit(floating(site)).open().ask("hello")
    visitor.page.route(
        "**/chat/messages",
        lambda route: (
            route.fulfill(json={"messages": told, "keep": True}, headers={"Access-Control-Allow-Origin": "*"})
            if route.request.method == "GET"
            else route.continue_()
        ),
    )
    visitor.page.reload()
    visitor.chat.get_by_text("question 249").wait_for()
    assert visitor.chat.locator(".message").count() == 500
    visitor.page.wait_for_timeout(500)
    visitor.page.evaluate(
        """() => { window.durations = [];
             new PerformanceObserver((list) => window.durations.push(...list.getEntries().map((one) => [one.duration, one.name])))
               .observe({type: "event", durationThreshold: 16}); }"""
    )
    longest = []
    for _ in range(3):  # a busy machine only adds to it: the best of three counts
        before = visitor.answers.count()
        visitor.page.evaluate("window.durations.length = 0")
        visitor.box.click()
        visitor.page.keyboard.type("can i take xanax")
        visitor.page.keyboard.press("Enter")
        visitor.answers.nth(before).wait_for()
        visitor.newest.get_by_text("More about this").click()
        visitor.newest.get_by_role("button", name="What about alcohol?").click()
        visitor.answers.nth(before + 1).wait_for()
        visitor.page.wait_for_timeout(200)
        longest.append(max((duration for duration, _ in visitor.page.evaluate("window.durations")), default=0))
        if longest[-1] < 100:
            break
    print(f"longest interaction with 500 messages: {longest} ms")
    assert min(longest) < 100
