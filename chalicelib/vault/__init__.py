"""Connections to providers and their tokens: handed out, refreshed exactly once, revoked, and connected by links.

The decisions, which are pure, are in `rules`. Work that outlives its request is written to the outbox (`outbox`) and
done by `chalicelib.jobs`.
"""
