"""WhatsApp Cloud API.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples
https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-reply-buttons-messages
https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-list-messages
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx

from bot.channels.arrivals import Arrival
from bot.channels.client import Outcome
from bot.channels.configuration import WhatsAppSettings
from bot.channels.countries import country_of
from bot.channels.meta import MetaPlatform
from bot.channels.platform import Hook, Request
from bot.channels.reading import as_number, as_object, as_objects, as_text, json_object
from bot.channels.rendering import Part, Style, cut, render, utf16
from bot.message import Message

#: Text 4,096; with reply buttons 1,024, at most 3 of 20 characters, ids 256.
BUTTONS = Style(most=4096, buttons=3, with_buttons=1024, label=20, key=200)
#: A list: up to 10 rows, titles 24 and descriptions 72, ids 200; its text 4,096 (1,024 in older descriptions).
LIST = replace(BUTTONS, buttons=10, label=24)
_LIST_BUTTON, _DESCRIPTION = "Choose", 72
#: Meta's id of a person for one business: a country, and signs that mean nothing.
_USER_ID = re.compile(r"([A-Z]{2})\.")
#: Messages that nobody wrote to us.
_NOT_WRITTEN = ("reaction", "system", "errors", "ephemeral", "protocol")


class WhatsApp(MetaPlatform):
    """A WhatsApp Business number at Meta itself."""

    name, title, paths = "whatsapp", "WhatsApp", ("/webhooks/whatsapp",)
    window = timedelta(hours=24)

    def __init__(self, settings: WhatsAppSettings, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(settings.api_base, settings.app_secret, settings.verify_token, settings.access_token, client)
        self._number_id = settings.phone_number_id

    def read(self, hook: Hook) -> list[Arrival]:
        data = json_object(hook.body)
        if data.get("object") != "whatsapp_business_account":
            return []
        arrivals = []
        for entry in as_objects(data.get("entry")):
            for change in as_objects(entry.get("changes")):
                value = as_object(change.get("value"))
                number = as_text(as_object(value.get("metadata")).get("phone_number_id"))
                # Another number of the same business has another bot, or a person.
                if change.get("field") == "messages" and number == self._number_id:
                    arrivals += [self._message(message) for message in as_objects(value.get("messages"))]
        return [arrival for arrival in arrivals if arrival is not None]

    def style(self, address: Mapping[str, Any]) -> Style:
        return BUTTONS

    def parts(self, message: Message, address: Mapping[str, Any]) -> list[Part]:
        parts = render(message, BUTTONS)
        fits = all(choice.label == choice.title for choice in parts[-1].choices)
        if message.suggestions and (not parts[-1].choices or not fits):
            as_list = render(message, LIST)
            return as_list if as_list[-1].choices else parts
        return parts

    def request(self, part: Part, address: Mapping[str, Any]) -> Request:
        to = {"to": address["number"]} if "number" in address else {"recipient": address["user"]}
        message: Request = {"messaging_product": "whatsapp", "recipient_type": "individual", **to}
        if not part.choices:
            return {**message, "type": "text", "text": {"body": part.text, "preview_url": False}}
        body = {"text": part.text}
        short = all(choice.label == choice.title and utf16(choice.title) <= BUTTONS.label for choice in part.choices)
        if len(part.choices) <= BUTTONS.buttons and short:
            buttons = [{"type": "reply", "reply": {"id": c.key, "title": c.label}} for c in part.choices]
            interactive = {"type": "button", "body": body, "action": {"buttons": buttons}}
        else:
            rows = [
                {"id": c.key, "title": c.label}
                | ({"description": cut(c.title, _DESCRIPTION)} if c.title != c.label else {})
                for c in part.choices
            ]
            action = {"button": _LIST_BUTTON, "sections": [{"title": _LIST_BUTTON, "rows": rows}]}
            interactive = {"type": "list", "body": body, "action": action}
        return {**message, "type": "interactive", "interactive": interactive}

    async def send(self, request: Request) -> Outcome:
        return await self.call(f"{self._number_id}/messages", request)

    async def signal(self, arrival: Arrival) -> None:
        read = {"messaging_product": "whatsapp", "status": "read", "message_id": arrival.signal["message"]}
        await self.call(f"{self._number_id}/messages", {**read, "typing_indicator": {"type": "text"}})

    def _message(self, message: dict[str, Any]) -> Arrival | None:
        number, user = as_text(message.get("from")), as_text(message.get("from_user_id"))
        message_id, kind = as_text(message.get("id")), as_text(message.get("type"))
        if not (number or user) or not message_id or kind in _NOT_WRITTEN or message.get("group_id"):
            return None
        address = {"number": number} if number else {"user": user}
        sent, signal = as_number(message.get("timestamp")), {"message": message_id}
        # The id stays when the number is hidden behind a name that the person chose; it begins with a country.
        whose = user or number
        named = _USER_ID.match(user)
        country = country_of(number) or (named[1] if named else None)
        pressed = _pressed(message, kind)
        if pressed:
            return Arrival(
                message_id, whose, address, "button", button=pressed, sent=sent, country=country, signal=signal
            )
        text = as_text(as_object(message.get("text")).get("body"))
        caption = as_text(as_object(message.get(kind)).get("caption")) if kind != "text" else ""
        return Arrival(
            message_id, whose, address, "text" if (text or caption).strip() else "other", text or caption, sent=sent,
            country=country, signal=signal, extra={"attached": True} if caption.strip() else {},
        )  # fmt: skip


def _pressed(message: Mapping[str, Any], kind: str) -> str:
    if kind == "interactive":
        interactive = as_object(message.get("interactive"))
        reply = as_object(interactive.get("button_reply")) or as_object(interactive.get("list_reply"))
        return as_text(reply.get("id"))
    return as_text(as_object(message.get("button")).get("payload")) if kind == "button" else ""
