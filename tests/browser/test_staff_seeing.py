"""The staff console from a person's view: getting in, seeing figures, reading conversations, letting others in."""

from __future__ import annotations

from typing import Any

import pytest

from bot.database.engine import make_engine
from bot.staff.accounts import Accounts
from bot.staff.roles import Role
from tests.browser.servers import Place
from tests.browser.staff import PASSWORD, axe_in_both, enter
from tests.staff.seeding import seed_conversations

SMALLEST = {"viewport": {"width": 320, "height": 568}}
#: Every kind of page that belongs to signing in, seeing and managing.
PAGES = (
    "/staff",
    "/staff/conversations",
    "/staff/conversations/000000000001",
    "/staff/people",
    "/staff/people/1",
    "/staff/log",
    "/staff/account",
    "/staff/conversations/gone",
)


@pytest.fixture(scope="module")
def filled(one_place: Place) -> Place:
    """The place with some conversations in it."""
    engine = make_engine(one_place.settings.database_url)
    seed_conversations(engine, 120)
    engine.dispose()
    return one_place


def test_the_first_admin_gets_in_with_the_keyboard_alone(visit: Any, site: Place) -> None:
    engine = make_engine(site.settings.database_url)
    token = Accounts(engine).invite(None, [Role.admin])
    engine.dispose()
    visitor = visit(f"/staff/join/{token}")
    keys = visitor.page.keyboard
    for _ in range(2):  # the links that skip, and to the first page
        keys.press("Tab")
    for words in ("Grace Hopper", f"grace-{len(token)}", PASSWORD, PASSWORD):
        keys.press("Tab")
        keys.type(words)
    keys.press("Enter")
    visitor.page.get_by_text("Welcome, Grace Hopper.").wait_for()
    assert visitor.page.get_by_role("heading", name="Dashboard", level=1).is_visible()


def test_a_sign_in_that_fails_says_so_and_one_that_works_goes_on(visit: Any, site: Place) -> None:
    enter(visit, site, "/staff", Role.tester, name="Ida Rhodes").context.close()
    visitor = visit("/staff/conversations", quiet=True)  # a refused sign-in is an error in the browser's console
    page = visitor.page
    assert page.url.endswith("/staff/sign-in?next=/staff/conversations")
    page.get_by_label("E-mail or name to sign in with").fill("ida-rhodes")
    page.get_by_label("Password").fill("not the password")
    page.keyboard.press("Enter")
    page.get_by_text("do not belong together").wait_for()
    assert page.get_by_role("alert").is_visible()
    wrong = page.get_by_label("Password")
    assert wrong.get_attribute("aria-invalid") == "true" and wrong.input_value() == ""
    assert "do not belong together" in page.locator(f"#{wrong.get_attribute('aria-describedby')}").inner_text()
    assert page.get_by_label("E-mail or name to sign in with").input_value() == "ida-rhodes"
    wrong.fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Conversations", level=1).wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()
    page.goto(site.bot_address + "/staff")
    page.get_by_role("heading", name="Sign in", level=1).wait_for()


