"""Pages that are only read: articles, numbers to call, and what search engines may list."""

from __future__ import annotations

import httpx
import pytest
import sqlalchemy as sa

from bot.app import build
from bot.articles.load import load
from bot.database.models import PUBLISHED, RETIRED, PassageRevision
from bot.settings import Settings
from bot.web.helplines import read_countries
from bot.web.library import Library
from tests.web.fixtures import FakeBot, browser, changed
from tests.web.test_pages import Reader, read

ARTICLE = "/articles/panic-basics"


@pytest.fixture
def content(engine: sa.Engine, settings: Settings) -> sa.Engine:
    """The database with the shipped articles."""
    load(engine, settings.data)
    return engine


def set_reviews(engine: sa.Engine, **values: str | None) -> None:
    with engine.begin() as connection:
        connection.execute(sa.update(PassageRevision).values(**values))


async def test_the_list_of_articles(client: httpx.AsyncClient, content: sa.Engine, settings: Settings) -> None:
    files = {f"/articles/{path.stem}" for path in (settings.data / "articles").glob("*.md")}
    for path in ("/articles", "/"):
        page = await read(client, path)
        links = [link["href"] for link in page.all("a") if str(link["href"]).startswith("/articles/")]
        assert len(links) == len(set(links)) and set(links) == files
        assert page.text.index("About ketamine") < page.text.index("Side effects") < page.text.index("Getting help")


async def test_every_article_can_be_read(client: httpx.AsyncClient, content: sa.Engine) -> None:
    for link in (await read(client, "/articles")).all("a"):
        if str(link["href"]).startswith("/articles/"):
            page = await read(client, str(link["href"]))
            assert "Sources" in page.text and "reviewed" in page.text and len(page.all("h1")) == 1
            ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
            assert len(ids) == len(set(ids))


async def test_an_article(client: httpx.AsyncClient, content: sa.Engine) -> None:
    response = await client.get(ARTICLE)
    page = Reader(response.text)
    for words in ("What panic attacks are", "What a panic attack is", "sudden wave of strong fear", "Not yet reviewed"):
        assert words in page.text
    assert page.all("time")[0]["datetime"] and "Updated" in page.text
    assert "This is information, not medical advice" in page.text
    assert response.headers["Cache-Control"] == "public, max-age=300" and "Set-Cookie" not in response.headers


async def test_only_what_is_published_is_shown(client: httpx.AsyncClient, content: sa.Engine) -> None:
    with content.begin() as connection:
        connection.execute(
            sa.update(PassageRevision)
            .where(PassageRevision.passage_id == "what-is-a-panic-attack", PassageRevision.state == PUBLISHED)
            .values(state=RETIRED)
        )
    assert "sudden wave" not in (await read(client, ARTICLE)).text
    set_reviews(content, state=RETIRED)
    assert (await client.get(ARTICLE)).status_code == 404
    assert "/articles/" not in (await client.get("/articles")).text


@pytest.mark.parametrize("name", ["nothing", "%2e%2e%2fapp", "x" * 5000, "<script>", "a b"])
async def test_no_such_article(client: httpx.AsyncClient, content: sa.Engine, name: str) -> None:
    response = await client.get(f"/articles/{name}")
    assert response.status_code == 404 and "<script>" not in response.text


# -- search engines ------------------------------------------------------------------------------------------------


def is_listed(response: httpx.Response) -> bool:
    in_page = any(tag.get("content") == "noindex" for tag in Reader(response.text).all("meta"))
    assert in_page == (response.headers.get("X-Robots-Tag") == "noindex")
    return not in_page


async def test_an_article_is_for_search_engines_once_it_is_reviewed(
    client: httpx.AsyncClient, content: sa.Engine
) -> None:
    assert not is_listed(await client.get(ARTICLE))
    set_reviews(content, review_state="reviewed", review_on="2026-11-01", review_by="Dr A. Example")
    response = await client.get(ARTICLE)
    assert is_listed(response) and "Reviewed by Dr A. Example on 2026-11-01." in response.text


async def test_a_review_that_is_due_is_said(client: httpx.AsyncClient, content: sa.Engine) -> None:
    set_reviews(content, review_state="reviewed", review_on="2020-01-01", review_due="2021-01-01")
    response = await client.get(ARTICLE)
    assert is_listed(response) and "a new review is due" in response.text


async def test_one_passage_that_is_not_reviewed_keeps_the_article_out(
    client: httpx.AsyncClient, content: sa.Engine
) -> None:
    set_reviews(content, review_state="reviewed", review_on="2026-11-01")
    with content.begin() as connection:
        one = PassageRevision.passage_id == "what-is-a-panic-attack"
        connection.execute(sa.update(PassageRevision).where(one).values(review_state="unreviewed"))
    assert not is_listed(await client.get(ARTICLE))


async def test_an_operator_may_have_them_listed(settings: Settings, content: sa.Engine, fake_bot: FakeBot) -> None:
    async with browser(build(changed(settings, index_unreviewed=True), fake_bot, content)) as client:
        response = await client.get(ARTICLE)
        assert is_listed(response) and "Not yet reviewed" in response.text


# -- numbers -------------------------------------------------------------------------------------------------------


async def test_numbers_by_country(client: httpx.AsyncClient, content: sa.Engine) -> None:
    page = await read(client, "/safety")
    links = {str(link.get("href")) for link in page.all("a")}
    assert {"tel:911", "tel:999", "tel:000", "tel:988", "sms:741741?body=HOME", "#GB"} <= links
    assert "I'm panicking right now" in page.text and "England" in page.text
    assert {section.get("id") for section in page.all("section")} >= {"US", "GB", "IE", "AU", "NZ", "IN", "EU", "INTL"}


async def test_numbers_without_articles_and_without_data(
    client: httpx.AsyncClient,
    settings: Settings,
    engine: sa.Engine,
    fake_bot: FakeBot,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    assert "panicking" not in (await read(client, "/safety")).text
    empty = changed(settings, data=tmp_path_factory.mktemp("empty"))
    async with browser(build(empty, fake_bot, engine)) as other:
        assert "call" in (await read(other, "/safety")).text
        assert (await other.get("/widget/chat-widget.js")).status_code == 200


def test_a_service_says_for_whom_it_is(settings: Settings) -> None:
    countries = {country.code: country for country in read_countries(settings.data / "helplines.yml")}
    emergency = countries["GB"].emergency[0]
    assert (emergency.contact.call, emergency.contact.country, emergency.whom) == ("999", "United Kingdom", None)
    assert countries["GB"].poison[0].region == "England"


def test_an_empty_library(engine: sa.Engine) -> None:
    library = Library(engine)
    assert library.shelves() == () and library.article("panic-basics") is None
