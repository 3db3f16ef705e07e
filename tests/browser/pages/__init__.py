"""The hosted pages: what they show, what they never do, and that they can be read."""