def test_a_conversation_is_found_read_marked_and_the_log_knows(visit: Any, filled: Place, site: Place) -> None:
    tester = enter(visit, site, "/staff/conversations", Role.tester, name="Ida Rhodes")
    page = tester.page
    page.get_by_label("What happened").select_option("fallback")
    page.get_by_label("Reviewed").select_option("no")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**kind=fallback**")
    rows = page.locator("table.list tbody tr")
    assert rows.count() > 1
    for text in rows.locator("td:nth-child(5)").all_inner_texts():
        assert "not understood" in text
    second = rows.nth(1).get_by_role("link").get_attribute("href")
    rows.first.get_by_role("link").click()
    page.get_by_role("heading", name="What was said").wait_for()
    assert page.locator("article.visitor").count() and page.locator("article.bot.fallback").count()
    ref = page.get_by_role("heading", level=1).inner_text().split()[-1]
    page.get_by_label("Tag", exact=True).fill("Missing answer")
    page.get_by_role("button", name="Put on").click()
    page.get_by_text("The tag “missing answer” was put on.").wait_for()
    page.get_by_label("Note", exact=True).fill("We have no passage on this.")
    page.get_by_role("button", name="Write the note").click()
    page.locator(".card", has_text="We have no passage on this.").wait_for()
    page.get_by_role("button", name="Reviewed, next one").click()
    page.get_by_text("Marked as reviewed.").wait_for()
    assert second and page.url.endswith(second), "the next one of the same list"
    page.get_by_role("link", name="Back to the list").click()
    page.get_by_role("heading", name="Conversations", level=1).wait_for()
    assert page.get_by_label("What happened").input_value() == "fallback"
    assert page.locator(f"a[href*='{ref}']").count() == 0, "it is reviewed now"
    admin = enter(visit, site, "/staff/log", Role.admin, name="Grace Hopper")
    line = admin.page.locator("tr", has_text=f"conversation {ref}").filter(has_text="Ida Rhodes")
    assert {"read", "tagged", "reviewed", "wrote a note"} <= {
        one.inner_text() for one in line.locator("td:nth-child(3)").all()
    }


def test_somebody_is_invited_and_their_access_ends(visit: Any, site: Place) -> None:
    admin = enter(visit, site, "/staff/people", Role.admin, name="Grace Hopper")
    page = admin.page
    page.get_by_label("editor:").check()
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("The link").input_value()
    new = visit(link)
    new.page.get_by_text("editor").first.wait_for()
    new.page.get_by_label("Your name").fill("Mary Lee")
    new.page.get_by_label("E-mail or short name").fill("mary")
    new.page.get_by_label("Password", exact=True).fill(PASSWORD)
    new.page.get_by_label("The same password again").fill(PASSWORD)
    new.page.get_by_role("button", name="Make the account").click()
    new.page.get_by_text("Welcome, Mary Lee.").wait_for()
    assert new.page.get_by_role("link", name="Conversations").is_visible()
    assert new.page.get_by_role("link", name="People").count() == 0, "that is for admins"
    page.goto(site.bot_address + "/staff/people")
    page.get_by_role("link", name="Mary Lee").click()
    page.get_by_role("button", name="Switch the account off").click()
    page.get_by_text("Mary Lee cannot sign in any more.").wait_for()
    new.page.reload()
    new.page.get_by_role("heading", name="Sign in", level=1).wait_for()


def test_every_page_is_clean_in_light_and_dark_and_fits_a_small_screen(visit: Any, filled: Place, site: Place) -> None:
    admin = enter(visit, site, "/staff", Role.admin, Role.tester, name="Ada Admin", quiet=True, **SMALLEST)
    found = []
    for address in PAGES:
        admin.page.goto(site.bot_address + address)
        found += [f"{address}: {problem}" for problem in axe_in_both(admin)]
        wide = admin.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append(f"{address}: {wide} pixels do not fit into 320")
    stranger = visit("/staff/sign-in", **SMALLEST)
    found += axe_in_both(stranger)
    assert found == []
    foreign = [one for one in admin.requests if site.bot_address not in one]
    assert foreign == []


def test_the_page_is_reached_by_a_skip_link_and_charts_have_their_numbers(
    visit: Any, filled: Place, site: Place
) -> None:
    viewer = enter(visit, site, "/staff", name="Vera Viewer")
    page = viewer.page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert viewer.focused() == "main"
    chart = page.get_by_role("img", name="Conversations by day")
    assert chart.is_visible()
    page.get_by_text("The same as a table").click()
    table = page.get_by_role("region", name="Figures by day").locator("table")
    assert table.locator("tbody tr").count() == 30
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the topics (CSV)").click()
    assert downloading.value.suggested_filename == "evenkeel-topics.csv"
