"""Stands in for Messenger.

https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
https://developers.facebook.com/docs/messenger-platform/reference/send-api
"""

from __future__ import annotations

import time
from typing import Any

from starlette.responses import Response

from tests.platforms.meta import MetaStandIn
from tests.platforms.standin import Refused, Shown, Webhook, checked, text_within

_PAGE = "104455"


class MessengerStandIn(MetaStandIn):
    """A page's webhooks and the Send API."""

    name = "messenger"
    app_secret, token = "stand-in-app-secret-of-messenger", "EAAstandinpagetoken"
    path, api_path = "/webhooks/messenger", "me/messages"
    environment = {
        "MESSENGER_APP_SECRET": app_secret,
        "MESSENGER_PAGE_TOKEN": token,
        "MESSENGER_VERIFY_TOKEN": "stand-in-verify-token",
    }

    def event(self, person: str, number: int | None = None, **what: Any) -> dict[str, Any]:
        when = number if number is not None else next(self.numbers)
        return {"sender": {"id": person}, "recipient": {"id": _PAGE}, "timestamp": 1_795_000_000_000 + when, **what}

    def page(self, *events: dict[str, Any], **entry: Any) -> Webhook:
        return self.hook(
            {
                "object": "page",
                "entry": [{"id": _PAGE, "time": int(time.time() * 1000), "messaging": list(events), **entry}],
            }
        )

    def written(self, person: str, number: int | None = None, **message: Any) -> dict[str, Any]:
        number = number if number is not None else next(self.numbers)
        return self.event(person, number, message={"mid": f"m_{person}_{number}", **message})

    def text(self, person: str, text: str, number: int | None = None) -> Webhook:
        return self.page(self.written(person, number, text=text))

    def press(self, person: str, key: str, number: int | None = None) -> Webhook:
        return self.page(self.written(person, number, text="a label", quick_reply={"payload": key}))

    def photo(self, person: str) -> Webhook:
        return self.page(
            self.written(person, attachments=[{"type": "image", "payload": {"url": "https://cdn.example/1"}}])
        )

    def batch(self, messages: list[tuple[str, str]]) -> list[Webhook]:
        events = [self.written(person, text=text) for person, text in messages]
        half = len(events) // 2
        entries = [
            {"id": _PAGE, "time": 1, "messaging": events[:half]},
            {"id": _PAGE, "time": 2, "messaging": events[half:]},
        ]
        return [self.hook({"object": "page", "entry": entries})]

    def ignored(self) -> list[Webhook]:
        echo = self.event(_PAGE, message={"mid": "m_echo", "text": "an echo", "is_echo": True, "app_id": 1})
        picture = self.event(_PAGE, message={"mid": "m_e2", "is_echo": True, "attachments": [{"type": "image"}]})
        return [
            self.page(echo, picture),
            self.page(self.event("41", delivery={"mids": ["m_1"], "watermark": 1})),
            self.page(self.event("41", read={"watermark": 1})),
            self.page(self.event("41", reaction={"reaction": "love", "action": "react", "mid": "m_1"})),
            self.page(self.event("41", message_edit={"mid": "m_1", "text": "edited", "num_edit": 1})),
            self.page(standby=[self.written("41", text="for another app")]),
            self.hook(
                {"object": "page", "entry": [{"id": _PAGE, "time": 1, "standby": [self.written("41", text="x")]}]}
            ),
            self.hook({"object": "page", "entry": [{"id": _PAGE, "changes": [{"field": "feed", "value": {}}]}]}),
            self.hook({"object": "instagram", "entry": [{"id": "1", "messaging": [self.written("41", text="x")]}]}),
        ]

    async def take(self, what: dict[str, Any]) -> Response:
        checked(what, {"recipient", "message", "messaging_type", "sender_action"}, {"recipient"})
        to = what["recipient"].get("id")
        if not isinstance(to, str):
            raise Refused("no recipient")
        if "sender_action" in what:
            if what["sender_action"] not in ("typing_on", "typing_off", "mark_seen") or "message" in what:
                raise Refused("wrong sender_action")
            self.signals.append(what["sender_action"])
            return self.taken({"recipient_id": to})
        if what.get("messaging_type") != "RESPONSE":
            raise Refused("messaging_type is missing")
        message = what["message"]
        checked(message, {"text", "quick_replies", "attachment"}, {"text"})
        text = text_within(message["text"], 2000, "text")
        if "quick_replies" in message and not message["quick_replies"]:
            raise Refused("quick_replies is empty")
        if len(message.get("quick_replies", [])) > 13:
            raise Refused("too many quick replies")
        buttons = []
        for reply in message.get("quick_replies", []):
            checked(reply, {"content_type", "title", "payload", "image_url"}, {"content_type", "title", "payload"})
            text_within(reply["payload"], 1000, "payload")
            buttons.append((text_within(reply["title"], 20, "title"), reply["payload"]))
        answer = {"recipient_id": to, "message_id": f"m_out_{next(self.numbers)}"}
        return await self.send(to, Shown(to, text, tuple(buttons)), answer)
