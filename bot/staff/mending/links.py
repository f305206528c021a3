"""Visits the addresses of sources and notes what is there. Needs a network; the console shows what was found last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.database.engine import writing
from bot.database.mending import SourceCheck
from bot.database.models import Source, now
from bot.errors import EvenkeelError

#: An address that was not visited for this long is to be visited again.
STALE_AFTER = timedelta(days=90)
#: As a browser would be named: some publishers turn other programs away.
_HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; Evenkeel link check)", "Accept": "text/html,*/*"}
_SECONDS = 20.0
#: That many addresses in a row which cannot be reached mean that there is no network.
_NO_NETWORK = 5


def check_links(
    engine: sa.Engine,
    client: httpx.Client | None = None,
    older: timedelta = STALE_AFTER,
    told: Callable[[str], None] = lambda line: None,
) -> Counter[str]:
    """Visit every address that was not visited for `older`; how many were found how.

    Raises:
        EvenkeelError: there is no network; nothing was noted.
    """
    found: Counter[str] = Counter()
    unreached: list[tuple[str, str, SourceCheck]] = []
    with client or httpx.Client(headers=_HEADERS, timeout=_SECONDS, follow_redirects=False) as visiting:
        for source, url in _due(engine, older):
            check = visit(visiting, source, url)
            if check.found == "unreachable" and not found:
                unreached.append((source, url, check))
                if len(unreached) == _NO_NETWORK:
                    raise EvenkeelError("None of the addresses can be reached: is there a network here?")
                continue
            for waiting in (*unreached, (source, url, check)):
                _note(engine, waiting[2])
                found[waiting[2].found] += 1
                told(f"{waiting[2].found:11} {waiting[0]}  {waiting[1]}")
            unreached.clear()
    for source, url, check in unreached:
        _note(engine, check)
        found[check.found] += 1
        told(f"{check.found:11} {source}  {url}")
    return found


def _due(engine: sa.Engine, older: timedelta) -> Iterator[tuple[str, str]]:
    query = (
        sa.select(Source.id, Source.url)
        .outerjoin(SourceCheck, SourceCheck.source_id == Source.id)
        .where(
            Source.url.is_not(None),
            sa.or_(SourceCheck.at.is_(None), SourceCheck.at < now() - older, SourceCheck.url != Source.url),
        )
        .order_by(Source.id)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    for row in rows:
        yield row.id, row.url


def visit(client: httpx.Client, source: str, url: str) -> SourceCheck:
    """What is at `url`: ok, moved (with where to), gone (404, 410), refused (another status) or unreachable."""
    try:
        with client.stream("GET", url) as response:  # the headers are enough
            status, place = response.status_code, response.headers.get("location")
    except httpx.HTTPError:
        return SourceCheck(source_id=source, at=now(), found="unreachable", status=None, moved_to=None, url=url)
    if status in (404, 410):
        what = "gone"
    elif place and 300 <= status < 400:
        what = "moved"
    else:
        what = "ok" if status < 300 else "refused"
    moved_to = str(httpx.URL(url).join(place))[:1000] if what == "moved" and place else None
    return SourceCheck(source_id=source, at=now(), found=what, status=status, moved_to=moved_to, url=url)


def _note(engine: sa.Engine, check: SourceCheck) -> None:
    with writing(engine) as connection, Session(connection) as session:
        session.merge(check)
        session.commit()
