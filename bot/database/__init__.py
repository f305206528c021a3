"""The one database: its engine, its tables and its migrations."""
