"""The web chat widget: its sources, and how they are put together and served."""
