"""Conversations: find them, read them, mark them."""
