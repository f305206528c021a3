"""Pictures of the console's pages about tests, with the bot as it is; `tests.browser.screenshots` takes them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from bot.settings import Settings
from bot.staff.roles import Role
from tests.browser.conftest import Visit
from tests.browser.servers import Place
from tests.browser.staff import enter

_WIDE = {"viewport": {"width": 1280, "height": 800}}
_PHRASES = "can i take xanax with it\nhow long does a panic attack last\nis it ok with grapefruit\nhello"


def take_testing(browser: Any, site: Place, folder: Path) -> None:
    """All of them, into `folder`; the figures of `make evaluate` are shown where it has been run."""
    measured = Settings.read().var / "figures" / "mixed_up.json"
    if measured.exists():
        (site.settings.var / "figures").mkdir(exist_ok=True)
        shutil.copy(measured, site.settings.var / "figures")

    def visit(address: str, **options: Any) -> Visit:
        context = browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce", **options})
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(site.bot_address + address)
        return Visit(page, context, site)

    visitor = enter(visit, site, "/staff/tester", Role.tester, name="Ada Tester", **_WIDE)
    page = visitor.page
    page.get_by_label("First message").fill("can i take xanax with ketamine")
    page.get_by_label("Country").fill("GB")
    page.get_by_role("button", name="Begin").click()
    say(page, "what about zoloft?")
    picture(page, folder, "staff-tester")
    page.get_by_role("link", name="Choose what is expected").click()
    page.get_by_label("Name of the test").fill("zoloft after xanax")
    picture(page, folder, "staff-tester-save")
    page.get_by_role("button", name="Save as a test").click()
    page.get_by_role("status").wait_for()
    page.get_by_role("button", name="Run all").click()
    page.get_by_text("tests were run").wait_for(timeout=300_000)
    page.goto(f"{site.bot_address}/staff/tests")
    picture(page, folder, "staff-tests")
    page.goto(f"{site.bot_address}/staff/tests/edit?test=staff/zoloft after xanax")
    text = page.get_by_label("Text")
    text.fill(text.input_value().replace("topic: interactions", "topic: side_effects", 1))
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("link", name="staff/zoloft after xanax").click()
    page.get_by_role("button", name="Open in the tester").wait_for()
    picture(page, folder, "staff-test-result")
    page.goto(f"{site.bot_address}/staff/bench")
    page.get_by_label("Sentences, one a line").fill(_PHRASES)
    page.get_by_role("button", name="Look").click()
    page.locator("table").wait_for()
    picture(page, folder, "staff-bench")
    for name in ("coverage", "mixed"):
        page.goto(f"{site.bot_address}/staff/{name}")
        picture(page, folder, f"staff-{name}")
    page.goto(f"{site.bot_address}/staff/tester")
    page.get_by_label("First message").fill("what are the side effects")
    page.get_by_label("Channel").select_option("sms")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("heading", name="Why turn 1").wait_for()
    picture(page, folder, "staff-tester-sms")


def say(page: Any, text: str) -> None:
    """Say something in the trial and wait for the reply."""
    before = page.locator(".talk > li").count()
    page.get_by_label("Next message").fill(text)
    page.get_by_role("button", name="Send").click()
    page.locator(".talk > li").nth(before).wait_for()


def picture(page: Any, folder: Path, name: str) -> None:
    """One picture of what stands at the top of the page."""
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.screenshot(path=folder / f"{name}.png")
