"""Nobody gets in who may not, and no form is taken that is not ours."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.routing import Route

from bot.app import build
from bot.settings import Settings
from bot.staff.accounts import Accounts
from bot.staff.addresses import own_path
from bot.staff.console import PAGES, Page, page
from bot.staff.roles import Account, Role
from tests.staff.fixtures import PASSWORD, Staff, make_person
from tests.web.fixtures import FakeBot, browser

#: What is seen without being signed in.
OPEN = ("/staff/static/", "/staff/sign-in", "/staff/join/")


def address_of(route_path: str) -> str:
    """The address of a route with something made up in the place of each parameter."""
    return re.sub(r"\{(\w+)(:\w+)?\}", "1", route_path)


def allowed(name: str, roles: tuple[Role, ...]) -> bool:
    """What the brief says, written down once more: viewers see, admins may all but what is the clinician's alone."""
    if name == "stranger":
        return False
    return Role.viewer in roles or Role(name) in roles or (name == "admin" and roles != (Role.clinician,))


async def test_every_page_as_every_role(staff: dict[str, Staff]) -> None:
    """Sign-in for strangers, 403 for another role; what may be seen answers (200, or 404 for a made-up id)."""
    assert len(PAGES) >= 15
    for one in PAGES:
        address, method = "/staff" + address_of(one.path).rstrip("/"), one.methods[0]
        for name, person in staff.items():
            response = await person.client.request(method, address)
            said = f"{method} {address} as {name}: {response.status_code}"
            if name == "stranger":
                assert response.status_code == 303 and "/staff/sign-in" in response.headers["location"], said
            elif not allowed(name, one.roles):
                assert response.status_code == 403 and "is for the role" in response.text, said
            elif method == "GET":
                assert response.status_code in (200, 404), said
            else:  # without its token no form is taken
                assert response.status_code in (400, 403) and "is for the role" not in response.text, said


async def test_no_address_below_staff_is_forgotten(app: Starlette, staff: dict[str, Staff]) -> None:
    """Whatever is routed below /staff sends strangers to the sign-in page, however it was added."""
    routes = [route for route in app.routes if isinstance(route, Route) and route.path.startswith("/staff")]
    assert len(routes) > len(PAGES)
    for route in routes:
        if route.path.startswith(OPEN):
            continue
        for method in sorted(route.methods or ()):
            response = await staff["stranger"].client.request(method, address_of(route.path))
            assert response.status_code in (303, 404), f"{method} {route.path}: {response.status_code}"
            if response.status_code == 303:
                assert response.headers["location"].startswith("/staff/sign-in"), route.path


def test_a_page_needs_a_role_and_an_address_of_its_own() -> None:
    async def handler(*_: object) -> Page:
        raise AssertionError("never called")

    with pytest.raises(ValueError, match="needs a role"):
        page("/new", role=(), title="New")(handler)
    with pytest.raises(ValueError, match="needs a role"):
        page("/new", role="admin", title="New")(handler)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="registered already"):
        page("/", role=Role.viewer, title="Again")(handler)
    with pytest.raises(ValueError, match="GET or for POST"):
        page("/new", role=Role.viewer, title="New", methods=("GET", "POST"))(handler)
    with pytest.raises(ValueError, match="begin with /"):
        page("new/", role=Role.viewer, title="New")(handler)


@pytest.mark.parametrize(
    ("roles", "asked", "may"),
    [
        pytest.param((), (Role.viewer,), True, id="everybody sees"),
        pytest.param((), (Role.tester,), False, id="who has no role does nothing"),
        pytest.param((Role.editor,), (Role.tester, Role.editor), True, id="one of several is enough"),
        pytest.param((Role.admin,), (Role.editor,), True, id="an admin edits"),
        pytest.param((Role.admin,), (Role.clinician,), False, id="an admin does not approve"),
        pytest.param((Role.admin, Role.clinician), (Role.clinician,), True, id="an admin who is a clinician does"),
        pytest.param((Role.clinician,), (Role.admin,), False, id="a clinician lets nobody in"),
    ],
)
def test_roles(roles: tuple[Role, ...], asked: tuple[Role, ...], may: bool) -> None:
    account = Account(1, "a", "A", frozenset(roles))
    assert account.may(*asked) is may
    assert not replace(account, active=False).may(*asked)


