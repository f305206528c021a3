"""The article store: shipped files into the database and back, checks of their words, and the search over them."""
