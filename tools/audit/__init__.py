"""`make audit`: what is known against the locked packages, what they may be used for, what they are, and what waits."""
