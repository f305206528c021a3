"""How pages are made: templates, the links that may stand in them, and the files that belong to them."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.settings import Settings
from bot.web.helplines import read_emergency_numbers

_HERE = Path(__file__).parent
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
LANGUAGES = {
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "pt": "Portuguese",
    "it": "Italian",
    "cy": "Welsh",
    "ga": "Irish",
    "hi": "Hindi",
    "ar": "Arabic",
    "zh": "Chinese",
    "mi": "Māori",
}
_LASTING = "public, max-age=31536000, immutable"
_SHORT = "public, max-age=300"


class Showing:
    """Renders templates with what stands on all pages."""

    def __init__(self, settings: Settings) -> None:
        self._files = {
            path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir()) if path.suffix in _TYPES
        }
        self._templates = _templates()
        self._templates.globals.update(
            asset=lambda name: f"/static/{name}?v={version(self._files[name])}",
            emergency=read_emergency_numbers(settings.data / "helplines.yml"),
            operator=settings,
            retention_days=settings.retention_days,
        )

    def set(self, **values: Any) -> None:
        """Values that every template sees."""
        self._templates.globals.update(values)

    def page(
        self, name: str, *, status: int = 200, headers: dict[str, str] | None = None, **context: Any
    ) -> HTMLResponse:
        """The page that the template `name` makes of `context`."""
        headers = {key: value for key, value in (headers or {}).items() if key != "WWW-Authenticate"}
        return HTMLResponse(self._templates.get_template(name).render(**context), status, headers)

    def file(self, request: Request, name: str) -> Response | None:
        """A file of the pages, or None; under its versioned address it may be kept for ever."""
        content = self._files.get(name)
        if content is None:
            return None
        lasting = request.query_params.get("v") == version(content)
        return file_response(request, content, _TYPES[Path(name).suffix], lasting=lasting)


def file_response(
    request: Request, content: bytes, media_type: str, *, lasting: bool, more: dict[str, str] | None = None
) -> Response:
    """A file that never changes under its address (`lasting`) or may after some minutes; 304 and gzip where asked."""
    headers = {
        "ETag": f'"{version(content)}"',
        "Cache-Control": _LASTING if lasting else _SHORT,
        "Vary": "Accept-Encoding",
        **(more or {}),
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if re.search(r"\bgzip\b", request.headers.get("accept-encoding", "")) and len(content) > 500:
        content, headers["Content-Encoding"] = gzip.compress(content, 9, mtime=0), "gzip"
    return Response(content, headers=headers, media_type=media_type)


def version(content: bytes) -> str:
    """A short name for `content` that changes with it."""
    return hashlib.sha256(content).hexdigest()[:12]


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(tel=tel, sms=sms, https=https, contact_link=contact_link, languages=languages)
    return environment


def tel(number: str) -> str:
    """A `tel:` address for a number as it is printed; empty where it has no digits."""
    dialled = re.sub(r"[^\d+*#]", "", number)
    return f"tel:{quote(dialled, safe='+*')}" if re.search(r"\d", dialled) else ""


def sms(text: dict[str, str | None]) -> str:
    """An `sms:` address for {"number", "body"}; empty where the number has no digits."""
    number = re.sub(r"[^\d+]", "", text.get("number") or "")
    body = text.get("body")
    return f"sms:{number}" + (f"?{urlencode({'body': body}, quote_via=quote)}" if body else "") if number else ""


def https(url: str | None) -> str:
    """`url` where it is an https address with a host, else empty: nothing else becomes a link."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return ""
    return url or "" if parts.scheme == "https" and parts.netloc else ""


def languages(codes: Sequence[str]) -> str:
    """Languages in words, where there are others than English; codes we have no word for are left out."""
    return "" if set(codes) <= {"en"} else ", ".join(LANGUAGES[code] for code in codes if code in LANGUAGES)


def contact_link(contact: str) -> str:
    """The operator's contact as a link: tel:, mailto: or https: only."""
    if contact.startswith("tel:"):
        return tel(contact)
    return contact if contact.startswith("mailto:") else https(contact)
