"""Somebody of staff tests the bot: tries it, sees why, saves a test, runs it, mends it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.dialogues import saved
from bot.staff.roles import Role
from bot.staff.testing import dialogues
from tests.browser.conftest import Visit
from tests.browser.servers import Place, place
from tests.browser.staff import axe_in_both, enter
from tests.staff.tested_bot import TestedBot

XANAX = "can i take xanax with ketamine"
PAGES = (
    "/staff/tester",
    "/staff/tests",
    "/staff/tests/edit",
    "/staff/tests/runs",
    "/staff/bench",
    "/staff/coverage",
    "/staff/mixed",
)


@pytest.fixture(scope="module")
def one_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place of our own: the bot says why, and the files of tests are not the project's."""
    folder = tmp_path_factory.mktemp("testing")
    tests = folder / "dialogues"
    tests.mkdir()
    turns = (saved.SavedTurn(XANAX, None, {"topic": "interactions"}), saved.SavedTurn("hello", None))
    (tests / "flow.yml").write_text(saved.as_file([saved.SavedDialogue("flow", "about xanax", turns)], "A flow."))
    before = dialogues.Dialogues.__init__.__defaults__
    dialogues.Dialogues.__init__.__defaults__ = (tests,)
    with place(folder, TestedBot()) as found:
        yield found
    dialogues.Dialogues.__init__.__defaults__ = before


@pytest.fixture
def site(one_place: Place) -> Place:
    return one_place


Open = Callable[[str], Visit]


@pytest.fixture
def tester(visit: Callable[..., Visit], site: Place) -> Open:
    """Opens a page as somebody who may test."""
    return lambda address, **options: enter(visit, site, address, Role.tester, **options)


def begin(tester: Open, text: str = XANAX, **options: Any) -> Visit:
    visitor = tester("/staff/tester", **options)
    visitor.page.get_by_label("First message").fill(text)
    visitor.page.get_by_role("button", name="Begin").press("Enter")
    visitor.page.get_by_role("heading", name="Why turn 1").wait_for()
    return visitor


def test_a_trial_with_the_keyboard_alone(tester: Open) -> None:
    page = begin(tester).page
    assert "It was understood as" in page.locator(".because").inner_text()
    page.get_by_role("button", name="What about alcohol?").press("Enter")
    page.get_by_text("Alcohol adds to it.").wait_for()
    page.get_by_label("Next message").fill("my chest hurts")
    page.keyboard.press("Enter")
    page.get_by_text("Call 999 now.").wait_for()
    assert "a medical emergency" in page.locator(".because").inner_text()
    page.get_by_role("link", name="Why turn 1").click()
    page.get_by_role("heading", name="Why turn 1").wait_for()
    assert "A question is answered from the store" in page.locator(".because").inner_text()
    page.get_by_role("button", name="Go on from here (after turn 1)").click()
    page.wait_for_url("**#turn-1")
    assert page.locator(".talk > li").count() == 1


def test_as_a_text_message_would_show_it(tester: Open) -> None:
    page = begin(tester).page
    page.get_by_text("The same turns under other circumstances").click()
    page.get_by_label("Channel").select_option("sms")
    page.get_by_role("button", name="Have it again").click()
    page.get_by_text("paid for as").first.wait_for()
    assert re.search(r"of 1,500 characters", page.locator(".talk").inner_text())
    page.get_by_label("Next message").fill("1")
    page.keyboard.press("Enter")
    page.get_by_text("Alcohol adds to it.").first.wait_for()


def test_from_a_trial_to_a_test_that_tells_when_something_changes(tester: Open, site: Place) -> None:
    visitor = begin(tester)
    page = visitor.page
    page.get_by_label("Save as a test named").fill("xanax in the browser")
    page.get_by_role("button", name="Save as a test").click()
    page.get_by_role("status").wait_for()
    assert "Saved as staff/xanax in the browser." in page.get_by_role("status").inner_text()
    page.get_by_role("button", name=re.compile("Run all")).click()
    page.get_by_text("Nothing to look at.").wait_for()
    site.bot.asides[False].lead = "Xanax is said to be something else now."  # type: ignore[attr-defined]
    try:
        page.goto(site.bot_address + "/staff/tests/edit?test=staff/xanax in the browser")
        text = page.get_by_label("Text")
        more = r"\1topic: interactions\1says: work less well"
        text.fill(re.sub(r"(\s+)topic: interactions", more, text.input_value()))
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Run it").click()
        page.get_by_role("link", name="staff/xanax in the browser").wait_for()
        assert "does not say" in page.locator("table").inner_text()
        page.get_by_role("link", name="staff/xanax in the browser").click()
        page.locator("ins").first.wait_for()
        assert "something else now" in " ".join(page.locator("ins").all_inner_texts())
        assert visitor.axe() == []
        page.get_by_role("button", name="Open in the tester").click()
        page.get_by_role("link", name="Change the test").click()
        assert not page.get_by_label(re.compile("Says all of: work less well")).is_checked()
        page.get_by_role("button", name="Save as a test").click()
        page.get_by_text("Saved as staff/xanax in the browser.").wait_for()
        assert "not exported" in page.locator("table").inner_text()
    finally:
        site.bot.asides[False].lead = TestedBot.lead  # type: ignore[attr-defined]


def test_a_list_of_phrases(tester: Open, tmp_path: Path) -> None:
    page = tester("/staff/bench").page
    page.get_by_label("Sentences, one a line").fill(f"{XANAX}\nhello there")
    page.get_by_role("button", name="Look").click()
    page.get_by_text("hello there", exact=True).first.wait_for()
    assert "benzodiazepines-and-ketamine" in page.locator("table").inner_text()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download as a table").click()
    started.value.save_as(tmp_path / "phrases.csv")
    assert len((tmp_path / "phrases.csv").read_text(encoding="utf-8-sig").splitlines()) == 3


def test_no_page_has_a_barrier(tester: Open, site: Place) -> None:
    figures = site.settings.var / "figures"
    figures.mkdir(exist_ok=True)
    (figures / "mixed_up.json").write_text(
        '{"at": "2026-11-22T10:00:00+00:00", "totals": {"greet": 9, "thanks": 3}, "mixed": ['
        '{"labelled": "greet", "understood": "thanks", "sentences": ["cheers", "a", "b", "c", "d"]},'
        '{"labelled": "thanks", "understood": "greet", "sentences": ["hi and thanks"]}]}'
    )
    visitor = begin(tester)
    trial = visitor.page.url.partition("#")[0]
    for address in (
        trial,
        f"{trial}/save",
        *PAGES,
        "/staff/mixed/greet/thanks",
        "/staff/tests/one?test=flow/about xanax",
    ):
        visitor.page.goto(address if "://" in address else site.bot_address + address)
        assert axe_in_both(visitor) == [], address


@pytest.mark.parametrize("address", ["/staff/tests", "/staff/coverage", "/staff/mixed", "/staff/bench"])
def test_everything_fits_at_twice_the_size(tester: Open, address: str) -> None:
    """200 % on a screen of 1280 points is a width of 640: nothing but boxes of their own may scroll sideways."""
    page = tester(address, viewport={"width": 640, "height": 480}).page  # type: ignore[call-arg]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_trial_fits_on_a_small_screen(tester: Open) -> None:
    page = begin(tester, viewport={"width": 400, "height": 700}).page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
