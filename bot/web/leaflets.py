"""Pages that are only read: articles, numbers to call, what is kept; the files that belong to them, and errors."""

from __future__ import annotations

import asyncio
import logging

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.ops.logs import describe
from bot.settings import Settings
from bot.web.helplines import read_countries
from bot.web.library import ArticlePage, Library
from bot.web.showing import Showing

_log = logging.getLogger(__name__)
_MISSING = "There is nothing at this address."
#: The article that stands on the page of numbers, and its passage for somebody who panics.
_PANIC = ("coping-right-now", "panicking-right-now")


class Leaflets:
    """The pages and their addresses."""

    def __init__(self, settings: Settings, showing: Showing, library: Library) -> None:
        self._showing, self._library = showing, library
        self._index_unreviewed = settings.index_unreviewed
        self._countries = read_countries(settings.data / "helplines.yml")

    def routes(self) -> list[Route]:
        """The pages' addresses."""
        return [
            Route("/articles", self.articles, methods=["GET"]),
            Route("/articles/{name}", self.article, methods=["GET"]),
            Route("/safety", self.safety, methods=["GET"]),
            Route("/privacy", self.privacy, methods=["GET"]),
            Route("/static/{name}", self.static, methods=["GET"]),
        ]

    async def articles(self, request: Request) -> Response:
        """All articles by topic."""
        shelves = await asyncio.to_thread(self._library.shelves)
        return self._showing.page("articles.html", shelves=shelves, headers=_lasting_minutes())

    async def article(self, request: Request) -> Response:
        """An article with its sources and dates; for search engines once it is reviewed."""
        article = await asyncio.to_thread(self._library.article, request.path_params["name"][:200])
        if article is None:
            return self.problem(404, _MISSING)
        listed = self._listed(article)
        headers = _lasting_minutes() | ({} if listed else {"X-Robots-Tag": "noindex"})
        return self._showing.page("article.html", article=article, listed=listed, headers=headers)

    async def safety(self, request: Request) -> Response:
        """Whom to call, by country, and what to do in panic."""
        article = await asyncio.to_thread(self._library.article, _PANIC[0])
        panic = next((section for section in article.sections if section.id == _PANIC[1]), None) if article else None
        return self._showing.page("safety.html", countries=self._countries, panic=panic, headers=_lasting_minutes())

    async def privacy(self, request: Request) -> Response:
        """What is kept and for how long."""
        return self._showing.page("privacy.html")

    async def static(self, request: Request) -> Response:
        """A file of the pages."""
        return self._showing.file(request, request.path_params["name"]) or self.problem(404, _MISSING)

    def problem(self, status: int, sentence: str) -> Response:
        """A calm page that says what is the matter."""
        try:
            missing = status in (404, 405)
            return self._showing.page("problem.html", status=status, missing=missing, sentence=sentence)
        except Exception as error:  # the last resort must not fail itself
            _log.error("The page for an error failed: %s", describe(error))
            return PlainTextResponse(sentence + "\n", status)

    def _listed(self, article: ArticlePage) -> bool:
        return article.reviewed or self._index_unreviewed


def _lasting_minutes() -> dict[str, str]:
    return {"Cache-Control": "public, max-age=300"}
