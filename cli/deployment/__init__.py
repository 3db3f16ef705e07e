"""The deployment that a command acts on: how it is found, read, and changed."""
