"""Stands in for Slack.

https://docs.slack.dev/apis/events-api  https://docs.slack.dev/reference/methods/chat.postMessage
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.platforms.standin import Fault, Refused, Shown, StandIn, Webhook, checked, json_of, text_within

SECRET, TOKEN, TEAM = "stand-in-signing-secret", "xoxb-stand-in", "T0TEAM"
_POST = {"channel", "text", "blocks", "thread_ts", "unfurl_links", "unfurl_media", "mrkdwn"}


class SlackStandIn(StandIn):
    """A workspace; somebody called 41 is the user U41, who writes in the direct channel D41."""

    name = "slack"
    environment = {"SLACK_SIGNING_SECRET": SECRET, "SLACK_BOT_TOKEN": TOKEN}
    limit = Fault(429, 1)

    def signed(self, body: bytes, path: str = "events", age: float = 0.0, **headers: str) -> Webhook:
        stamp = str(int(time.time() - age))
        signature = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        kind = "application/json; charset=utf-8" if path == "events" else "application/x-www-form-urlencoded"
        made = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signature}",
            **headers,
        }
        return Webhook(f"/webhooks/slack/{path}", made, body)

    def event(self, event: dict[str, Any], number: int | None = None, age: float = 0.0, **headers: str) -> Webhook:
        number = number if number is not None else next(self.numbers)
        stamp = f"{1_795_000_000 + number}.000100"
        event = {"ts": stamp, "event_ts": stamp, **event}
        data = {
            "token": "unused",
            "team_id": TEAM,
            "api_app_id": "A0",
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{event.get('user', '')}{number}",
            "event_time": 1_795_000_000 + number,
        }
        return self.signed(json.dumps(data).encode(), age=age, **headers)

    def direct(self, person: str, text: str, **what: Any) -> dict[str, Any]:
        return {
            "type": "message",
            "channel": f"D{person}",
            "user": f"U{person}",
            "text": text,
            "channel_type": "im",
            **what,
        }

    def text(self, person: str, text: str, number: int | None = None) -> Webhook:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return self.event(self.direct(person, escaped), number)

    def press(self, person: str, key: str, number: int | None = None) -> Webhook:
        number = number if number is not None else next(self.numbers)
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "clinic"},
            "user": {"id": f"U{person}", "username": "ann", "team_id": TEAM},
            "channel": {"id": f"D{person}", "name": "directmessage"},
            "message": {"ts": "1795000000.000100", "text": "which?"},
            "actions": [
                {
                    "type": "button",
                    "action_id": "choice-1",
                    "block_id": "b",
                    "value": key,
                    "action_ts": f"{1_795_000_000 + number}.2",
                }
            ],
            "response_url": "https://hooks.slack.com/actions/T0/1/2",
        }
        return self.signed(urlencode({"payload": json.dumps(payload)}).encode(), "actions")

    def photo(self, person: str) -> Webhook:
        return self.event(self.direct(person, "", subtype="file_share", files=[{"id": "F1", "mimetype": "image/png"}]))

    def mention(self, person: str, text: str) -> Webhook:
        return self.event(
            {"type": "app_mention", "channel": "C0GENERAL", "user": f"U{person}", "text": f"<@U0BOT> {text}"}
        )

    def stale(self, person: str, text: str) -> Webhook | None:
        return self.event(self.direct(person, text), age=3600)

    def ignored(self) -> list[Webhook]:
        bot = self.direct("41", "from a bot", bot_id="B1")
        return [
            self.event(bot),
            self.event(self.direct("41", "", subtype="message_changed", message={"text": "edited"})),
            self.event(self.direct("41", "", subtype="message_deleted")),
            self.event(
                {
                    "type": "message",
                    "channel": "C0GENERAL",
                    "user": "U41",
                    "text": "to everybody",
                    "channel_type": "channel",
                }
            ),
            self.event({"type": "member_joined_channel", "user": "U41", "channel": "C0GENERAL"}),
            self.event({"type": "reaction_added", "user": "U41", "reaction": "+1", "item": {}}),
            self.event({"type": "app_home_opened", "user": "U41", "channel": "D41", "tab": "home"}),
            self.signed(json.dumps({"type": "app_rate_limited", "team_id": TEAM}).encode()),
            self.signed(
                urlencode({"payload": json.dumps({"type": "view_closed", "user": {"id": "U41"}})}).encode(), "actions"
            ),
        ]

    def routes(self) -> list[Route]:
        return [Route("/api/chat.postMessage", self.post_message, methods=["POST"])]

    def problem(self, status: int, why: str, retry_after: float | None = None) -> Response:
        error = "ratelimited" if status == 429 else "internal_error"
        headers = {} if retry_after is None else {"Retry-After": str(int(retry_after))}
        return JSONResponse({"ok": False, "error": error}, status, headers)

    async def post_message(self, request: Request) -> Response:
        try:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                raise Refused("invalid_auth")
            return await self.take(await json_of(request))
        except Refused as refused:
            # Slack says so with a status of 200.
            self.refused.append(str(refused))
            return JSONResponse({"ok": False, "error": str(refused).replace(" ", "_")})

    async def take(self, what: dict[str, Any]) -> Response:
        checked(what, _POST, {"channel", "text"})
        text_within(what["text"], 40_000, "text")
        if len(what.get("blocks", [])) > 50:
            raise Refused("too many blocks")
        texts, buttons = [], []
        for block in what.get("blocks", []):
            if block["type"] == "section":
                checked(block, {"type", "text"}, {"text"})
                checked(block["text"], {"type", "text", "verbatim"}, {"type", "text"})
                texts.append(text_within(block["text"]["text"], 3000, "section"))
            elif block["type"] == "actions":
                buttons += self.buttons(block)
            else:
                raise Refused(f"block {block['type']}")
        to = what["channel"].removeprefix("D")
        text = "\n\n".join(texts) or what["text"]
        return await self.send(
            to, Shown(to, text, tuple(buttons)), {"ok": True, "channel": what["channel"], "ts": "1.2"}
        )

    def buttons(self, block: dict[str, Any]) -> list[tuple[str, str]]:
        checked(block, {"type", "elements"}, {"elements"})
        if not 1 <= len(block["elements"]) <= 25:
            raise Refused("wrong number of elements")
        if len({element["action_id"] for element in block["elements"]}) < len(block["elements"]):
            raise Refused("action_id must differ")
        found = []
        for element in block["elements"]:
            checked(element, {"type", "text", "value", "action_id"}, {"type", "text", "action_id"})
            checked(element["text"], {"type", "text", "emoji"}, {"type", "text"})
            text_within(element["action_id"], 255, "action_id")
            found.append(
                (text_within(element["text"]["text"], 75, "button"), text_within(element["value"], 2000, "value"))
            )
        return found