# -- forms ---------------------------------------------------------------------------------------------------------


async def test_a_form_needs_the_token_of_its_own_session(staff: dict[str, Staff]) -> None:
    viewer, tester = staff["viewer"], staff["tester"]
    others = re.search(r'name="csrf" value="(\w+)"', (await tester.get("/staff/account")).text)
    assert others
    path = "/staff/account/sessions/end"
    for token in ("", "0" * 64, others[1]):
        response = await viewer.client.post(path, data={"csrf": token})
        assert response.status_code == 403 and "out of date" in response.text
    await viewer.post(path)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
    ids=["another origin", "no origin", "the browser says so"],
)
async def test_a_form_of_another_site_is_refused(staff: dict[str, Staff], headers: dict[str, str]) -> None:
    viewer = staff["viewer"]
    token = re.search(r'name="csrf" value="(\w+)"', (await viewer.get("/staff/account")).text)
    assert token
    response = await viewer.client.post("/staff/account/sessions/end", data={"csrf": token[1]}, headers=headers)
    assert response.status_code == 403 and "another site" in response.text


async def test_a_form_must_be_a_form(staff: dict[str, Staff]) -> None:
    viewer = staff["viewer"].client
    assert (await viewer.post("/staff/sign-out", json={"csrf": "x"})).status_code == 400
    too_long = await viewer.post("/staff/sign-out", data={"csrf": "x" * 600_000})
    assert too_long.status_code == 413


async def test_headers_let_nothing_foreign_in(staff: dict[str, Staff]) -> None:
    for path in ("/staff/sign-in", "/staff", "/staff/conversations"):
        response = await staff["viewer"].get(path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert response.headers["cache-control"] == "no-store"
        assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", response.text), path


@pytest.mark.parametrize(
    "given",
    [
        "https://evil.example",
        "//evil.example",
        "/articles",
        "/staffing",
        "/staff\n",
        "/staff@evil",
        "/staff/\\evil",
        "",
    ],
)
def test_after_signing_in_nobody_is_led_elsewhere(given: str) -> None:
    assert own_path(given) == "/staff"
    own = "/staff/conversations?kind=fallback&tag=a%20b#m3"
    assert own_path(own) == own


async def test_signing_in_goes_on_where_one_wanted_to(staff: dict[str, Staff]) -> None:
    response = await staff["stranger"].client.get("/staff/conversations?kind=fallback")
    assert response.headers["location"] == "/staff/sign-in?next=/staff/conversations%3Fkind%3Dfallback"


# -- is there a console at all? ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "host", "admin", "there"),
    [
        pytest.param(None, "127.0.0.1", False, True, id="on this machine alone: on"),
        pytest.param(None, "0.0.0.0", False, False, id="open to others, nobody to let in: off"),
        pytest.param(None, "0.0.0.0", True, True, id="open to others, with an admin: on"),
        pytest.param(True, "0.0.0.0", False, True, id="switched on"),
        pytest.param(False, "127.0.0.1", True, False, id="switched off"),
    ],
)
async def test_the_console_is_there_when_it_should_be(
    settings: Settings, engine: sa.Engine, fake_bot: FakeBot, switch: bool | None, host: str, admin: bool, there: bool
) -> None:
    accounts = Accounts(engine)
    token = accounts.invite(None, [Role.admin])
    if admin:
        make_person(accounts, Role.admin)
    changed = replace(settings, staff_console=switch, host=host)
    async with browser(build(changed, fake_bot, engine)) as client:
        assert (await client.get("/staff/sign-in")).status_code == (200 if there else 404)
        assert (await client.get("/staff")).status_code == (303 if there else 404)
        # The first admin gets in all the same, unless the console is switched off.
        assert (await client.get(f"/staff/join/{token}")).status_code == (404 if switch is False else 200)
        assert (await client.get("/staff/join/wrong")).status_code == 404


