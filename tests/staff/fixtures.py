"""A console with a bot that answers everything, and people of every role who are signed in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.staff.accounts import Accounts
from bot.staff.roles import Role
from tests.web.fixtures import browser

PASSWORD = "four quiet green boats"


@pytest.fixture
def accounts(engine: sa.Engine) -> Accounts:
    return Accounts(engine)


def make_person(accounts: Accounts, *roles: Role, login: str = "") -> str:
    """An account with `roles`; the token of a session in which it is signed in."""
    login = login or "-".join(roles) or "viewer"
    account = accounts.accept(accounts.invite(None, roles), login=login, name=login.title(), password=PASSWORD)
    return accounts.begin(account, "Firefox on Linux")


class Staff:
    """Somebody at the console: a browser with a session, that sends forms with their token."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, status: int = 200) -> httpx.Response:
        response = await self.client.get(path)
        assert response.status_code == status, response.text
        return response

    async def post(
        self, path: str, page: str = "/staff/account", status: int = 303, **fields: object
    ) -> httpx.Response:
        """Send a form, with the token that stands on `page`."""
        shown = (await self.client.get(page)).text
        token = re.search(r'name="csrf" value="(\w+)"', shown)
        assert token, shown
        response = await self.client.post(path, data={"csrf": token[1], **fields})
        assert response.status_code == status, response.text
        return response


@pytest.fixture
async def staff(app: Starlette, accounts: Accounts) -> AsyncIterator[dict[str, Staff]]:
    """Role -> somebody who has that role alone; "stranger" is signed in nowhere."""
    clients = {}
    for role in Role:
        client = browser(app)
        client.cookies.set("evenkeel-staff", make_person(accounts, role), domain="bot.test")
        clients[role.value] = client
    clients["stranger"] = browser(app)
    yield {name: Staff(client) for name, client in clients.items()}
    for client in clients.values():
        await client.aclose()
