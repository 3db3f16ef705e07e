"""What the broker remembers: frozen values, one file per kind. No I/O, no clock, no defaults that hide a decision.

Rules of the room: times are whole epoch seconds; an `expires_at` is compared on every use (the table may keep an item
longer); sets of scopes are frozensets of strings; ids are lower-case hex unless a docstring says otherwise.
"""
