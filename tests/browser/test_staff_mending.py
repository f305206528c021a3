"""The pages of mending in a browser: usable by everybody, also without a script, and honest while somebody types."""

from __future__ import annotations

from typing import Any

import pytest

from bot.database.engine import make_engine
from bot.language.reader import shared_reader
from bot.staff.mending.proposals import known_sentences
from bot.staff.roles import Role
from tests.browser.servers import Place
from tests.browser.staff import axe_in_both, enter
from tests.staff.mending.seeding import seed_mending

SMALLEST = {"viewport": {"width": 320, "height": 568}}
ROLES = (Role.editor, Role.clinician)
PAGES = (
    "/staff/queue",
    "/staff/queue?view=single",
    "/staff/queue/themes/1",
    "/staff/queue/{problem}?passage=bladder",
    "/staff/passages",
    "/staff/passages/ketamine-bladder-signs",
    "/staff/passages/ketamine-bladder-signs?revision=2",
    "/staff/topics",
    "/staff/drafts",
    "/staff/drafts/{draft}",
    "/staff/new-passage",
    "/staff/proposals",
    "/staff/health",
    "/staff/health/never",
)


class NothingNear:
    """A store in which no passage is near to anything: the vectors of all passages would take a minute to make."""

    def search(self, *_: Any) -> list[Any]:
        return []


@pytest.fixture(scope="module")
def mended(one_place: Place) -> dict[str, int]:
    """What there is to look at, in the place of all browser tests; what is read once is read before the clock runs."""
    known_sentences(one_place.settings.data / "nlu")
    shared_reader(one_place.settings.data).read("ready")
    one_place.bot.articles = NothingNear()  # type: ignore[attr-defined]
    engine = make_engine(one_place.settings.database_url)
    made = seed_mending(engine, one_place.settings.data)
    engine.dispose()
    return made


def test_every_page_is_clean_in_light_and_dark_and_fits_a_small_screen(
    visit: Any, site: Place, mended: dict[str, int]
) -> None:
    visitor = enter(visit, site, "/staff/queue", *ROLES, name="Dr Reads All", **SMALLEST)
    found = []
    for address in PAGES:
        visitor.page.goto(site.bot_address + address.format(**mended))
        found += [f"{address}: {problem}" for problem in axe_in_both(visitor)]
        wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append(f"{address}: {wide} pixels do not fit into 320")
    assert found == []


def test_a_draft_is_checked_while_it_is_typed(visit: Any, site: Place, mended: dict[str, int]) -> None:
    page = enter(visit, site, f"/staff/drafts/{mended['draft']}", *ROLES, name="Dr Reads All").page
    lead = page.get_by_label("First paragraph", exact=True)
    before = lead.input_value()
    lead.fill("Take 50 mg. <b>Really</b>.")
    page.locator("#must").get_by_text("Must not be said").first.wait_for()
    bubble = page.locator('[data-channel="telegram"] .bubble').first
    assert "<b>Really</b>" in bubble.inner_text() or "&lt;b&gt;Really" in bubble.inner_text()
    lead.fill("word " * 70)
    page.locator("#figures").get_by_text("70 of 60, over").wait_for()
    lead.fill(before)
    page.locator("#must").get_by_text("Nothing.").wait_for()


def test_a_problem_is_answered_with_the_keyboard_alone(visit: Any, site: Place, mended: dict[str, int]) -> None:
    page = enter(visit, site, "/staff/queue?view=single&kind=clarify", *ROLES, name="Dr Reads All").page
    page.get_by_role("link", name="does the nose spray taste of anything").first.focus()
    page.keyboard.press("Enter")
    page.locator("summary", has_text="Ignore it").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("a joke")
    page.keyboard.press("Enter")
    page.get_by_text("Ignored.").wait_for()


def test_without_a_script_saving_checks_as_well(visit: Any, site: Place, mended: dict[str, int]) -> None:
    options = {"java_script_enabled": False}
    visitor = enter(visit, site, "/staff/passages/ketamine-bladder-risk", *ROLES, name="Dr Reads All", **options)
    page = visitor.page
    page.get_by_role("button", name="Change the words").click()
    page.get_by_label("First paragraph", exact=True).fill("Take 50 mg.")
    page.get_by_role("button", name="Save", exact=True).click()
    assert page.get_by_text("Saved.").is_visible()
    assert page.locator("#must").get_by_text("Must not be said").first.is_visible()
    page.get_by_role("button", name="Throw the draft away").click()
    assert page.get_by_text("The draft is gone.").is_visible()
