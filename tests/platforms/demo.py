"""The whole application against the stand-ins, and a page that shows every channel side by side: `make demo-channels`.

What is typed on the page goes to every channel as a signed webhook; what comes back is shown as each platform would.
Nothing leaves this machine and no account is needed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.app import build
from bot.errors import EvenkeelError
from bot.settings import Settings
from tests.platforms.bots import WorkingBot, copy_database, real_bot
from tests.platforms.everything import application, environment, free_socket, make, served
from tests.platforms.standin import Shown, StandIn, Webhook
from tests.platforms.twilio import TwilioStandIn

PERSON = "447700900222"
COLUMNS = {
    "telegram": "Telegram",
    "messenger": "Messenger",
    "whatsapp": "WhatsApp",
    "sms": "SMS",
    "twilio-whatsapp": "WhatsApp over Twilio",
    "slack": "Slack",
}
_SLACK_LINK = re.compile(r"<((?:https?|tel):[^<>|]+)\|([^<>]*)>")
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1rem; background: #f3f2ee; color: #222 }
form.ask { display: flex; gap: .5rem; max-width: 60rem; margin: 0 0 1rem }
input[type=text] { flex: 1; font: inherit; padding: .5rem }
.row { display: grid; grid-template-columns: repeat(6, minmax(15rem, 1fr)); gap: .75rem; overflow-x: auto }
h2 { font-size: 1rem; margin: 0 0 .5rem } .col { background: #fff; border: 1px solid #ccc; border-radius: .5rem; 
  padding: .6rem }
.said, .got { white-space: pre-wrap; overflow-wrap: anywhere; border-radius: .5rem; padding: .5rem; margin: 0 0 .5rem }
.said { background: #dcefe4; margin-left: 2rem } .got { background: #eef1f5 } small { color: #555 }
button { font: inherit; padding: .3rem .6rem; margin: .15rem 0 } .refused { color: #a00 }
"""


