"""The measurements' own arithmetic; nothing here measures anything."""