# -- signing in ----------------------------------------------------------------------------------------------------


async def sign_in(client: httpx.AsyncClient, login: str, password: str, next_page: str = "") -> httpx.Response:
    shown = await client.get("/staff/sign-in")
    token = re.search(r'name="csrf" value="(\w+)"', shown.text)
    assert token
    fields = {"csrf": token[1], "login": login, "password": password, "next": next_page}
    return await client.post("/staff/sign-in", data=fields)


async def test_signing_in_and_out(app: Starlette, accounts: Accounts) -> None:
    make_person(accounts, Role.tester, login="ada@clinic.example")
    async with browser(app) as client:
        wrong = await sign_in(client, "ada@clinic.example", "four quiet green goats")
        unknown = await sign_in(client, "nobody@clinic.example", PASSWORD)
        assert wrong.status_code == unknown.status_code == 400
        assert "do not belong together" in wrong.text and "do not belong together" in unknown.text
        assert "evenkeel-staff" not in client.cookies
        right = await sign_in(client, " ADA@clinic.example ", PASSWORD, "/staff/conversations")
        assert right.status_code == 303 and right.headers["location"] == "/staff/conversations"
        cookie = right.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie
        assert (await client.get("/staff")).status_code == 200
        person = Staff(client)
        await person.post("/staff/sign-out", page="/staff")
        assert (await client.get("/staff")).status_code == 303


async def test_a_cookie_goes_over_https_alone_where_the_site_does(
    settings: Settings, engine: sa.Engine, fake_bot: FakeBot, accounts: Accounts
) -> None:
    make_person(accounts, Role.tester, login="ada")
    app = build(replace(settings, public_url="https://bot.test"), fake_bot, engine)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bot.test")
    async with client:
        response = await sign_in(client, "ada", PASSWORD)
    cookie = response.headers["set-cookie"]
    assert "__Host-evenkeel-staff=" in cookie and "secure" in cookie.lower()


async def test_guessing_is_slowed_down(app: Starlette, accounts: Accounts) -> None:
    make_person(accounts, Role.tester, login="ada")
    async with browser(app) as client:
        for _ in range(10):
            assert (await sign_in(client, "ada", "wrong wrong wrong")).status_code == 400
        refused = await sign_in(client, "ada", PASSWORD)
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
        assert "link to a new password" in refused.text


async def test_a_one_time_link_makes_an_account_once(app: Starlette, accounts: Accounts) -> None:
    token = accounts.invite(None, [Role.admin])
    async with browser(app) as client:
        shown = await client.get(f"/staff/join/{token}")
        csrf = re.search(r'name="csrf" value="(\w+)"', shown.text)
        assert csrf
        fields = {"csrf": csrf[1], "name": "Ada Byron", "login": "ada", "password": "short", "again": "short"}
        short = await client.post(f"/staff/join/{token}", data=fields)
        assert short.status_code == 400 and "at least 12 characters" in short.text and 'value="Ada Byron"' in short.text
        fields |= {"password": PASSWORD, "again": PASSWORD}
        made = await client.post(f"/staff/join/{token}", data=fields)
        assert made.status_code == 303
        home = await client.get("/staff")
        assert "Welcome, Ada Byron." in home.text and "Dashboard" in home.text
        assert "Welcome" not in (await client.get("/staff")).text, "said once"
        assert (await client.post(f"/staff/join/{token}", data=fields)).status_code in (403, 404)
        assert (await client.get(f"/staff/join/{token}")).status_code == 404
