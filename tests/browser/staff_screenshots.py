"""Pictures of the staff console for docs/staff.md; `make screenshots` takes them with the others.

`python -m tests.browser.staff_screenshots NAME …` takes some of them alone, with a small bot in the place of the real one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.settings import ROOT
from bot.staff.accounts import Accounts
from bot.staff.reading import Conversations, Wanted
from bot.staff.roles import Role
from tests.browser.conftest import FLAGS, Visit, find_browser
from tests.browser.servers import Place, place
from tests.browser.staff import PASSWORD, enter
from tests.staff.mending.seeding import seed_mending
from tests.staff.seeding import seed_conversations

FOLDER = ROOT / "docs" / "screenshots"
VIEW = {"width": 1180, "height": 780}
TALL: dict[str, Any] = {"viewport": {"width": 1180, "height": 1150}}
#: Name of the picture -> address, and options of the browser. Whoever adds a chapter to docs/staff.md adds its pictures.
PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "staff-dashboard": ("/staff", {}),
    "staff-dashboard-dark": ("/staff", {"color_scheme": "dark"}),
    "staff-conversations": ("/staff/conversations?kind=fallback&reviewed=no", {}),
    "staff-conversation": ("/staff/conversations/{newest}", {}),
    "staff-people": ("/staff/people", {}),
    "staff-queue": ("/staff/queue", {}),
    "staff-problem": ("/staff/queue/{problem}?passage=bladder", TALL),
    "staff-draft": ("/staff/drafts/{draft}", TALL),
    "staff-passage": ("/staff/passages/ketamine-bladder-signs", TALL),
    "staff-proposals": ("/staff/proposals", {}),
    "staff-health": ("/staff/health", TALL),
}


def take_staff(browser: Any, site: Place, *names: str) -> None:
    """Take the pictures `names`, all of them when there is none."""
    engine = make_engine(site.settings.database_url)
    seed_conversations(engine, 1_500)
    made = {**seed_mending(engine, site.settings.data), "newest": _talk(site, engine)}
    engine.dispose()

    def visit(address: str, **options: Any) -> Visit:
        context = browser.new_context(**{"locale": "en-GB", "viewport": VIEW, "reduced_motion": "reduce", **options})
        page = context.new_page()
        page.goto(site.bot_address + address)
        return Visit(page, context, site)

    for name in names or PICTURES:
        address, options = PICTURES[name]
        visitor = enter(visit, site, address.format(**made), Role.admin, Role.clinician, name="Ada Byron", **options)
        path = FOLDER / f"{name}.png"
        visitor.page.screenshot(path=path)
        visitor.context.close()
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB")


def _talk(site: Place, engine: sa.Engine) -> str:
    """Have a conversation with the bot, with a tag and a note on it; what the console calls it."""
    with httpx.Client(base_url=site.bot_address) as client:
        token = client.post("/chat/sessions", json={"locale": "en-GB", "country": "GB"}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for number, text in enumerate(("I am on Xanax, can I take it before ketamine?", "blorp frimble")):
            client.post("/chat/messages", json={"id": f"m{number}", "text": text}).raise_for_status()
        answer = next(one for one in client.get("/chat/messages").json()["messages"] if one["from"] == "bot")
        client.post("/chat/feedback", json={"message": answer["id"], "helpful": False, "reason": "How long before?"})
    accounts, conversations = Accounts(engine), Conversations(engine)
    token = accounts.invite(None, [Role.tester])
    ida = accounts.accept(token, login="ida", name="Ida Rhodes", password=PASSWORD)
    [row], _, _ = conversations.find(Wanted(), most=1)
    conversations.tag(ida, row.ref, "missing answer")
    conversations.note(ida, row.ref, "The passage does not say how long before. Can we add it?")
    return row.ref


def main() -> int:
    """Take them with a small bot; 1 where there is no browser."""
    program = find_browser()
    if program is None:
        print("evenkeel: No browser was found. Install one (Debian: apt install chromium).", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, place(Path(folder)) as site, sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        take_staff(running, site, *sys.argv[1:])
        running.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
