"""Twilio: SMS, and WhatsApp through Twilio.

https://www.twilio.com/docs/messaging/guides/webhook-request  https://www.twilio.com/docs/messaging/api/message-resource
https://help.twilio.com/articles/223134027 (the words STOP, START and HELP)  https://www.twilio.com/docs/api/errors/21617
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import httpx
from starlette.responses import Response

from bot.channels import signatures
from bot.channels.arrivals import Arrival, Forged, Malformed
from bot.channels.client import CLOSED, Outcome, request
from bot.channels.configuration import TwilioSettings
from bot.channels.countries import country_of
from bot.channels.plain import contact_line, review_line, source_line
from bot.channels.platform import Hook, Platform, Request
from bot.channels.reading import as_number, as_object
from bot.channels.rendering import Part, Style, numbered, pack, render
from bot.channels.sms import fitting, plain_signs, segments
from bot.message import Message, SourceRef, Suggestion

#: A body has at most 1,600 characters; ten parts of 153 signs are a little less.
WHATSAPP = Style(most=1600)
SMS = Style(
    most=1500,
    escape=plain_signs,
    contact=lambda contact: plain_signs(contact_line(contact)),
    source=lambda reference: plain_signs(source_line(reference)),
)
#: Parts of an answer on SMS.
MOST_SEGMENTS = 3
_WORDS = {
    "stop": {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"},
    "start": {"start", "unstop", "yes"},
    "help": {"help", "info"},
    "more": {"more"},
}
#: 21610: opted out; 63003, 21614, 21211, 21408: cannot be reached at all.
_UNWANTED = {21610}
#: WhatsApp's day after somebody's last message is over: https://www.twilio.com/docs/api/errors/63016
_CLOSED = 63016
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
# In capitals it is meant as the word that ends all messages.
_SAY_STOP = re.compile(r"\b(?i:write|say|type|text|reply|send|answer|tap|press)\b[^.!?]*\b[Ss]top\b")
_STOP = re.compile(r"\bstop\b", re.IGNORECASE)
_END, _MORE = "End the exercise", "Text MORE for details."


class Twilio(Platform):
    """One or several numbers of a Twilio account."""

    name, title, paths = "twilio", "Twilio", ("/webhooks/twilio",)

    def __init__(self, settings: TwilioSettings, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(settings.api_base, client)
        self._settings = settings
        self._numbers = {_digits(number) for number in settings.numbers}

    def verify(self, hook: Hook) -> None:
        # The signature is over the fields, so they are taken apart first; nothing is made of them before it is checked.
        given = hook.headers.get("x-twilio-signature")
        try:
            genuine = signatures.twilio(given, hook.urls, _fields(hook.body), self._settings.auth_token)
        except Malformed:
            genuine = False
        if not genuine:
            raise Forged("The signature is missing or wrong.")

    def acknowledge(self) -> Response:
        return Response('<?xml version="1.0" encoding="UTF-8"?><Response/>', media_type="text/xml")

    def read(self, hook: Hook) -> list[Arrival]:
        fields = dict(_fields(hook.body))
        message_id = fields.get("MessageSid") or fields.get("SmsMessageSid") or fields.get("SmsSid") or ""
        sender, to = fields.get("From", ""), fields.get("To", "")
        status = fields.get("SmsStatus") or fields.get("MessageStatus") or "received"
        if not message_id or not sender or status != "received" or _digits(to) not in self._numbers:
            return []
        if fields.get("AccountSid", self._settings.account_sid) != self._settings.account_sid:
            return []
        whatsapp = sender.startswith("whatsapp:")
        country = country_of(sender) or ("" if whatsapp else fields.get("FromCountry", "").upper()[:2]) or None
        address = {"to": sender, "from": to}
        text, opted = fields.get("Body", ""), fields.get("OptOutType", "").lower()
        extra: dict[str, Any] = {"word": opted} if opted in _WORDS else {}
        if opted in ("stop", "start"):
            extra["answered"] = True
        if text.strip() and (as_number(fields.get("NumMedia")) or 0) > 0:
            extra["attached"] = True
        return [
            Arrival(
                message_id, sender, address, "text" if text.strip() else "other", text, country=country, extra=extra
            )
        ]

    def style(self, address: Mapping[str, Any]) -> Style:
        return WHATSAPP if _is_whatsapp(address) else SMS

    def intro(self, address: Mapping[str, Any]) -> str:
        return "intro_sms"

    def word(self, arrival: Arrival) -> str | None:
        if arrival.extra.get("word"):
            return str(arrival.extra["word"])
        said = (
            re.sub(r"[^a-z]", "", arrival.text.lower())
            if len(arrival.text) < 30 and " " not in arrival.text.strip()
            else ""
        )
        found = next((word for word, known in _WORDS.items() if said in known), None)
        return None if found == "more" and _is_whatsapp(arrival.address) else found

    def parts(self, message: Message, address: Mapping[str, Any]) -> list[Part]:
        return self.shortened(message, address)[0]

    def shortened(self, message: Message, address: Mapping[str, Any]) -> tuple[list[Part], Any]:
        message = without_stop(message)
        if _is_whatsapp(address) or message.kind != "answer":
            return render(message, self.style(address)), None
        return short_answer(message)

    def more(self, rest: Any) -> tuple[list[Part], Any]:
        """The details: one text of at most ten parts, and what is left of them."""
        texts = pack([*rest["blocks"]], rest["closing"], replace(SMS, most=SMS.most - len(_MORE) - 2))
        if len(texts) == 1:
            return [Part(texts[0])], None
        first = texts[0].removesuffix(rest["closing"]).strip()
        left = "\n\n".join(text.removesuffix(rest["closing"]).strip() for text in texts[1:])
        text = "\n\n".join(block for block in (first, _MORE, rest["closing"]) if block)
        return [Part(text)], {"blocks": left.split("\n\n"), "closing": rest["closing"]}

    def request(self, part: Part, address: Mapping[str, Any]) -> Request:
        return {"To": address["to"], "From": address["from"], "Body": part.text}

    async def send(self, request_body: Request) -> Outcome:
        url = f"{self.base}/2010-04-01/Accounts/{self._settings.account_sid}/Messages.json"
        auth = (self._settings.account_sid, self._settings.auth_token)
        outcome = await request(self.client, "POST", url, data=request_body, auth=auth)
        code = as_number(as_object(outcome.body).get("code"))
        if outcome.state == "sent" or code is None:
            return outcome
        if code in _UNWANTED:
            return Outcome("unwanted", f"code {code:.0f}")
        if code == _CLOSED:
            return Outcome("refused", CLOSED)
        return Outcome(outcome.state, f"{outcome.error}, code {code:.0f}", outcome.after, outcome.maybe)

    def may_write(self, address: Mapping[str, Any]) -> timedelta | None:
        return timedelta(hours=24) if str(address.get("To", "")).startswith("whatsapp:") else None


def short_answer(message: Message) -> tuple[list[Part], dict[str, Any] | None]:
    """An answer in at most three parts: lead, one source's name and disclaimer; and what MORE brings."""
    closing = plain_signs(message.disclaimer)
    lead = _SENTENCE.split(plain_signs(message.lead).strip())
    source = _source_name(message.sources)
    after = [plain_signs(detail) for detail in message.details]
    after += [SMS.contact(contact) for contact in message.contacts]
    after += ["\n".join(["Sources:", *(SMS.source(s) for s in message.sources)])] if message.sources else []
    after += [review_line(message.review)] if message.review else []
    after += [numbered(message.suggestions, SMS, SMS.choose)] if message.suggestions else []
    fits = partial(_fits, source=source, closing=closing, more=_MORE if after else "")
    taken = fitting(lead, fits)
    if taken < len(lead):
        fits = partial(_fits, source=source, closing=closing, more=_MORE)
        taken = fitting(lead, fits)
    shown, left = " ".join(lead[:taken]), " ".join(lead[taken:])
    if not shown:  # even the first sentence is too long: cut it between words
        words = lead[0].split()
        count = fitting(words, lambda text: fits(f"{text} ..."))
        shown, left = f"{' '.join(words[:count])} ...", " ".join([*words[count:], *lead[1:]])
    rest = [block for block in [left, *after] if block.strip()]
    text = _composed(shown, source, closing, _MORE if rest else "")
    return [Part(text)], {"blocks": rest, "closing": closing} if rest else None


