"""The safety screen: looks at every message before anything else does. Knows no Rasa, no store, no channel."""
