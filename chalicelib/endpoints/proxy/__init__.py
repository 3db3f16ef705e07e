"""Calls to a provider's API through the broker."""
