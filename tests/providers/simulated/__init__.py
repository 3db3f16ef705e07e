"""Providers that are played: every file from end to end, each manner, each fault, and what the broker makes of it."""
