"""Stored and encrypted records: frozen values, one file per kind. No I/O, no clock, no defaults that hide a decision.

Times are whole epoch seconds. Every use compares `expires_at`, because the table may hold an item longer. Sets of
scopes are frozensets of strings. Ids are lower-case hex unless a docstring says otherwise.
"""
