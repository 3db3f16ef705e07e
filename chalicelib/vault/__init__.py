"""Connections to providers and their tokens: hand-out, refresh, revocation, and connect links.

The pure decisions are in `rules`. Work that outlives its request is written to the outbox (`outbox`), and
`chalicelib.jobs` does it.
"""
