"""We are the server: what the OAuth and OpenID documents say, as pure functions.

Rules of the room: values in, values out; time comes as `now`, randomness and keys as arguments; what has not been
verified is called `unverified_...`; every refusal is an `OAuthError` with a registered code and a private reason.
"""
