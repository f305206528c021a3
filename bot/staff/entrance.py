"""The pages that are seen without being signed in: the sign-in page, and where a one-time link leads."""

from __future__ import annotations

import asyncio
import math
import re
import time

from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import Request
from wtforms import PasswordField, StringField

from bot.ops.limits import address_of
from bot.staff.accounts import AccountProblem, Invite
from bot.staff.addresses import PREFIX, own_path
from bot.staff.console import Console, Page, Redirect
from bot.staff.forms import StaffForm, at_most, required
from bot.staff.passwords import LONGEST, problem_with
from bot.web.refusals import Refusal

#: Wrong passwords that one account, and one network address, may have in an hour.
ACCOUNT_TRIES, ADDRESS_TRIES = RateLimitItemPerHour(10), RateLimitItemPerHour(30)
#: Passwords that are checked at the same time: each takes 64 MB.
_AT_ONCE = 2


class SignInForm(StaffForm):
    """Who, and the proof of it."""

    login = StringField("E-mail or name to sign in with", validators=[required("Please fill this in."), at_most(120)])
    password = PasswordField("Password", validators=[required("Please fill this in."), at_most(LONGEST)])


class JoinForm(StaffForm):
    """A new account."""

    name = StringField("Your name, as others see it", validators=[required("Please give your name."), at_most(120)])
    login = StringField(
        "E-mail or short name to sign in with", validators=[required("Please fill this in."), at_most(120)]
    )
    password = PasswordField("Password", validators=[required("Please choose a password.")])
    again = PasswordField("The same password again", validators=[required("Please type the password again.")])


class NewPasswordForm(StaffForm):
    """A new password for an account that there is."""

    password = PasswordField("New password", validators=[required("Please choose a password.")])
    again = PasswordField("The same password again", validators=[required("Please type the password again.")])


class Entrance:
    """Handlers for `bot.staff.door`."""

    def __init__(self, console: Console) -> None:
        self._accounts, self._settings = console.accounts, console.settings
        self._tries = FixedWindowRateLimiter(MemoryStorage())
        self._checking = asyncio.Semaphore(_AT_ONCE)

    async def show(self, request: Request) -> Page:
        """The sign-in page."""
        return Page("account/sign_in.html", form=SignInForm(), next=own_path(request.query_params.get("next", "")))

    async def sign_in(self, request: Request) -> Page | Redirect:
        """Sign in, and go to the page that was asked for."""
        form = SignInForm(request.state.form)
        next_page = own_path(request.state.form.get("next", ""))
        if not form.validate():
            return Page("account/sign_in.html", status=400, form=form, next=next_page)
        counted = [
            (ACCOUNT_TRIES, "account", str(form.login.data).lower()),
            (ADDRESS_TRIES, "address", address_of(request, self._settings.trusted_proxies)),
        ]
        self._refuse_too_many(counted)
        async with self._checking:
            token = await asyncio.to_thread(
                self._accounts.sign_in, form.login.data, form.password.data, browser_of(request)
            )
        if token is None:
            for limit, kind, who in counted:
                self._tries.hit(limit, kind, who)
            form.password.errors = ["That name and password do not belong together."]
            return Page("account/sign_in.html", status=400, form=form, next=next_page)
        request.state.new_session = token
        return Redirect(next_page)

    async def welcome(self, request: Request) -> Page:
        """Where a one-time link leads: a form for a new account or a new password."""
        invite = await self._invite(request)
        return self._welcome(invite, NewPasswordForm() if invite.account else JoinForm())

    async def join(self, request: Request) -> Page | Redirect:
        """Make the account, or set the password, and sign in."""
        invite = await self._invite(request)
        form = (NewPasswordForm if invite.account else JoinForm)(request.state.form)
        names = (invite.account.login, invite.account.name) if invite.account else (form.login.data, form.name.data)
        if form.validate() and check_new(form, *names):
            try:
                async with self._checking:
                    account = await asyncio.to_thread(
                        self._accounts.accept,
                        request.path_params["token"],
                        login="" if invite.account else form.login.data,
                        name="" if invite.account else form.name.data,
                        password=form.password.data,
                    )
            except AccountProblem as problem:
                form.form_errors.append(str(problem))
            else:
                request.state.new_session = await asyncio.to_thread(self._accounts.begin, account, browser_of(request))
                return Redirect(PREFIX, said=f"Welcome, {account.name}.")
        return self._welcome(invite, form, status=400)

    def _welcome(self, invite: Invite, form: StaffForm, status: int = 200) -> Page:
        heading = "Choose a new password" if invite.account else "Make your account"
        return Page("account/join.html", status=status, heading=heading, form=form, invite=invite)

    async def _invite(self, request: Request) -> Invite:
        invite = await asyncio.to_thread(self._accounts.invited, request.path_params["token"][:100])
        if invite is None:
            raise Refusal(
                404,
                "no_invite",
                "This link does not work: it was used already, or its time is over. Ask an admin for a new one, or run"
                " “python -m bot staff invite” where the bot runs.",
            )
        return invite

    def _refuse_too_many(self, counted: list[tuple[RateLimitItemPerHour, str, str]]) -> None:
        for limit, kind, who in counted:
            if not self._tries.test(limit, kind, who):
                seconds = self._tries.get_window_stats(limit, kind, who).reset_time - time.time()
                minutes = max(1, math.ceil(seconds / 60))
                raise Refusal(
                    429,
                    "too_many",
                    f"That was the wrong password too often. Please try again in {minutes} minutes, or ask an admin for"
                    " a link to a new password.",
                    {"Retry-After": str(minutes * 60)},
                )


def check_new(form: StaffForm, *names: str | None) -> bool:
    """Whether `password` and `again` of a form make a good new password; says beside the fields what is wrong."""
    password, again = form["password"], form["again"]
    if problem := problem_with(password.data, *(name for name in names if name)):
        password.errors = [problem]
    elif password.data != again.data:
        again.errors = ["This is not the same as above."]
    return not (password.errors or again.errors)


def browser_of(request: Request) -> str:
    """Browser and system in a few words, so that somebody knows their own sessions again."""
    agent = request.headers.get("user-agent", "")
    browser = next((name for name, mark in _BROWSERS if mark in agent), "A browser")
    system = next((name for name, mark in _SYSTEMS if re.search(mark, agent)), "")
    return f"{browser} on {system}" if system else browser


# Edge and Opera also say Chrome, and Chrome also says Safari.
_BROWSERS = (
    ("Edge", "Edg"), ("Opera", "OPR/"), ("Firefox", "Firefox/"), ("Chrome", "Chrome/"), ("Safari", "Safari/"),
)  # fmt: skip
_SYSTEMS = (
    ("an iPhone", "iPhone"), ("an iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("macOS", "Mac OS X"), ("Linux", "Linux"),
)  # fmt: skip
