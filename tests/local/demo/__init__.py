"""The demo app: what its server sends, and what it refuses to believe."""
