from tests.database.fixtures import database, empty_database, postgresql, sqlite_database  # noqa: F401
