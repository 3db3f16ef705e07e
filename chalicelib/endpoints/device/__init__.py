"""The device authorization grant (RFC 8628), as far as a browser and a device see it."""
