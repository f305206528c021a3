"""Measurements: the bot beside stock Rasa (`python -m bench`), and what growth costs (`python -m bench.growth`)."""
