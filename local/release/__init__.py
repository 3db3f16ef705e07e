"""A release: its version, its notes, and everything that it publishes, in one folder."""
