"""Accounts, the links by which they are made, and the browsers in which they are signed in.

Tokens are kept as hashes: who reads the database can sign in as nobody. Every method blocks; call it in a thread.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.database.engine import writing
from bot.database.models import now
from bot.database.staff import StaffAccount, StaffInvite, StaffSession
from bot.errors import EvenkeelError
from bot.staff.audit import write_audit
from bot.staff.passwords import hash_password, is_outdated, is_password
from bot.staff.roles import Account, Role

#: How long somebody stays signed in without doing anything, and at most.
IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
#: How long a link to a new account, or to a new password, works.
INVITED = timedelta(hours=1)
#: `last_seen` is written this often, not with every page.
_NOTED = timedelta(minutes=1)
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,119}")


class AccountProblem(EvenkeelError):
    """Something that cannot be done with an account; a sentence for a person."""


@dataclass(frozen=True)
class SignedIn:
    """A browser in which somebody is signed in. `id` is the hash of its token."""

    id: str
    account: Account
    created: datetime
    last_seen: datetime
    about: str


@dataclass(frozen=True)
class Invite:
    """A link that still works: for a new account, or a new password for `account`."""

    id: str
    roles: frozenset[Role]
    account: Account | None
    expires: datetime


@dataclass(frozen=True)
class Listed:
    """An account as the list shows it."""

    account: Account
    created: datetime
    last_seen: datetime | None
    sessions: int


class Accounts:
    """Reads and writes them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # -- accounts ----------------------------------------------------------------------------------------------

    def any_admin(self) -> bool:
        """Whether somebody could let others in."""
        with self._engine.connect() as connection:
            roles = connection.scalars(sa.select(StaffAccount.roles).where(StaffAccount.active))
            return any(Role.admin in given for given in roles)

    def get(self, account_id: int) -> Account | None:
        """The account with this number."""
        with self._engine.connect() as connection:
            row = connection.execute(_ACCOUNTS.where(StaffAccount.id == account_id)).one_or_none()
        return _account(row) if row else None

    def by_login(self, login: str) -> Account | None:
        """The account that signs in with `login`."""
        with self._engine.connect() as connection:
            row = connection.execute(_ACCOUNTS.where(StaffAccount.login == login.strip().lower())).one_or_none()
        return _account(row) if row else None

    def list(self) -> Sequence[Listed]:
        """All accounts by name, the active ones first."""
        sessions = (
            sa.select(sa.func.count())
            .where(StaffSession.account_id == StaffAccount.id, StaffSession.expires > now())
            .scalar_subquery()
        )
        query = _ACCOUNTS.add_columns(StaffAccount.created, StaffAccount.last_seen, sessions.label("sessions"))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(StaffAccount.active.desc(), StaffAccount.name)).all()
        return [Listed(_account(row), row.created, row.last_seen, row.sessions) for row in rows]

    def change(
        self, by: Account | None, account_id: int, *, roles: Collection[Role] | None = None, active: bool = True
    ) -> Account:
        """Give an account other roles, or switch it off or on; whoever is signed in with it is signed out.

        Raises:
            AccountProblem: there is no such account, or nobody would be left to let others in.
        """
        with writing(self._engine) as connection:
            connection.execute(
                sa.select(StaffAccount.id).with_for_update()
            )  # two admins must not switch each other off
            row = connection.execute(_ACCOUNTS.where(StaffAccount.id == account_id)).one_or_none()
            if row is None:
                raise AccountProblem("There is no such account.")
            before = _account(row)
            given = before.roles if roles is None else frozenset(roles)
            connection.execute(
                sa.update(StaffAccount).where(StaffAccount.id == account_id).values(roles=_stored(given), active=active)
            )
            admins = connection.scalars(sa.select(StaffAccount.roles).where(StaffAccount.active))
            if not any(Role.admin in left for left in admins):
                raise AccountProblem("Somebody must stay admin, or nobody could let others in.")
            connection.execute(sa.delete(StaffSession).where(StaffSession.account_id == account_id))
            verb = "changed roles" if active == before.active else ("let in again" if active else "switched off")
            write_audit(connection, by, verb, f"account {before.login}", ", ".join(_stored(given)))
        return Account(before.id, before.login, before.name, given, active)

    # -- links -------------------------------------------------------------------------------------------------

    def invite(
        self,
        by: Account | None,
        roles: Collection[Role] = (),
        *,
        account: Account | None = None,
        lasts: timedelta = INVITED,
    ) -> str:
        """The token of a new link. With `account` it is for a new password; the account keeps its roles."""
        token, moment = secrets.token_urlsafe(24), now()
        with writing(self._engine) as connection:
            connection.execute(sa.delete(StaffInvite).where(StaffInvite.expires <= moment))
            connection.execute(
                sa.insert(StaffInvite).values(
                    id=_hashed(token),
                    roles=_stored(roles),
                    account_id=account.id if account else None,
                    invited_by=by.id if by else None,
                    created=moment,
                    expires=moment + lasts,
                )
            )
            if account:
                write_audit(connection, by, "made a link", f"new password for {account.login}")
            else:
                write_audit(connection, by, "made a link", "new account", ", ".join(_stored(roles)) or "viewer")
        return token

    def invited(self, token: str) -> Invite | None:
        """The link with this token, where it still works. Looking at it does not use it up."""
        with self._engine.connect() as connection:
            return _invite(connection, token)

    def accept(self, token: str, *, login: str = "", name: str = "", password: str) -> Account:
        """Use a link up: make the account, or give the account that the link names its new password.

        Raises:
            AccountProblem: the link does not work any more, or there is something wrong with the names.
        """
        hashed = hash_password(password)
        with writing(self._engine) as connection:
            invite = _invite(connection, token)
            if invite is None or not _use_up(connection, invite):
                raise AccountProblem("This link does not work any more. Please ask for a new one.")
            if invite.account is not None:
                account = invite.account
                of_it = StaffAccount.id == account.id
                connection.execute(sa.update(StaffAccount).where(of_it).values(password_hash=hashed))
                connection.execute(sa.delete(StaffSession).where(StaffSession.account_id == account.id))
                connection.execute(sa.delete(StaffInvite).where(StaffInvite.account_id == account.id))
                write_audit(connection, account, "set a new password", f"account {account.login}")
            else:
                account = _make(connection, login, name, hashed, invite.roles)
                write_audit(
                    connection,
                    account,
                    "made an account",
                    f"account {account.login}",
                    ", ".join(_stored(account.roles)),
                )
        return account

    # -- signing in and out ------------------------------------------------------------------------------------

    def sign_in(self, login: str, password: str, about: str) -> str | None:
        """The token of a new session; None where the two do not belong together. As slow when there is no account."""
        query = _ACCOUNTS.add_columns(StaffAccount.password_hash).where(StaffAccount.login == login.strip().lower())
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        right = is_password(row.password_hash if row else None, password)
        if row is None:
            return None
        if not right or not row.active:
            with writing(self._engine) as connection:
                write_audit(connection, _account(row), "could not sign in", f"account {row.login}", about)
            return None
        with writing(self._engine) as connection:
            if is_outdated(row.password_hash):
                changed = sa.update(StaffAccount).where(StaffAccount.id == row.id)
                connection.execute(changed.values(password_hash=hash_password(password)))
            token = _begin(connection, row.id, about)
            write_audit(connection, _account(row), "signed in", f"account {row.login}", about)
        return token

    def begin(self, account: Account, about: str) -> str:
        """The token of a new session of somebody who has just proved who they are in another way (an invite)."""
        with writing(self._engine) as connection:
            return _begin(connection, account.id, about)

    def signed_in(self, token: str) -> SignedIn | None:
        """Who is signed in with this token; None where the session is over or the account is off."""
        moment = now()
        with self._engine.connect() as connection:
            row = connection.execute(
                _SESSIONS.where(StaffSession.id == _hashed(token), StaffSession.expires > moment, StaffAccount.active)
            ).one_or_none()
        if row is None or row.session_seen <= moment - IDLE:
            return None
        if row.session_seen <= moment - _NOTED:
            with writing(self._engine) as connection:
                seen = sa.update(StaffSession).where(StaffSession.id == row.session_id)
                connection.execute(seen.values(last_seen=moment))
                connection.execute(sa.update(StaffAccount).where(StaffAccount.id == row.id).values(last_seen=moment))
        return _signed_in(row)

    def sessions(self, account: Account) -> Sequence[SignedIn]:
        """The browsers in which `account` is signed in, the one used last first."""
        moment = now()
        query = _SESSIONS.where(
            StaffSession.account_id == account.id, StaffSession.expires > moment, StaffSession.last_seen > moment - IDLE
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(StaffSession.last_seen.desc())).all()
        return [_signed_in(row) for row in rows]

    def end(self, by: Account, account_id: int, session: str | None = None, but: str | None = None) -> int:
        """Sign `account_id` out: of one session, or of all `but` one; how many there were."""
        ended = sa.delete(StaffSession).where(StaffSession.account_id == account_id)
        if session is not None:
            ended = ended.where(StaffSession.id == session)
        if but is not None:
            ended = ended.where(StaffSession.id != but)
        with writing(self._engine) as connection:
            number = connection.execute(ended).rowcount
            write_audit(connection, by, "signed out", f"account {account_id}", f"{number} sessions")
        return number

    def set_password(self, account: Account, old: str, new: str, keep: str) -> bool:
        """Give `account` a new password and sign it out everywhere but in the session `keep`; False: `old` is wrong."""
        with self._engine.connect() as connection:
            stored = connection.scalar(sa.select(StaffAccount.password_hash).where(StaffAccount.id == account.id))
        if not is_password(stored, old):
            return False
        hashed = hash_password(new)
        with writing(self._engine) as connection:
            connection.execute(
                sa.update(StaffAccount).where(StaffAccount.id == account.id).values(password_hash=hashed)
            )
            others = sa.delete(StaffSession).where(StaffSession.account_id == account.id, StaffSession.id != keep)
            connection.execute(others)
            write_audit(connection, account, "set a new password", f"account {account.login}")
        return True