@dataclass
class Demo:
    """What was said on each channel, and the way to say more."""

    stand_ins: dict[str, StandIn]
    app: str
    lines: dict[str, list[tuple[str, Shown | str]]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    seen: dict[str, int] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """The page, and the two things that can be done on it."""
        return [
            Route("/", self.page, methods=["GET"]),
            Route("/say", self.say, methods=["POST"]),
            Route("/press", self.press, methods=["POST"]),
        ]

    def stand_in(self, column: str) -> StandIn:
        """The stand-in behind a column."""
        name = "twilio" if column in ("sms", "twilio-whatsapp") else column
        found = self.stand_ins[name]
        if isinstance(found, TwilioStandIn):
            found.prefix = "whatsapp:" if column == "twilio-whatsapp" else ""
        return found

    async def say(self, request: Request) -> Response:
        """Somebody writes the same on every channel."""
        async with request.form() as form:
            text = str(form.get("text", "")).strip()[:2000]
        if text:
            for column in COLUMNS:
                self.lines[column].append(("said", text))
            await self.deliver([self.stand_in(column).text(PERSON, text) for column in COLUMNS])
        return RedirectResponse("/", 303)

    async def press(self, request: Request) -> Response:
        """Somebody presses a button on one channel."""
        async with request.form() as form:
            column, key, label = (str(form.get(name, "")) for name in ("column", "key", "label"))
        if column in COLUMNS and key:
            self.lines[column].append(("said", label))
            await self.deliver([self.stand_in(column).press(PERSON, key)])
        return RedirectResponse("/", 303)

    async def deliver(self, webhooks: list[Webhook]) -> None:
        """Send webhooks, and wait until what comes back has stopped coming."""
        before = self.count()
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            for hook in webhooks:
                await client.request(hook.method, self.app + hook.path, headers=hook.headers, content=hook.body)
        began, last = time.monotonic(), before
        while time.monotonic() - began < 15:
            await asyncio.sleep(0.6)
            now = self.count()
            if now >= before + len(webhooks) and now == last:
                break
            last = now
        self.collect()

    def count(self) -> int:
        """How many messages were shown so far."""
        return sum(len(stand_in.shown) for stand_in in self.stand_ins.values())

    def collect(self) -> None:
        """Put what was shown since the last time into its column."""
        for name, stand_in in self.stand_ins.items():
            start = self.seen.get(name, 0)
            for number, shown in enumerate(stand_in.shown[start:], start):
                column = name
                if isinstance(stand_in, TwilioStandIn):
                    column = "twilio-whatsapp" if stand_in.left_from[number].startswith("whatsapp:") else "sms"
                self.lines[column].append(("got", shown))
            self.seen[name] = len(stand_in.shown)

    async def page(self, request: Request) -> Response:
        """Every channel side by side."""
        columns = "".join(self.column(name, title) for name, title in COLUMNS.items())
        refused = "".join(
            f'<p class="refused">{html.escape(name)} refused: {html.escape(why)}</p>'
            for name, stand_in in self.stand_ins.items()
            for why in stand_in.refused
        )
        return HTMLResponse(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Evenkeel on every channel</title>'
            f"<style>{_STYLE}</style>"
            '<h1>Evenkeel on every channel</h1><form class="ask" method="post" action="/say">'
            '<input type="text" name="text" aria-label="Message" autofocus placeholder="The same on every channel">'
            "<button>Send</button></form>"
            f'{refused}<div class="row">{columns}</div></html>'
        )

    def column(self, name: str, title: str) -> str:
        """One channel."""
        told = "".join(self.line(name, kind, what) for kind, what in self.lines[name])
        return f'<section class="col"><h2>{html.escape(title)}</h2>{told}</section>'

    def line(self, column: str, kind: str, what: Shown | str) -> str:
        """One message."""
        if isinstance(what, str):
            return f'<div class="{kind}">{html.escape(what)}</div>'
        buttons = "".join(
            f'<form method="post" action="/press"><input type="hidden" name="column" value="{column}">'
            f'<input type="hidden" name="key" value="{html.escape(key)}">'
            f'<button name="label" value="{html.escape(label)}">'
            f"{html.escape(label)}</button></form>"
            for label, key in what.buttons
        )
        words = _slack(what.text) if column == "slack" else html.escape(what.text)
        return f'<div class="{kind}">{words}</div><small>{len(what.text)} characters</small>{buttons}'


def _slack(text: str) -> str:
    """Slack's own marks for links as the links that it makes of them."""
    parts = _SLACK_LINK.split(text)
    shown = [html.escape(html.unescape(part)) for part in parts]
    links = [f'<a href="{shown[n]}">{shown[n + 1]}</a>' for n in range(1, len(parts), 3)]
    return "".join(f"{words}{link}" for words, link in zip(shown[::3], [*links, ""], strict=True))


async def run(port: int, once: str = "") -> Demo:
    """Serve application and page until stopped; with `once` say that on every channel and return."""
    platforms, own = free_socket(port), free_socket()
    base, page = (f"http://127.0.0.1:{sock.getsockname()[1]}" for sock in (own, platforms))
    with tempfile.TemporaryDirectory() as folder:
        stand_ins = make(base)
        own_settings = {"EVENKEEL_VAR": folder, "SECRET_KEY": "demo", **environment(page, base)}
        bot = None
        if not once:
            given = Settings.read()
            own_settings |= {"EVENKEEL_MODELS": str(given.models), "EVENKEEL_DATA": str(given.data)}
            with contextlib.suppress(EvenkeelError):  # nothing is made yet: a stand-in answers
                own_settings["DATABASE_URL"] = copy_database(given, Path(folder))
                bot = real_bot(Settings.read(own_settings))
        settings = Settings.read(own_settings)
        demo = Demo(stand_ins, base)
        app = build(settings, bot or WorkingBot())
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="on"))
        serving = asyncio.create_task(server.serve(sockets=[own]))
        async with served(application(stand_ins, list(demo.routes())), platforms):
            while not server.started and not serving.done():
                await asyncio.sleep(0.05)
            if once:
                await demo.deliver([demo.stand_in(column).text(PERSON, once) for column in COLUMNS])
                server.should_exit = True
                await serving
                return demo
            who = "The trained bot answers" if bot else "Nothing is trained yet, so a stand-in answers"
            print(f"Every channel side by side: {page}/   ({who}; stop with Ctrl+C)", flush=True)
            await serving
        return demo


def main() -> int:
    parser = argparse.ArgumentParser(description="Show every channel side by side.")
    parser.add_argument("--port", type=int, default=8090)
    asyncio.run(run(parser.parse_args().port))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
