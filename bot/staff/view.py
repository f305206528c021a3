"""Turns pages of the console into HTML."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.settings import Settings
from bot.staff.addresses import PREFIX
from bot.staff.console import PAGES, Page
from bot.staff.roles import MEANING, Account, Role
from bot.staff.words import CATEGORIES, CHANNELS, KINDS, language_name
from bot.web.middleware import WIDGET_POLICY
from bot.web.showing import file_response, https, tel, version

_HERE = Path(__file__).parent
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
#: The order of the areas in the navigation; one that is not named here comes last.
_AREAS = ("See", "Test", "Mend", "Manage")


class View:
    """Renders templates with what stands on all pages, and serves the files that belong to them."""

    def __init__(self, settings: Settings) -> None:
        self._files = {
            path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir()) if path.suffix in _TYPES
        }
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            moment=moment, day=day, https=https, tel=tel, channel=channel, language=language_name, kind=kind,
            category=category,
        )  # fmt: skip
        self._templates.globals.update(
            asset=lambda name: f"{PREFIX}/static/{name}?v={version(self._files[name])}",
            retention_days=settings.retention_days,
            meaning=MEANING,
            Role=Role,
        )

    def page(self, page: Page, request: Request, *, title: str, staff: Account | None, **shown: Any) -> Response:
        """The page as HTML, under the policy that lets no foreign script or style in."""
        html = self._templates.get_template(page.template).render(
            staff=staff,
            title=page.heading or title,
            areas=navigation(staff) if staff else [],
            path=request.url.path,
            **shown,
            **page.context,
        )
        return HTMLResponse(html, page.status, {"Content-Security-Policy": WIDGET_POLICY})

    def file(self, request: Request) -> Response | None:
        """The file of the console that was asked for, or None."""
        name = request.path_params["name"]
        content = self._files.get(name)
        if content is None:
            return None
        lasting = request.query_params.get("v") == version(content)
        return file_response(request, content, _TYPES[Path(name).suffix], lasting=lasting)


def navigation(staff: Account) -> list[tuple[str, list[tuple[str, str]]]]:
    """The areas with the pages that `staff` may see in each, as (address, title)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for page in PAGES:
        if page.nav and staff.may(*page.roles):
            found.setdefault(page.nav, []).append((PREFIX + page.path.rstrip("/"), page.title))
    order = {area: place for place, area in enumerate(_AREAS)}
    return sorted(found.items(), key=lambda area: order.get(area[0], len(order)))


def moment(at: datetime | None) -> str:
    """A moment for people: 22 Nov 2026, 14:05 UTC; a dash for none."""
    return "–" if at is None else f"{at.day} {at:%b %Y, %H:%M} UTC"


def day(at: datetime | None) -> str:
    """A day for people: 22 Nov 2026; a dash for none."""
    return "–" if at is None else f"{at.day} {at:%b %Y}"


def channel(name: str) -> str:
    """A channel in words."""
    return CHANNELS.get(name, name)


def kind(name: str) -> str:
    """A kind of reply in words."""
    return KINDS.get(name, name)


def category(name: str) -> str:
    """A category of danger or refusal in words."""
    return CATEGORIES.get(name, name)
