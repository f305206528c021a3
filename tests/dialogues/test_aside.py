"""The bot beside the one that visitors talk to: the same model, other conversations, drafts where they are wanted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from actions import needs as given
from bot.articles.store import ArticleStore
from bot.database.engine import make_engine
from bot.database.models import DRAFT, PUBLISHED, PassageRevision
from bot.errors import EngineError, SettingError
from bot.service import Bot, Turn
from bot.settings import Settings

LEAD = "This is how a draft would say it."
ASKED = "is ketamine addictive"


async def test_conversations_stay_apart(trained_bot: Bot) -> None:
    await trained_bot.handle(Turn("apart", ASKED))
    aside = trained_bot.aside()
    (message,), reasons = await aside.explain(Turn("apart", "where does that come from"))
    assert message.kind != "answer", "it knows nothing of the other conversation"
    assert reasons.before == {} or not reasons.before.get("last_topic")
    assert reasons.steps[0]["action"]
    assert aside.model == trained_bot.model and aside.model.startswith("dialogue, 20")
    assert len([e for e in await trained_bot.events("apart") if e["event"] == "user"]) == 1
    await aside.forget("apart")
    assert await aside.events("apart") == []
    assert await trained_bot.events("apart") != []


@pytest.fixture
def copy(trained: Settings, tmp_path: Path) -> Iterator[sa.Engine]:
    """A copy of the content, which actions use meanwhile."""
    if not trained.database_url.startswith("sqlite:///"):
        pytest.skip("copies a SQLite file")
    path = tmp_path / "copy.db"
    shutil.copyfile(trained.database_url.removeprefix("sqlite:///"), path)
    engine = make_engine(f"sqlite:///{path}")
    before = given.needs()
    given.use(replace(before, store=ArticleStore(engine, before.reader)))
    yield engine
    given.use(None)
    given.drop_drafts()
    engine.dispose()


async def test_drafts_are_tried_beside_what_is_published(trained_bot: Bot, copy: sa.Engine) -> None:
    r = PassageRevision
    with copy.begin() as connection:
        row = connection.execute(
            sa.select(*r.__table__.columns).where(r.passage_id == "is-ketamine-addictive", r.state == PUBLISHED)
        ).one()
        draft = {**row._mapping, "state": DRAFT, "number": row.number + 1, "lead": LEAD}
        connection.execute(sa.insert(r).values(**{name: draft[name] for name in draft if name != "id"}))
    drafted, _ = await trained_bot.aside(drafts=True).explain(Turn("drafted", ASKED))
    published, _ = await trained_bot.aside().explain(Turn("published", ASKED))
    assert (drafted[0].passages, drafted[0].lead) == (("is-ketamine-addictive",), LEAD)
    assert published[0].passages == ("is-ketamine-addictive",) and published[0].lead != LEAD
    assert drafted[0].disclaimer


def test_what_cannot_be_tried_is_said(trained: Settings) -> None:
    with pytest.raises(SettingError, match="ACTION_ENDPOINT"):
        Bot(replace(trained, action_endpoint="http://localhost:5055/webhook")).aside(drafts=True)
    with pytest.raises(EngineError, match="not been started"):
        Bot(trained).aside()
