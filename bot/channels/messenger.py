"""Facebook Messenger.

https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/messages
https://developers.facebook.com/docs/messenger-platform/reference/send-api
https://developers.facebook.com/docs/messenger-platform/send-messages/quick-replies
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from bot.channels.arrivals import Arrival
from bot.channels.client import Outcome
from bot.channels.configuration import MessengerSettings
from bot.channels.meta import MetaPlatform
from bot.channels.platform import Hook, Request
from bot.channels.reading import as_number, as_object, as_objects, as_text, json_object
from bot.channels.rendering import Part, Style

#: Text 2,000; 13 quick replies, their title 20, their payload 1,000.
STYLE = Style(most=2000, buttons=13, with_buttons=2000, label=20, key=200)
#: The payload of the "Get started" button, as docs/channels/messenger.md has it set.
GET_STARTED = "get_started"


class Messenger(MetaPlatform):
    """A page that answers in Messenger."""

    name, title, paths = "messenger", "Messenger", ("/webhooks/messenger",)
    window = timedelta(hours=24)

    def __init__(self, settings: MessengerSettings, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(settings.api_base, settings.app_secret, settings.verify_token, settings.page_token, client)

    def read(self, hook: Hook) -> list[Arrival]:
        data = json_object(hook.body)
        if data.get("object") != "page":
            return []
        # "standby" holds what another app of the page has to answer.
        events = [event for entry in as_objects(data.get("entry")) for event in as_objects(entry.get("messaging"))]
        return [arrival for event in events if (arrival := self._event(event)) is not None]

    def style(self, address: Mapping[str, Any]) -> Style:
        return STYLE

    def request(self, part: Part, address: Mapping[str, Any]) -> Request:
        message: Request = {"text": part.text}
        if part.choices:
            message["quick_replies"] = [
                {"content_type": "text", "title": choice.label, "payload": choice.key} for choice in part.choices
            ]
        return {"recipient": {"id": address["user"]}, "messaging_type": "RESPONSE", "message": message}

    async def send(self, request: Request) -> Outcome:
        return await self.call("me/messages", request)

    async def signal(self, arrival: Arrival) -> None:
        for action in ("mark_seen", "typing_on"):
            await self.call("me/messages", {"recipient": {"id": arrival.address["user"]}, "sender_action": action})

    def _event(self, event: dict[str, Any]) -> Arrival | None:
        user = as_text(as_object(event.get("sender")).get("id"))
        if not user:
            return None
        sent = as_number(event.get("timestamp"))
        address = {"user": user}
        if isinstance(event.get("postback"), dict):
            postback = event["postback"]
            payload = as_text(postback.get("payload"))
            message_id = as_text(postback.get("mid")) or f"{user} {sent} {payload}"
            if not payload:
                return None
            if payload.lower() == GET_STARTED:
                return Arrival(message_id, user, address, "start", sent=sent)
            return Arrival(message_id, user, address, "button", button=payload, sent=sent)
        message = as_object(event.get("message"))
        message_id = as_text(message.get("mid"))
        if not message_id or message.get("is_echo") or message.get("is_deleted"):
            return None
        pressed = as_text(as_object(message.get("quick_reply")).get("payload"))
        if pressed:
            return Arrival(message_id, user, address, "button", button=pressed, sent=sent)
        text = as_text(message.get("text"))
        extra = {"attached": True} if text.strip() and _attached(message) else {}
        return Arrival(message_id, user, address, "text" if text.strip() else "other", text, sent=sent, extra=extra)


def _attached(message: Mapping[str, Any]) -> bool:
    """Whether something came with the words; a link preview does not count."""
    kinds = {as_text(attachment.get("type")) for attachment in as_objects(message.get("attachments"))}
    return bool(kinds - {"fallback"})