_ACCOUNTS = sa.select(StaffAccount.id, StaffAccount.login, StaffAccount.name, StaffAccount.roles, StaffAccount.active)
_SESSIONS = _ACCOUNTS.join(StaffSession, StaffSession.account_id == StaffAccount.id).add_columns(
    StaffSession.id.label("session_id"),
    StaffSession.created.label("session_created"),
    StaffSession.last_seen.label("session_seen"),
    StaffSession.about,
)


def _account(row: Any) -> Account:
    return Account(row.id, row.login, row.name, frozenset(map(Role, row.roles)), row.active)


def _signed_in(row: Any) -> SignedIn:
    return SignedIn(row.session_id, _account(row), row.session_created, row.session_seen, row.about)


def _stored(roles: Collection[Role]) -> list[str]:
    return [role.value for role in Role if role in roles and role is not Role.viewer]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _invite(connection: sa.Connection, token: str) -> Invite | None:
    row = connection.execute(
        sa.select(StaffInvite.__table__).where(StaffInvite.id == _hashed(token), StaffInvite.expires > now())
    ).one_or_none()
    if row is None:
        return None
    account = None
    if row.account_id is not None:
        account = _account(connection.execute(_ACCOUNTS.where(StaffAccount.id == row.account_id)).one())
        if not account.active:
            return None
    return Invite(row.id, frozenset(map(Role, row.roles)), account, row.expires)


