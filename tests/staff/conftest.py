from tests.database.fixtures import database, empty_database, postgresql, sqlite_database  # noqa: F401
from tests.staff.fixtures import accounts, staff  # noqa: F401
from tests.web.fixtures import app, client, engine, fake_bot, settings, visitor  # noqa: F401