def _composed(lead: str, source: str, closing: str, more: str) -> str:
    return "\n".join(block for block in (lead, source, more, closing) if block)


def _fits(lead: str, source: str, closing: str, more: str) -> bool:
    return segments(_composed(lead, source, closing, more)) <= MOST_SEGMENTS


def _source_name(sources: tuple[SourceRef, ...]) -> str:
    """The name of the first source, short."""
    if not sources:
        return ""
    name = plain_signs(sources[0].publisher or sources[0].title)
    return f"Source: {name if len(name) <= 60 else name[:57].rstrip() + '...'}"


def without_stop(message: Message) -> Message:
    """`message` without an invitation to write "stop": here that word ends all messages, not an exercise."""
    suggestions = tuple(
        Suggestion(s.id, _END if _STOP.search(s.title) and len(s.title.split()) <= 4 else s.title)
        for s in message.suggestions
    )
    if message.kind == "answer":  # what an article says of stopping a medicine stays as it is
        return replace(message, suggestions=suggestions)
    details = tuple(kept for detail in message.details if (kept := _uninviting(detail)))
    return replace(message, lead=_uninviting(message.lead) or message.lead, details=details, suggestions=suggestions)


def _uninviting(text: str) -> str:
    return " ".join(sentence for sentence in _SENTENCE.split(text) if not _SAY_STOP.search(sentence))


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError:
        raise Malformed("The body is not a form.") from None


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _is_whatsapp(address: Mapping[str, Any]) -> bool:
    return str(address.get("to", "")).startswith("whatsapp:")
