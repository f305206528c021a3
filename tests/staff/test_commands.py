"""`python -m bot staff`, and what `serve` says of the console."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.settings import Settings
from bot.staff.accounts import AccountProblem, Accounts
from bot.staff.commands import run, welcome
from bot.staff.roles import Role
from bot.web.commands import addresses
from tests.staff.fixtures import PASSWORD, make_person


@pytest.fixture
def engine(settings: Settings) -> sa.Engine:
    """The commands make the tables themselves."""
    from bot.database.engine import make_engine

    return make_engine(settings.database_url)


def test_the_first_admin(settings: Settings, engine: sa.Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list"], settings) == 0 and "Nobody yet" in capsys.readouterr().out
    assert run(["invite"], settings) == 0
    told = capsys.readouterr().out
    found = re.search(r"http://bot\.test/staff/join/(\S+)", told)
    assert found and "one hour" in told and "admin" in told
    accounts = Accounts(engine)
    account = accounts.accept(found[1], login="ada", name="Ada Byron", password=PASSWORD)
    assert account.roles == {Role.admin}
    assert run(["invite", "editor", "clinician", "--hours", "24"], settings) == 0
    assert "24 hours, for: editor, clinician" in capsys.readouterr().out
    assert run(["list"], settings) == 0 and "Ada Byron" in capsys.readouterr().out


def test_helping_people(settings: Settings, engine: sa.Engine, capsys: pytest.CaptureFixture[str]) -> None:
    run(["list"], settings)
    accounts = Accounts(engine)
    make_person(accounts, Role.admin, login="ada")
    make_person(accounts, Role.tester, login="ben")
    assert run(["password", "BEN"], settings) == 0
    found = re.search(r"/staff/join/(\S+)", capsys.readouterr().out)
    assert found and accounts.accept(found[1], password="another four green boats").login == "ben"
    assert run(["off", "ben"], settings) == 0 and accounts.sign_in("ben", "another four green boats", "") is None
    assert run(["on", "ben"], settings) == 0 and accounts.sign_in("ben", "another four green boats", "")
    with pytest.raises(AccountProblem, match="Nobody signs in as 'eve'"):
        run(["off", "eve"], settings)
    with pytest.raises(AccountProblem, match="must stay admin"):
        run(["off", "ada"], settings)
    with pytest.raises(SystemExit):
        run(["invite", "king"], settings)


def test_what_serve_says(settings: Settings, engine: sa.Engine, capsys: pytest.CaptureFixture[str]) -> None:
    run(["list"], settings)
    local = "http://localhost:8080"
    first = welcome(settings, engine, local)
    assert first[0].startswith(f"  staff    {local}/staff/join/") and "works once, within one hour" in first[1]
    assert "off until" in welcome(replace(settings, host="0.0.0.0"), engine, local)[0]
    assert "off (STAFF_CONSOLE)" in welcome(replace(settings, staff_console=False), engine, local)[0]
    make_person(Accounts(engine), Role.admin)
    assert welcome(settings, engine, local) == [f"  staff    {local}/staff"]
    told = addresses(settings, 8080, lambda address: welcome(settings, engine, address))
    assert "\n  staff    http://localhost:8080/staff\n" in told


@pytest.mark.parametrize(("given", "read"), [("", None), ("on", True), ("off", False)])
def test_the_setting(tmp_path: object, given: str, read: bool | None) -> None:
    environment = {"EVENKEEL_VAR": str(tmp_path)} | ({"STAFF_CONSOLE": given} if given else {})
    assert Settings.read(environment).staff_console is read