def _use_up(connection: sa.Connection, invite: Invite) -> bool:
    """Whether the link is ours: of two who use it at the same moment, the first one to delete it has it."""
    return connection.execute(sa.delete(StaffInvite).where(StaffInvite.id == invite.id)).rowcount > 0


def _make(connection: sa.Connection, login: str, name: str, hashed: str, roles: frozenset[Role]) -> Account:
    login, name = login.strip().lower(), " ".join(name.split())[:120]
    if not _LOGIN.fullmatch(login):
        raise AccountProblem("Please sign in with an e-mail address, or a short name of letters and digits.")
    if not name:
        raise AccountProblem("Please give your name: others see it beside what you do.")
    if connection.scalar(sa.select(StaffAccount.id).where(StaffAccount.login == login)) is not None:
        raise AccountProblem("Somebody signs in with that already.")
    made = sa.insert(StaffAccount).values(
        login=login, name=name, password_hash=hashed, roles=_stored(roles), active=True, last_seen=now()
    )
    number = connection.execute(made).inserted_primary_key
    assert number is not None
    return Account(number[0], login, name, roles)


def _begin(connection: sa.Connection, account_id: int, about: str) -> str:
    token, moment = secrets.token_urlsafe(32), now()
    connection.execute(sa.delete(StaffSession).where(StaffSession.expires <= moment))
    connection.execute(
        sa.insert(StaffSession).values(
            id=_hashed(token),
            account_id=account_id,
            created=moment,
            last_seen=moment,
            expires=moment + LONGEST,
            about=about[:60],
        )
    )
    connection.execute(sa.update(StaffAccount).where(StaffAccount.id == account_id).values(last_seen=moment))
    return token
