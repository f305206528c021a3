"""Somebody of staff in a real browser, on the console of the place that all browser tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.database.engine import make_engine
from bot.staff.accounts import Accounts
from bot.staff.roles import Role
from tests.browser.conftest import Visit
from tests.browser.servers import Place

PASSWORD = "four quiet green boats"


def enter(
    visit: Callable[..., Visit], site: Place, address: str = "/staff", *roles: Role, name: str = "", **options: Any
) -> Visit:
    """Open `address` in a browser in which somebody with `roles` is signed in; the account is made where it is new.

    Args:
        name: how they are called; their roles when left out.
        options: of the browser, such as `color_scheme="dark"`.
    """
    name = name or " and ".join(roles) or "viewer"
    engine = make_engine(site.settings.database_url)
    accounts, login = Accounts(engine), name.lower().replace(" ", "-")
    account = accounts.by_login(login) or accounts.accept(
        accounts.invite(None, roles), login=login, name=name.title(), password=PASSWORD
    )
    token = accounts.begin(account, "Chrome on Linux")
    engine.dispose()
    visitor = visit("/staff/sign-in", **options)
    visitor.context.add_cookies([{"name": "evenkeel-staff", "value": token, "url": site.bot_address, "httpOnly": True}])
    visitor.page.goto(site.bot_address + address)
    return visitor


def axe_in_both(visitor: Visit) -> list[str]:
    """What axe finds wrong on the page, in light and in dark."""
    found = []
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {problem}" for problem in visitor.axe()]
    visitor.page.emulate_media(color_scheme="light")
    return found
