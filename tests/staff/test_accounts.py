"""Accounts, links and sessions on both kinds of database."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.database.models import now
from bot.database.staff import StaffAudit, StaffInvite, StaffSession
from bot.staff import passwords
from bot.staff.accounts import IDLE, AccountProblem, Accounts
from bot.staff.audit import read_audit, verbs, write_audit
from bot.staff.roles import Account, Role
from tests.staff.fixtures import PASSWORD


@pytest.fixture
def accounts(database: sa.Engine) -> Accounts:
    return Accounts(database)


def made(accounts: Accounts, login: str = "ada", *roles: Role) -> Account:
    return accounts.accept(accounts.invite(None, roles), login=login, name=login.title(), password=PASSWORD)


def test_a_life(accounts: Accounts, database: sa.Engine) -> None:
    assert not accounts.any_admin()
    ada = made(accounts, "ada", Role.admin)
    ben = made(accounts, "ben", Role.editor)
    assert accounts.any_admin() and accounts.get(ada.id) == ada and accounts.by_login(" BEN ") == ben
    token = accounts.sign_in("ben", PASSWORD, "Firefox on Linux")
    assert token
    signed_in = accounts.signed_in(token)
    assert signed_in and signed_in.account == ben and signed_in.about == "Firefox on Linux"
    assert [one.id for one in accounts.sessions(ben)] == [signed_in.id]
    changed = accounts.change(ada, ben.id, roles=[Role.clinician])
    assert changed.roles == {Role.clinician} and accounts.signed_in(token) is None, "other roles: sign in again"
    token = accounts.sign_in("ben", PASSWORD, "")
    assert token
    accounts.change(ada, ben.id, active=False)
    assert accounts.signed_in(token) is None and accounts.sign_in("ben", PASSWORD, "") is None
    assert [one.account.login for one in accounts.list()] == ["ada", "ben"]
    accounts.change(ada, ben.id, active=True)
    assert accounts.sign_in("ben", PASSWORD, "") is not None
    said = [(entry.who, entry.verb) for entry in read_audit(database)]
    assert ("Ben", "could not sign in") in said, "while the account was off"
    assert ("Ada", "switched off") in said and ("Ada", "let in again") in said and ("Ben", "signed in") in said


def test_somebody_must_stay_admin(accounts: Accounts) -> None:
    ada = made(accounts, "ada", Role.admin)
    for change in ({"roles": [Role.editor]}, {"active": False}):
        with pytest.raises(AccountProblem, match="must stay admin"):
            accounts.change(ada, ada.id, **change)  # type: ignore[arg-type]
    assert accounts.get(ada.id) == ada, "nothing was changed"


def test_a_link_works_once_and_not_for_ever(accounts: Accounts, database: sa.Engine) -> None:
    token = accounts.invite(None, [Role.tester])
    invite = accounts.invited(token)
    assert invite and invite.roles == {Role.tester} and invite.account is None
    assert accounts.accept(token, login="ada", name="Ada", password=PASSWORD).roles == {Role.tester}
    with pytest.raises(AccountProblem, match="does not work any more"):
        accounts.accept(token, login="eve", name="Eve", password=PASSWORD)
    late = accounts.invite(None, [], lasts=timedelta(seconds=-1))
    assert accounts.invited(late) is None
    with pytest.raises(AccountProblem):
        accounts.accept(late, login="eve", name="Eve", password=PASSWORD)


@pytest.mark.parametrize(
    ("login", "name", "sentence"),
    [
        ("ada", "Another", "signs in with that already"),
        ("a", "A", "short name"),
        ("a b c", "A", "short name"),
        ("eve", " ", "your name"),
    ],
    ids=["taken", "too short", "blanks", "no name"],
)
def test_names_that_cannot_be(accounts: Accounts, login: str, name: str, sentence: str) -> None:
    made(accounts, "ada")
    token = accounts.invite(None, [])
    with pytest.raises(AccountProblem, match=sentence):
        accounts.accept(token, login=login, name=name, password=PASSWORD)
    assert accounts.invited(token), "the link still works"


def test_a_new_password_by_link_and_by_hand(accounts: Accounts) -> None:
    ada = made(accounts, "ada", Role.admin)
    old = accounts.sign_in("ada", PASSWORD, "")
    assert old
    accounts.accept(accounts.invite(ada, account=ada), password="another four green boats")
    assert accounts.signed_in(old) is None, "signed out everywhere"
    assert accounts.sign_in("ada", PASSWORD, "") is None
    here, there = (accounts.sign_in("ada", "another four green boats", "") for _ in range(2))
    assert here and there
    kept = accounts.signed_in(here)
    assert kept
    assert not accounts.set_password(ada, "wrong", PASSWORD, kept.id)
    assert accounts.set_password(ada, "another four green boats", PASSWORD, kept.id)
    assert accounts.signed_in(here) and accounts.signed_in(there) is None


def test_sessions_end(accounts: Accounts, database: sa.Engine) -> None:
    ada = made(accounts, "ada", Role.admin)
    idle, over, ended, here = (accounts.begin(ada, "") for _ in range(4))
    ids = {token: accounts.signed_in(token).id for token in (idle, over, ended, here)}  # type: ignore[union-attr]
    with database.begin() as connection:
        for token, values in ((idle, {"last_seen": now() - IDLE}), (over, {"expires": now()})):
            connection.execute(sa.update(StaffSession).where(StaffSession.id == ids[token]).values(**values))
    assert accounts.signed_in(idle) is None and accounts.signed_in(over) is None
    assert accounts.end(ada, ada.id, session=ids[ended]) == 1 and accounts.signed_in(ended) is None
    assert accounts.signed_in(here)
    assert accounts.end(ada, ada.id, but=ids[here]) >= 1 and accounts.signed_in(here)
    assert accounts.end(ada, ada.id) == 1 and accounts.signed_in(here) is None


def test_nothing_in_the_database_opens_a_door(accounts: Accounts, database: sa.Engine) -> None:
    ada = made(accounts, "ada", Role.admin)
    session, invite = accounts.begin(ada, ""), accounts.invite(None, [Role.admin])
    with database.connect() as connection:
        everything = str(
            [connection.execute(sa.select(table.__table__)).all() for table in (StaffSession, StaffInvite, StaffAudit)]
        )
    assert session not in everything and invite not in everything and PASSWORD not in everything


def test_the_log_cannot_be_changed(accounts: Accounts, database: sa.Engine) -> None:
    ada = made(accounts, "ada", Role.admin)
    with database.begin() as connection:
        write_audit(connection, ada, "read", "conversation 1", "d" * 900)
    for statement in (sa.update(StaffAudit).values(who="somebody else"), sa.delete(StaffAudit)):
        with pytest.raises(sa.exc.DatabaseError, match="written once"), database.begin() as connection:
            connection.execute(statement)
    entries = read_audit(database, verb="read")
    assert [(one.who, one.subject) for one in entries] == [("Ada", "conversation 1")]
    assert entries[0].detail and len(entries[0].detail) == 500
    assert "read" in verbs(database) and read_audit(database, before=entries[0].id, verb="read") == []
    assert {one.who for one in read_audit(database, account=ada.id)} == {"Ada"}


@pytest.mark.parametrize(
    ("password", "fine"),
    [
        ("correct horse battery", True),
        ("ñandú über пароль", True),
        ("elevenchars", False),
        ("aaaaaaaaaaaaaaaa", False),
        ("ada.byron@clinic.example1", False),
        ("evenkeel12345", False),
        ("x" * 201, False),
    ],
)
def test_passwords(password: str, fine: bool) -> None:
    assert (passwords.problem_with(password, "ada.byron@clinic.example", "Ada Byron") == "") is fine


def test_a_password_is_hashed_with_argon2_and_checked() -> None:
    stored = passwords.hash_password(PASSWORD)
    assert stored.startswith("$argon2id$") and PASSWORD not in stored
    assert passwords.is_password(stored, PASSWORD) and not passwords.is_password(stored, PASSWORD + " ")
    assert not passwords.is_password(None, "nobody's password") and not passwords.is_password("broken", PASSWORD)
    assert not passwords.is_outdated(stored)
