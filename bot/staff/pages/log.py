"""The log of the console, for admins."""
