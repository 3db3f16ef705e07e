"""Other people's tokens: sealing, opening, and deciding what may be kept and handed out.

Rules of the room: values in, values out; access token, refresh token and profile are sealed apart, each bound to its
full place, so that a value copied to another row, user, attribute or generation does not open.
"""
