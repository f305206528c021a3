"""Dialogues that are tested: saved, had again, compared, and what they reach."""
