"""Nobody gets in who may not, and no form is taken that is not ours."""

from __future__ import annotations

import re

from bot.staff.console import PAGES
from bot.staff.roles import Role
from tests.staff.fixtures import Staff


async def test_every_page_as_every_role(staff: dict[str, Staff]) -> None:
    """Sign-in for strangers, 403 for another role; what may be seen answers (200, or 404 for a made-up id)."""
    assert len(PAGES) >= 5
    for page in PAGES:
        address = "/staff" + re.sub(r"\{(\w+)(:int)?\}", "1", page.path).rstrip("/")
        for name, person in staff.items():
            method = page.methods[0]
            response = await person.client.request(method, address)
            allowed = name != "stranger" and (
                Role.viewer in page.roles or Role(name) in page.roles
                or (name == "admin" and page.roles != (Role.clinician,))
            )  # fmt: skip
            said = f"{method} {address} as {name}: {response.status_code}"
            if name == "stranger":
                assert response.status_code == 303 and "/staff/sign-in" in response.headers["location"], said
            elif not allowed:
                assert response.status_code == 403 and "for the role" in response.text, said
            elif method == "GET":
                assert response.status_code in (200, 404), said
            else:
                assert response.status_code in (400, 403) and "for the role" not in response.text, said
