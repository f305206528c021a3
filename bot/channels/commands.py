"""`python -m bot channels`: which are on, Telegram's webhook, previews for staff, and replies that were given up."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any

from bot.errors import EvenkeelError, SettingError
from bot.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa


def run(arguments: list[str], settings: Settings) -> int:
    """`channels`, `channels telegram set|show|remove`, `channels preview PASSAGE`, `channels dead list|resend`."""
    parser = argparse.ArgumentParser(prog="python -m bot channels", description="Messengers.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("show", help="say which channels are on, and where their webhooks are")
    telegram = commands.add_parser("telegram", help="enter, show or remove the webhook at Telegram")
    telegram.add_argument("what", choices=["set", "show", "remove"])
    preview = commands.add_parser("preview", help="show a passage as each channel would")
    preview.add_argument("passage", help="its id (`python -m bot articles list`)")
    preview.add_argument("--channel", action="append", help="only this channel; may be given more than once")
    dead = commands.add_parser("dead", help="replies that were given up")
    dead.add_argument("what", choices=["list", "resend"])
    dead.add_argument("ids", nargs="*", help="as `dead list` shows them; none: all")
    given = parser.parse_args(arguments)
    if given.command == "telegram":
        return asyncio.run(_telegram(settings, given.what))
    if given.command == "preview":
        return _preview(settings, given.passage, given.channel)
    if given.command == "dead":
        return _dead(settings, given.what, given.ids)
    from bot.channels.registry import summary

    print("\n".join(["Messengers:", *summary(settings)]))
    return 0


async def _telegram(settings: Settings, what: str) -> int:
    from bot.channels.telegram import UPDATES, Telegram

    own = settings.channels.telegram
    if own is None:
        raise SettingError("Telegram is off: set TELEGRAM_BOT_TOKEN and TELEGRAM_WEBHOOK_SECRET first.")
    address = settings.public_url + Telegram.paths[0]
    if what == "set" and not address.startswith("https://"):
        raise SettingError(
            f"PUBLIC_URL is {settings.public_url!r}, but Telegram only calls addresses that begin with https://."
        )
    telegram = Telegram(own)
    try:
        if what == "set":
            await _called(telegram, "setWebhook", {
                "url": address, "secret_token": own.webhook_secret, "allowed_updates": UPDATES, "max_connections": 20,
            })  # fmt: skip
            print(f"Telegram now sends its updates to {address}")
        elif what == "remove":
            await _called(telegram, "deleteWebhook", {"drop_pending_updates": False})
            print("Telegram sends no updates any more.")
        else:
            info = (await _called(telegram, "getWebhookInfo", {})).get("result") or {}
            print(f"Webhook: {info.get('url') or 'none'}")
            print(f"Updates that wait: {info.get('pending_update_count', 0)}")
            if info.get("last_error_message"):
                print(f"Last error: {info['last_error_message']}")
    finally:
        await telegram.close()
    return 0


async def _called(telegram: Any, method: str, what: dict[str, Any]) -> dict[str, Any]:
    outcome = await telegram.call(method, what)
    if outcome.state != "sent":
        body = outcome.body if isinstance(outcome.body, dict) else {}
        raise EvenkeelError(f"Telegram did not take {method}: {body.get('description') or outcome.error}.")
    return dict(outcome.body)


def _preview(settings: Settings, passage: str, channels: list[str] | None) -> int:
    from bot.channels.preview import SCREENS, as_lines, shown

    known = {screen.name for screen in SCREENS}
    if unknown := set(channels or ()) - known:
        raise EvenkeelError(f"There is no channel {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}.")
    message = passage_message(settings, passage)
    for screen in SCREENS:
        if not channels or screen.name in channels:
            print("\n".join(as_lines(shown(message, screen), screen)))
    return 0


def passage_message(settings: Settings, passage: str) -> Any:
    """The answer that shows `passage`, as the bot would give it.

    Raises:
        EvenkeelError: there is no such passage.
    """
    from bot.channels.passages import answers

    found = answers(settings)
    if passage not in found:
        near = [name for name in found if passage.lower() in name][:5]
        raise EvenkeelError(f"There is no passage {passage!r}" + (f"; perhaps {', '.join(near)}." if near else "."))
    return found[passage]


def _dead(settings: Settings, what: str, ids: list[str]) -> int:
    from bot.channels.dead import listed, resend
    from bot.database.engine import make_engine
    from bot.database.migrate import upgrade

    engine: sa.Engine = make_engine(settings.database_url)
    upgrade(engine)
    try:
        if what == "resend":
            count, closed = resend(engine, ids)
            if count or not closed:
                print(f"{count} will be tried again." if count else "There is nothing to send again.")
            if closed:
                print(f"{closed} can only go once the person has written again: more than a day has passed.")
            return 0 if count or not ids else 1
        letters = listed(engine)
        for letter in letters:
            print(
                f"{letter.id:8} {letter.channel:10} {letter.at:%Y-%m-%d %H:%M} UTC  {letter.kind:10} "
                f"{letter.attempts:3} tries  {letter.error}{'  (perhaps sent)' if letter.perhaps_sent else ''}"
            )
        print(f"{len(letters)} given up.", file=sys.stderr)
        return 0
    finally:
        engine.dispose()
