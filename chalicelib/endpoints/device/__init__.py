"""The device authorization grant (RFC 8628): the device's request and the page for its user."""
