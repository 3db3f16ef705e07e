"""The values that a browser stores for the broker, encrypted: cookies, sessions, and the hidden fields of forms."""
