"""The repository itself, as a test subject."""
