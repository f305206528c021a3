"""Mending: what went wrong, the passages and sentences that put it right, and how the content is."""
