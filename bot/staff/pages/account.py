"""Somebody's own account: password, where they are signed in, signing out."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from wtforms import PasswordField

from bot.staff.addresses import SIGN_IN
from bot.staff.console import Console, Page, Redirect, page
from bot.staff.entrance import NewPasswordForm, check_new
from bot.staff.forms import required
from bot.staff.roles import Account, Role


class PasswordForm(NewPasswordForm):
    """A new password, with the proof that it is their owner who changes it."""

    old = PasswordField("Present password", validators=[required("Please type your present password.")])


@page("/account", role=Role.viewer, title="Your account", nav="Manage")
async def account(request: Request, staff: Account, console: Console) -> Page:
    """Who you are here, and where you are signed in."""
    return await _shown(request, staff, console, PasswordForm())


@page("/account/password", role=Role.viewer, title="Your account", methods=("POST",))
async def change_password(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Set a new password; other browsers are signed out."""
    form = PasswordForm(await console.form(request))
    if form.validate() and check_new(form, staff.login, staff.name):
        changed = await asyncio.to_thread(
            console.accounts.set_password, staff, form.old.data, form.password.data, request.state.signed_in.id
        )
        if changed:
            return Redirect("/staff/account", said="The password was changed, and all other browsers were signed out.")
        form.old.errors = ["That is not your present password."]
    return await _shown(request, staff, console, form, status=400)


@page("/account/sessions/end", role=Role.viewer, title="Your account", methods=("POST",))
async def end_sessions(request: Request, staff: Account, console: Console) -> Redirect:
    """Sign out in all other browsers."""
    number = await asyncio.to_thread(console.accounts.end, staff, staff.id, None, request.state.signed_in.id)
    return Redirect("/staff/account", said=f"Signed out in {number} other browser{'' if number == 1 else 's'}.")


@page("/sign-out", role=Role.viewer, title="Sign out", methods=("POST",))
async def sign_out(request: Request, staff: Account, console: Console) -> Redirect:
    """Sign out here."""
    await asyncio.to_thread(console.accounts.end, staff, staff.id, request.state.signed_in.id)
    return Redirect(SIGN_IN, said="You are signed out.")


async def _shown(request: Request, staff: Account, console: Console, form: PasswordForm, status: int = 200) -> Page:
    sessions = await asyncio.to_thread(console.accounts.sessions, staff)
    return Page("account/own.html", status=status, form=form, sessions=sessions, here=request.state.signed_in.id)
