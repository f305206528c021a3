"""`python -m bot staff`: let the first person in, and help where nobody can sign in any more."""

from __future__ import annotations

import argparse
from datetime import timedelta

import sqlalchemy as sa

from bot.settings import Settings
from bot.staff.accounts import INVITED, AccountProblem, Accounts
from bot.staff.addresses import JOIN, PREFIX
from bot.staff.roles import MEANING, Account, Role


def run(arguments: list[str], settings: Settings) -> int:
    """Run one of the commands below.

    Raises:
        AccountProblem: there is no such account, or nobody would be left to let others in.
    """
    given = _parser().parse_args(arguments)

    from bot.database.engine import make_engine
    from bot.database.migrate import upgrade

    engine = make_engine(settings.database_url)
    upgrade(engine)
    accounts = Accounts(engine)
    try:
        print(_done(given, accounts, settings))
    finally:
        engine.dispose()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot staff", description="Who may use the staff console.")
    commands = parser.add_subparsers(dest="command", required=True)
    invite = commands.add_parser("invite", help="make a link that works once, for a new account")
    invite.add_argument(
        "roles", nargs="*", choices=[[], *(role.value for role in Role)], metavar="ROLE",
        help="; ".join(f"{role.value} {meaning}" for role, meaning in MEANING.items()) + "; left out: admin",
    )  # fmt: skip
    invite.add_argument("--hours", type=int, default=1, choices=range(1, 169), metavar="HOURS", help="at most 168")
    commands.add_parser("list", help="all accounts")
    for name, what in (
        ("password", "make a link by which somebody chooses a new password"),
        ("off", "switch an account off and sign it out"),
        ("on", "let an account in again"),
    ):
        commands.add_parser(name, help=what).add_argument("login", help="what they sign in with")
    return parser


def _done(given: argparse.Namespace, accounts: Accounts, settings: Settings) -> str:
    if given.command == "invite":
        roles = [Role(name) for name in given.roles] or [Role.admin]
        token = accounts.invite(None, roles, lasts=timedelta(hours=given.hours))
        named = ", ".join(role.value for role in roles)
        return f"{link(settings.public_url, token)}\nWorks once, within {_hours(given.hours)}, for: {named}."
    if given.command == "list":
        return "\n".join(_line(one.account) for one in accounts.list()) or "Nobody yet: python -m bot staff invite"
    account = accounts.by_login(given.login)
    if account is None:
        raise AccountProblem(f"Nobody signs in as {given.login!r}: python -m bot staff list shows who does.")
    if given.command == "password":
        return f"{link(settings.public_url, accounts.invite(None, account=account))}\nWorks once, within {_hours(1)}."
    accounts.change(None, account.id, active=given.command == "on")
    return f"{account.name} may sign in again." if given.command == "on" else f"{account.name} cannot sign in any more."


def welcome(settings: Settings, engine: sa.Engine, local: str) -> list[str]:
    """What `serve` says of the console: where it is, and a link for the first admin where there is none yet.

    Args:
        local: the address of the server on this machine, without a slash at the end.
    """
    if settings.staff_console is False:
        return ["  staff    off (STAFF_CONSOLE)"]
    accounts = Accounts(engine)
    if accounts.any_admin():
        return [f"  staff    {local}{PREFIX}"]
    if settings.staff_console is None and not settings.only_this_machine:
        return ["  staff    off until there is an admin: python -m bot staff invite"]
    token = accounts.invite(None, [Role.admin])
    return [f"  staff    {link(local, token)}", f"           makes the first admin; works once, within {_hours(1)}"]


def link(address: str, token: str) -> str:
    """The address of an invitation."""
    return f"{address}{JOIN}/{token}"


def _hours(number: int) -> str:
    return "one hour" if timedelta(hours=number) == INVITED else f"{number} hours"


def _line(account: Account) -> str:
    roles = ", ".join(role.value for role in Role if role in account.roles) or Role.viewer.value
    return f"  {account.login:30} {roles}{'' if account.active else ' (off)'}   {account.name}"
