"""Stands in for Twilio.

https://www.twilio.com/docs/messaging/guides/webhook-request  https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.platforms.standin import Refused, Shown, StandIn, Webhook, checked, text_within

SID, TOKEN = "ACstandin0000000000000000000000000", "stand-in-auth-token"
NUMBERS = ("+15551234567", "+15557654321")


class TwilioStandIn(StandIn):
    """An account with two numbers; people are numbers without a sign before them."""

    name = "twilio"
    environment = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": ", ".join(NUMBERS)}
    #: The address that was entered at Twilio.
    entered = "https://bot.test/webhooks/twilio"
    #: Put before numbers: "" for SMS, "whatsapp:" for WhatsApp.
    prefix = ""
    #: From which number each message left.
    left_from: list[str]

    def form(self, **fields: str) -> Webhook:
        return self.signed(urlencode(fields).encode())

    def signed(self, body: bytes) -> Webhook:
        try:
            fields = sorted(set(parse_qsl(body.decode("ascii"), keep_blank_values=True)))
        except ValueError:
            fields = []
        text = self.entered + "".join(name + value for name, value in fields)
        signature = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "X-Twilio-Signature": signature}
        return Webhook("/webhooks/twilio", headers, body)

    def message(
        self, person: str, text: str, number: int | None = None, to: str = NUMBERS[0], **fields: str
    ) -> Webhook:
        sid = f"SM{person}{number if number is not None else next(self.numbers)}"
        given = {
            "MessageSid": sid,
            "SmsSid": sid,
            "AccountSid": SID,
            "From": f"{self.prefix}+{person}",
            "To": f"{self.prefix}{to}",
            "Body": text,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
            "FromCountry": "US",
            "FromCity": "SPRINGFIELD",
        }
        return self.form(**(given | fields))

    def text(self, person: str, text: str, number: int | None = None) -> Webhook:
        return self.message(person, text, number)

    def press(self, person: str, key: str, number: int | None = None) -> Webhook:
        return self.message(person, "2" if key == "s-2" else "1", number)

    def photo(self, person: str) -> Webhook:
        return self.message(
            person, "", NumMedia="1", MediaUrl0="https://api.twilio.com/media/1", MediaContentType0="image/jpeg"
        )

    def ignored(self) -> list[Webhook]:
        return [
            self.form(MessageSid="SM1", MessageStatus="delivered", To="+41", From=NUMBERS[0], AccountSid=SID),
            self.form(
                MessageSid="SM2", SmsStatus="sent", MessageStatus="sent", To="+41", From=NUMBERS[0], AccountSid=SID
            ),
            self.message("41", "to another number", to="+15550000000"),
            self.message("41", "of another account", AccountSid="ACother"),
            self.form(Nothing="here"),
        ]

    def routes(self) -> list[Route]:
        return [Route(f"/2010-04-01/Accounts/{SID}/Messages.json", self.messages, methods=["POST"])]

    def problem(self, status: int, why: str, retry_after: float | None = None) -> Response:
        code = {429: 20429, 500: 20500}.get(status, 21617)
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return JSONResponse({"code": code, "message": why, "status": status}, status, headers)

    async def messages(self, request: Request) -> Response:
        try:
            expected = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
            if request.headers.get("authorization") != f"Basic {expected}":
                raise Refused("Authenticate", 401)
            return await self.take(dict(parse_qsl((await request.body()).decode(), keep_blank_values=True)))
        except Refused as refused:
            self.refused.append(str(refused))
            return self.problem(refused.status, str(refused))

    async def take(self, what: dict[str, Any]) -> Response:
        checked(what, {"To", "From", "Body"}, {"To", "From", "Body"})
        text = text_within(what["Body"], 1600, "Body")
        to, sender = what["To"], what["From"]
        if to.startswith("whatsapp:") != sender.startswith("whatsapp:"):
            raise Refused("Twilio could not find a Channel with the specified From address")
        if sender.removeprefix("whatsapp:") not in NUMBERS:
            raise Refused("From is not a number of this account")
        self.left_from = [*getattr(self, "left_from", []), sender]
        person = to.removeprefix("whatsapp:").removeprefix("+")
        answer = {"sid": f"SMout{next(self.numbers)}", "status": "queued", "body": text}
        return await self.send(person, Shown(person, text), answer)
