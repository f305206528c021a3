"""Slack: direct messages, and mentions in channels.

https://docs.slack.dev/apis/events-api  https://docs.slack.dev/reference/methods/chat.postMessage
https://docs.slack.dev/reference/block-kit/blocks  https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import httpx
from starlette.responses import JSONResponse, Response

from bot.channels import signatures
from bot.channels.arrivals import Arrival, Forged, Malformed
from bot.channels.client import Outcome, request
from bot.channels.configuration import SlackSettings
from bot.channels.plain import contact_line, source_line
from bot.channels.platform import Hook, Platform, Request
from bot.channels.reading import as_number, as_object, as_objects, as_text, json_object
from bot.channels.rendering import Part, Style, pack
from bot.message import Contact, SourceRef

_SECTION, _ACTION_ID = 3000, 255
_MENTION = re.compile(r"<@[UW][A-Z0-9]+(\|[^>]*)?>\s*")
_LINK = re.compile(r"<(?:mailto:|tel:)?([^<>|]+)(?:\|([^<>]*))?>")
#: Errors that pass by themselves; others never will.
_PASSING = {
    "ratelimited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
}


def escape(text: str) -> str:
    """`text` with the three signs that mean something to Slack written out."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def source(reference: SourceRef) -> str:
    """A source whose title is its link."""
    if not reference.url or re.search(r"[<>|\s]", reference.url):
        return escape(source_line(reference))
    year = f", {reference.year}" if reference.year else ""
    title = escape(reference.title).replace("|", "¦")
    return f"<{reference.url.replace('&', '&amp;')}|{title}>. {escape(reference.publisher)}{year}"


def contact(somebody: Contact) -> str:
    """A contact whose number can be dialled."""
    line = escape(contact_line(somebody))
    if somebody.call and re.fullmatch(r"[+0-9][0-9 ()-]{1,24}", somebody.call):
        line = line.replace(
            f"call {somebody.call}", f"call <tel:{re.sub(r'[ ()-]', '', somebody.call)}|{somebody.call}>", 1
        )
    return line


#: A section 3,000, an actions block 25 buttons of 75 and values of 2,000; a whole message is kept readable.
STYLE = Style(
    most=9000, buttons=25, with_buttons=9000, label=75, key=2000, escape=escape, contact=contact, source=source
)
_SECTIONS = Style(most=_SECTION)


