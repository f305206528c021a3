"""`make screenshots`: pictures of the main states into docs/screenshots, of the bot as it is."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from bot.settings import ROOT
from tests.browser.conftest import FLAGS, Visit, find_browser
from tests.browser.pictures_of_testing import take_testing
from tests.browser.servers import Place, place
from tests.browser.staff_screenshots import take_staff

FOLDER = ROOT / "docs" / "screenshots"
DESKTOP = {"viewport": {"width": 1120, "height": 760}}
PHONE = {"viewport": {"width": 375, "height": 720}, "device_scale_factor": 1.5, "is_mobile": True, "has_touch": True}


def clinic(site: Place) -> str:
    """A page of somebody else with the widget on it."""
    style = (
        "body{margin:0 auto;max-width:44rem;padding:2rem;font:1.05rem/1.6 Georgia,serif;color:#333;background:#fbf9f4}"
        "h1{font-weight:400}hr{border:0;border-top:1px solid #ddd}"
    )
    words = (
        "<p>Our clinic offers treatment in a calm room, with a nurse beside you.</p>"
        "<p>Do you have a question before your first visit? The chat below answers from published sources.</p>"
    )
    return site.put(
        "/clinic",
        f'<!doctype html><html lang="en"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Example Clinic</title>'
        f"<style>{style}</style><h1>Example Clinic</h1><hr>{words * 2}{site.script}"
        '<chat-widget country="US" accent="#7a4b00"></chat-widget></html>',
    )


def take(browser: Any, site: Place, name: str, address: str, said: list[str], **options: Any) -> None:
    """One picture: open `address`, say what is to be said, and look."""
    context = browser.new_context(
        **{"locale": "en-US", "timezone_id": "America/New_York", "reduced_motion": "reduce", **options}
    )
    page = context.new_page()
    visit = Visit(page, context, site)
    page.goto(address)
    if address != site.bot_address + "/" and "articles" not in address:
        visit.open()
    for text in said:
        if text.startswith("press "):
            count = visit.answers.count()
            visit.newest.locator(".suggestions").get_by_role("button", name=text[6:]).first.click()
            visit.answers.nth(count).wait_for()
        else:
            visit.ask(text)
    if said:
        page.mouse.move(5, 5)
        visit.box.evaluate("one => one.blur()")
    page.wait_for_timeout(500)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    context.close()
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB")


def main() -> int:
    """Take all of them; 1 where there is no browser."""
    program = find_browser()
    if program is None:
        print(
            "evenkeel: No browser was found. Install one (Debian: apt install chromium) or set CHROMIUM.",
            file=sys.stderr,
        )
        return 1
    from playwright.sync_api import sync_playwright

    from bot.service import Bot
    from bot.settings import Settings

    FOLDER.mkdir(parents=True, exist_ok=True)
    bot = Bot(Settings.read())
    bot.start()
    with tempfile.TemporaryDirectory() as folder, place(Path(folder), bot) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        home, question = site.bot_address + "/", "Can I take Xanax before ketamine?"
        take(browser, site, "desktop", home, [question], **DESKTOP)
        take(browser, site, "embedded", clinic(site), [question], **DESKTOP)
        take(browser, site, "dark", home, [question], color_scheme="dark", **DESKTOP)
        take(browser, site, "phone", clinic(site), [question], **PHONE)
        take(browser, site, "crisis", clinic(site), ["I want to die"], **PHONE)
        take(browser, site, "panic", clinic(site), ["I am having a panic attack right now", "press No"], **PHONE)
        take(browser, site, "article", home + "articles/interactions-benzodiazepines", [], **DESKTOP)
        take_staff(browser, site)
        take_testing(browser, site, FOLDER)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
