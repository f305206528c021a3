"""Who may sign in, for admins: inviting, roles, ending access."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from starlette.requests import Request
from wtforms import SelectField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from bot.staff.accounts import AccountProblem
from bot.staff.addresses import JOIN
from bot.staff.console import Console, Page, Redirect, missing, page
from bot.staff.forms import StaffForm
from bot.staff.roles import MEANING, Account, Role

_GIVEN = [role for role in Role if role is not Role.viewer]
_CHOICES = [(role.value, f"{role.value}: {MEANING[role]}") for role in _GIVEN]
_LASTS = {"1": "one hour", "24": "one day", "72": "three days"}
_PATH = "/staff/people"


class RolesForm(StaffForm):
    """The roles of an account."""

    roles = SelectMultipleField(
        "Roles", choices=_CHOICES, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )

    def given(self) -> frozenset[Role]:
        """What was ticked."""
        return frozenset(map(Role, self.roles.data or ()))


class InviteForm(RolesForm):
    """A link for a new account."""

    lasts = SelectField("The link works for", choices=list(_LASTS.items()))


@page("/people", role=Role.admin, title="People", nav="Manage")
async def show_people(request: Request, staff: Account, console: Console) -> Page:
    """All accounts, and a form that invites."""
    people = await asyncio.to_thread(console.accounts.list)
    return Page("manage/people.html", people=people, form=InviteForm())


@page("/people/invite", role=Role.admin, title="People", methods=("POST",))
async def invite(request: Request, staff: Account, console: Console) -> Page:
    """Make a link for a new account. It is shown this once: only a hash of it is kept."""
    form = InviteForm(await console.form(request))
    if not form.validate():
        people = await asyncio.to_thread(console.accounts.list)
        return Page("manage/people.html", status=400, people=people, form=form)
    lasts = timedelta(hours=int(form.lasts.data))
    token = await asyncio.to_thread(console.accounts.invite, staff, form.given(), lasts=lasts)
    return _link(console, token, "A link for a new account", _LASTS[form.lasts.data])


@page("/people/{number:int}", role=Role.admin, title="Account")
async def show_person(request: Request, staff: Account, console: Console) -> Page:
    """One account: its roles and its sessions."""
    account = await _account(request, console)
    sessions = await asyncio.to_thread(console.accounts.sessions, account)
    form = RolesForm(roles=[role.value for role in _GIVEN if role in account.roles])
    return Page("manage/person.html", heading=account.name, account=account, sessions=sessions, form=form)


@page("/people/{number:int}/roles", role=Role.admin, title="Account", methods=("POST",))
async def set_roles(request: Request, staff: Account, console: Console) -> Redirect:
    """Give an account other roles."""
    account = await _account(request, console)
    form = RolesForm(await console.form(request))
    form.validate()
    try:
        await asyncio.to_thread(console.accounts.change, staff, account.id, roles=form.given(), active=account.active)
    except AccountProblem as problem:
        return Redirect(f"{_PATH}/{account.id}", said=str(problem))
    return Redirect(_PATH, said=f"{account.name} has other roles now, and has to sign in again.")


@page("/people/{number:int}/access", role=Role.admin, title="Account", methods=("POST",))
async def set_access(request: Request, staff: Account, console: Console) -> Redirect:
    """Switch an account off or on, or sign it out everywhere."""
    account = await _account(request, console)
    wish = (await console.form(request)).get("wish")
    if wish == "sign-out":
        await asyncio.to_thread(console.accounts.end, staff, account.id)
        return Redirect(f"{_PATH}/{account.id}", said=f"{account.name} is signed out everywhere.")
    try:
        await asyncio.to_thread(console.accounts.change, staff, account.id, active=wish == "on")
    except AccountProblem as problem:
        return Redirect(f"{_PATH}/{account.id}", said=str(problem))
    said = f"{account.name} may sign in again." if wish == "on" else f"{account.name} cannot sign in any more."
    return Redirect(_PATH, said=said)


@page("/people/{number:int}/password", role=Role.admin, title="Account", methods=("POST",))
async def new_password(request: Request, staff: Account, console: Console) -> Page:
    """Make a link by which somebody chooses a new password."""
    account = await _account(request, console)
    token = await asyncio.to_thread(console.accounts.invite, staff, account=account)
    return _link(console, token, f"A link to a new password for {account.name}", _LASTS["1"])


async def _account(request: Request, console: Console) -> Account:
    account = await asyncio.to_thread(console.accounts.get, request.path_params["number"])
    if account is None:
        raise missing("account")
    return account


def _link(console: Console, token: str, heading: str, lasts: str) -> Page:
    link = f"{console.settings.public_url}{JOIN}/{token}"
    return Page("manage/link.html", heading=heading, link=link, lasts=lasts)
