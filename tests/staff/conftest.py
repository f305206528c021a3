from tests.staff.fixtures import accounts, staff  # noqa: F401
from tests.web.fixtures import app, client, engine, fake_bot, settings, visitor  # noqa: F401
