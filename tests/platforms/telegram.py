"""Stands in for Telegram: https://core.telegram.org/bots/api (Update, sendMessage, InlineKeyboardButton)."""

from __future__ import annotations

import json
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.platforms.standin import Fault, Refused, Shown, StandIn, Webhook, checked, json_of, text_within

TOKEN, SECRET = "777000:stand-in-token-of-telegram", "stand-in-secret-of-the-webhook"
_SEND = {
    "chat_id",
    "text",
    "reply_markup",
    "reply_parameters",
    "link_preview_options",
    "message_thread_id",
    "parse_mode",
}


class TelegramStandIn(StandIn):
    """The Bot API and the updates it sends."""

    name = "telegram"
    environment = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_WEBHOOK_SECRET": SECRET}
    limit = Fault(429, 1)
    webhook: dict[str, Any] | None = None

    # -- updates -------------------------------------------------------------------------------------------------

    def update(self, number: int | None, **what: Any) -> Webhook:
        return self.signed(json.dumps({"update_id": number or next(self.numbers), **what}).encode())

    def signed(self, body: bytes) -> Webhook:
        headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET}
        return Webhook("/webhooks/telegram", headers, body)

    def message(self, person: str, **what: Any) -> dict[str, Any]:
        sender = {"id": int(person), "is_bot": False, "first_name": "Ann", "username": "ann_lee", "language_code": "en"}
        return {
            "message_id": next(self.numbers),
            "from": sender,
            "chat": {"id": int(person), "type": "private", "first_name": "Ann"},
            "date": int(time.time()),
            **what,
        }

    def text(self, person: str, text: str, number: int | None = None) -> Webhook:
        return self.update(number, message=self.message(person, text=text))

    def press(self, person: str, key: str, number: int | None = None) -> Webhook:
        message = self.message(person, text="which?")
        query = {
            "id": "4382bfdwdsb323b2d9",
            "from": message["from"],
            "message": message,
            "chat_instance": "1",
            "data": key,
        }
        return self.update(number, callback_query=query)

    def photo(self, person: str) -> Webhook:
        return self.update(None, message=self.message(person, photo=[{"file_id": "AgAC", "width": 90, "height": 90}]))

    def group(self, person: str, text: str, chat: int = -100500, **what: Any) -> Webhook:
        message = {
            **self.message(person, text=text, **what),
            "chat": {"id": chat, "type": "supergroup", "title": "A group"},
        }
        return self.update(None, message=message)

    def ignored(self) -> list[Webhook]:
        message = self.message("41", text="what are the side effects")
        member = {
            "chat": message["chat"],
            "from": message["from"],
            "date": 1,
            "old_chat_member": {},
            "new_chat_member": {},
        }
        bot = {**message, "from": {**message["from"], "is_bot": True}}
        joined = {**self.message("41"), "new_chat_members": [message["from"]]}
        return [
            self.update(None, edited_message={**message, "edit_date": 2}),
            self.update(None, channel_post=message),
            self.update(None, my_chat_member=member),
            self.update(None, message=bot),
            self.update(None, message=joined),
            self.update(None, poll={"id": "1"}),
            self.update(
                None, callback_query={"id": "1", "from": message["from"], "chat_instance": "1", "game_short_name": "x"}
            ),
            self.group("41", "what do you think, everybody?"),
        ]

    # -- methods -------------------------------------------------------------------------------------------------

    def routes(self) -> list[Route]:
        return [Route("/bot{token}/{method}", self.method, methods=["POST"])]

    def problem(self, status: int, why: str, retry_after: float | None = None) -> Response:
        body: dict[str, Any] = {"ok": False, "error_code": status, "description": why}
        if retry_after is not None:
            body["parameters"] = {"retry_after": retry_after}
        return JSONResponse(body, status)

    async def method(self, request: Request) -> Response:
        try:
            if request.path_params["token"] != TOKEN:
                raise Refused("Unauthorized", 401)
            what = await json_of(request)
            return await self.call(request.path_params["method"], what)
        except Refused as refused:
            self.refused.append(str(refused))
            return self.problem(refused.status, f"Bad Request: {refused}")

    async def call(self, method: str, what: dict[str, Any]) -> Response:
        if method == "sendMessage":
            return await self.send_message(what)
        if method == "getMe":
            return self.taken({"ok": True, "result": {"id": 777000, "is_bot": True, "username": "EvenkeelBot"}})
        if method == "setWebhook":
            checked(
                what, {"url", "secret_token", "allowed_updates", "max_connections", "drop_pending_updates"}, {"url"}
            )
            self.webhook = what
        elif method == "deleteWebhook":
            self.webhook = None
        elif method == "getWebhookInfo":
            url = (self.webhook or {}).get("url", "")
            info = {"url": url, "has_custom_certificate": False, "pending_update_count": 0}
            return self.taken({"ok": True, "result": info})
        elif method in ("sendChatAction", "answerCallbackQuery"):
            self.signals.append(method)
        else:
            raise Refused("Not Found", 404)
        return self.taken({"ok": True, "result": True})

    async def send_message(self, what: dict[str, Any]) -> Response:
        checked(what, _SEND, {"chat_id", "text"})
        text = text_within(what["text"], 4096, "message text")
        buttons = []
        for row in (what.get("reply_markup") or {}).get("inline_keyboard", []):
            for button in row:
                checked(button, {"text", "callback_data"}, {"text", "callback_data"})
                if not 1 <= len(button["callback_data"].encode()) <= 64:
                    raise Refused("BUTTON_DATA_INVALID")
                buttons.append((text_within(button["text"], 200, "button text"), button["callback_data"]))
        to = str(what["chat_id"])
        answer = {
            "ok": True,
            "result": {"message_id": next(self.numbers), "chat": {"id": what["chat_id"]}, "text": text},
        }
        return await self.send(to, Shown(to, text, tuple(buttons)), answer)
