"""The one database: its engine, its tables and its migrations."""

# Whoever imports one table has them all, so that `Base.metadata` is always complete.
import bot.database.dialogues
import bot.database.mending
import bot.database.models
import bot.database.staff  # noqa: F401
