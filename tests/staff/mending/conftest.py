"""A database with some of the shipped passages, and people who mend them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.articles.load import load
from bot.articles.store import embed_missing
from bot.database.engine import make_engine, writing
from bot.database.migrate import upgrade
from bot.database.staff import StaffAccount
from bot.language.reader import Reader
from bot.settings import ROOT, Settings
from bot.staff.accounts import Accounts
from bot.staff.mending.checks import Checker, shared_checker
from bot.staff.mending.editing import Editing
from bot.staff.roles import Account, Role
from tests.staff.fixtures import Staff
from tests.web.fixtures import browser

ARTICLES = ("side-effects-bladder", "session-driving-and-work")


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two articles; everything else is as shipped."""
    folder = tmp_path_factory.mktemp("mending") / "data"
    (folder / "articles").mkdir(parents=True)
    for path in (ROOT / "data").iterdir():
        if path.name != "articles":
            (folder / path.name).symlink_to(path)
    for name in ARTICLES:
        shutil.copy(ROOT / "data" / "articles" / f"{name}.md", folder / "articles")
    return folder


@pytest.fixture(scope="session")
def small_database(small_data: Path, reader: Reader) -> Path:
    """A database with these articles and their vectors, to be copied."""
    path = small_data.parent / "small.db"
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    load(engine, small_data)
    embed_missing(engine, reader)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def own_data(small_data: Path, tmp_path: Path) -> Path:
    """The same folder for a test that changes its articles."""
    folder = tmp_path / "data"
    shutil.copytree(small_data, folder, symlinks=True)
    return folder


@pytest.fixture
def settings(tmp_path: Path, small_data: Path) -> Settings:
    environment = {
        "EVENKEEL_VAR": str(tmp_path / "var"),
        "EVENKEEL_DATA": str(small_data),
        "PUBLIC_URL": "http://bot.test",
        "SECRET_KEY": "a secret for tests",
    }
    return Settings.read(environment)


@pytest.fixture
def engine(settings: Settings, small_database: Path) -> Iterator[sa.Engine]:
    shutil.copy(small_database, settings.var / "evenkeel.db")
    engine = make_engine(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def checker() -> Checker:
    return shared_checker(ROOT / "data")


@pytest.fixture
def editing(engine: sa.Engine, checker: Checker) -> Editing:
    return Editing(engine, checker)


class People:
    """Makes accounts; without a password, which takes long and which nobody here signs in with."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def __call__(self, name: str, *roles: Role) -> Account:
        values = {"login": name.lower(), "name": name, "password_hash": "none", "roles": list(roles), "active": True}
        with writing(self._engine) as connection:
            made = connection.execute(sa.insert(StaffAccount).values(**values)).inserted_primary_key
        assert made is not None
        return Account(made[0], name.lower(), name, frozenset(roles))


@pytest.fixture
def people(engine: sa.Engine) -> People:
    return People(engine)


@pytest.fixture
def ed(people: People) -> Account:
    """An editor."""
    return people("Ed", Role.editor)


@pytest.fixture
def cleo(people: People) -> Account:
    """A clinician."""
    return people("Dr Cleo", Role.clinician)


@pytest.fixture
async def at(app: Starlette, accounts: Accounts, people: People) -> AsyncIterator[Callable[..., Staff]]:
    """Signs somebody in: `at(ed)` is their browser."""
    clients = []

    def signed_in(account: Account) -> Staff:
        client = browser(app)
        client.cookies.set("evenkeel-staff", accounts.begin(account, "Firefox on Linux"), domain="bot.test")
        clients.append(client)
        return Staff(client)

    yield signed_in
    for client in clients:
        await client.aclose()
