"""What the stand-ins of Messenger and WhatsApp share (https://developers.facebook.com/docs/graph-api)."""

from __future__ import annotations

import hashlib
import hmac
import json
from abc import abstractmethod
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.platforms.standin import Refused, StandIn, Webhook, json_of

VERSION = "v26.0"


class MetaStandIn(StandIn):
    """Signs webhooks with the app secret and answers errors as the Graph API does."""

    app_secret: str
    token: str
    path: str
    api_path: str

    def signed(self, body: bytes) -> Webhook:
        signature = hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        return Webhook(self.path, headers, body)

    def hook(self, data: dict[str, Any]) -> Webhook:
        return self.signed(json.dumps(data).encode())

    def problem(self, status: int, why: str, retry_after: float | None = None) -> Response:
        code = {429: 4, 500: 2}.get(status, 100)
        error = {"message": why, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2"}
        return JSONResponse({"error": error}, status, {} if retry_after is None else {"Retry-After": str(retry_after)})

    def routes(self) -> list[Route]:
        return [Route(f"/{VERSION}/{self.api_path}", self.messages, methods=["POST"])]

    async def messages(self, request: Request) -> Response:
        try:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                raise Refused("Invalid OAuth access token", 401)
            return await self.take(await json_of(request))
        except Refused as refused:
            self.refused.append(str(refused))
            return self.problem(refused.status, f"(#100) {refused}")

    @abstractmethod
    async def take(self, what: dict[str, Any]) -> Response:
        """What the platform answers to a message that is sent; each platform says it for itself."""
