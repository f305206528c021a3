"""The whole way from the chat API to the reply, and what must hold whatever is sent."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import Any, get_args

import httpx
import sqlalchemy as sa

from bot.language.text import MOST_CHARACTERS, clean
from bot.message import Kind, Message
from bot.screen.findings import CATEGORIES
from tests.fuzz.inputs import MARK

#: Messages of one conversation, before a new one is begun.
A_CONVERSATION = 20

_FIELDS = {f.name for f in dataclasses.fields(Message)} - {"passages", "drugs", "revisions"}
_KINDS = set(get_args(Kind))
_CATEGORIES = {*CATEGORIES, "out_of_scope", "smalltalk", None}
_REFUSED = {400, 413}


class Noted(logging.Handler):
    """Keeps what is logged as an error, without its words."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.problems: list[str] = []
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        if record.levelno >= logging.ERROR or record.exc_info:
            self.problems.append(f"{record.name}: {record.msg}")


class Way:
    """A visitor who writes whatever there is. `check` raises AssertionError with what did not hold."""

    def __init__(self, client: httpx.AsyncClient, engine: sa.Engine) -> None:
        self._client, self._engine = client, engine
        self._headers: dict[str, str] = {}
        self._sent = 0
        #: Everything sent so far.
        self.sent = 0
        self.noted = Noted()

    async def check(self, text: str) -> None:
        """Send a text: a reply in a known payload, nothing executed, echoed as markup or logged."""
        response = await self._send({"id": str(self._sent), "text": text})
        if response.status_code == 400 and not clean(text):
            assert set(response.json()["error"]) == {"code", "message"}  # nothing was written
            return
        assert response.status_code == 200, f"{response.status_code} for {text[:80]!r}"
        messages = response.json()["messages"]
        assert messages, "no reply"
        for message in messages:
            self._check_message(message, text)
        self._check_log(text)

    async def check_body(self, body: Any) -> None:
        """Send something that is perhaps no message: refused with a sentence, or answered."""
        response = await self._send(body)
        if response.status_code == 200:
            for message in response.json()["messages"]:
                self._check_message(message, "")
        else:
            assert response.status_code in _REFUSED, f"{response.status_code} for {body!r}"
            assert set(response.json()["error"]) == {"code", "message"}
        self._check_log("")

    def check_store(self) -> None:
        """Nothing longer than the limit is kept, in the history or among Rasa's events."""
        with self._engine.connect() as connection:
            history = connection.scalars(sa.text("SELECT text FROM chat_messages WHERE text IS NOT NULL"))
            longest = max((len(text) for text in history), default=0)
            events = connection.scalars(sa.text("SELECT data FROM events WHERE type_name = 'user'"))
            longest = max([longest, *(len(json.loads(data).get("text") or "") for data in events)])
        assert longest <= MOST_CHARACTERS, f"{longest} characters are stored"

    async def _send(self, body: Any) -> httpx.Response:
        if self._sent % A_CONVERSATION == 0:
            about = [{"country": "GB"}, {"locale": "es-ES"}, {"time_zone": "America/New_York"}, {}]
            begun = await self._client.post("/chat/sessions", json=about[self._sent // A_CONVERSATION % len(about)])
            assert begun.status_code == 201, begun.text
            self._headers = {"Authorization": f"Bearer {begun.json()['token']}", "Content-Type": "application/json"}
        self._sent += 1
        self.sent += 1
        # ASCII: half a surrogate travels as an escape, as from a careless program.
        response = await self._client.post("/chat/messages", content=json.dumps(body).encode(), headers=self._headers)
        if response.status_code == 200 and any(m.get("wish") == "forget" for m in response.json()["messages"]):
            self._sent += -self._sent % A_CONVERSATION  # the conversation is gone: begin another
        return response

    def _check_message(self, message: dict[str, Any], text: str) -> None:
        assert set(message) - {"wish"} == _FIELDS, set(message) ^ _FIELDS
        assert message["kind"] in _KINDS and message["category"] in _CATEGORIES
        assert message["id"] and message["lead"].strip() and message["at"] and message["lang"]
        assert message["disclaimer"] or message["kind"] != "answer", "an answer without the disclaimer"
        shown = json.dumps(message)
        assert MARK not in shown, f"markup is echoed: {text[:80]!r}"
        assert "<" not in shown and "javascript:" not in shown, f"markup in a reply to {text[:80]!r}"

    def _check_log(self, text: str) -> None:
        problems, lines = self.noted.problems[:], self.noted.lines[:]
        self.noted.problems.clear()
        self.noted.lines.clear()
        assert not problems, problems
        words = text.strip()
        assert len(words) < 12 or not any(words in line for line in lines), "what was written is logged"
