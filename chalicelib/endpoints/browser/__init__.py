"""What a browser carries for the broker, encrypted: cookies, sessions, and the hidden fields of forms."""
