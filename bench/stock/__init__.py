"""The peer: Rasa 3.6.21 as published, in an environment of its own."""
