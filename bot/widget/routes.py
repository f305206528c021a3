"""The widget's addresses: its files, for pages anywhere, and a page that shows its variants."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.settings import Settings
from bot.web.helplines import read_helplines
from bot.web.middleware import WIDGET_POLICY
from bot.web.refusals import as_json
from bot.web.showing import Showing, file_response, version
from bot.widget.assemble import ENTRY, Bundle, assemble

#: Scripts of other origins are fetched with CORS. There is nothing private in these files.
_FOR_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


class Widget:
    """Serves what `assemble` made at the start."""

    def __init__(self, settings: Settings, showing: Showing) -> None:
        self._settings, self._showing = settings, showing
        helplines = read_helplines(settings.data / "helplines.yml")
        self.bundle: Bundle = assemble(helplines, settings.retention_days, settings.operator_country)
        self._version = version(self.bundle.files[ENTRY].content)
        showing.set(widget=f"/widget/{ENTRY}?v={self._version}", widget_integrity=self.bundle.integrity)

    def routes(self) -> list[Route]:
        """The addresses under /widget."""
        return [
            Route("/widget/demo", self.demo, methods=["GET"]),
            Route("/widget/{name}", self.file, methods=["GET"]),
        ]

    async def file(self, request: Request) -> Response:
        """A file of the widget."""
        file = self.bundle.files.get(request.path_params["name"])
        if file is None:
            return as_json(404, "not_found", "There is nothing at this address.", _FOR_ALL)
        lasting = file.lasting or request.query_params.get("v") == self._version
        return file_response(request, file.content, file.media_type, lasting=lasting, more=_FOR_ALL)

    async def demo(self, request: Request) -> Response:
        """The variants, and what to copy."""
        return self._showing.page(
            "demo.html",
            headers={"Content-Security-Policy": WIDGET_POLICY, "X-Robots-Tag": "noindex"},
            address=f"{self._settings.public_url}/widget/{ENTRY}",
        )
