"""The bot at the terminal."""
