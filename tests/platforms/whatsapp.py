"""Stands in for the WhatsApp Cloud API.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples
https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from tests.platforms.meta import MetaStandIn
from tests.platforms.standin import Refused, Shown, Webhook, checked, text_within

_NUMBER_ID = "106540352242922"


class WhatsAppStandIn(MetaStandIn):
    """A number's webhooks and its messages endpoint."""

    name = "whatsapp"
    app_secret, token = "stand-in-app-secret-of-whatsapp", "EAAstandinaccesstoken"
    path, api_path = "/webhooks/whatsapp", f"{_NUMBER_ID}/messages"
    environment = {
        "WHATSAPP_APP_SECRET": app_secret,
        "WHATSAPP_ACCESS_TOKEN": token,
        "WHATSAPP_PHONE_NUMBER_ID": _NUMBER_ID,
        "WHATSAPP_VERIFY_TOKEN": "stand-in-verify-token",
    }

    def value(self, number_id: str = _NUMBER_ID, **what: Any) -> dict[str, Any]:
        metadata = {"display_phone_number": "15550783881", "phone_number_id": number_id}
        return {"messaging_product": "whatsapp", "metadata": metadata, **what}

    def changes(self, *values: dict[str, Any], field: str = "messages") -> Webhook:
        changes = [{"value": value, "field": field} for value in values]
        return self.hook(
            {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": changes}]}
        )

    def message(self, person: str, number: int | None = None, **what: Any) -> dict[str, Any]:
        number = number if number is not None else next(self.numbers)
        return {"from": person, "id": f"wamid.{person}{number}", "timestamp": str(1_795_000_000 + number), **what}

    def text(self, person: str, text: str, number: int | None = None) -> Webhook:
        contacts = [{"profile": {"name": "Ann Lee"}, "wa_id": person}]
        return self.changes(
            self.value(contacts=contacts, messages=[self.message(person, number, type="text", text={"body": text})])
        )

    def press(self, person: str, key: str, number: int | None = None) -> Webhook:
        reply = {"type": "button_reply", "button_reply": {"id": key, "title": "a label"}}
        return self.changes(self.value(messages=[self.message(person, number, type="interactive", interactive=reply)]))

    def photo(self, person: str) -> Webhook:
        image = {"mime_type": "image/jpeg", "sha256": "x", "id": "1"}
        return self.changes(self.value(messages=[self.message(person, type="image", image=image)]))

    def batch(self, messages: list[tuple[str, str]]) -> list[Webhook]:
        made = [self.message(person, type="text", text={"body": text}) for person, text in messages]
        return [self.changes(self.value(messages=made[:1]), self.value(messages=made[1:]))]

    def ignored(self) -> list[Webhook]:
        written = self.message("41", type="text", text={"body": "what are the side effects"})
        status = {"id": "wamid.1", "status": "delivered", "timestamp": "1795000000", "recipient_id": "41"}
        return [
            self.changes(self.value(statuses=[status, {**status, "status": "read"}])),
            self.changes(
                self.value(messages=[self.message("41", type="reaction", reaction={"message_id": "x", "emoji": "!"})])
            ),
            self.changes(self.value(messages=[self.message("41", type="system", system={"body": "changed"})])),
            self.changes(self.value("999", messages=[written])),
            self.changes({"event": "APPROVED", "message_template_id": 1}, field="message_template_status_update"),
            self.hook({"object": "page", "entry": []}),
        ]

    async def take(self, what: dict[str, Any]) -> Response:
        if what.get("messaging_product") != "whatsapp":
            raise Refused("messaging_product is missing")
        if "status" in what:
            checked(what, {"messaging_product", "status", "message_id", "typing_indicator"}, {"message_id"})
            self.signals.append("read and typing" if "typing_indicator" in what else "read")
            return self.taken({"success": True})
        checked(
            what,
            {"messaging_product", "recipient_type", "to", "recipient", "type", "text", "interactive"},
            {"type", "recipient_type"},
        )
        to = what.get("to") or what.get("recipient")
        if not isinstance(to, str) or ("to" in what) == ("recipient" in what):
            raise Refused("one of to and recipient is needed")
        buttons: list[tuple[str, str]] = []
        if what["type"] == "text":
            checked(what["text"], {"body", "preview_url"}, {"body"})
            text = text_within(what["text"]["body"], 4096, "body")
        elif what["type"] == "interactive":
            text, buttons = self.interactive(what["interactive"])
        else:
            raise Refused(f"type {what['type']}")
        answer = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": to}],
            "messages": [{"id": f"wamid.o{next(self.numbers)}"}],
        }
        return await self.send(to, Shown(to, text, tuple(buttons)), answer)

    def interactive(self, what: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
        checked(what, {"type", "body", "action", "header", "footer"}, {"type", "body", "action"})
        # The description of lists allows 4,096; older ones 1,024, which is what is asked of us.
        text = text_within(what["body"]["text"], 1024, "body of an interactive message")
        buttons = []
        if what["type"] == "button":
            if not 1 <= len(what["action"]["buttons"]) <= 3:
                raise Refused("wrong number of buttons")
            for button in what["action"]["buttons"]:
                reply = button["reply"]
                buttons.append((text_within(reply["title"], 20, "title"), text_within(reply["id"], 256, "id")))
        elif what["type"] == "list":
            text_within(what["action"]["button"], 20, "button")
            rows = [row for section in what["action"]["sections"] for row in section["rows"]]
            if not 1 <= len(rows) <= 10:
                raise Refused("wrong number of rows")
            for row in rows:
                checked(row, {"id", "title", "description"}, {"id", "title"})
                if "description" in row:
                    text_within(row["description"], 72, "description")
                buttons.append((text_within(row["title"], 24, "title"), text_within(row["id"], 200, "id")))
        else:
            raise Refused(f"interactive type {what['type']}")
        if len({label for label, _ in buttons}) < len(buttons) or len({key for _, key in buttons}) < len(buttons):
            raise Refused("titles and ids must differ")
        return text, buttons
