"""A real browser goes through the real demo."""
