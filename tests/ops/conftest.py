from tests.database.fixtures import database, empty_database, postgresql  # noqa: F401
from tests.steady.services import rabbitmq  # noqa: F401
from tests.web.fixtures import app, client, engine, fake_bot, settings, visitor  # noqa: F401
