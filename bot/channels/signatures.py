"""The signatures of the platforms: each over the raw bytes, with its one algorithm, compared in constant time.

Every function answers True or False and raises nothing, whatever it is handed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence

#: Seconds that a signed request of Slack may be old, or ahead of us.
SLACK_WINDOW = 5 * 60


def same(given: str | None, expected: str) -> bool:
    """Whether two secrets are equal; takes as long for a wrong one as for the right one."""
    return bool(given) and bool(expected) and hmac.compare_digest(str(given).encode(), expected.encode())


def meta(header: str | None, body: bytes, app_secret: str) -> bool:
    """`X-Hub-Signature-256` of Messenger and WhatsApp: HMAC-SHA256 of the body.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
    """
    return same(header, "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest())


def slack(header: str | None, timestamp: str | None, body: bytes, signing_secret: str, now: float) -> bool:
    """`X-Slack-Signature` over version, timestamp and body; older than five minutes is refused.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    if not timestamp or not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    if abs(now - int(timestamp)) > SLACK_WINDOW:
        return False
    signed = b"v0:" + timestamp.encode() + b":" + body
    return same(header, "v0=" + hmac.new(signing_secret.encode(), signed, hashlib.sha256).hexdigest())


def twilio(header: str | None, urls: Iterable[str], fields: Sequence[tuple[str, str]], auth_token: str) -> bool:
    """`X-Twilio-Signature`: HMAC-SHA1 over the address and the sorted form fields.

    Args:
        urls: the addresses under which we may have been called; a proxy hides which one it was.

    https://www.twilio.com/docs/usage/webhooks/webhooks-security
    """
    sent = "".join(name + value for name, value in sorted(set(fields)))
    found = False
    for url in urls:
        digest = hmac.new(auth_token.encode(), (url + sent).encode(), hashlib.sha1).digest()
        found |= same(header, base64.b64encode(digest).decode())
    return found
