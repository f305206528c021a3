"""Stand-ins for the platforms: they take what the real API takes and refuse what it refuses."""