class Slack(Platform):
    """A bot user in a workspace."""

    name, title = "slack", "Slack"
    paths = ("/webhooks/slack/events", "/webhooks/slack/actions")
    slows_all = False

    def __init__(self, settings: SlackSettings, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(settings.api_base, client)
        self._settings = settings

    def verify(self, hook: Hook) -> None:
        signature, stamp = hook.headers.get("x-slack-signature"), hook.headers.get("x-slack-request-timestamp")
        if not signatures.slack(signature, stamp, hook.body, self._settings.signing_secret, time.time()):
            raise Forged("The signature is missing, wrong or old.")

    def greet(self, hook: Hook) -> Response | None:
        """Slack checks an address by a signed challenge."""
        if not hook.path.endswith("/events"):
            return None
        data = json_object(hook.body)
        return (
            JSONResponse({"challenge": as_text(data.get("challenge"))[:500]})
            if data.get("type") == "url_verification"
            else None
        )

    def read(self, hook: Hook) -> list[Arrival]:
        if hook.path.endswith("/actions"):
            try:
                fields = parse_qs(hook.body.decode(), max_num_fields=20)
            except ValueError:
                raise Malformed("The body is not a form.") from None
            return self._actions(json_object((fields.get("payload") or [""])[-1]))
        data = json_object(hook.body)
        arrival = self._event(data) if data.get("type") == "event_callback" else None
        return [] if arrival is None else [arrival]

    def style(self, address: Mapping[str, Any]) -> Style:
        return STYLE

    def request(self, part: Part, address: Mapping[str, Any]) -> Request:
        sections = pack(part.text.split("\n\n"), "", _SECTIONS)
        blocks: list[dict[str, Any]] = [
            {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}} for text in sections
        ]
        if part.choices:
            elements = [
                {
                    "type": "button", "text": {"type": "plain_text", "text": choice.label, "emoji": False},
                    "value": choice.key, "action_id": f"choice-{number}",
                }
                for number, choice in enumerate(part.choices, 1)
            ]  # fmt: skip
            blocks.append({"type": "actions", "elements": elements})
        message: Request = {
            "channel": address["channel"], "text": part.text, "blocks": blocks, "unfurl_links": False,
            "unfurl_media": False,
        }  # fmt: skip
        if address.get("thread"):
            message["thread_ts"] = address["thread"]
        return message

    async def send(self, request_body: Request) -> Outcome:
        headers = {"Authorization": f"Bearer {self._settings.bot_token}"}
        outcome = await request(
            self.client, "POST", f"{self.base}/chat.postMessage", json=request_body, headers=headers
        )
        if outcome.state != "sent":
            return outcome
        body = as_object(outcome.body)
        if body.get("ok") is True:
            return outcome
        error = as_text(body.get("error"))[:60] or "no answer of the API"
        passing = error in _PASSING or not as_text(body.get("error"))
        return Outcome(
            "later" if passing else "refused",
            error,
            maybe=error in ("internal_error", "fatal_error", "request_timeout"),
        )

    # -- reading -----------------------------------------------------------------------------------------------

    def _event(self, data: dict[str, Any]) -> Arrival | None:
        event, team = as_object(data.get("event")), as_text(data.get("team_id"))
        event_id, user, channel = (
            as_text(data.get("event_id")),
            as_text(event.get("user")),
            as_text(event.get("channel")),
        )
        if (
            not event_id
            or not user
            or not channel
            or event.get("bot_id")
            or event.get("bot_profile")
            or user == "USLACKBOT"
        ):
            return None
        direct = event.get("type") == "message" and event.get("channel_type") == "im"
        if not direct and event.get("type") != "app_mention":
            return None
        if event.get("subtype") not in (None, "file_share", "thread_broadcast"):
            return None
        stamp = as_text(event.get("ts"))
        text = plain(as_text(event.get("text")))
        extra = {"attached": True} if text.strip() and as_objects(event.get("files")) else {}
        person, address = self._who(team, user, channel, direct, as_text(event.get("thread_ts")) or stamp)
        if direct and not event.get("thread_ts"):
            address.pop("thread", None)
        return Arrival(
            event_id, person, address, "text" if text.strip() else "other", text, sent=as_number(stamp),
            group=not direct, extra=extra,
        )  # fmt: skip

    def _actions(self, data: dict[str, Any]) -> list[Arrival]:
        if data.get("type") != "block_actions":
            return []
        user = as_text(as_object(data.get("user")).get("id"))
        channel = as_text(as_object(data.get("channel")).get("id"))
        team = as_text(as_object(data.get("team")).get("id"))
        message = as_object(data.get("message"))
        arrivals = []
        for action in as_objects(data.get("actions")):
            value, stamp = as_text(action.get("value")), as_text(action.get("action_ts"))
            if not value or not user or not channel or action.get("type") != "button":
                continue
            direct = channel.startswith("D")
            thread = as_text(message.get("thread_ts")) or (as_text(message.get("ts")) if not direct else "")
            person, address = self._who(team, user, channel, direct, thread)
            arrivals.append(
                Arrival(
                    f"{user} {stamp} {as_text(action.get('action_id'))}",
                    person,
                    address,
                    "button",
                    button=value,
                    sent=as_number(stamp),
                    group=not direct,
                )
            )
        return arrivals

    @staticmethod
    def _who(team: str, user: str, channel: str, direct: bool, thread: str) -> tuple[str, dict[str, Any]]:
        address = {"channel": channel, **({"thread": thread} if thread else {})}
        return (f"{team}:{user}" if direct else f"{team}:{channel}:{user}"), address


def plain(text: str) -> str:
    """What somebody typed, without Slack's marks for mentions and links."""
    text = _LINK.sub(lambda match: match[2] or match[1], _MENTION.sub("", text))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
