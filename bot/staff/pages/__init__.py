"""The pages of the console; each module registers its own when it is imported. The order is that of the navigation."""

from bot.staff.pages import account, conversations, dashboard, log, people

__all__ = ["account", "conversations", "dashboard", "log", "people"]
