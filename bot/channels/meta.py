"""What Messenger and WhatsApp share: both are products of Meta's Graph API.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from __future__ import annotations

from typing import Any

import httpx
from starlette.responses import PlainTextResponse, Response

from bot.channels import signatures
from bot.channels.arrivals import Forged
from bot.channels.client import CLOSED, Outcome, request
from bot.channels.platform import Hook, Platform
from bot.channels.reading import as_number, as_object

#: Codes that mean "slow down" or "try again": 1, 2 and 131000 a passing fault, the rest limits on calls.
_PASSING = {1, 2, 4, 17, 32, 341, 613, 80006, 80007, 130429, 131000, 131016, 131048, 131056, 133004, 368}
#: WhatsApp's code, and Messenger's code under its code 10, for a reply that comes a day or more after the last message.
_CLOSED, _CLOSED_UNDER_10 = 131047, 2018278


class MetaPlatform(Platform):
    """Verification and calls; subclasses read and render."""

    methods = ("GET", "POST")

    def __init__(
        self, base: str, app_secret: str, verify_token: str, access_token: str, client: httpx.AsyncClient | None
    ) -> None:
        super().__init__(base, client)
        self._app_secret, self._verify_token, self._access_token = app_secret, verify_token, access_token

    def verify(self, hook: Hook) -> None:
        if not signatures.meta(hook.headers.get("x-hub-signature-256"), hook.body, self._app_secret):
            raise Forged("The signature is missing or wrong.")

    def greet(self, hook: Hook) -> Response | None:
        """Meta checks an address once, when it is entered, by a token that we chose."""
        if hook.method != "GET" or hook.query.get("hub.mode") != "subscribe":
            return None
        if not signatures.same(hook.query.get("hub.verify_token"), self._verify_token):
            return None
        return PlainTextResponse(hook.query.get("hub.challenge", "")[:200])

    def acknowledge(self) -> Response:
        return PlainTextResponse("EVENT_RECEIVED")

    async def call(self, path: str, what: dict[str, Any]) -> Outcome:
        """Post `what` to `path` under the version of the API."""
        headers = {"Authorization": f"Bearer {self._access_token}"}
        outcome = await request(self.client, "POST", f"{self.base}/{path}", json=what, headers=headers)
        if outcome.state == "sent":
            return outcome
        error = as_object(as_object(outcome.body).get("error"))
        code = as_number(error.get("code"))
        if code is None:
            return outcome
        name = f"{outcome.error}, code {code:.0f}"
        if int(code) == _CLOSED or as_number(error.get("error_subcode")) == _CLOSED_UNDER_10:
            return Outcome("refused", CLOSED)
        if error.get("is_transient") is True or int(code) in _PASSING:
            return Outcome("later", name, outcome.after, outcome.maybe)
        return Outcome(outcome.state, name, outcome.after, outcome.maybe)
