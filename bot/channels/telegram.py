"""Telegram's Bot API: https://core.telegram.org/bots/api (setWebhook, Update, sendMessage, answerCallbackQuery)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import httpx

from bot.channels import signatures
from bot.channels.arrivals import Arrival, Forged
from bot.channels.client import Outcome, request
from bot.channels.configuration import TelegramSettings
from bot.channels.platform import Hook, Platform, Request
from bot.channels.reading import as_number, as_object, as_text, json_object
from bot.channels.rendering import Part, Style

#: Text 4,096 after entities; callback_data 64 bytes; the label's limit is not documented, so it stays readable.
STYLE = Style(most=4096, buttons=8, with_buttons=4096, label=48, key=64)
#: What a webhook is asked to bring.
UPDATES = ["message", "callback_query"]
_COMMAND = re.compile(r"/(start|help)(@\w+)?(\s.*)?", re.IGNORECASE | re.DOTALL)
#: Messages about the chat itself, which nobody wrote.
_SERVICE = (
    "new_chat_members", "left_chat_member", "new_chat_title", "new_chat_photo", "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created", "channel_chat_created", "migrate_to_chat_id", "migrate_from_chat_id", "pinned_message",
    "message_auto_delete_timer_changed", "write_access_allowed", "users_shared", "chat_shared", "forum_topic_created",
    "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened", "video_chat_started", "video_chat_ended",
    "video_chat_scheduled", "video_chat_participants_invited", "boost_added", "chat_background_set",
)  # fmt: skip


class Telegram(Platform):
    """A bot made with @BotFather."""

    name, title, paths = "telegram", "Telegram", ("/webhooks/telegram",)
    slows_all = False

    def __init__(self, settings: TelegramSettings, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(settings.api_base, client)
        self._settings = settings
        #: The bot's own id is the first part of its token; its name has to be asked for.
        self._id = settings.bot_token.partition(":")[0]
        self.username: str | None = None

    async def start(self) -> None:
        """Learn the bot's own name, by which it is addressed in groups."""
        wait = 1.0
        while True:
            outcome = await self.call("getMe", {})
            if outcome.state == "sent" and isinstance(outcome.body, dict):
                self.username = as_text(as_object(outcome.body.get("result")).get("username")).lower() or None
                return
            if outcome.state == "refused":
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, 300.0)

    def verify(self, hook: Hook) -> None:
        given = hook.headers.get("x-telegram-bot-api-secret-token")
        if not signatures.same(given, self._settings.webhook_secret):
            raise Forged("The secret token is missing or wrong.")

    def read(self, hook: Hook) -> list[Arrival]:
        update = json_object(hook.body)
        update_id = update.get("update_id")
        if not isinstance(update_id, int) or isinstance(update_id, bool):
            return []
        if "callback_query" in update:
            arrival = self._pressed(str(update_id), as_object(update["callback_query"]))
        else:
            arrival = self._written(str(update_id), as_object(update.get("message")))
        return [] if arrival is None else [arrival]

    def style(self, address: Mapping[str, Any]) -> Style:
        return STYLE

    def request(self, part: Part, address: Mapping[str, Any]) -> Request:
        message: Request = {
            "chat_id": address["chat"],
            "text": part.text,
            "link_preview_options": {"is_disabled": True},
        }
        if address.get("thread"):
            message["message_thread_id"] = address["thread"]
        if address.get("answers"):
            message["reply_parameters"] = {"message_id": address["answers"], "allow_sending_without_reply": True}
        if part.choices:
            rows = [[{"text": choice.label, "callback_data": choice.key}] for choice in part.choices]
            message["reply_markup"] = {"inline_keyboard": rows}
        return message

    async def send(self, request: Request) -> Outcome:
        return await self.call("sendMessage", request)

    async def signal(self, arrival: Arrival) -> None:
        if arrival.signal.get("callback"):
            await self.call("answerCallbackQuery", {"callback_query_id": arrival.signal["callback"]})
        typing = {"chat_id": arrival.address["chat"], "action": "typing"}
        if arrival.address.get("thread"):
            typing["message_thread_id"] = arrival.address["thread"]
        await self.call("sendChatAction", typing)

    async def call(self, method: str, what: Mapping[str, Any]) -> Outcome:
        """Call a method of the Bot API."""
        url = f"{self.base}/bot{self._settings.bot_token}/{method}"
        outcome = await request(self.client, "POST", url, json=dict(what))
        body = as_object(outcome.body)
        after = as_number(as_object(body.get("parameters")).get("retry_after"))
        if outcome.state == "sent" and body.get("ok") is not True:
            return Outcome("later", "no answer of the Bot API", maybe=True)
        if outcome.state == "later" and after is not None:
            return Outcome("later", outcome.error, after, outcome.maybe, body)
        if outcome.error == "HTTP 403":  # the person blocked the bot, or left
            return Outcome("unwanted", "blocked by the person")
        return outcome

    # -- reading -----------------------------------------------------------------------------------------------

    def _pressed(self, update_id: str, query: dict[str, Any]) -> Arrival | None:
        message, data = as_object(query.get("message")), as_text(query.get("data"))
        who = self._who(query, message)
        if who is None or not data:
            return None
        person, address, group = who
        return Arrival(
            update_id, person, address, "button", button=data, sent=float(update_id), group=group,
            locale=_locale(query), signal={"callback": as_text(query.get("id"))},
        )  # fmt: skip

    def _written(self, update_id: str, message: dict[str, Any]) -> Arrival | None:
        who = self._who(message, message)
        if who is None or any(kind in message for kind in _SERVICE):
            return None
        person, address, group = who
        text = as_text(message.get("text")) or as_text(message.get("caption"))
        if group:
            addressed = self._addressed(message, text)
            if addressed is None:
                return None
            text = addressed
        command = _COMMAND.fullmatch(text.strip())
        if command and (command[1].lower() == "start" or not (command[3] or "").strip()):
            return Arrival(
                update_id, person, address, "start", sent=float(update_id), group=group, locale=_locale(message)
            )
        attached = not isinstance(message.get("text"), str)
        return Arrival(
            update_id, person, address, "text" if text.strip() else "other", text, sent=float(update_id), group=group,
            locale=_locale(message), extra={"attached": True} if attached else {},
        )  # fmt: skip

    def _who(self, sent: dict[str, Any], message: dict[str, Any]) -> tuple[str, dict[str, Any], bool] | None:
        """Whose message it is, where to reply, and whether others read along; None for what no person wrote."""
        sender, chat = as_object(sent.get("from")), as_object(message.get("chat"))
        if not isinstance(sender.get("id"), int) or not isinstance(chat.get("id"), int) or sender.get("is_bot"):
            return None
        if message.get("via_bot") or "sender_chat" in message:
            return None
        if chat.get("type") == "private":
            return str(sender["id"]), {"chat": chat["id"]}, False
        if chat.get("type") not in ("group", "supergroup"):
            return None
        address = {"chat": chat["id"], "answers": message.get("message_id")}
        if message.get("is_topic_message") and message.get("message_thread_id"):
            address["thread"] = message["message_thread_id"]
        return f"{chat['id']}:{sender['id']}", address, True

    def _addressed(self, message: dict[str, Any], text: str) -> str | None:
        """What was said to us in a group, without our name; None when it was said to somebody else."""
        replied = as_object(as_object(message.get("reply_to_message")).get("from"))
        to_us = str(replied.get("id")) == self._id
        if self.username:
            at = re.compile(rf"@{re.escape(self.username)}\b", re.IGNORECASE)
            if at.search(text):
                to_us, text = True, at.sub("", text)
        return text.strip() if to_us else None


def _locale(sent: Mapping[str, Any]) -> str | None:
    code = as_text(as_object(sent.get("from")).get("language_code"))
    return code if re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}", code) else None
